"""`from kestra import Kestra`: what a Python script can say without installing anything."""

from __future__ import annotations

import importlib.util
import sys
import textwrap
from datetime import datetime, timezone
from pathlib import Path
from types import ModuleType

import pytest

import wdprefect.plugins.scripts.python as python_tasks
from tests.plugins.scripts.test_python import python
from tests.running import SCRIPTS, messages, run_tasks
from tests.servers.wheels import make_wheel

FILE = Path(python_tasks.__file__).parent / "_on_python_path" / "kestra.py"


@pytest.fixture
def module() -> ModuleType:
    """The module, in this process."""
    spec = importlib.util.spec_from_file_location("the_module", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(
            "counter('n', 1, {'k': 'v'})",
            '::{"metrics": [{"name": "n", "type": "counter", "value": 1, "tags": {"k": "v"}}]}::',
            id="counter",
        ),
        pytest.param("outputs({'x': 1})", '::{"outputs": {"x": 1}}::', id="outputs"),
        pytest.param(
            "timer('t', 2)", '::{"metrics": [{"name": "t", "type": "timer", "value": 2, "tags": {}}]}::', id="timer"
        ),
        pytest.param(
            "gauge('g', 1.5)", '::{"metrics": [{"name": "g", "type": "gauge", "value": 1.5, "tags": {}}]}::', id="gauge"
        ),
        pytest.param("assets({'a': []})", '::{"assets": {"a": []}}::', id="assets"),
    ],
)
def test_lines(module: ModuleType, capsys: pytest.CaptureFixture[str], call: str, expected: str) -> None:
    """Each call prints one line, as the package of Kestra does."""
    eval(f"Kestra.{call}", vars(module))  # noqa: S307  a table of calls

    assert f"{expected}\n" == capsys.readouterr().out


def test_format(module: ModuleType) -> None:
    """The line can be had without being printed; a line end in a text does not break it."""
    assert '::{"outputs": {"a": "b\\nc"}}::' == module.Kestra.format({"outputs": {"a": "b\nc"}})


def test_members(module: ModuleType) -> None:
    """It has what the package of Kestra has."""
    members = ["assets", "counter", "format", "gauge", "logger", "outputs", "read", "timer"]
    assert members == sorted(name for name in vars(module.Kestra) if name[0] != "_")


def test_what_is_not_there(module: ModuleType) -> None:
    """What only the package of Kestra has is refused with the way to it."""
    with pytest.raises(
        ImportError, match=r"^Flow talks to a server of Kestra: add the package kestra to 'dependencies'$"
    ):
        module.Flow  # noqa: B018  asking is what fails
    assert not hasattr(module, "Other")


def test_logger(module: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """Records are lines of the log's levels, warnings and worse on standard error, each with its time."""
    logger = module.Kestra.logger()
    assert logger is module.Kestra.logger(), "there is one"
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)("hello %s", "you")
    logger.log(5, "below")
    logger.log(25, "between")

    said = capsys.readouterr()
    levels = [
        [line.split('"level": "')[1].split('"')[0] for line in text.splitlines()] for text in (said.out, said.err)
    ]
    assert [["DEBUG", "INFO", "TRACE"], ["WARN", "ERROR", "ERROR"]] == levels
    first = said.out.splitlines()[0]
    assert first.endswith(' - hello you"}]}::')
    moment = first.split('"message": "')[1].split(" - ")[0]
    assert datetime.now(timezone.utc).date() == datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%f%z").date()


def test_read(module: ModuleType, tmp_path: Path) -> None:
    """A file in Amazon Ion is a list of records."""
    file = tmp_path / "rows.ion"
    file.write_text('{name: "Ada", born: 1815-12-10T00:00:00Z}\n{name: "Grace", rows: [1, 2]}\n')

    ada, grace = module.Kestra.read(str(file))

    assert {"name": "Grace", "rows": [1, 2]} == grace
    assert ("Ada", 1815) == (ada["name"], ada["born"].year)


def test_read_without_ion(module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package for Ion is missing, the error says how to get it."""
    # None in sys.modules is Python's way to say that there is no such module.
    monkeypatch.setitem(sys.modules, "amazon.ion.simpleion", None)
    with pytest.raises(ImportError, match=r"^Kestra\.read needs the package amazon\.ion: add it to 'dependencies'$"):
        module.Kestra.read("rows.ion")


SCRIPT = """
    from kestra import Kestra
    import time
    Kestra.outputs({"test": "value", "int": 2, "bool": True, "float": 3.65})
    Kestra.counter("rows", 3)
    Kestra.counter("rows", 4)
    Kestra.timer("nap", lambda: time.sleep(1.1))
    Kestra.logger().info("hello")
    Kestra.logger().warning("hm")
    """


@pytest.mark.parametrize(
    "task",
    [
        pytest.param(python(SCRIPT), id="Script"),
        pytest.param(
            f"- id: a\n  type: {SCRIPTS}.python.Commands\n  commands: [python main.py]\n"
            f"  inputFiles:\n    main.py: |\n{textwrap.indent(SCRIPT, '    ')}",
            id="Commands",
        ),
    ],
)
def test_in_a_task(task: str) -> None:
    """What a script says arrives as values with their types, metrics in seconds, and lines of the log."""
    execution = run_tasks(task)

    assert {"test": "value", "int": 2, "bool": True, "float": 3.65} == execution.task_outputs["a"]["vars"]
    found = {metric.name: (metric.kind, metric.value) for metric in execution.task_runs[0].metrics}
    assert ("counter", 7) == found["rows"]
    assert 1.1 == pytest.approx(found["nap"][1], abs=0.5)
    logged = [messages(execution, "a", level)[0].partition(" - ")[2] for level in ("INFO", "WARN")]
    assert ["hello", "hm"] == logged


WHO = "import kestra; print(kestra.WHO if hasattr(kestra, 'WHO') else 'ours')"


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param("", "ours", id="nothing is installed"),
        pytest.param("dependencies: [kestra]", "installed", id="a dependency"),
        pytest.param("inputFiles: {kestra.py: WHO = 'beside'}", "beside", id="a file of the working directory"),
        pytest.param(
            "env: {PYTHONPATH: '{{ workingDir }}/lib'}\ninputFiles: {lib/kestra/__init__.py: WHO = 'path'}",
            "path",
            id="a package on the task's PYTHONPATH",
        ),
    ],
)
def test_gives_way(wheels: Path, more: str, expected: str) -> None:
    """A package of that name, wherever it is, is the one that is imported."""
    make_wheel(
        wheels,
        "kestra",
        "1.0",
        {"kestra/__init__.py": "from kestra.who import WHO", "kestra/who.py": "WHO = 'installed'"},
    )
    execution = run_tasks(python(WHO, more))

    assert ("SUCCESS", expected) == (execution.state, messages(execution, "a", "INFO")[-1])


def test_without_a_shell() -> None:
    """A program that no shell starts finds it, too."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.python.Commands
          interpreter: [python3, -c]
          failFast: false
          commands: ["import kestra", "print(kestra.Kestra.__name__)"]
        """)

    assert ["Kestra"] == messages(execution, "a", "INFO")


@pytest.mark.usefixtures("_contained")
def test_in_a_container() -> None:
    """A container finds the module in the scratch directory."""
    task = python(
        "import kestra; print(kestra.__file__)",
        "taskRunner: {type: org.tests.scripts.contained.Contained}\ncontainerImage: python:3",
    )

    (line,) = messages(run_tasks(task), "a")
    assert line.endswith("/python/kestra.py")
    assert "scratch" in line
