"""One pass over a text: compiled, run, and what it printed joined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from wdprefect.errors import ExpressionError
from wdprefect.expressions.compiler import compiled
from wdprefect.expressions.lexer import line_and_column
from wdprefect.expressions.limits import within_stack
from wdprefect.expressions.runtime import Missing, Nested, Scope
from wdprefect.expressions.services import Services

Joined = TypeVar("Joined")


def run(
    text: str,
    variables: Mapping[str, Any],
    services: Services | None,
    nested: Nested | None,
    join: Callable[[Iterable[Any], Scope], Joined],
    *,
    keep_raw: bool = False,
    make: Callable[..., Scope] = Scope,
) -> Joined:
    """What `join` makes of the pieces that the text prints: text, and values as tuples of one. It tells the scope.

    nested, keep_raw: see `Scope`. make: in place of it, makes the scope, and may give it another template.
    Raises ExpressionError; a missing name is of kind `undefined`.
    """
    scope = make(compiled(text), variables, services, nested, keep_raw=keep_raw)
    try:
        with within_stack():
            return join(scope.template.root(scope), scope)
    except Missing as missing:
        line, column = line_and_column(text, missing.at)
        message = f"unable to find '{missing.name}' used in the expression at line {line}"
        raise ExpressionError(message, "undefined", missing.name, line, column) from None
