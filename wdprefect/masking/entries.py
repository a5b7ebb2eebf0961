"""Maps of which some entries are secret, and noticing that one of them is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

# How many secrets have been read here: in this thread, or in this task of an event loop.
SECRETS_READ: ContextVar[int] = ContextVar("SECRETS_READ", default=0)


def notice() -> None:
    """A secret has been read."""
    SECRETS_READ.set(SECRETS_READ.get() + 1)


class SecretEntries(Mapping[Any, Any]):
    """A map that notices when one of its secret entries is read, in whatever way.

    No dict: every way of reading it must go through here.
    """

    __slots__ = ("entries", "secret")

    def __init__(self, entries: Mapping[Any, Any], secret: Iterable[Any]) -> None:
        """entries: what `hide` may read unnoticed. secret: the keys of those that count."""
        self.entries, self.secret = entries, frozenset(secret)

    def __getitem__(self, key: Any) -> Any:
        value = self.entries[key]
        if key in self.secret:
            notice()
        return value

    def __contains__(self, key: object) -> bool:
        return key in self.entries

    def __iter__(self) -> Iterator[Any]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __repr__(self) -> str:
        """The names alone."""
        return f"<{type(self).__name__}: {', '.join(map(str, self.entries))}>"


def secret_at(data: Mapping[str, Any], paths: Iterable[Sequence[str]]) -> Mapping[str, Any]:
    """The same maps, with the entries at these paths secret, as far as they are there and not null."""
    found: Mapping[str, Any] = data
    for first, *rest in paths:
        value = (found.entries if isinstance(found, SecretEntries) else found).get(first)
        if rest and isinstance(value, Mapping):
            found = merged(found, {first: secret_at(value, [rest])})
        elif not rest and value is not None:
            found = merged(found, SecretEntries({first: value}, [first]))
    return found


def merged(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A map of the entries of both, the second winning; what is secret stays so."""
    if not isinstance(first, SecretEntries) and not isinstance(second, SecretEntries):
        return {**first, **second}
    entries: dict[Any, Any] = {}
    secret: set[Any] = set()
    for each in (first, second):
        known = each.entries if isinstance(each, SecretEntries) else each
        entries.update(known)
        secret -= known.keys()
        secret |= each.secret if isinstance(each, SecretEntries) else set()
    return SecretEntries(entries, secret)


def unguarded(value: Any) -> Any:
    """The same data as plain maps and lists; nothing is noticed."""
    if isinstance(value, SecretEntries):
        value = value.entries
    if isinstance(value, Mapping):
        return {key: unguarded(item) for key, item in value.items()}
    return [unguarded(item) for item in value] if isinstance(value, list | tuple) else value
