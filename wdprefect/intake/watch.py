"""What a trigger watches: which objects of which bucket, and who is told of them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from wdprefect.expressions.regexes import pattern
from wdprefect.intake.objects import Observed, SeenObject
from wdprefect.model.keys import is_shown

if TYPE_CHECKING:
    from botocore.client import BaseClient

_LOG = logging.getLogger(__name__)
# A key has at most 1024 bytes. Whoever may store objects must not be able to keep everybody waiting.
_MATCHING_SECONDS = 0.1

KeyFilter = Literal["FILES", "DIRECTORY", "BOTH"]
# Puts objects into the book and says what the book knows of each, in the same order. When it returns, they are safe
# there; when it raises, they are not. Called from several threads.
Show = Callable[[Sequence[SeenObject]], Sequence[Observed]]


@dataclass(frozen=True, slots=True)
class Watch:
    """The objects that are wanted.

    marker: only keys that come after it, in the order of their UTF-8 bytes. delimiter: no keys that have it behind
    the prefix. regexp: in Java's syntax, the whole key matches it. key_filter: FILES are keys that do not end with
    a slash, DIRECTORY those that do. owner: the account that must own the bucket. payer: `requester`, where it pays.
    """

    bucket: str
    prefix: str = ""
    delimiter: str | None = None
    marker: str | None = None
    regexp: str | None = None
    key_filter: KeyFilter = "BOTH"
    owner: str | None = None
    payer: str | None = None

    @property
    def terms(self) -> dict[str, str]:
        """What every request to the bucket carries."""
        named = {"ExpectedBucketOwner": self.owner, "RequestPayer": self.payer}
        return {name: value for name, value in named.items() if value}

    @property
    def listing(self) -> dict[str, str]:
        """What a request for a listing carries, whichever listing it is."""
        named = {"Prefix": self.prefix, "Delimiter": self.delimiter}
        return {"Bucket": self.bucket} | self.terms | {name: value for name, value in named.items() if value}

    def wants(self, key: str) -> bool:
        """Whether a listing would show the key, and neither filter nor regexp takes it out.

        A key with which the regexp takes too long is not wanted, and the log says so.
        Raises ExpressionError for what is no regular expression.
        """
        return self._is_listed(key) and self._passes(key)

    def _is_listed(self, key: str) -> bool:
        return is_shown(key, self.prefix, self.delimiter) and (not self.marker or key.encode() > self.marker.encode())

    def _passes(self, key: str) -> bool:
        if self.key_filter != "BOTH" and key.endswith("/") != (self.key_filter == "DIRECTORY"):
            return False
        return not self.regexp or self._matches(self.regexp, key)

    def _matches(self, regexp: str, key: str) -> bool:
        try:
            return bool(pattern(regexp).fullmatch(key, timeout=_MATCHING_SECONDS))
        except TimeoutError:
            _LOG.warning("the regexp %r takes too long with the key %r, which is left out: simplify it", regexp, key)
            return False


@dataclass(frozen=True, slots=True)
class Watched:
    """A watch, the boto3 client by which its bucket is read, and who is told of the objects."""

    watch: Watch
    client: BaseClient
    show: Show


@dataclass(frozen=True, slots=True)
class Shown:
    """How much a source has seen and shown, and how much of that was new."""

    seen: int = 0
    shown: int = 0
    new: int = 0

    def __add__(self, other: Any) -> Shown:
        if not isinstance(other, Shown):
            return NotImplemented
        return Shown(self.seen + other.seen, self.shown + other.shown, self.new + other.new)


def count(seen: int, observed: Iterable[Observed]) -> Shown:
    """The counts of one call of `show`."""
    all_of_them = list(observed)
    return Shown(seen, len(all_of_them), sum(one.is_new for one in all_of_them))
