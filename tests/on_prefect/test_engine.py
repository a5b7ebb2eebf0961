"""What the Prefect API shows of a run: task runs, their states and edges, log lines, results, and no secret."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.filesystems import LocalFileSystem
from prefect.settings import PREFECT_DEFAULT_RESULT_STORAGE_BLOCK, PREFECT_LOCAL_STORAGE_PATH, temporary_settings

import wdprefect
from tests.on_prefect.seen import Api
from wdprefect.errors import StorageError
from wdprefect.loader import load_text
from wdprefect.model.ports import StoredFile
from wdprefect.storage.local import LocalStorage

pytestmark = pytest.mark.server

SECRETS = {"TOKEN": "geheimnis-eins"}
PASSWORD = "geheimnis-zwei"
SEEN = """\
id: seen
namespace: company.team
inputs:
  - {id: folder, type: STRING}
  - {id: password, type: SECRET}
tasks:
  - {id: first, type: io.kestra.plugin.core.debug.Return, format: "of {{ secret('TOKEN') }}"}
  - {id: second, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.first.value }} {{ inputs.password }}"}
  - {id: skipped, type: io.kestra.plugin.core.log.Log, runIf: "false", message: "{{ outputs.first.value }}"}
  - id: warned
    type: io.kestra.plugin.scripts.shell.Commands
    warningOnStdErr: true
    commands: ["echo careful >&2"]
  - id: softened
    type: io.kestra.plugin.scripts.shell.Commands
    allowFailure: true
    env: {TOKEN: "{{ secret('TOKEN') }}"}
    commands: ["echo $TOKEN >&2; exit 1"]
  - id: flaky
    type: io.kestra.plugin.scripts.shell.Commands
    retry: {type: constant, interval: PT0.01S, maxAttempts: 3}
    env: {FILE: "{{ inputs.folder }}/tried"}
    commands: ["test -e $FILE || { touch $FILE; exit 1; }"]
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - {id: say, type: io.kestra.plugin.core.log.Log, message: "{{ taskrun.value }} {{ outputs.flaky.exitCode }}"}
  - id: unit
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*.txt"]
    tasks:
      - id: short
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["echo {{ outputs.second.value ?? outputs.first.value }} > a.txt; echo from the short one"]
      - id: long
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["echo from the long one; sleep 0.8; echo its end"]
      - {id: unwanted, type: io.kestra.plugin.core.log.Log, runIf: "false", message: never}
      - id: broken
        type: io.kestra.plugin.scripts.shell.Commands
        commands: ["echo from the broken one; exit 3"]
finally:
  - {id: last, type: io.kestra.plugin.core.log.Log, message: "{{ outputs.unit.outputFiles ?? outputs.flaky.exitCode }}"}
"""

PLAIN = """\
id: plain
namespace: company.team
tasks:
  - id: unit
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*.txt"]
    tasks:
      - {id: write, type: io.kestra.plugin.scripts.shell.Commands, commands: ["echo a > a.txt; sleep 0.6"]}
  - {id: read, type: io.kestra.plugin.core.log.Log, message: "{{ read(outputs.unit.outputFiles['a.txt']) }}"}
outputs:
  - {id: file, type: STRING, value: "{{ outputs.unit.outputFiles['a.txt'] }}"}
"""
# How pickles of the protocols 4 and 5 begin, also in base64, and who would have made them.
PICKLED = (b"\x80\x04", b"\x80\x05", b'"gAQ', b'"gAS', b'"gAU', b"pickle")


@dataclass(frozen=True, slots=True)
class Shown:
    """A run as the API shows it, and as it was returned."""

    execution: wdprefect.Execution
    flow_run: dict[str, Any]
    task_runs: dict[str, dict[str, Any]]
    logs: list[dict[str, Any]]
    artifacts: list[dict[str, Any]]

    def inputs(self, name: str) -> dict[str, set[str]]:
        """What a task run is connected with, by the names of the edges."""
        names = {run["id"]: name for name, run in self.task_runs.items()}
        edges = self.task_runs[name]["task_inputs"].items()
        return {edge: {names[end["id"]] for end in ends} for edge, ends in edges if ends}

    def lines(self, name: str) -> list[str]:
        """The log lines that stand under a task run, without Prefect's own."""
        under = self.task_runs[name]["id"]
        messages = [record["message"] for record in self.logs if record["task_run_id"] == under]
        ours = [message for message in messages if not message.startswith("Finished in state")]
        return [line for message in ours for line in message.split("\n")]


@pytest.fixture(scope="module")
def seen(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """One run with a bit of everything."""
    folder = tmp_path_factory.mktemp("seen")
    inputs = {"folder": str(folder), "password": PASSWORD}
    execution = wdprefect.run(load_text(SEEN, "seen.yaml"), inputs=inputs, secrets=SECRETS)
    logs = api.logs(execution.id, is_complete)
    task_runs = api.until(lambda: api.task_runs(execution.id), lambda runs: {"broken", "last"} <= set(runs))
    return Shown(execution, api.flow_run(execution.id), task_runs, logs, api.artifacts(execution.id))


def is_complete(logs: list[dict[str, Any]]) -> bool:
    """Whether Prefect's last line is there, which is the run's own."""
    return any(log["message"].startswith("Finished in") and not log["task_run_id"] for log in logs)


@pytest.mark.parametrize(
    ("name", "state_type", "state_name"),
    [
        ("first", "COMPLETED", "Completed"),
        ("second", "COMPLETED", "Completed"),
        ("skipped", "COMPLETED", "Skipped"),
        ("warned", "COMPLETED", "Warning"),
        ("softened", "COMPLETED", "Warning"),
        ("flaky", "FAILED", "Failed"),
        ("flaky (2)", "COMPLETED", "Completed"),
        ("say[a]", "COMPLETED", "Completed"),
        ("say[b]", "COMPLETED", "Completed"),
        ("unit", "FAILED", "Failed"),
        ("long", "COMPLETED", "Completed"),
        ("broken", "FAILED", "Failed"),
        ("last", "COMPLETED", "Completed"),
    ],
)
def test_a_task_run(seen: Shown, name: str, state_type: str, state_name: str) -> None:
    """Each attempt is a task run by the task's name, with the number of the attempt, in its state."""
    found = seen.task_runs[name]
    assert (state_type, state_name) == (found["state_type"], found["state_name"])


def test_what_has_no_task_run(seen: Shown) -> None:
    """Control flow has no task run, nor has a child of a directory that was short or was skipped."""
    assert {"each", "short", "unwanted"}.isdisjoint(seen.task_runs)
    assert 13 == len(seen.task_runs)


def test_a_skipped_task(seen: Shown) -> None:
    """A skipped task is a moment that says why; in a directory it is a row of the page."""
    found = seen.task_runs["skipped"]
    assert "runIf is false" == found["state"]["message"]
    assert found["start_time"] is not None
    assert (found["start_time"], 0) == (found["end_time"], found["total_run_time"])
    page = next(artifact["data"] for artifact in seen.artifacts if artifact["type"] == "markdown")
    assert ["| unwanted | SKIPPED | 0.00 s |  |"] == [row for row in page.split("\n") if row.startswith("| unwanted")]


def test_no_noise(seen: Shown) -> None:
    """A failure is logged where it happens, with our words and Prefect's closing line, and no third time."""
    under = seen.task_runs["broken"]["id"]
    messages = [log["message"] for log in seen.logs if log["task_run_id"] in {under, seen.task_runs["unit"]["id"]}]
    assert [] == [message for message in messages if "NoneType" in message or "Task run failed" in message]
    assert 2 == len([message for message in messages if "failed with exit code 3" in message])


def test_the_flow_run(seen: Shown) -> None:
    """The flow run has the id of the execution, and its state with what went wrong."""
    state = seen.flow_run["state"]
    assert ("FAILED", "FAILED", "Failed") == (seen.execution.state, state["type"], state["name"])
    assert seen.execution.error == state["message"]
    assert seen.execution.error is not None
    assert "task 'broken': Command failed with exit code 3" in seen.execution.error


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        pytest.param("first", {}, id="a task that reads nothing"),
        pytest.param("second", {"sources": {"first"}}, id="a task that reads another one's output"),
        pytest.param("skipped", {"sources": {"first"}}, id="a task that was skipped"),
        pytest.param("say[a]", {"sources": {"flaky (2)"}}, id="a task that reads what was tried again"),
        pytest.param("unit", {"sources": {"first", "second"}}, id="a directory whose child reads"),
        pytest.param("long", {"__parents__": {"unit"}}, id="a child that lasts"),
        pytest.param("broken", {"__parents__": {"unit"}}, id="a child that fails"),
        pytest.param("last", {"sources": {"unit", "flaky (2)"}}, id="a task that may read one of two"),
    ],
)
def test_edges(seen: Shown, name: str, inputs: dict[str, set[str]]) -> None:
    """A task run is connected with those whose outputs its templates name, a child with its directory."""
    assert inputs == seen.inputs(name)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        pytest.param("warned", ["careful"], id="a task"),
        pytest.param("long", ["from the long one", "its end"], id="a child with a task run"),
        pytest.param("unit", ["from the short one"], id="a child without one"),
    ],
)
def test_where_lines_stand(seen: Shown, name: str, lines: list[str]) -> None:
    """Log lines stand under the task run of their task, or of its directory where it has none."""
    assert lines == seen.lines(name)


def test_lines_of_a_failed_child(seen: Shown) -> None:
    """What a child said before it failed stands under its own task run with the failure, and nowhere else."""
    assert "from the broken one" == seen.lines("broken")[0]
    assert any("Command failed with exit code 3" in line for line in seen.lines("broken"))
    assert "from the broken one" not in seen.lines("unit")


def test_no_secret_is_seen(seen: Shown) -> None:
    """Secrets are hidden wherever the API keeps text, and the text around them is not."""
    text = json.dumps([seen.flow_run, seen.task_runs, seen.logs, seen.artifacts])
    for secret in (*SECRETS.values(), PASSWORD):
        assert secret not in text
    assert {"folder", "password"} == set(seen.flow_run["parameters"])
    assert "********" == seen.flow_run["parameters"]["password"]
    assert ["of ******** ********"] == [line for line in seen.lines("second") if line.startswith("of")]
    assert "of ********" in str([artifact["data"] for artifact in seen.artifacts])


def test_many_quick_lines(api: Api) -> None:
    """Of lines that come faster than the API takes them none is lost, and they keep their order."""
    flow = load_text("""\
id: quick
namespace: company.team
tasks:
  - {id: count, type: io.kestra.plugin.scripts.shell.Commands, commands: [seq 3000]}
""")
    execution = wdprefect.run(flow)

    def numbers(logs: list[dict[str, Any]]) -> list[int]:
        return [int(line) for log in logs for line in log["message"].split("\n") if line.isdigit()]

    logs = api.logs(execution.id, lambda logs: len(numbers(logs)) >= 3000)
    assert list(range(1, 3001)) == numbers(logs)
    assert len(logs) < 300


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(StorageError("no entry can be kept"), "no entry can be kept", id="the storage refuses"),
        pytest.param(
            ZeroDivisionError("x"),
            "Flow run encountered an exception: ZeroDivisionError: x",
            id="a mistake of ours",
        ),
    ],
)
def test_what_ends_a_run(api: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str) -> None:
    """What no task can help ends the run as on the local engine; the task run and the flow run have failed with it."""

    def refusing(storage: LocalStorage, uri: str, source: Path | bytes) -> StoredFile:
        if "/ledger/" in uri:
            raise error
        return put(storage, uri, source)

    put = LocalStorage.put
    monkeypatch.setattr(LocalStorage, "put", refusing)
    flow = load_text(PLAIN.replace("id: plain", f"id: ends_{type(error).__name__}"))
    with pytest.raises(type(error), match=str(error)):
        wdprefect.run(flow)
    found = api.flow_runs(flow.name)
    assert [("FAILED", words)] == [(run["state"]["type"], run["state"]["message"]) for run in found]
    task_runs = api.until(lambda: api.task_runs(found[0]["id"]), lambda runs: {"unit", "write"} <= set(runs))
    assert {"unit": "FAILED", "write": "COMPLETED"} == {name: run["state_type"] for name, run in task_runs.items()}


@pytest.fixture(params=["by default", "in a block"])
def results(request: pytest.FixtureRequest, prefect_api: str, tmp_path: Path) -> Iterator[Path]:
    """The folder in which Prefect keeps results: its own, or that of a block which is set as the default."""
    if request.param == "by default":
        yield PREFECT_LOCAL_STORAGE_PATH.value()
        return
    LocalFileSystem(basepath=str(tmp_path / "block")).save("kept", overwrite=True, _sync=True)  # type: ignore[call-arg]
    with temporary_settings({PREFECT_DEFAULT_RESULT_STORAGE_BLOCK: "local-file-system/kept"}):
        yield tmp_path / "block"


def test_nothing_is_pickled(api: Api, results: Path) -> None:
    """What is kept of a run are our files and JSON: whoever can write where results lie must not run code here."""
    before = files_below(results)
    wdprefect.run(load_text(PLAIN))
    found = files_below(results) - before
    kept = {path for path in found if path.relative_to(results).parts[:2] != ("wdprefect", "company")}
    assert len(kept) >= 2
    for path in kept:
        json.loads(path.read_bytes())
    for path in found:
        assert [] == [mark for mark in PICKLED if mark in path.read_bytes()], path


def test_serializers(api: Api) -> None:
    """The API knows results of the run and of its directory only, and that they are JSON."""
    execution = wdprefect.run(load_text(PLAIN))
    runs = {"the run": api.flow_run(execution.id), **api.task_runs(execution.id)}
    serializers = {name: (run["state"]["data"] or {}).get("serializer") for name, run in runs.items()}
    assert {"the run": "json", "unit": "json"} == {name: found["type"] for name, found in serializers.items() if found}


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}
