"""The files of a namespace in a folder and in the storage: what differs, and making one like the other."""

from __future__ import annotations

from dataclasses import dataclass

from wdprefect.model.parallel import in_parallel
from wdprefect.model.ports import NamespaceFile
from wdprefect.storage.namespace_folder import NamespaceFolder
from wdprefect.storage.namespaces import StoredNamespaces
from wdprefect.storage.uris import namespace_uri

Side = NamespaceFolder | StoredNamespaces


@dataclass(frozen=True, slots=True)
class Difference:
    """How one side differs from the other: what only it has, what is not the same, what only the other has."""

    added: list[NamespaceFile]
    changed: list[NamespaceFile]
    removed: list[NamespaceFile]
    unchanged: int

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def difference(namespace: str, side: Side, other: Side) -> Difference:
    """How the files of `side` differ from those of `other`. Only files of one size are read to compare them."""
    mine = {file.path: file for file in side.entries(namespace)}
    theirs = {file.path: file for file in other.entries(namespace)}
    both = [path for path in mine if path in theirs]
    alike = [path for path in both if mine[path].size == theirs[path].size]
    digests = zip(
        alike,
        side.digests([mine[path] for path in alike]),
        other.digests([theirs[path] for path in alike]),
        strict=True,
    )
    same = {path for path, one, two in digests if one == two}
    return Difference(
        added=[file for path, file in mine.items() if path not in theirs],
        changed=[mine[path] for path in both if path not in same],
        removed=[file for path, file in theirs.items() if path not in mine],
        unchanged=len(same),
    )


def push(folder: NamespaceFolder, stored: StoredNamespaces, found: Difference) -> None:
    """Make the storage like the folder. Nothing is done when one of the files is refused.

    What is gone goes first: a folder may have taken the name of a file.
    """
    wanted = [*found.added, *found.changed]
    sources = [(namespace_uri(file.namespace, file.path), folder.source(file)) for file in wanted]
    stored.delete(found.removed)
    in_parallel(lambda item: stored.storage.put(*item), sources)


def pull(folder: NamespaceFolder, stored: StoredNamespaces, found: Difference) -> None:
    """Make the folder like the storage, otherwise as `push`."""
    targets = [(file, folder.target(file)) for file in [*found.added, *found.changed]]
    for path in [folder.target(file) for file in found.removed]:
        path.unlink(missing_ok=True)
        folder.remove_empty(path.parent)
    stored.get(targets)
