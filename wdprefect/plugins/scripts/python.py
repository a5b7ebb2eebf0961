"""`io.kestra.plugin.scripts.python`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from wdprefect.model.context import RunContext
from wdprefect.model.node import Late, Text
from wdprefect.model.ports import Session
from wdprefect.plugins.scripts._script import Lines, ScriptTask, rendered_lines

# Lines show up as they are printed; pip does not talk about root and about itself.
_VARIABLES = {"PYTHONUNBUFFERED": "true", "PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}

# Runs a script as `python script.py` would, but with the working directory as the place that imports come from, and
# with the words of JSON, of which rendered expressions are full. The script's lines keep their numbers in tracebacks.
_LAUNCHER = """\
import builtins, os, sys
builtins.true, builtins.false, builtins.null = True, False, None
sys.path[0] = os.getcwd()
__file__ = sys.argv[0] = {path!r}
with open(__file__, "rb") as file:
    code = compile(file.read(), __file__, "exec")
del builtins, os, sys, file
exec(globals().pop("code"))
"""


class Commands(ScriptTask):
    """Run shell commands, with Python among them.

    ```yaml
    id: python-commands
    namespace: company.team
    tasks:
      - id: version
        type: io.kestra.plugin.scripts.python.Commands
        commands:
          - python3 -c "print('hello')"
    ```
    """

    default_image = "python:3.13-slim"

    commands: Lines

    def lines(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> list[str]:  # noqa: ARG002  no file is needed
        return rendered_lines(self.commands, ctx, seen)

    def variables(self, session: Session) -> dict[str, str]:  # noqa: ARG002  the same everywhere
        return _VARIABLES


class Script(ScriptTask):
    """Run a Python script. It can import modules that lie in the working directory.

    `true`, `false` and `null` mean True, False and None, so that rendered JSON can stand in it.

    ```yaml
    id: python-script
    namespace: company.team
    tasks:
      - id: sum
        type: io.kestra.plugin.scripts.python.Script
        script: |
          import json
          print("::" + json.dumps({"outputs": {"sum": sum([1, 2, 3])}}) + "::")
    ```
    """

    default_image = "python:3.13-slim"

    script: Late[Text]

    def lines(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> list[str]:
        path, launcher = scratch / "script.py", scratch / "launch.py"
        scratch.mkdir(exist_ok=True)
        path.write_text(ctx.render.text(self.script, seen), encoding="utf-8")
        launcher.write_text(_LAUNCHER.format(path=str(path)), encoding="utf-8")
        # An environment that beforeCommands activated wins.
        return [f'"${{VIRTUAL_ENV:+$VIRTUAL_ENV/bin/}}python" {shlex.quote(str(launcher))}']

    def variables(self, session: Session) -> dict[str, str]:  # noqa: ARG002  as above
        return _VARIABLES
