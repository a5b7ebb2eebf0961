"""What a rendering knows of secrets: that one was read, so that what was made of it is hidden wherever it shows up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wdprefect.errors import ExpressionError, WdprefectError
from wdprefect.expressions import numbers
from wdprefect.expressions.compiled import Compiled
from wdprefect.expressions.services import Services
from wdprefect.expressions.values import LISTS, to_text
from wdprefect.masking import MASK, SECRETS_READ, Masker, hide_shared


class SecretReads:
    """The part of a Scope that notices reads of secrets. Nothing is done, and little asked, where none is read."""

    template: Compiled
    services: Services | None
    # How many had been read when it was last asked, and the names whose values are made of secrets.
    reads: int
    suspects: frozenset[str]

    @property
    def masker(self) -> Masker | None:
        """What hides secrets in this run; None where nothing does."""
        return getattr(self.services, "masker", None)

    def learn(self, value: Any) -> None:
        """Have a value that is printed hidden from now on, if a secret has been read since this was last called."""
        if SECRETS_READ.get() == self.reads:
            return
        masker = self.masker
        if masker and not (value is None or isinstance(value, bool) or numbers.is_number(value)):
            masker.learn(value, self.template.source)
            masker.learn(to_text(value), self.template.source)
        self.reads = SECRETS_READ.get()

    def settled(self, holds: bool) -> bool:  # noqa: FBT001  # generated code passes what it has computed
        """The test of an `if`: what was read for it has no part in what is printed."""
        self.reads = SECRETS_READ.get()
        return holds

    def suspect(self, name: str) -> None:
        """Count reading this name as reading a secret, if what it stands for was made of one."""
        if SECRETS_READ.get() != self.reads:
            self.suspects |= {name}
            self.reads = SECRETS_READ.get()

    def name_of(self, key: Any) -> str:
        """A key in the words of an error."""
        name = to_text(key)
        return name if SECRETS_READ.get() == self.reads or name in self.template.source else MASK

    def reason(self, error: Exception, operands: Iterable[Any]) -> str:
        """The words of an error, without what a secret may have put into them; operands: what was worked on."""
        words = error.message if isinstance(error, ExpressionError) else str(error)
        if SECRETS_READ.get() == self.reads:
            return words
        source = self.template.source
        foreign = (error.__cause__ or error.__context__) if isinstance(error, WdprefectError) else error
        told = str(foreign or "").strip("'")
        if told and told not in source:
            # Nobody knows what another library made of its text.
            words = words.replace(told, "(not shown: it may hold a secret)")
        return hide_shared(words, [text for text in map(to_text, _leaves(operands)) if text not in source])


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    """What a message may quote of these values; the scope that functions get is none of them."""
    for value in values:
        if isinstance(value, SecretReads):
            continue
        if isinstance(value, Mapping):
            yield from _leaves((*value.keys(), *value.values()))
        elif isinstance(value, LISTS):
            yield from _leaves(value)
        else:
            yield value
