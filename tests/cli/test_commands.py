"""Commands that run nothing: validate, types, schema, server; and what all commands share."""

from __future__ import annotations

import importlib
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Cli, Write, run_command
from tests.examples import EXAMPLES
from tests.running import SCRIPTS
from wdprefect import __version__
from wdprefect.loader import read_yaml
from wdprefect.loader.schema import flow_schema
from wdprefect.loader.types import all_types, find_type
from wdprefect.model.node import Node
from wdprefect.model.task import Task
from wdprefect.model.trigger import Trigger

GOOD = "id: good\nnamespace: team\ntasks:\n  - id: a\n    type: io.kestra.plugin.core.log.Log\n    message: hello\n"
BAD = GOOD.replace("message", "mesage")
SCRIPT = "type: io.kestra.plugin.scripts.shell.Commands"
BEYOND = f"""\
id: beyond
namespace: team
tasks:
  - id: a
    {SCRIPT}
    taskRunner:
      type: io.kestra.plugin.scripts.runner.docker.Docker
      privileged: true
    commands: [ls]
"""
FLOWS = sorted(Path(__file__).parents[2].glob("deployments/flows/*.yaml"))


@pytest.mark.parametrize("form", ["text", "json"])
def test_validate_is_quiet(cli: Cli, write: Write, form: str) -> None:
    """A good flow gives exit code 0 and says nothing; as JSON, an empty list."""
    said = cli("validate", write("good.yaml", GOOD), "--format", form)

    assert (0, "" if form == "text" else "[]\n", "") == (said.code, said.out, said.err)


def test_validate_says_what_is_wrong(cli: Cli, write: Write) -> None:
    """A problem is one line: the file as it was given, line, column, code, what is wrong, the next step."""
    path = write("bad.yaml", BAD)

    said = cli("validate", path)

    assert (1, "") == (said.code, said.err)
    assert [f"{path}:6:5"] == [line.split(": ")[0] for line in said.out.splitlines() if "mesage" in line]
    assert "message" in said.out


def test_validate_as_json(cli: Cli, write: Write) -> None:
    """As JSON a problem is its facts."""
    path = write("bad.yaml", BAD)

    said = cli("validate", path, "--format", "json")

    found = [problem for problem in json.loads(said.out) if "mesage" in problem["message"]]
    assert (1, 1) == (said.code, len(found))
    assert {"file", "line", "column", "code", "severity", "message", "hint"} == set(found[0])
    assert (path, 6, 5, "error") == tuple(found[0][name] for name in ("file", "line", "column", "severity"))


def test_validate_what_is_not_allowed(cli: Cli, write: Write) -> None:
    """What the project does not allow to containers is a problem, unless all commands are to run as processes."""
    path = write("beyond.yaml", BEYOND)

    said = cli("validate", path)
    forced = cli("validate", path, "--runner", "process")

    assert (1, True) == (said.code, said.out.startswith(f"{path}:8:19: WD411 'a': 'privileged' reaches beyond"))
    assert (0, "") == (forced.code, forced.out)


def test_validate_several(cli: Cli, write: Write, tmp_path: Path) -> None:
    """All files are looked at, those of folders in the order of their names; one that is wrong decides the code."""
    first = write("one/b.yaml", BAD)
    second = write("one/below/c.yml", BAD)
    good, other = write("good.yaml", GOOD), write("one/readme.md", "no flow")
    missing = str(tmp_path / "missing.yaml")

    said = cli("validate", good, tmp_path / "one", missing)

    files = list(dict.fromkeys(line.split(":")[0] for line in said.out.splitlines()))
    assert (1, [first, second, missing]) == (said.code, files)
    assert other not in said.out
    assert f"{missing}:1:1: WD100 the file cannot be read: No such file or directory" == said.out.splitlines()[-1]


def test_validate_a_note(cli: Cli, write: Write) -> None:
    """What is only noted is printed and keeps nothing from being valid."""
    text = GOOD.replace("message: hello", "message: hello\ntaskDefaults: []")

    said = cli("validate", write("old.yaml", text))

    assert 0 == said.code
    assert " note: " in said.out or " warning: " in said.out


def test_validate_an_empty_folder(cli: Cli, tmp_path: Path) -> None:
    """A folder without flows is no success."""
    said = cli("validate", tmp_path)

    assert (2, f"wdprefect: there is no flow in the folder '{tmp_path}'\n") == (said.code, said.err)


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_flows_of_the_project_are_valid(cli: Cli, path: Path) -> None:
    """The flows that are delivered with the project are valid, without a note."""
    assert (0, "") == (cli("validate", path).code, cli("validate", path).out)


def test_types(cli: Cli) -> None:
    """All types are listed by their kinds, each with what it is for; a word keeps those that contain it."""
    everything, some = cli("types"), cli("types", "SHELL")

    assert ["tasks:", "triggers:", "task runners:"] == [x for x in everything.out.splitlines() if not x.startswith(" ")]
    assert all(len(line.split(maxsplit=1)) == 2 for line in everything.out.splitlines() if line.startswith(" "))
    assert ["tasks:", "io.kestra.plugin.scripts.shell.Commands", "io.kestra.plugin.scripts.shell.Script"] == [
        line.split()[0] for line in some.out.splitlines()
    ]


def test_types_show_images(cli: Cli) -> None:
    """A type that runs in containers is listed with the image that they have by default, others without."""
    assert "Run a Node.js script. Image: node" in cli("types", "node.script").out
    assert "Image:" not in cli("types", "core.").out


def test_page_of_a_type(cli: Cli) -> None:
    """The full name of a type gives its manual page: description, properties with types and defaults, outputs."""
    script, runner = cli("types", f"{SCRIPTS}.python.Script"), cli("types", f"{SCRIPTS}.runner.docker.Docker")

    assert 0 == script.code
    assert script.out.startswith(f"{SCRIPTS}.python.Script\n\nRun a Python script.")
    lines = {tuple(line.split(maxsplit=1)) for line in script.out.splitlines()}
    assert {
        ("script", "*                   text"),
        ("dependencies", "list of text"),
        ("packageManager", "UV or PIP, UV unless given"),
        ("failFast", "true or false, true unless given"),
        ("env", "map of text or text"),
        ("Outputs:", "vars, exitCode, outputFiles, taskRunner"),
        ("In", "a container without 'containerImage': python:3.13-slim"),
    } <= lines
    assert any(
        line.startswith("Properties of every task: description, disabled, runIf") for line in script.out.splitlines()
    )
    assert "Properties of every task" not in runner.out


@pytest.mark.parametrize("name", [*all_types(Task), *all_types(Trigger), f"{SCRIPTS}.runner.docker.Docker"])
def test_every_type_has_a_page(cli: Cli, name: str) -> None:
    """Each type has a page, on which nothing is missing that it takes."""
    said = cli("types", name)

    kind = find_type(name, Node)
    assert kind is not None
    missing = [field.alias for field in kind.model_fields.values() if field.alias and field.alias not in said.out]
    assert (0, []) == (said.code, missing)


def test_schema_is_one(cli: Cli) -> None:
    """What `schema` prints is a valid JSON Schema."""
    said = cli("schema")

    assert (0, flow_schema()) == (said.code, json.loads(said.out))
    validator()


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_schema_takes_flows(path: Path) -> None:
    """The flows of the project fit the schema."""
    assert [] == problems(read_yaml(path.read_bytes()))


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_schema_takes_examples(text: str) -> None:
    """The examples of all types fit the schema."""
    assert [] == problems(read_yaml(text))


@pytest.mark.parametrize(
    ("text", "is_good"),
    [
        pytest.param(GOOD, True, id="a good flow"),
        pytest.param(GOOD.replace("hello", "7"), True, id="a number for a text"),
        pytest.param(GOOD.replace("message: hello", "message: hello\n    timeout: 30"), True, id="seconds"),
        pytest.param(BAD, False, id="an unknown property"),
        pytest.param(GOOD.replace("log.Log", "log.Lag"), False, id="an unknown type"),
        pytest.param(GOOD.replace("id: good\n", ""), False, id="no id"),
        pytest.param(GOOD.replace("message: hello", "level: INFO"), False, id="a property is missing"),
        pytest.param(GOOD.replace("hello", "hello\n    level: LOUD"), False, id="a word that is none of the choices"),
    ],
)
def test_schema_tells(text: str, is_good: bool) -> None:  # noqa: FBT001  a column of the table
    """The schema takes what loads and refuses what does not."""
    assert is_good == (not problems(read_yaml(text)))


def test_server_status(cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no server runs, `server` says so, with exit code 3 for `status`."""
    monkeypatch.setenv("WDPREFECT_HOME", str(tmp_path))

    status, stop = cli("server", "status"), cli("server", "stop")

    assert (3, "no local Prefect server is running; 'wdprefect run' starts one\n") == (status.code, status.out)
    assert (0, "no local Prefect server was running\n") == (stop.code, stop.out)


def test_version(cli: Cli) -> None:
    """`--version` prints it, also as a program."""
    expected = (0, f"wdprefect {__version__}\n")
    program = run_command("--version")

    assert (expected, expected) == ((cli("--version").code, cli("--version").out), (program.code, program.out))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing"),
        pytest.param(["nonsense"], id="an unknown command"),
        pytest.param(["validate"], id="no file"),
        pytest.param(["run", "a", "b"], id="too many"),
        pytest.param(["run", "--engine", "other", "a"], id="an unknown engine"),
        pytest.param(["run", "--runner", "other", "a"], id="an unknown runner"),
    ],
)
def test_usage(cli: Cli, arguments: list[str]) -> None:
    """A command that is put wrongly gives exit code 2 and the usage on standard error."""
    said = cli(*arguments)

    assert (2, "") == (said.code, said.out)
    assert said.err.startswith("usage: wdprefect")


@pytest.mark.parametrize("name", ["validate", "run", "files", "types", "schema", "server"])
def test_help(cli: Cli, name: str) -> None:
    """Each command explains itself, and is named in the help of all."""
    said = cli(name, "--help")

    assert 0 == said.code
    assert said.out.startswith(f"usage: wdprefect {name}")
    assert f"    {name} " in cli("--help").out


def test_windows(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows every command says what to use."""
    monkeypatch.setattr(sys, "platform", "win32")

    said = cli("validate", "any.yaml")

    assert (3, "") == (said.code, said.out)
    assert said.err.endswith("use WSL\n")


def problems(data: Any) -> list[str]:
    return [error.message for error in validator().iter_errors(data)]


@cache
def validator() -> Any:
    """What checks with the schema of flows, after it has been checked itself."""
    # It has no types, and Prefect brings it along.
    kind = importlib.import_module("jsonschema").Draft202012Validator
    kind.check_schema(flow_schema())
    return kind(flow_schema())
