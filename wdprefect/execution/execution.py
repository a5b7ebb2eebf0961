"""What a run came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wdprefect.execution.ledger import entry, plain
from wdprefect.execution.records import LogRecord, RunState, TaskRun
from wdprefect.masking import Masker
from wdprefect.model.ports import Storage


@dataclass(frozen=True, slots=True, repr=False)
class Execution:
    """One run of a flow, ended.

    inputs, task_outputs: what `{{ inputs }}` and `{{ outputs }}` show. outputs: what the flow declares, or None.
    logs: the records in order of arrival. task_runs: in order of creation. error: what went wrong in a FAILED run;
    what was forgiven stands in the task runs. Secrets are hidden, also in `to_dict` and `repr`, but not in the
    attributes outputs, task_outputs and task_runs, which hold what the tasks saw.
    """

    id: str
    flow: str
    state: RunState
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] | None
    task_outputs: Mapping[str, Any]
    labels: Mapping[str, str]
    logs: Sequence[LogRecord]
    task_runs: Sequence[TaskRun]
    started: datetime
    ended: datetime
    error: str | None
    uri: str
    storage: Storage
    masker: Masker

    def read(self, uri: str) -> bytes:
        """The content of a file of the internal storage. Raises StorageError when it is not there."""
        return self.storage.read(uri)

    def summary(self) -> dict[str, Any]:
        """The execution without its log, as plain data with secrets hidden."""
        hide_in = self.masker.hide_in
        return {
            "id": self.id,
            "flow": self.flow,
            "state": self.state,
            "inputs": hide_in(plain(self.inputs)),
            "outputs": hide_in(plain(self.outputs)),
            "taskOutputs": hide_in(plain(self.task_outputs)),
            "labels": hide_in(plain(self.labels)),
            "started": plain(self.started),
            "ended": plain(self.ended),
            "error": hide_in(self.error),
            "uri": self.uri,
            "taskRuns": [entry(run, self.masker) for run in self.task_runs],
        }

    def __repr__(self) -> str:
        """Which run, and how it ended: what it delivered may be secret."""
        return f"<{type(self).__name__} {self.id} of {self.flow}: {self.state}>"

    def to_dict(self) -> dict[str, Any]:
        """The whole execution as plain data with secrets hidden: what `--format json` prints."""
        logs = [{"time": r.time, "level": r.level, "taskId": r.task_id, "message": r.message} for r in self.logs]
        return {**self.summary(), "logs": plain(logs)}
