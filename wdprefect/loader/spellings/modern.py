"""A flow's data in today's spelling."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from wdprefect.errors import Problem
from wdprefect.loader.places import Path, value_at
from wdprefect.loader.source import Source
from wdprefect.loader.spellings.edit import Edit, Record, origin_of
from wdprefect.loader.spellings.names import canonical_prefix, canonical_type
from wdprefect.loader.spellings.properties import FLOW, INPUT, Row, apply, rows_of
from wdprefect.loader.spellings.scripts import choose_runner, runs_scripts

# What people put there is theirs, also where it looks like a task.
_DATA = frozenset({"variables", "labels", "outputs"})
_PAUSE = "io.kestra.plugin.core.flow.Pause"


@dataclass(frozen=True, slots=True)
class Modern:
    """A flow's data in today's spelling.

    notes: one for each old spelling, at its place, in the order of the places. origins: for each path that the source
    has under another one, that other one.
    """

    data: dict[str, Any]
    notes: list[Problem]
    origins: Mapping[Path, Path]

    def origin(self, path: Path) -> Path:
        """The path in the source of what has this path in the data; `Source.at` and its like take it."""
        return origin_of(path, self.origins)


def modernize(data: dict[str, Any], source: Source) -> Modern:
    """The data in today's spelling; the data given is not changed, values of unexpected kinds are left as they are.

    `extend`, which published blueprints carry beside the flow, is left out.
    """
    record = Record(source)
    new = {key: value for key, value in data.items() if key != "extend"}
    pending: list[tuple[Any, Path]] = [(new, ())]
    while pending:
        node, path = pending.pop()
        if isinstance(node, dict):
            _rewrite(new, Edit(node, path, record), path)
        for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
            if isinstance(value, dict | list) and (path or key not in _DATA):
                node[key] = value.copy()
                pending.append((node[key], (*path, key)))
    return Modern(new, sorted(record.notes, key=lambda note: (note.at.line, note.at.column)), record.origins)


def _rewrite(flow: dict[str, Any], edit: Edit, path: Path) -> None:
    match path:
        case ():
            _apply(FLOW, edit)
        case ("inputs", int()):
            _apply(INPUT, edit)
        case (*task, "onResume", int()) if value_at(flow, (*task, "type")) == _PAUSE:
            _apply(INPUT, edit)
        case ("pluginDefaults", int()):
            _rename_type(edit, canonical_prefix)
        case ("pluginDefaults", int(number), "values"):
            _properties(edit, value_at(flow, ("pluginDefaults", number, "type")))
        case _:
            _rename_type(edit, canonical_type)
            _properties(edit, edit.data.get("type"))


def _rename_type(edit: Edit, rename: Callable[[str], str]) -> None:
    old = edit.data.get("type")
    if isinstance(old, str) and rename(old) != old:
        edit.data["type"] = rename(old)
        edit.note_value(("type",), "WD151", f"'{old}' is an old name", f"write '{rename(old)}'")


def _properties(edit: Edit, type_name: object) -> None:
    if not isinstance(type_name, str):
        return
    if runs_scripts(type_name):
        choose_runner(edit)
    _apply(rows_of(type_name), edit)


def _apply(rows: Iterable[Row], edit: Edit) -> None:
    for row in rows:
        apply(row, edit)
