"""The dependencies of Python tasks: installed once, kept by what they are."""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.plugins.scripts.installing import environments, installed, metrics, said
from tests.plugins.scripts.test_python import python
from tests.running import CORE, SCRIPTS, flow_of, messages, run_tasks
from tests.servers.wheels import make_wheel
from wdprefect.api import run


def test_installed(wheels: Path) -> None:
    """The script runs in an environment of its own with what it asks for, made in the cache."""
    execution = installed(["acme-two"])

    (folder,) = environments(wheels)
    assert ("SUCCESS", [f"1.0 {folder}"]) == (execution.state, said(execution))
    assert messages(execution, "a", "INFO")[0].startswith("made the environment of 1 dependency in ")
    assert any("acme-two==2.0" in line for line in messages(execution, "a", "DEBUG"))
    assert 1 == metrics(execution)["deps.cache.miss"]
    assert metrics(execution)["deps.install.duration"] > 0


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(["acme-two>=1,<3", "acme-one"], id="the same"),
        pytest.param(["acme-one", "acme-two>=1,<3"], id="in another order"),
        pytest.param(["Acme_Two < 3, >= 1  # why", "acme.one", "acme-one", ""], id="spelled otherwise"),
        pytest.param("{{ ['acme-two>=1,<3', 'acme-one'] }}", id="by an expression"),
    ],
)
def test_kept(wheels: Path, again: object) -> None:
    """What asks for the same gets the environment that is there."""
    first = installed(["acme-two>=1,<3", "acme-one"])

    second = installed(again)

    assert ("SUCCESS", said(first)) == (second.state, said(second))
    assert {"deps.cache.hit": 1} == metrics(second)
    assert ["the environment of 2 dependencies was there already"] == messages(second, "a", "DEBUG")


@pytest.mark.parametrize(
    ("dependencies", "more"),
    [
        pytest.param(["acme-one", "acme-two"], "", id="another dependency"),
        pytest.param(["acme-one==1.0"], "", id="another version"),
        pytest.param(["acme-one"], "packageManager: PIP", id="another program"),
        pytest.param(["acme-one"], "env: {UV_EXCLUDE_NEWER: '2999-01-01'}", id="another source"),
    ],
)
def test_apart(wheels: Path, dependencies: list[str], more: str) -> None:
    """What asks for something else gets another environment."""
    executions = [installed(["acme-one"]), installed(dependencies, more)]

    assert ["SUCCESS", "SUCCESS"] == [each.state for each in executions]
    assert 2 == len(environments(wheels))


def test_commands(wheels: Path) -> None:
    """The `python` of commands is that of the environment, and so are its programs and `pip`."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.python.Commands
          dependencies: [acme-one]
          commands:
            - python -c "import acme_one; print(acme_one.VERSION)"
            - dirname "$(command -v python)"; dirname "$(command -v pip)"; echo "$VIRTUAL_ENV"
        """)

    (folder,) = environments(wheels)
    assert ["1.0", f"{folder}/bin", f"{folder}/bin", str(folder)] == said(execution)


def test_own_packages(wheels: Path) -> None:
    """What a task installs itself is there for it, and for no other that shares its environment."""
    execution = run_tasks(
        python("import acme_two, acme_one", "dependencies: [acme-one]\nbeforeCommands: [pip install -q acme-two]")
        + python("import acme_two", "dependencies: [acme-one]").replace("id: a", "id: b")
    )

    assert ["SUCCESS", "FAILED"] == [each.state for each in execution.task_runs]
    assert "ModuleNotFoundError: No module named 'acme_two'" in messages(execution, "b", "ERROR")
    assert 1 == len(environments(wheels))


def test_environment_of_before_commands(wheels: Path) -> None:
    """An environment that beforeCommands activate wins over that of the dependencies."""
    more = "beforeCommands: ['python3 -m venv --without-pip own', '. own/bin/activate']"

    execution = installed(["acme-one"], more, "import os, sys; print(os.path.basename(sys.prefix))")

    assert ["own"] == said(execution)


@pytest.mark.parametrize(
    ("inherited", "env", "expected"),
    [
        pytest.param(None, "{}", [], id="none"),
        pytest.param("/theirs", "{}", ["/theirs"], id="of this process"),
        pytest.param("/theirs", "{PYTHONPATH: /mine}", ["/mine"], id="of the task"),
    ],
)
def test_python_path(monkeypatch: pytest.MonkeyPatch, inherited: str | None, env: str, expected: list[str]) -> None:
    """A PYTHONPATH that is there stays, and nothing stands before it."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if inherited:
        monkeypatch.setenv("PYTHONPATH", inherited)

    execution = run_tasks(
        python("import os; print(*os.environ['PYTHONPATH'].split(':')[:-1], sep='\\n')", f"env: {env}")
    )

    assert (expected or [""]) == messages(execution, "a", "INFO")


@pytest.mark.parametrize(
    ("dependencies", "age", "is_renewed"),
    [
        pytest.param(["acme-one"], timedelta(hours=23), False, id="for a day"),
        pytest.param(["acme-one"], timedelta(hours=25), True, id="and no longer"),
        pytest.param(["acme-one==1.*"], timedelta(hours=25), True, id="a version with a star is open"),
        pytest.param(["acme-one==1.0"], timedelta(days=1000), False, id="a version that is given holds"),
    ],
)
def test_renewed(wheels: Path, dependencies: list[str], age: timedelta, is_renewed: bool) -> None:  # noqa: FBT001  a column
    """Versions that are left open are chosen anew after a day; a running program keeps what it has."""
    installed(dependencies)
    let_pass(wheels, age)

    execution = installed(dependencies)

    assert is_renewed == ("deps.cache.miss" in metrics(execution))
    assert (2 if is_renewed else 1) == len(environments(wheels))


def let_pass(wheels: Path, age: timedelta) -> None:
    """Let what was kept look older."""
    (current,) = wheels.parent.glob("cache/python/*/current")
    moment = time.time() - age.total_seconds()
    os.utime(current, (moment, moment))


def test_renewed_without_a_source(wheels: Path) -> None:
    """Where they cannot be had any more, those of before are used, with a warning."""
    first = installed(["acme-one"])
    let_pass(wheels, timedelta(hours=25))
    (wheels / "acme_one-1.0-py3-none-any.whl").unlink()

    second = installed(["acme-one"])

    assert ("SUCCESS", said(first)) == (second.state, said(second))
    (warning,) = messages(second, "a", "WARN")
    assert warning.startswith("cannot install the dependency 'acme-one'")
    assert warning.endswith("those of an earlier run are used, which should be made anew each day")


def test_broken(wheels: Path) -> None:
    """An environment whose Python is gone is made anew."""
    installed(["acme-one==1.0"])
    (folder,) = environments(wheels)
    (folder / "bin" / "python").unlink()

    assert ("SUCCESS", 1) == (
        (execution := installed(["acme-one==1.0"])).state,
        metrics(execution)["deps.cache.miss"],
    )


def test_not_kept(wheels: Path) -> None:
    """Without the cache the environment is the task's alone, and goes with it."""
    execution = installed(["acme-one"], "dependencyCacheEnabled: false")

    assert ("SUCCESS", "environment") == (execution.state, Path(said(execution)[0].split()[1]).name)
    assert [] == environments(wheels)


def test_by_pip(wheels: Path) -> None:
    """With PIP the environment's own pip installs."""
    execution = installed(["acme-two"], "packageManager: PIP")

    assert "SUCCESS" == execution.state
    assert any(line.startswith("Successfully installed") for line in messages(execution, "a", "DEBUG"))


def test_at_once(wheels: Path) -> None:
    """Two tasks that ask for the same at the same time get one environment."""
    task = "{{id: {0}, type: {1}.python.Commands, dependencies: [acme-one], commands: ['echo $VIRTUAL_ENV']}}"
    execution = run_tasks(
        f"- id: both\n  type: {CORE}.flow.Parallel\n  tasks:\n"
        + "\n".join(f"    - {task.format(name, SCRIPTS)}" for name in ("a", "b"))
    )

    (folder,) = environments(wheels)
    assert ("SUCCESS", 2) == (execution.state, messages(execution).count(str(folder)))


def test_version(wheels: Path) -> None:
    """`pythonVersion` is the Python of a process, also without dependencies."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    script = "import sys; print(*sys.version_info[:2], sep='.'); print(sys.prefix)"

    execution = run_tasks(python(script, f"pythonVersion: '{version}'"))

    assert [version, str(environments(wheels)[0])] == said(execution)


def test_settings_of_a_repository(wheels: Path) -> None:
    """Settings that lie in the working directory say nothing: whoever wrote them may be anybody."""
    # What uv reads and does not understand ends it.
    more = "inputFiles: {uv.toml: '= broken', pyproject.toml: '= broken'}"

    assert "SUCCESS" == installed(["acme-one"], more).state


@pytest.mark.parametrize("manager", ["UV", "PIP"])
def test_modules_of_a_repository(wheels: Path, manager: str) -> None:
    """Modules that lie in the working directory are not run by what installs."""
    files = "inputFiles: {platform.py: 'x =', sysconfig.py: 'x =', pip/__main__.py: 'x =', pip/__init__.py: ''}"
    more = f"{files}\npackageManager: {manager}"

    assert ("SUCCESS", ["ran"]) == ((execution := installed(["acme-one"], more, "print('ran')")).state, said(execution))


def test_a_password_in_an_address(wheels: Path) -> None:
    """A secret in a requirement is hidden in what is said of it, and stands in no file of the cache."""
    wheel = make_wheel(wheels / "hidden-word", "acme-three", "3.0", {"acme_three.py": ""})
    address = f"acme-three @ file://{wheels}/{{{{ secret('PART') }}}}/{wheel.name}"
    flow = flow_of(python("import acme_three", f'dependencies: ["{address}"]'))

    execution = run(flow, engine="local", secrets={"PART": "hidden-word"})

    assert "SUCCESS" == execution.state
    assert not any("hidden-word" in line for line in messages(execution))
    ours = [path for path in wheels.parent.glob("cache/python/*/*") if path.is_file()]
    assert not any(b"hidden-word" in path.read_bytes() for path in ours)
