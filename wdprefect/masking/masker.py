"""The values that are secret in one run, and the hiding of them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wdprefect.masking import written
from wdprefect.masking.entries import SecretEntries

MASK = "********"
# Shorter values would blacken whole logs: every `1` or `yes` of the text.
SHORTEST = 4
# What is made of a secret counts from here on, and hides wherever it stands. Shorter values must stand alone: a PIN
# such as 1234 is not part of the number 12345, nor `pass` of `password`.
SHORTEST_DERIVED = 6
# Words that every log and every JSON text has.
_COMMON = frozenset(("true", "false", "null", "none", "undefined"))
# Of one text so many lines are looked for one by one, with their blanks and without.
_MOST_PARTS = 10_000
# Values are found by their first characters; up to so many of these a regular expression is faster than slices.
_HEAD = SHORTEST
_FEW_HEADS = 100
_CUT_MARKS = re.compile(r"…|\.\.\.")


class Masker:
    """Values that are secret in one run, and the hiding of them in text and data. Safe to use from several threads."""

    def __init__(self) -> None:
        self._values: set[str] = set()
        # The first characters of values, and the lengths of those that begin so, the longest first.
        self._lengths: dict[str, tuple[int, ...]] = {}
        self._heads: tuple[int, re.Pattern[str] | None] = (0, None)
        self._lock = threading.Lock()

    def register(self, value: str) -> None:
        """Hide `value` from now on, each of its lines, and both in the spellings of JSON, URLs, XML, shells and base64.

        Values under four characters are not hidden, nor are words such as `true`; those under six only where no letter
        or digit stands beside them.
        """
        self._add(value, SHORTEST)

    def learn(self, made: Any, source: str = "") -> None:
        """Hide what was made of a secret: text of six characters or more, and such texts in maps and lists.

        source: the text that made it; what stands there as it is, is no secret. Numbers and booleans are none either.
        """
        for text in _texts(made):
            if text not in source:
                self._add(text, SHORTEST_DERIVED, source)

    def is_secret(self, value: Any) -> bool:
        """Whether the value is a registered text and nothing more, or a list with such a text in it."""
        if isinstance(value, str):
            return value in self._values or value.strip() in self._values
        return isinstance(value, list | tuple) and any(map(self.is_secret, value))

    def guarded(self, value: Any) -> Any:
        """The same data, its maps noticing when an entry is read that is a secret."""
        if not self._values:
            return value
        if isinstance(value, list):
            return [self.guarded(item) for item in value]
        if not isinstance(value, Mapping) or isinstance(value, SecretEntries):
            return value
        entries = {key: self.guarded(item) for key, item in value.items()}
        secret = [key for key, item in value.items() if self.is_secret(item)]
        return SecretEntries(entries, secret) if secret else entries

    def hide(self, text: str) -> str:
        """The text with a fixed mask in place of each registered value.

        Also of values that overlap, and of one that was cut off with `…` or `...` behind six characters or more.
        """
        if not self._values or not (starts := self._starts(text)):
            return text
        parts, shown_to = [], 0
        for start, end in _joined(self._found(text, starts)):
            parts += [text[shown_to:start], MASK]
            shown_to = end
        return "".join([*parts, text[shown_to:]]) if parts else text

    def hide_in(self, value: Any) -> Any:
        """The same data with every text in it hidden, keys of mappings included, and numbers of six digits or more."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return self._hidden_entries(value)
        if isinstance(value, list | tuple | set | frozenset):
            return [self.hide_in(v) for v in value]
        if isinstance(value, int | float) and len(text := str(value)) >= SHORTEST_DERIVED and text in self._values:
            return MASK
        return value

    def _hidden_entries(self, value: Mapping[Any, Any]) -> dict[Any, Any]:
        secret, value = (value.secret, value.entries) if isinstance(value, SecretEntries) else (frozenset(), value)
        hidden: dict[Any, Any] = {}
        for key, item in value.items():
            name = shown = self.hide(key) if isinstance(key, str) else key
            # Two names that are hidden must not become one.
            while name in hidden:
                name = f"{shown} {len(hidden) + 1}"
            hidden[name] = MASK if key in secret and isinstance(item, str) else self.hide_in(item)
        return hidden

    def _add(self, value: str, shortest: int, source: str = "") -> None:
        found = {part for part in _parts(value, source) if len(part.strip()) >= shortest}
        found = {part for part in found if part.casefold() not in _COMMON} - self._values
        if not found:
            return
        with self._lock:
            # Others search meanwhile: a value can be found once its head is there.
            self._values |= found
            for part in found:
                head = part[:_HEAD]
                lengths = {*self._lengths.get(head, ()), len(part)}
                self._lengths[head] = tuple(sorted(lengths, reverse=True))

    def _starts(self, text: str) -> list[int]:
        """Where values may begin."""
        heads = self._lengths
        if len(heads) > _FEW_HEADS:
            return [start for start in range(len(text) - _HEAD + 1) if text[start : start + _HEAD] in heads]
        count, pattern = self._heads
        if pattern is None or count != len(heads):
            count, pattern = len(heads), re.compile(f"(?={_tree(sorted(heads))})")
            self._heads = count, pattern
        return [found.start() for found in pattern.finditer(text)]

    def _found(self, text: str, starts: Iterable[int]) -> Iterator[tuple[int, int]]:
        cuts = [cut.start() for cut in _CUT_MARKS.finditer(text)]
        for start in starts:
            end = self._end(text, start) or (cuts and self._end_of_cut(text, start, cuts))
            if end:
                yield start, end

    def _end(self, text: str, start: int) -> int | None:
        """Where the longest value ends that begins here."""
        for length in self._lengths[text[start : start + _HEAD]]:
            end = start + length
            if text[start:end] in self._values and (length >= SHORTEST_DERIVED or _stands_alone(text, start, end)):
                return end
        return None

    def _end_of_cut(self, text: str, start: int, cuts: Iterable[int]) -> int | None:
        """Where a value that begins here was cut off."""
        end = next((cut for cut in cuts if cut >= start + SHORTEST_DERIVED), None)
        if end is None or end - start >= self._lengths[text[start : start + _HEAD]][0]:
            return None
        begun = text[start:end]
        return end if any(value.startswith(begun) for value in self._values) else None


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)


def _parts(value: str, source: str) -> Iterator[str]:
    for number, line in enumerate(written.lines(value)):
        if number > _MOST_PARTS:
            return
        if not line or line in source:
            continue
        yield line
        if len(line) <= written.LONGEST_ENCODED:
            yield from written.spellings(line)
            if len(line) >= SHORTEST_DERIVED:
                yield from written.base64_forms(line)


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


def _joined(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order, those that overlap as one."""
    start = end = 0
    for next_start, next_end in spans:
        if next_start < end:
            end = max(end, next_end)
            continue
        if end:
            yield start, end
        start, end = next_start, next_end
    if end:
        yield start, end


def _tree(heads: list[str]) -> str:
    """A pattern for these texts of one length that looks at each character once."""
    found: dict[str, list[str]] = {}
    for head in heads:
        if head:
            found.setdefault(head[0], []).append(head[1:])
    branches = [re.escape(first) + _tree(rest) for first, rest in found.items()]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})" if branches else ""
