"""What a run leaves behind: in its execution, in the storage, and on the machine."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from wdprefect.api import run
from wdprefect.errors import InvalidInput, UsageError
from wdprefect.execution.delivered import copy_files, files_of_run
from wdprefect.execution.records import LogRecord, TaskRun
from wdprefect.loader import load_text
from wdprefect.storage import open_storage

SECRET = "correct-horse-battery"
SHOWS_ITS_SECRET = """
id: secretive
namespace: company.team
inputs:
  - {id: password, type: SECRET}
tasks:
  - id: value
    type: io.kestra.plugin.core.output.OutputValues
    values:
      token: "{{ secret('TOKEN') }}"
      list: ["a {{ secret('TOKEN') }} b", {"{{ secret('TOKEN') }}": 1}]
  - id: shout
    type: io.kestra.plugin.scripts.shell.Commands
    env: {GIVEN: "{{ secret('TOKEN') }}", PASSWORD: "{{ inputs.password }}"}
    commands:
      - echo "$GIVEN $PASSWORD"
      - |
        echo "::{\\"outputs\\": {\\"again\\": \\"$GIVEN\\"}}::"
      - echo "broken by $GIVEN" >&2
      - exit 3
outputs:
  - {id: leaked, value: "{{ outputs.value.values.token }}"}
"""
FAILING = """
id: failing
namespace: company.team
tasks:
  - id: directory
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: ["*.txt"]
    tasks:
      - id: makes
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - pwd > where.txt
      - id: breaks
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - sleep 600 &
          - echo $! > pid.txt
          - for i in 1 2 3 4 5 6 7; do echo "line $i" >&2; done
          - exit 9
      - id: sibling
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - touch sibling.txt
  - id: behind
    type: io.kestra.plugin.core.log.Log
    message: nobody sees this
"""


@pytest.fixture
def store(tmp_path: Path) -> str:
    """The URL of a storage of the test's own."""
    return (tmp_path / "store").as_uri()


def stored(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path, path.read_text(encoding="utf-8")


def test_secrets_are_nowhere(store: str, tmp_path: Path) -> None:
    """A secret is in nothing that is kept, shown or said: log, errors, ledger, summary."""
    heard: list[LogRecord] = []
    flow = load_text(SHOWS_ITS_SECRET)
    execution = run(
        flow,
        engine="local",
        inputs={"password": "staple-of-hay"},
        secrets={"TOKEN": SECRET},
        storage=store,
        on_log=heard.append,
    )
    assert "FAILED" == execution.state
    assert SECRET == execution.task_outputs["value"]["values"]["token"]
    shown = [json.dumps(execution.to_dict()), str(execution.error), *(r.message for r in [*heard, *execution.logs])]
    kept = [content for _, content in stored(tmp_path / "store")]
    assert len(kept) >= 4
    assert [] == [text for text in shown + kept if SECRET in text or "staple-of-hay" in text]
    assert "broken by ********" in str(execution.error)


def test_what_is_stored(store: str, tmp_path: Path) -> None:
    """The storage holds an entry for each task run in order, the log, the summary and where the run lies, all JSON."""
    flow = load_text(FAILING, "failing.yaml")
    execution = run(flow, engine="local", storage=store)
    files = {path.relative_to(tmp_path / "store").as_posix(): text for path, text in stored(tmp_path / "store")}
    root = f"company/team/failing/executions/{execution.id}"
    entries = [json.loads(text) for name, text in sorted(files.items()) if name.startswith(f"{root}/ledger/")]
    assert ["directory", "makes", "breaks"] == [entry["taskId"] for entry in entries]
    assert ["FAILED", "SUCCESS", "FAILED"] == [entry["state"] for entry in entries]
    assert [None, entries[0]["id"], entries[0]["id"]] == [entry["parentId"] for entry in entries]
    assert {"name": "where.txt"}.items() <= entries[0]["files"][-1].items()
    assert execution.summary() == json.loads(files[f"{root}/execution.json"])
    assert {"uri": execution.uri} == json.loads(files[f"_runs/{execution.id}.json"])
    assert len(execution.logs) == len([json.loads(line) for line in files[f"{root}/log.jsonl"].splitlines()])


def test_files_of_a_run(store: str, tmp_path: Path) -> None:
    """The files of a run are found by its id alone, and can be copied out of the storage."""
    execution = run(load_text(FAILING), engine="local", storage=store)
    found = files_of_run(execution.id, open_storage(store))
    assert [("directory", "pid.txt"), ("directory", "where.txt")] == [(file.task, file.name) for file in found]
    copied = copy_files(execution.task_runs, execution.storage, tmp_path / "out")
    assert {tmp_path / "out/directory/pid.txt", tmp_path / "out/directory/where.txt"} == set(copied)
    assert [file.size for file in found] == [path.stat().st_size for path in sorted(copied)]


def test_failing_child(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that fails ends its directory: the error names place, task, exit code and last words; nothing stays."""
    monkeypatch.setenv("WDPREFECT_DIRECTORY", str(tmp_path / "directories"))
    execution = run(load_text(FAILING, "failing.yaml"), engine="local", storage=store)
    lines = "".join(f"\n    line {i}" for i in range(3, 8))
    assert f"failing.yaml:13:9: task 'breaks': Command failed with exit code 9{lines}" == execution.error
    assert "FAILED" == execution.state
    assert ["directory", "makes", "breaks"] == [task_run.task_id for task_run in execution.task_runs]
    captured = execution.task_outputs["directory"]["outputFiles"]
    assert ["pid.txt", "where.txt"] == sorted(captured)
    assert not Path(execution.read(captured["where.txt"]).decode().strip()).exists()
    pid = int(execution.read(captured["pid.txt"]))
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    assert [] == list((tmp_path / "directories").iterdir())


def test_refused_before_anything(store: str, tmp_path: Path) -> None:
    """A run that is refused leaves nothing behind."""
    with pytest.raises(InvalidInput, match="password"):
        run(load_text(SHOWS_ITS_SECRET), engine="local", storage=store)
    assert [] == list(stored(tmp_path / "store"))


def test_watching(store: str) -> None:
    """Who watches gets each task run when it begins and when it has ended."""
    seen: list[tuple[str, str]] = []

    def watch(task_run: TaskRun) -> None:
        seen.append((task_run.label, task_run.state))

    text = "id: x\nnamespace: y\ntasks: [{id: a, type: io.kestra.plugin.core.execution.Fail, allowFailure: true}]"
    run(load_text(text), engine="local", storage=store, on_task=watch)
    assert [("a", "RUNNING"), ("a", "WARNING")] == seen


def test_inside_a_loop(store: str) -> None:
    """A run can be started where an event loop runs, from a notebook say."""

    async def main() -> str:
        text = "id: x\nnamespace: y\ntasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: hello}]"
        return run(load_text(text), engine="local", storage=store).state

    assert "SUCCESS" == asyncio.run(main())


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"engine": "other"}, id="engine"),
        pytest.param({"engine": "local", "runner": "docker"}, id="runner"),
    ],
)
def test_usage(options: dict[str, Any]) -> None:
    """A word that names nothing is refused."""
    text = "id: x\nnamespace: y\ntasks: [{id: a, type: io.kestra.plugin.core.log.Log, message: hello}]"
    with pytest.raises(UsageError, match="unknown"):
        run(load_text(text), **options)


def test_no_thread_stays(store: str) -> None:
    """The threads of a run end with it."""
    run(load_text(FAILING), engine="local", storage=store)
    left = [thread for thread in threading.enumerate() if thread.name.startswith("wdprefect-task")]
    for thread in left:
        thread.join(10)
    assert [] == [thread.name for thread in left if thread.is_alive()]


def test_trigger_and_labels(store: str) -> None:
    """A flow sees what started it; without a trigger the name does not exist."""
    text = """
id: x
namespace: y
labels: {a: "1"}
tasks:
  - id: see
    type: io.kestra.plugin.core.debug.Return
    format: "{{ trigger.uri ?? 'by hand' }} {{ labels.a }}{{ labels.b ?? '' }} {{ execution.id }}"
"""
    first = run(load_text(text), engine="local", storage=store, execution_id="run-1")
    second = run(load_text(text), engine="local", storage=store, trigger={"uri": "u"}, labels={"b": "2"})
    assert "by hand 1 run-1" == first.task_outputs["see"]["value"]
    assert f"u 12 {second.id}" == second.task_outputs["see"]["value"]
