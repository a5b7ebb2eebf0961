"""The places of a loaded flow, for what goes wrong when it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wdprefect.errors import Position
from wdprefect.loader.draft import Draft
from wdprefect.loader.places import value_at
from wdprefect.loader.shape import Findings
from wdprefect.model.task import Path, TaskSpec
from wdprefect.model.trigger import TriggerSpec


@dataclass(frozen=True, slots=True)
class Located:
    """The Places of a flow: its draft, and what knows where its parts stand in the file."""

    draft: Draft
    findings: Findings

    def at(self, path: Path) -> Position:
        return self.findings.at(path)

    def at_template(self, path: Path, text: str, line: int, column: int) -> Position | None:
        specs: list[TaskSpec | TriggerSpec] = [*self.draft.tasks(), *self.draft.triggers()]
        spec = next((each for each in specs if each.path == path), None)
        data = spec.data if spec else value_at(self.draft.properties, path)
        for where, is_key in _places_of(text, data, ()):
            origin = self.draft.origin(spec, where) if spec else (*path, *where)
            return self.findings.at_key(origin) if is_key else self.findings.at_text(origin, line, column)
        return None


def _places_of(text: str, data: Any, path: Path) -> Iterator[tuple[Path, bool]]:
    """The paths of a text in plain data, each with whether it is a key; tasks inside have templates of their own."""
    if data == text:
        yield path, False
    elif isinstance(data, Mapping):
        for key, item in data.items():
            if key == text:
                yield (*path, key), True
            yield from _places_of(text, item, (*path, key))
    elif isinstance(data, list):
        for i, item in enumerate(data):
            yield from _places_of(text, item, (*path, i))
