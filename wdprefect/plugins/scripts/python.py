"""`io.kestra.plugin.scripts.python`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from wdprefect.model.context import RunContext
from wdprefect.model.node import Bool, Many, Text
from wdprefect.model.ports import Session
from wdprefect.plugins.scripts._language import PYTHON
from wdprefect.plugins.scripts._script import CommandsTask, ScriptTask, SourceTask
from wdprefect.plugins.scripts._shell_text import Surroundings

if TYPE_CHECKING:  # as where it is imported
    from wdprefect.plugins.scripts._dependencies import Dependencies

_ON_PYTHON_PATH = Path(__file__).parent / "_on_python_path"
_UV_IS_THERE = "leave it out: uv comes with wdprefect"


class _PythonTask(ScriptTask):
    unsupported: ClassVar[Mapping[str, str]] = {
        **ScriptTask.unsupported,
        "uvAutoInstallEnabled": _UV_IS_THERE,
        "uvInstallerVersion": _UV_IS_THERE,
        "uvInstallerSha256": _UV_IS_THERE,
    }
    language = PYTHON

    dependencies: Many[Text] | None = None
    python_version: Text | None = None
    package_manager: Literal["UV", "PIP"] = "UV"
    dependency_cache_enabled: Bool = True

    def surroundings(self, ctx: RunContext, session: Session, env: Mapping[str, str], scratch: Path) -> Surroundings:
        if session.image is not None:
            return self._in_image(ctx, session.image, env, scratch)
        if self.dependencies or self.python_version:
            return self._in_environment(ctx, env, scratch)
        return Surroundings(PYTHON.variables, last={"PYTHONPATH": str(_ON_PYTHON_PATH)})

    def _in_environment(self, ctx: RunContext, env: Mapping[str, str], scratch: Path) -> Surroundings:
        from wdprefect.plugins.scripts._dependencies import environment  # saves 15 ms for tasks without any

        folder = environment(self._wanted(), ctx, env, scratch)
        # The environment is others' too: what the task itself installs lies in a folder of its own.
        own = scratch / "pip"
        variables = {**PYTHON.variables, "VIRTUAL_ENV": str(folder), "PIP_TARGET": str(own)}
        first = {"PATH": f"{own / 'bin'}:{folder / 'bin'}", "PYTHONPATH": str(own)}
        return Surroundings(variables, first, {"PYTHONPATH": str(_ON_PYTHON_PATH)})

    def _in_image(self, ctx: RunContext, image: str, env: Mapping[str, str], scratch: Path) -> Surroundings:
        # A container sees what lies in the scratch directory.
        helper = shutil.copytree(_ON_PYTHON_PATH, scratch / "python", ignore=shutil.ignore_patterns("__pycache__"))
        first = {}
        if self.dependencies:
            from wdprefect.plugins.scripts._dependencies import packages  # as above

            first["PYTHONPATH"] = str(packages(self._wanted(), image, ctx, env, scratch))
        return Surroundings(PYTHON.variables, first, {"PYTHONPATH": str(helper)})

    def _wanted(self) -> Dependencies:
        from wdprefect.plugins.scripts._dependencies import Dependencies  # as above
        from wdprefect.plugins.scripts._requirements import normalised  # as above

        by_pip, requirements = self.package_manager == "PIP", normalised(self.dependencies or [])
        return Dependencies(requirements, self.python_version, by_pip, self.dependency_cache_enabled)


class Commands(_PythonTask, CommandsTask):
    """Run shell commands, with Python among them.

    - `dependencies`: requirements as pip takes them. They are installed into an environment of their own, without the
      packages of this machine, which is kept in the user's cache (`WDPREFECT_CACHE` names another folder) for all tasks
      with the same dependencies: for good when each names its version by `==`, otherwise for a day. In a container
      they are put on `PYTHONPATH`, made for the version of Python that the name of the image says.
    - `pythonVersion`: such as `"3.12"`, in quotes. As a process the task runs in that Python, which is fetched if this
      machine has none; in a container it says what the image has.
    - `packageManager`: `UV`, or `PIP` for requirements that uv does not take.
    - `dependencyCacheEnabled`: `false` makes the environment for this task alone.

    Where packages come from is said by variables, of the worker or in `env`: `UV_DEFAULT_INDEX`, `UV_INDEX`,
    `UV_FIND_LINKS`, or pip's `PIP_INDEX_URL`, `PIP_EXTRA_INDEX_URL`, `PIP_FIND_LINKS`.

    `from kestra import Kestra` works without a dependency: `Kestra.outputs`, `counter`, `timer`, `gauge`, `logger`.
    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: python-commands
    namespace: company.team
    tasks:
      - id: version
        type: io.kestra.plugin.scripts.python.Commands
        inputFiles:
          main.py: |
            from kestra import Kestra
            Kestra.outputs({"sum": sum([1, 2, 3])})
        commands:
          - python main.py
    ```
    """


class Script(_PythonTask, SourceTask):
    """Run a Python script. It can import modules that lie in the working directory.

    `true`, `false` and `null` mean True, False and None, so that rendered JSON can stand in it. The other properties
    are those of `io.kestra.plugin.scripts.python.Commands`, among them `dependencies`.

    ```yaml
    id: python-script
    namespace: company.team
    tasks:
      - id: sum
        type: io.kestra.plugin.scripts.python.Script
        script: |
          from kestra import Kestra
          Kestra.outputs({"sum": sum([1, 2, 3])})
    ```
    """
