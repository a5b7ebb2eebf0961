"""Golden pairs: what each flow of `flows/ok` comes to, on both engines, and what is wrong with those of `flows/err`.

`WDPREFECT_GOLDEN=write` rewrites what is expected from what happens; read the diff.
"""

from __future__ import annotations

import gc
import json
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wdprefect.api import EngineName, load, run
from wdprefect.errors import InvalidFlow, Problem
from wdprefect.execution.execution import Execution
from wdprefect.execution.runners import choose_options
from wdprefect.loader import load_text, read_yaml

FLOWS = Path(__file__).parent / "flows"
OK = sorted(path for path in FLOWS.glob("ok/*.yaml") if not path.name.endswith(".in.yaml"))
ERR = sorted(FLOWS.glob("err/*.yaml"))
PACKAGE = Path(__file__).parent.parent / "wdprefect"
# How long something took differs between two runs.
_CLOCK = re.compile(r"(INFO Loaded .*) in \d\d:\d\d:\d\d\.\d{3}")
WRITES = os.environ.get("WDPREFECT_GOLDEN") == "write"
# Not of one file alone: an unreadable file, an engine that is not there, and what only a deployment refuses.
ELSEWHERE = {"WD100", "WD410", "WD420", "WD421", "WD422"}


@pytest.mark.parametrize("path", OK, ids=lambda path: path.stem)
def test_local(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flow comes to what stands beside it."""
    expected = path.with_suffix(".out.json")
    actual = came_to(path, "local", tmp_path, monkeypatch)
    if WRITES:
        expected.write_text(json.dumps(actual, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    assert json.loads(expected.read_text(encoding="utf-8")) == actual


@pytest.mark.server
@pytest.mark.usefixtures("prefect_api")
@pytest.mark.parametrize("path", OK, ids=lambda path: path.stem)
def test_on_prefect(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Prefect a flow comes to the same."""
    with sockets_left_open():
        actual = came_to(path, "prefect", tmp_path, monkeypatch)
    assert json.loads(path.with_suffix(".out.json").read_text(encoding="utf-8")) == actual


@pytest.mark.parametrize("path", ERR, ids=lambda path: path.stem)
def test_refused(path: Path) -> None:
    """A wrong flow is refused with all its problems, each at its place in the file, in their order."""
    actual = "".join(f"{str(problem).removeprefix(f'{path.name}:')}\n" for problem in problems_of(path))
    if WRITES:
        path.with_suffix(".out").write_text(actual, encoding="utf-8")
    assert path.with_suffix(".out").read_text(encoding="utf-8") == actual


def problems_of(path: Path) -> list[Problem]:
    """What keeps a flow from being loaded or run, or ends its run: what `validate` refuses."""
    try:
        flow = load_text(path.read_bytes(), path.name)
        choose_options(flow, None)
    except InvalidFlow as error:
        return error.problems
    found = [note for note in flow.notes if note.severity == "error"]
    assert [] != found
    return found


def test_all_codes() -> None:
    """Every code that keeps a flow from loading stands in an expectation of `flows/err`, every note in one of `ok`."""
    sources = (path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    known = {code for source in sources for code in re.findall(r"\"(WD\d{3})\"", source)}
    results = [*FLOWS.glob("err/*.out"), *FLOWS.glob("ok/*.out.json")]
    seen = {code for path in results for code in re.findall(r"WD\d{3}", path.read_text(encoding="utf-8"))}
    assert known - ELSEWHERE == seen


@contextmanager
def sockets_left_open() -> Iterator[None]:
    """Prefect's flow engine asks where results go by a client that it does not close: let it go here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


def came_to(path: Path, engine: EngineName, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a run of the flow comes to, without what differs between two runs."""
    given = path.with_suffix(".in.yaml")
    options = read_yaml(given.read_bytes()) if given.exists() else {}
    for name, content in options.pop("files", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(folder)
    flow = load_text(path.read_bytes(), path.name)
    execution = run(flow, engine=engine, **options)
    facts = execution.summary()
    names = {execution.id: "<execution>"} | {run.id: f"<{run.label}>" for run in execution.task_runs}
    found = {
        "notes": [str(note) for note in flow.notes],
        "state": facts["state"],
        "error": facts["error"],
        "inputs": facts["inputs"],
        "outputs": facts["outputs"],
        "taskOutputs": facts["taskOutputs"],
        "logs": _messages(execution, None),
        "taskRuns": _task_runs(execution, facts["taskRuns"], None),
    }
    found = {key: value for key, value in found.items() if value not in (None, [], {})}
    pattern = re.compile("|".join(map(re.escape, names)))
    return dict(json.loads(pattern.sub(lambda match: names[match[0]], json.dumps(found))))


def _task_runs(execution: Execution, entries: list[dict[str, Any]], parent: str | None) -> list[dict[str, Any]]:
    """The task runs below one as a tree, those of one round of a loop together: rounds run side by side."""
    children = [entry for entry in entries if entry["parentId"] == parent]
    children.sort(key=lambda entry: entry["iteration"] or 0)
    return [_task_run(execution, entries, entry) for entry in children]


def _task_run(execution: Execution, entries: list[dict[str, Any]], entry: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        "taskId": entry["taskId"],
        "value": entry["value"],
        "state": entry["state"],
        "attempts": len(entry["attempts"]),
        "outputs": entry["outputs"],
        "files": {file["name"]: execution.read(file["uri"]).decode() for file in entry["files"]},
        "metrics": [_metric(**metric) for metric in entry["metrics"]],
        "logs": _messages(execution, entry["id"]),
        "taskRuns": _task_runs(execution, entries, entry["id"]),
    }
    return {key: value for key, value in found.items() if value not in (None, [], {})}


def _metric(kind: str, name: str, value: float, tags: dict[str, str]) -> str:
    measured = "<seconds>" if name == "namespacefiles.duration" else f"{value:g}"
    return f"{kind} {name} {measured} {tags}"


def _messages(execution: Execution, task_run: str | None) -> list[str]:
    found = [f"{record.level} {record.message}" for record in execution.logs if record.task_run_id == task_run]
    return [_CLOCK.sub(r"\1 in <time>", message) for message in found]


def test_file_of_the_name(tmp_path: Path) -> None:
    """A flow is loaded from its file; a file that cannot be read is a problem at its first character."""
    with pytest.raises(InvalidFlow, match=r"nothing\.yaml:1:1: WD100 the file cannot be read: No such file"):
        load(tmp_path / "nothing.yaml")
    with pytest.raises(InvalidFlow, match=r":1:1: WD100 the file cannot be read: Is a directory"):
        load(tmp_path)
    assert "retry" == load(FLOWS / "ok" / "retry.yaml").id
