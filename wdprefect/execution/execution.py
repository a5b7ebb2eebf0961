"""What a run came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wdprefect.execution.ledger import entry, plain
from wdprefect.execution.records import LogRecord, RunState, TaskRun
from wdprefect.masking import Masker
from wdprefect.model.ports import Storage


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of a flow, ended.

    inputs, task_outputs: what `{{ inputs }}` and `{{ outputs }}` show. outputs: what the flow declares, or None.
    logs: the records in order of arrival. task_runs: in order of creation. error: what went wrong in a FAILED run;
    what was forgiven stands in the task runs. Outputs are as the tasks saw them: their secrets are hidden in `to_dict`,
    in the logs and in everything that is stored, not in these attributes.
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
    storage: Storage = field(repr=False)
    masker: Masker = field(repr=False)

    def read(self, uri: str) -> bytes:
        """The content of a file of the internal storage. Raises StorageError when it is not there."""
        return self.storage.read(uri)

    def summary(self) -> dict[str, Any]:
        """The execution without its log, as plain data with secrets hidden."""
        facts = {
            "id": self.id,
            "flow": self.flow,
            "state": self.state,
            "inputs": self.inputs,
            "outputs": self.outputs,
            "taskOutputs": self.task_outputs,
            "labels": self.labels,
            "started": self.started,
            "ended": self.ended,
            "error": self.error,
            "uri": self.uri,
            "taskRuns": [entry(run) for run in self.task_runs],
        }
        return dict(self.masker.hide_in(plain(facts)))

    def to_dict(self) -> dict[str, Any]:
        """The whole execution as plain data with secrets hidden: what `--format json` prints."""
        logs = [{"time": r.time, "level": r.level, "taskId": r.task_id, "message": r.message} for r in self.logs]
        return {**self.summary(), "logs": plain(logs)}
