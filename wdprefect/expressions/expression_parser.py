"""Tokens → Jinja's syntax tree, by precedence climbing over Kestra's operators.

The tree is Jinja's own (`Getattr`, `Filter`, `Compare` …), so that whoever reads it needs to learn nothing new.
Operators that Jinja has not (`??`, `..`, `contains` …) are `Compare` nodes with the operator in their `Operand`.
A node's `lineno` holds its offset in the text (see lexer.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NoReturn

from jinja2 import nodes
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Token
from jinja2.parser import Parser as JinjaParser

from wdprefect.errors import ExpressionError
from wdprefect.expressions.grammar import OPERATORS
from wdprefect.expressions.limits import NESTING, too_much

LARGEST_INTEGER = 2**63 - 1

_LEVELS: Final = {word: each.level for each in OPERATORS for word in each.words}
_NODES: Final = {
    "or": nodes.Or,
    "and": nodes.And,
    "+": nodes.Add,
    "-": nodes.Sub,
    "*": nodes.Mul,
    "/": nodes.Div,
    "%": nodes.Mod,
}
UNARY: Final = {"not": nodes.Not, "-": nodes.Neg, "+": nodes.Pos}
_WORDS: Final = {
    "true": True,
    "TRUE": True,
    "false": False,
    "FALSE": False,
    "null": None,
    "NULL": None,
    "none": None,
    "NONE": None,
}
_SPOKEN: Final = {"name": "a name", "endprint": "'}}'", "endtag": "'%}'", "endinterpolation": "'}'"}

# What has come to its end where a token of this type stands.
_ENDS: Final = {
    "endprint": "the '{{ … }}'",
    "endtag": "the '{% … %}'",
    "endinterpolation": "the '#{ … }'",
    "eof": "the text",
}


class ExpressionParser(JinjaParser):
    """The part of the grammar between `{{` and `}}`."""

    _depth = 0

    def expression(self) -> nodes.Expr:
        """A whole expression: operators of any level, then perhaps `? :`."""
        self._enter()
        result = self._operators(0)
        if self.stream.current.value == "?" and self.stream.current.type == "punctuation":
            at = next(self.stream).lineno
            chosen = self.expression()
            self._expect("punctuation", ":")
            result = nodes.CondExpr(result, chosen, self.expression(), lineno=at)
        self._depth -= 1
        return result

    def _operators(self, lowest: int) -> nodes.Expr:
        left = self._unary()
        while (token := self.stream.current).type == "operator" and _LEVELS.get(token.value, -1) >= lowest:
            next(self.stream)
            left = self._binary(token, left)
        return left

    def _binary(self, token: Token, left: nodes.Expr) -> nodes.Expr:
        operator, at = token.value, token.lineno
        if operator == "|":
            return self._filter(left)
        if operator in ("is", "is not"):
            test = self._test(left)
            return test if operator == "is" else nodes.Not(test, lineno=at)
        right = self._operators(_LEVELS[operator] + 1)
        if operator == "~":
            # One node for a whole chain, so that its length does not count as depth.
            parts = left.nodes if isinstance(left, nodes.Concat) else [left]
            return nodes.Concat([*parts, right], lineno=at)
        if operator in _NODES:
            return _NODES[operator](left, right, lineno=at)
        return nodes.Compare(left, [nodes.Operand(operator, right, lineno=at)], lineno=at)

    def _unary(self) -> nodes.Expr:
        token = self.stream.current
        if token.type != "operator" or token.value not in UNARY:
            return self._postfix()
        next(self.stream)
        self._enter()
        result = UNARY[token.value](self._unary(), lineno=token.lineno)
        self._depth -= 1
        return result

    def _filter(self, value: nodes.Expr | None) -> nodes.Filter:
        name = self._expect("name")
        args, named = self._arguments() if self.stream.current.value == "(" else ([], [])
        return nodes.Filter(value, name.value, args, named, None, None, lineno=name.lineno)

    def _test(self, value: nodes.Expr) -> nodes.Test:
        name = self._expect("name")
        args, named = self._arguments() if self.stream.current.value == "(" else ([], [])
        return nodes.Test(value, name.value, args, named, None, None, lineno=name.lineno)

    def _arguments(self) -> tuple[list[nodes.Expr], list[nodes.Keyword]]:
        self._expect("punctuation", "(")
        args: list[nodes.Expr] = []
        named: list[nodes.Keyword] = []
        while not self._take(")"):
            if args or named:
                self._expect("punctuation", ",")
            token = self.stream.current
            if token.type == "name" and self.stream.look().test("punctuation:="):
                self.stream.skip(2)
                named.append(nodes.Keyword(token.value, self.expression(), lineno=token.lineno))
            elif named:
                self.fail("a positional argument cannot follow a named one", token.lineno)
            else:
                args.append(self.expression())
        return args, named

    def _postfix(self) -> nodes.Expr:
        result, may_follow = self._primary()
        while may_follow and self.stream.current.type == "punctuation":
            at = self.stream.current.lineno
            if self._take("."):
                name = self._expect("name")
                result = nodes.Getattr(result, name.value, "load", lineno=name.lineno)
                if self.stream.current.test("punctuation:("):
                    result = nodes.Call(result, *self._arguments(), None, None, lineno=name.lineno)
            elif self._take("["):
                result = nodes.Getitem(result, self.expression(), "load", lineno=at + 1)
                self._expect("punctuation", "]")
            else:
                break
        return result

    def _primary(self) -> tuple[nodes.Expr, bool]:
        """An operand, and whether `.` or `[` may follow it (not after a list or a map)."""
        token = self.stream.current
        if token.type == "punctuation":
            return self._bracketed(token)
        next(self.stream)
        at = token.lineno
        if token.type == "name":
            return self._name(token), True
        if token.type == "text":
            return nodes.Const(token.value, lineno=at), True
        if token.type == "quote":
            return self._interpolated(at), True
        if token.type == "integer":
            return nodes.Const(self._integer(token), lineno=at), True
        if token.type == "decimal":
            return nodes.Const(float(token.value), lineno=at), True
        return self._unexpected(token)

    def _name(self, token: Token) -> nodes.Expr:
        if token.value in _WORDS:
            return nodes.Const(_WORDS[token.value], lineno=token.lineno)
        name = nodes.Name(token.value, "load", lineno=token.lineno)
        if self.stream.current.test("punctuation:("):
            return nodes.Call(name, *self._arguments(), None, None, lineno=token.lineno)
        return name

    @staticmethod
    def _integer(token: Token) -> int:
        digits = token.value.rstrip("L").lstrip("0") or "0"
        if len(digits) > len(str(LARGEST_INTEGER)) or int(digits) > LARGEST_INTEGER:
            # Not a matter of syntax: the original fails in its number conversion.
            raise ExpressionError(f"the number {token.value[:30]} has more than 64 bits")
        return int(digits)

    def _bracketed(self, token: Token) -> tuple[nodes.Expr, bool]:
        if self._take("("):
            result = self.expression()
            self._expect("punctuation", ")")
            return result, True
        if self._take("["):
            return nodes.List(self._items("]", self.expression), lineno=token.lineno), False
        if self._take("{"):
            return nodes.Dict(self._items("}", self._pair), lineno=token.lineno), False
        return self._unexpected(token)

    def _items(self, end: str, item: Callable[[], nodes.Node]) -> list[nodes.Node]:
        items: list[nodes.Node] = []
        while not self._take(end):
            if items:
                self._expect("punctuation", ",")
            items.append(item())
        return items

    def _pair(self) -> nodes.Pair:
        key = self.expression()
        self._expect("punctuation", ":")
        return nodes.Pair(key, self.expression(), lineno=key.lineno)

    def _interpolated(self, at: int) -> nodes.Expr:
        parts: list[nodes.Expr] = []
        while (token := next(self.stream)).type != "endquote":
            if token.type == "text":
                parts.append(nodes.Const(token.value, lineno=token.lineno))
            else:
                parts.append(self.expression())
                self._expect("endinterpolation")
        # As Kestra does: a text that is one interpolation and nothing else is its value.
        return parts[0] if len(parts) == 1 else nodes.Concat(parts, lineno=at)

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > NESTING:
            raise too_much(f"the template is nested more than {NESTING} levels deep")

    def _take(self, punctuation: str) -> bool:
        token = self.stream.current
        if token.value == punctuation and token.type in ("punctuation", "operator"):
            next(self.stream)
            return True
        return False

    def _expect(self, kind: str, value: str | None = None) -> Token:
        token = self.stream.current
        if token.type != kind or (value is not None and token.value != value):
            wanted = f"'{value}'" if value else _SPOKEN.get(kind, kind)
            self._unexpected(token, wanted)
        return next(self.stream)

    def _unexpected(self, token: Token, wanted: str = "a value") -> NoReturn:
        ended = _ENDS.get(token.type)
        found = f"{ended} ends" if ended else f"'{token.value}' stands"
        raise TemplateSyntaxError(f"{found} where {wanted} is expected", token.lineno)
