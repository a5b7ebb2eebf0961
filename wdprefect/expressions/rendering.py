"""Text with templates → text or value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.lexer import OPENER
from wdprefect.expressions.limits import NESTED_RENDERS, OUTPUT_CHARACTERS, PASSES, too_much
from wdprefect.expressions.services import Services
from wdprefect.expressions.values import checked_size, to_text
from wdprefect.masking import SECRETS_READ

if TYPE_CHECKING:
    from wdprefect.expressions.explaining import OnStep
    from wdprefect.expressions.runtime import Nested, Scope

_RAW_TAGS = re.compile(r"\{%-*\s*(?:raw|endraw)\s*-*%\}")
_SCALARS = (str, bool, int, float)


@dataclass(frozen=True, slots=True)
class Expressions:
    """Renders templates; may be used by many threads at once.

    recursive: every result is rendered again until it no longer changes (Kestra's setting
    `kestra.variables.recursive-rendering`); the functions `render` and `renderOnce` do not exist then.
    """

    recursive: bool = False

    def render(self, text: str, variables: Mapping[str, Any], services: Services | None = None) -> str:
        """The text with each template replaced by its text; a text without templates is returned as it is.

        Raises ExpressionError.
        """
        run = _Run(services, 0, self.recursive)
        try:
            return run.stable(text, variables) if self.recursive else run.once(text, variables)
        except ExpressionError as error:
            error.template = text
            raise

    def evaluate(self, text: str, variables: Mapping[str, Any], services: Services | None = None) -> Any:
        """The value of a text: that of its only expression with its type, or else the text.

        What is printed first decides. A map, list or another object is the result whatever follows; text, a number,
        a boolean or null keeps its type when nothing else is printed, be it empty. Nothing printed at all is None.
        """
        run = _Run(services, 0, self.recursive)
        try:
            value = run.typed(text, variables)
            return run.stable(value, variables) if self.recursive and isinstance(value, str) else value
        except ExpressionError as error:
            error.template = text
            raise

    def explain(
        self, text: str, variables: Mapping[str, Any], services: Services | None, on_step: OnStep
    ) -> tuple[str, Any]:
        """What `render` and `evaluate` give, of one and the same rendering. Each step of it is told as it is made."""
        if not OPENER.search(text):
            return text, text
        # Deferred as in `_runner`.
        from wdprefect.expressions.explaining import watched

        try:
            make = watched(text, on_step)
            run = _Run(services, 0, self.recursive)
            return run.both(text, variables, make)
        except ExpressionError as error:
            error.template = text
            raise

    def render_all(self, data: Any, variables: Mapping[str, Any], services: Services | None = None) -> Any:
        """The same data with every text in it rendered, keys included; of keys that render alike the first stays."""
        return _walk(data, lambda text: self.render(text, variables, services))


@dataclass(frozen=True, slots=True)
class _Run:
    services: Services | None
    nested: int
    recursive: bool

    def once(self, text: str, variables: Mapping[str, Any], *, keep_raw: bool = False) -> str:
        if not OPENER.search(text):
            return text
        result: str = _runner()(text, variables, self.services, self._render, _join, keep_raw=keep_raw)
        return result

    def typed(self, text: str, variables: Mapping[str, Any]) -> Any:
        if not OPENER.search(text):
            return text
        return _runner()(text, variables, self.services, self._render, _first, keep_raw=self.recursive)

    def both(self, text: str, variables: Mapping[str, Any], make: Callable[..., Scope]) -> tuple[str, Any]:
        """The text, and the value as `typed` gives it, of one rendering by a scope that `make` makes."""

        def join(pieces: Iterable[Any], scope: Scope) -> tuple[str, Any]:
            printed = []
            for piece in pieces:
                # Before the next one is made: what was read for it is no part of this one.
                if type(piece) is tuple:
                    scope.learn(piece[0])
                printed.append(piece)
            return _join(printed, scope), _first(printed, scope)

        both: tuple[str, Any] = _runner()(text, variables, self.services, self._render, join, make=make)
        return both

    def stable(self, text: str, variables: Mapping[str, Any]) -> str:
        """The text rendered until it no longer changes; raw blocks lose their tags only then."""
        for _ in range(PASSES):
            before, text = text, self.once(text, variables, keep_raw=True)
            if text == before:
                return _RAW_TAGS.sub("", text)
        raise too_much(f"too many rendering attempts: the template still changes after {PASSES} passes")

    @property
    def _render(self) -> Nested | None:
        return None if self.recursive else self._nested

    def _nested(self, scope: Scope, data: Any, *, once: bool) -> Any:
        """What `render` and `renderOnce` give: texts, also those in lists and maps, rendered with what is visible."""
        if self.nested >= NESTED_RENDERS:
            raise too_much(f"templates render each other more than {NESTED_RENDERS} levels deep")
        inner = _Run(self.services, self.nested + 1, recursive=False)
        variables = scope.visible()
        checked_size(data)
        try:
            return _walk(data, lambda text: inner.once(text, variables) if once else inner.stable(text, variables))
        except ExpressionError as error:
            if error.kind != "undefined":
                raise
            # As Kestra does: what is missing in the other text is no missing name of this one.
            raise ExpressionError(error.message, name=error.name) from error


@cache
def _runner() -> Callable[..., Any]:
    # Deferred: three quarters of the cost of importing this package, which a check of syntax does without. Kept: to
    # import it for each text would cost a fifth of a small rendering.
    from wdprefect.expressions.running import run

    return run


def _join(pieces: Iterable[Any], scope: Scope) -> str:
    """The text of everything printed; what is made of secrets is hidden from now on."""
    parts, size = [], 0
    for piece in pieces:
        if type(piece) is str:
            part = piece
        else:
            part = to_text(piece[0])
            if SECRETS_READ.get() != scope.reads:
                scope.learn(piece[0])
        parts.append(part)
        size += len(part)
        if size > OUTPUT_CHARACTERS:
            raise too_much(f"the template prints more than {OUTPUT_CHARACTERS:,} characters")
    return "".join(parts)


def _first(pieces: Iterable[Any], scope: Scope) -> Any:
    """The typed result: see `Expressions.evaluate`."""
    rest = _learned(pieces, scope)
    first = next(rest, (None,))
    if type(first) is tuple and first[0] is not None and not isinstance(first[0], _SCALARS):
        return first[0]
    second = next(rest, None)
    if second is None:
        return first if type(first) is str else first[0]
    return _join(chain((first, second), rest), scope)


def _learned(pieces: Iterable[Any], scope: Scope) -> Iterator[Any]:
    for piece in pieces:
        if type(piece) is tuple:
            # As Kestra does: a null prints nothing, so it neither comes first nor after anything.
            if piece[0] is None:
                continue
            scope.learn(piece[0])
        yield piece


def _walk(data: Any, render: Callable[[str], str]) -> Any:
    if isinstance(data, str):
        return render(data)
    if isinstance(data, Mapping):
        result: dict[Any, Any] = {}
        for key, value in data.items():
            result.setdefault(render(key) if isinstance(key, str) else key, _walk(value, render))
        return result
    if isinstance(data, list | tuple | set | frozenset):
        return [_walk(item, render) for item in data]
    return data
