"""What a run leaves behind: in its execution, in the storage, and on the machine."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from wdprefect.api import run
from wdprefect.errors import InvalidInput, StorageError, UsageError
from wdprefect.execution.delivered import copy_files, files_of_run
from wdprefect.execution.records import LogRecord, TaskRun
from wdprefect.loader import load_text
from wdprefect.model.ports import StoredFile
from wdprefect.storage import open_storage
from wdprefect.storage.local import LocalStorage

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
KINDS = {
    "FAIL": "type: io.kestra.plugin.core.execution.Fail",
    "FORGIVE": "type: io.kestra.plugin.core.flow.AllowFailure",
    "BESIDE": "type: io.kestra.plugin.core.flow.Parallel",
    "LOG": "type: io.kestra.plugin.core.log.Log, message: hello",
}
WATCHED = """
id: watched
namespace: company.team
tasks:
  - id: a
    type: io.kestra.plugin.core.execution.Fail
    retry: {type: constant, interval: PT0.01S, maxAttempts: 2}
    allowFailure: true
  - {id: b, type: io.kestra.plugin.core.log.Log, runIf: "false", message: never}
  - {id: c, type: io.kestra.plugin.core.log.Log, runIf: "{{ nothing.at_all }}", message: never}
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


RETRIED = """\
id: retried
namespace: company.team
tasks:
  - id: directory
    type: io.kestra.plugin.core.flow.WorkingDirectory
    retry:
      type: constant
      interval: PT0.01S
      maxAttempts: 2
    tasks:
      - id: counts
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - "exit {{ tasks.counts is defined ? 2 : 1 }}"
"""


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


def test_last_words_are_logged_once(store: str) -> None:
    """What a failing command said last stands in the error, and in the log once."""
    execution = run(load_text(FAILING, "failing.yaml"), engine="local", storage=store)
    messages = [record.message for record in execution.logs if record.task_id == "breaks"]
    assert "failing.yaml:13:9: task 'breaks': Command failed with exit code 9" == messages[-1]
    assert 1 == sum("line 7" in message for message in messages)


def test_error_of_the_last_attempt(store: str) -> None:
    """A directory that is tried again and fails again says what went wrong in the last attempt."""
    execution = run(load_text(RETRIED, "retried.yaml"), engine="local", storage=store)
    assert "retried.yaml:11:9: task 'counts': Command failed with exit code 2" == execution.error
    assert ["FAILED", "FAILED"] == [attempt.state for attempt in execution.task_runs[0].attempts]


def test_error_of_a_run_without_outputs(store: str) -> None:
    """A run that failed says what failed first, not that its outputs lack what the failed task would have given."""
    text = FAILING + "outputs:\n  - {id: said, type: STRING, value: '{{ outputs.breaks.vars.said }}'}\n"
    execution = run(load_text(text, "failing.yaml"), engine="local", storage=store)
    assert execution.error is not None
    assert execution.error.startswith("failing.yaml:13:9: task 'breaks': Command failed with exit code 9")
    errors = [record.message for record in execution.logs if record.level == "ERROR"]
    assert "the outputs of the flow cannot be computed" in errors[-1]


def test_refused_before_anything(store: str, tmp_path: Path) -> None:
    """A run that is refused leaves nothing behind."""
    with pytest.raises(InvalidInput, match="password"):
        run(load_text(SHOWS_ITS_SECRET), engine="local", storage=store)
    assert [] == list(stored(tmp_path / "store"))


def test_watching(store: str) -> None:
    """Who watches gets each task run when an attempt starts and when it has ended; one that never starts only then."""
    seen: list[tuple[str, str]] = []

    def watch(task_run: TaskRun) -> None:
        seen.append((task_run.label, task_run.state))

    run(load_text(WATCHED), engine="local", storage=store, on_task=watch)
    twice = [("a", "RUNNING"), ("a", "RUNNING"), ("a", "WARNING")]
    assert [*twice, ("b", "SKIPPED"), ("c", "FAILED")] == seen


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("tasks: [{id: a, FAIL, allowFailure: true}]", ("WARNING", None), id="allowFailure"),
        pytest.param("tasks: [{id: a, FORGIVE, tasks: [{id: b, FAIL}]}]", ("WARNING", None), id="AllowFailure"),
        pytest.param("tasks: [{id: a, LOG}]\nafterExecution: [{id: b, FAIL}]", ("SUCCESS", None), id="afterExecution"),
        pytest.param("tasks: [{id: a, LOG}]\nfinally: [{id: b, FAIL}]", ("FAILED", "b"), id="finally"),
        pytest.param("tasks: [{id: a, FAIL}]\nerrors: [{id: b, FAIL}]", ("FAILED", "a"), id="errors"),
        pytest.param(
            "tasks: [{id: a, FORGIVE, tasks: [{id: b, FAIL}]}, {id: c, FAIL}]",
            ("FAILED", "c"),
            id="behind what was forgiven",
        ),
        pytest.param(
            "tasks: [{id: a, BESIDE, tasks: [{id: b, LOG}, {id: c, FAIL}]}]", ("FAILED", "c"), id="in a flowable"
        ),
    ],
)
def test_error(store: str, text: str, expected: tuple[str, str | None]) -> None:
    """`error` says what went wrong in a run that failed; what was forgiven is said of its task run alone."""
    for word, kind in KINDS.items():
        text = text.replace(word, kind)
    execution = run(load_text(f"id: x\nnamespace: y\n{text}\n", "x.yaml"), engine="local", storage=store)
    state, name = expected
    found = re.search(r"task '(.)': Task failure$", execution.error or "")
    assert (state, name) == (execution.state, found and found[1])
    assert all(task_run.error for task_run in execution.task_runs if task_run.type.endswith(".Fail"))


def test_a_ledger_that_cannot_be_kept(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run whose ledger cannot be kept ends with the storage's words; what can be kept says that it failed."""
    put = LocalStorage.put

    def refusing(storage: LocalStorage, uri: str, source: Path | bytes) -> StoredFile:
        if "/ledger/" in uri:
            raise StorageError("no entry can be kept", uri)
        return put(storage, uri, source)

    monkeypatch.setattr(LocalStorage, "put", refusing)
    text = "id: x\nnamespace: y\ntasks: [{id: a, LOG}, {id: b, LOG}]".replace("LOG", KINDS["LOG"])
    with pytest.raises(StorageError, match="no entry can be kept"):
        run(load_text(text), engine="local", storage=store)
    kept = json.loads(next(tmp_path.rglob("execution.json")).read_text())
    assert ("FAILED", "no entry can be kept") == (kept["state"], kept["error"])
    assert ["a"] == [task_run["taskId"] for task_run in kept["taskRuns"]]


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
        pytest.param({"engine": "local", "runner": "other"}, id="runner"),
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
