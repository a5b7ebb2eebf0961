"""Nothing of a secret is seen of a run, whatever its templates make of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.leaks import (
    OUTPUTS,
    SECRETS,
    all_leaking,
    forms,
    large_tasks,
    made_later,
    seen_in,
    small_tasks,
    strings,
)
from wdprefect.api import run
from wdprefect.cli.progress import PlainProgress
from wdprefect.cli.summary import print_summary
from wdprefect.execution.execution import Execution
from wdprefect.execution.records import LogRecord
from wdprefect.loader import load_text

# Sees the flow's outputs, one of which is a secret.
AFTER = [{"id": "after", "type": "io.kestra.plugin.core.log.Log", "message": "{{ execution.outputs.text | sha512 }}"}]


def test_filters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What any filter makes of a secret is in no log, error, output, entry, name or line on the console."""
    made, failing = all_leaking(3)
    needles = forms().union(*(each.texts for each in made))
    needles |= made_later(made)
    execution, told = _run([*small_tasks(made, failing), *large_tasks([each.template for each in made])], tmp_path)
    print_summary(execution)
    print(json.dumps(execution.to_dict(), ensure_ascii=False), json.dumps(execution.to_dict()))
    shown = capsys.readouterr()

    assert "WARNING" == execution.state
    assert [] == seen_in(needles, {"stdout": shown.out, "stderr": shown.err, "repr": repr((execution, told))})
    assert [] == seen_in(needles, {"data": "\n\n".join(strings(execution.to_dict()))})
    assert [] == seen_in(needles, {f"{r.task_id}": f"{r.message} {r.value}" for r in (*told, *execution.logs)})
    files = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert files
    assert [] == seen_in(needles, {**files, "names": "\n".join(files)})


def _run(tasks: list[dict[str, Any]], storage: Path) -> tuple[Execution, list[LogRecord]]:
    text = json.dumps({"id": "leaks", "namespace": "team", "outputs": OUTPUTS, "tasks": tasks, "afterExecution": AFTER})
    told: list[LogRecord] = []
    progress = PlainProgress()

    def on_log(record: LogRecord) -> None:
        told.append(record)
        progress.log(record)

    where = {"storage": storage.as_uri(), "engine": "local"}
    execution = run(load_text(text), secrets=SECRETS, on_log=on_log, on_task=progress.task, **where)  # type: ignore[arg-type]  # as keywords
    return execution, told
