"""What a task left behind, as artifacts in the Prefect UI: a table of its files and, for a WorkingDirectory, a page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact

from wdprefect.errors import WdprefectError
from wdprefect.execution.delivered import name_in_run
from wdprefect.execution.engine import Call
from wdprefect.execution.records import Result
from wdprefect.masking import Masker
from wdprefect.model.ports import Storage, StoredFile
from wdprefect.on_prefect.markdown import block, code, literal

# Small texts are shown on the page itself.
PREVIEW_BYTES = 2_000
PREVIEWS = 5
_TEXT = re.compile(r"\.(csv|tsv|txt|md|json|jsonl|ya?ml|log|ini|toml|sql|py|sh)$", re.IGNORECASE)
_File: TypeAlias = tuple[str, StoredFile]


@dataclass(frozen=True, slots=True)
class Step:
    """A child of a WorkingDirectory that has run."""

    call: Call
    result: Result
    seconds: float


class Artifacts:
    """Writes the artifacts of one run. Every run of a flow has the same keys: the UI shows their history."""

    def __init__(self, flow_name: str, execution_id: str, storage: Storage, masker: Masker) -> None:
        self._flow, self._execution_id = flow_name, execution_id
        self._storage, self._masker = storage, masker

    async def write(self, call: Call, result: Result, steps: Sequence[Step]) -> None:
        """The files of an attempt and of its steps as a table, and its page when it is a WorkingDirectory's."""
        key = artifact_key(self._flow, call.run.task_id, call.run.shown_value)
        files = _files(result, steps)
        if files:
            rows = [self._file(name, file) for name, file in files]
            # Cards cut each line at their edge: on the first one the command would look whole.
            description = f"Files of {self._literal(call.run.label)}\n\nGet one: {self._command()}"
            await acreate_table_artifact(rows, key=f"{key}-files", description=description)
        if call.is_unit:
            page = self._masker.hide(self._page(call, result, steps, files))
            description = f"Steps and files of {self._literal(call.run.label)}"
            await acreate_markdown_artifact(page, key=key, description=description)

    def _page(self, call: Call, result: Result, steps: Sequence[Step], files: Sequence[_File]) -> str:
        head = [f"# {self._literal(call.run.label)}: {result.state}", ""]
        if result.error:
            head += [*block(result.error), ""]
        table = ["| step | state | time | exit code |", "|---|---|---|---|", *map(self._row, steps), ""]
        names = [f"- {code(self._masker.hide(name))}, {_size(file)}" for name, file in files]
        get = ["", f"Get one: {self._command()}", ""] if files else []
        return "\n".join([*head, *table, *(["## Files", "", *names] if files else []), *get, *self._previews(files)])

    def _file(self, name: str, file: StoredFile) -> dict[str, str | int]:
        hide = self._masker.hide
        return {"file": hide(name), "size": file.size, "uri": hide(file.uri), "sha256": file.sha256}

    def _previews(self, files: Sequence[_File]) -> list[str]:
        shown = [(n, f) for n, f in files if f.size <= PREVIEW_BYTES and _TEXT.search(n)][:PREVIEWS]
        return [line for name, file in shown for line in self._preview(name, file)]

    def _preview(self, name: str, file: StoredFile) -> list[str]:
        try:
            text = self._storage.read(file.uri).decode("utf-8", "replace")
        except WdprefectError:
            # It has been taken away meanwhile; the table names it still.
            return []
        return ["", f"### {self._literal(name)}", "", *block(text)]

    def _row(self, step: Step) -> str:
        exit_code = (step.result.outputs or {}).get("exitCode", "")
        return f"| {self._literal(step.call.name)} | {step.result.state} | {step.seconds:.2f} s | {exit_code} |"

    def _literal(self, text: str) -> str:
        # Hidden first: what has been escaped is not found any more.
        return literal(self._masker.hide(text))

    def _command(self) -> str:
        return f"`wdprefect files {self._execution_id} get NAME`"


def artifact_key(flow_name: str, task_id: str, value: str | None = None) -> str:
    """A key of lower-case letters, digits and dashes; names that lose something on the way get a hash."""
    name = f"{flow_name}.{task_id}" if value is None else f"{flow_name}.{task_id}.{value}"
    key = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:200]
    if re.fullmatch(r"[a-z0-9.]+", name):
        return key
    return f"{key}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _files(result: Result, steps: Sequence[Step]) -> list[_File]:
    """A task's own files, then those of its steps, by names that `wdprefect files` takes.

    Of the attempts of a step the last one counts.
    """
    last = {step.call.run.id: step for step in steps}.values()
    of_steps = ((name_in_run(step.call.run, n), f) for step in last for n, f in step.result.files.items())
    return [*result.files.items(), *of_steps]


def _size(file: StoredFile) -> str:
    return f"{file.size:,} byte{'' if file.size == 1 else 's'}"
