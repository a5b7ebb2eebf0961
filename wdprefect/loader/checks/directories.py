"""What may stand in a WorkingDirectory: everything that does not need the orchestrator."""

from __future__ import annotations

from wdprefect.loader.draft import Draft
from wdprefect.loader.shape import Findings
from wdprefect.model.task import Flowable, TaskSpec, iter_tasks


def check_directories(draft: Draft, findings: Findings) -> None:
    """Children that start or pause executions, and directories inside directories."""
    for spec in draft.tasks():
        if _is_unit(spec):
            for child in iter_tasks(list(spec.data.values())):
                if _is_unit(child):
                    message = f"'{child.id}' is a directory inside the directory '{spec.id}'"
                    hint = (
                        "a WorkingDirectory cannot contain another one: move its tasks here, or put it behind this one"
                    )
                    findings.add((*child.path, "type"), "WD310", message, hint)
                elif not child.kind.inside_directory:
                    what = f"{child.kind.__name__} needs the orchestrator"
                    message = f"'{child.id}' cannot run inside the directory '{spec.id}': {what}"
                    findings.add(
                        (*child.path, "type"), "WD310", message, "put it before or behind the WorkingDirectory"
                    )


def _is_unit(spec: TaskSpec) -> bool:
    return issubclass(spec.kind, Flowable) and spec.kind.unit
