"""Changing one mapping of a flow to today's spelling, while keeping track of what came from where."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from wdprefect.errors import Problem
from wdprefect.loader.places import Path, value_at
from wdprefect.loader.source import Source


@dataclass(slots=True)
class Record:
    """What was changed so far: the notes, and the source's path for each path that has another one."""

    source: Source
    notes: list[Problem] = field(default_factory=list)
    origins: dict[Path, Path] = field(default_factory=dict)


def origin_of(path: Path, origins: Mapping[Path, Path]) -> Path:
    """Where the value at a path of today's spelling stands in the source, by the longest path that was moved."""
    for length in range(len(path), 0, -1):
        moved = origins.get(path[:length])
        if moved is not None:
            return moved + path[length:]
    return path


class Edit:
    """One mapping of the new data, to be changed in place; the mappings inside are still the source's.

    All paths given are relative to this mapping.
    """

    def __init__(self, data: dict[str, Any], path: Path, record: Record) -> None:
        self.data, self._path, self._record = data, path, record

    def get(self, path: Path) -> Any:
        """The value at the path, or None."""
        return value_at(self.data, path)

    def has(self, path: Path) -> bool:
        """Whether the path exists, whatever its value."""
        parent = value_at(self.data, path[:-1])
        return isinstance(parent, dict) and path[-1] in parent

    def set(self, path: Path, value: Any, came_from: Path) -> bool:
        """Set the value at the path; False, and nothing done, where something else than a mapping is in the way."""
        if not all(isinstance(found, dict) for found in self._on_the_way(path)):
            return False
        origin = self._origin(came_from)
        self._own_parent(path)[path[-1]] = value
        target = (*self._path, *path)
        self._record.origins[target] = origin
        return True

    def remove(self, path: Path) -> None:
        """Remove the value at the path, which exists."""
        del self._own_parent(path)[path[-1]]

    def move(self, old: Path, new: Path) -> bool:
        """Move a value; False, and nothing done, where there is none or the new place is taken."""
        if not self.has(old) or self.has(new) or not self.set(new, self.get(old), old):
            return False
        self.remove(old)
        return True

    def name(self, path: Path) -> str | int:
        """What the source calls the property."""
        return self._origin(path)[-1]

    def note(self, path: Path, code: str, message: str, hint: str) -> None:
        """Say at a key that it is spelled in an old way."""
        at = self._record.source.at_key(self._origin(path))
        self._record.notes.append(Problem(at, code, message, hint, severity="note"))

    def note_value(self, path: Path, code: str, message: str, hint: str) -> None:
        """Say at a value that it is spelled in an old way."""
        at = self._record.source.at(self._origin(path))
        self._record.notes.append(Problem(at, code, message, hint, severity="note"))

    def _origin(self, path: Path) -> Path:
        return origin_of((*self._path, *path), self._record.origins)

    def _own_parent(self, path: Path) -> dict[Any, Any]:
        """The mapping that holds the path's end, made or copied so that the source's data stays as it is."""
        parent: dict[Any, Any] = self.data
        for step in path[:-1]:
            inner = dict(parent.get(step, {}))
            parent[step] = inner
            parent = inner
        return parent

    def _on_the_way(self, path: Path) -> Iterator[Any]:
        for length in range(1, len(path)):
            if self.has(path[:length]):
                yield self.get(path[:length])
