"""A rendering step by step: what each print gives, and each filter on the way to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from jinja2 import nodes
from jinja2.lexer import Token

from wdprefect.expressions.compiler import generated
from wdprefect.expressions.parsing import parse, tokens
from wdprefect.expressions.runtime import Scope
from wdprefect.masking import SECRETS_READ

# The filter that is put around every print, a name that no template can write.
_PRINT: Final = "}}"


@dataclass(frozen=True, slots=True)
class Step:
    """A value while a text is rendered.

    source: how the text spells it; a filter with its `|`. element: the `{{ … }}` or `{% … %}` around, and its offset.
    is_secret: whether it may be made of a secret.
    """

    source: str
    value: Any
    element: str
    offset: int
    is_secret: bool


OnStep = Callable[[Step], None]


def watched(text: str, on_step: OnStep) -> Callable[..., Scope]:
    """What makes the scope of a text that is rendered, as `Scope` does; it tells every step.

    Of a chain of filters it tells what goes in and what each gives, of an expression without filters its value.
    """
    tree = parse(text)
    for output in list(tree.find_all(nodes.Output)):
        output.nodes = [_marked(each, output.lineno) for each in output.nodes]
    template, spelled = generated(text, tree), _Spelled(text, parse(text))

    class Watched(Scope):
        def filtered(self, name: str, at: int, args: Sequence[Any], named: Mapping[str, Any] | None, value: Any) -> Any:
            if name == _PRINT:
                if not spelled.has_filter_around(at):
                    self._tell(spelled.expression(at), value, at)
                return value
            if spelled.is_first(at):
                self._tell(spelled.head(at), value, at)
            result = super().filtered(name, at, args, named, value)
            self._tell(f"| {spelled.filter(at)}", result, at)
            return result

        def _tell(self, source: str, value: Any, at: int) -> None:
            is_secret = SECRETS_READ.get() != self.reads
            on_step(Step(source, value, spelled.element(at), spelled.offset(at), is_secret))

    return lambda _, *rest, **named: Watched(template, *rest, **named)


def _marked(node: nodes.Expr, at: int) -> nodes.Expr:
    if isinstance(node, nodes.TemplateData | nodes.MarkSafe):
        return node
    return nodes.Filter(node, _PRINT, [], [], None, None, lineno=at)


class _Spelled:
    """How a text spells its filters."""

    def __init__(self, text: str, tree: nodes.Template) -> None:
        self._text, self._tokens = text, tokens(text)
        self._filters = {each.lineno: each for each in tree.find_all(nodes.Filter)}
        self._outermost = {output.lineno: output.nodes[0] for output in tree.find_all(nodes.Output)}
        starts = [token for token in self._tokens if token.type in ("print", "tag")]
        ends = [token for token in self._tokens if token.type in ("endprint", "endtag")]
        self._elements = [(start.lineno, end.lineno) for start, end in zip(starts, ends, strict=True)]

    def has_filter_around(self, at: int) -> bool:
        """Whether the last filter of a print gives its value."""
        return isinstance(self._outermost[at], nodes.Filter)

    def is_first(self, at: int) -> bool:
        """Whether the filter at an offset is the first of its chain."""
        return not isinstance(self._filters[at].node, nodes.Filter)

    def offset(self, at: int) -> int:
        """Where the element around an offset starts."""
        return self._span(at)[0]

    def element(self, at: int) -> str:
        """The whole element around an offset."""
        start, end = self._span(at)
        return self._text[start : end + (3 if self._text.startswith("-", end) else 2)]

    def expression(self, at: int) -> str:
        """What stands in the print that starts at an offset."""
        return self._between(at, self._span(at)[1])

    def head(self, at: int) -> str:
        """What goes into the filter at an offset."""
        node = self._filters[at].node
        if node is None:
            return "…"
        before = self._before(at)
        first = min([node.lineno, *(each.lineno for each in node.find_all(nodes.Node) if each.lineno)])
        index = next(i for i, token in enumerate(self._tokens) if token.lineno >= first)
        while index and self._is_unbalanced(index, before):
            index -= 1
        return self._text[self._tokens[index].lineno : before].strip()

    def filter(self, at: int) -> str:
        """The filter at an offset with its arguments."""
        depth = 0
        following = [token for token in self._tokens if token.lineno >= at]
        for token, after in pairwise(following):
            depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(_bracket(token), 0)
            if not depth and not (token.lineno == at and after.value == "("):
                return self._text[at : after.lineno].strip()
        return self._text[at:].strip()

    def _before(self, at: int) -> int:
        return max(token.lineno for token in self._tokens if token.lineno < at and token.value == "|")

    def _is_unbalanced(self, index: int, before: int) -> bool:
        brackets = [_bracket(token) for token in self._tokens[index:] if token.lineno < before]
        return brackets.count(")") > brackets.count("(")

    def _between(self, start: int, end: int) -> str:
        inside = self._text[start + 2 : end]
        return (inside[1:] if inside[:1] == "-" and inside[1:2].isspace() else inside).strip()

    def _span(self, at: int) -> tuple[int, int]:
        return next((start, end) for start, end in self._elements if start <= at <= end)


def _bracket(token: Token) -> str:
    return token.value if token.type == "punctuation" else ""
