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
from wdprefect.expressions.limits import NESTING, too_much

LARGEST_INTEGER = 2**63 - 1

_LEVELS: Final = {
    "or": 10,
    "and": 15,
    "is": 20,
    "is not": 20,
    "contains": 20,
    "isIn": 20,
    "==": 30,
    "equals": 30,
    "!=": 30,
    ">": 30,
    "<": 30,
    ">=": 30,
    "<=": 30,
    "+": 40,
    "-": 40,
    "*": 60,
    "/": 60,
    "%": 60,
    "|": 100,
    "~": 110,
    "??": 120,
    "???": 120,
    "..": 120,
}
_NODES: Final = {
    "or": nodes.Or,
    "and": nodes.And,
    "+": nodes.Add,
    "-": nodes.Sub,
    "*": nodes.Mul,
    "/": nodes.Div,
    "%": nodes.Mod,
}
_UNARY: Final = {"not": nodes.Not, "-": nodes.Neg, "+": nodes.Pos}
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
_RESERVED: Final = ("true", "false", "null", "none")


class Parser(JinjaParser):
    """Jinja's parser with another grammar."""

    _depth = 0
    _macros: frozenset[str] = frozenset()

    def parse(self) -> nodes.Template:
        """The tree of the whole text; TemplateSyntaxError or ExpressionError where it is none."""
        body = self._body()
        return nodes.Template(body, lineno=0)

    # Statements

    def _body(self, *ends: str) -> list[nodes.Node]:
        """Everything up to a tag with one of these names (that name is then the current token) or the end of the text."""
        self._enter()
        body: list[nodes.Node] = []
        while self.stream.current.type != "eof":
            token = next(self.stream)
            if token.type == "data":
                body.append(nodes.Output([nodes.TemplateData(token.value, lineno=token.lineno)], lineno=token.lineno))
            elif token.type == "raw":
                body.append(nodes.Output([self._raw(token)], lineno=token.lineno))
            elif token.type == "print":
                body.append(nodes.Output([self.expression()], lineno=token.lineno))
                self._expect("endprint")
            elif self.stream.current.type == "name" and self.stream.current.value in ends:
                self._depth -= 1
                return body
            else:
                body.append(self._tag())
        if ends:
            self.fail(f"expected {{% {ends[-1]} %}}", self.stream.current.lineno)
        self._depth -= 1
        return body

    @staticmethod
    def _raw(token: Token) -> nodes.Expr:
        return nodes.MarkSafe(nodes.Const(token.value, lineno=token.lineno), lineno=token.lineno)

    def _tag(self) -> nodes.Node:
        token = self._expect("name")
        statements: dict[str, Callable[[int], nodes.Node]] = {
            "if": self._if,
            "for": self._for,
            "set": self._set,
            "macro": self._macro,
            "block": self._block,
            "filter": self._filter_block,
        }
        statement = statements.get(token.value)
        if statement is None:
            self.fail(f"unexpected tag name '{token.value}'", token.lineno)
        return statement(token.lineno)

    def _end(self, name: str) -> None:
        self._expect("name", name)
        self._expect("endtag")

    def _if(self, at: int) -> nodes.If:
        test = self.expression()
        self._expect("endtag")
        result = nodes.If(test, self._body("elseif", "else", "endif"), [], [], lineno=at)
        while self.stream.current.value == "elseif":
            branch_at = next(self.stream).lineno
            test = self.expression()
            self._expect("endtag")
            result.elif_.append(nodes.If(test, self._body("elseif", "else", "endif"), [], [], lineno=branch_at))
        if self.stream.current.value == "else":
            self._end("else")
            result.else_ = self._body("endif")
        self._end("endif")
        return result

    def _for(self, at: int) -> nodes.For:
        target = self._assignable()
        self._expect("name", "in")
        iterable = self.expression()
        self._expect("endtag")
        body = self._body("else", "endfor")
        else_: list[nodes.Node] = []
        if self.stream.current.value == "else":
            self._end("else")
            else_ = self._body("endfor")
        self._end("endfor")
        return nodes.For(target, iterable, body, else_, None, False, lineno=at)

    def _set(self, at: int) -> nodes.Assign:
        target = self._assignable()
        self._expect("punctuation", "=")
        value = self.expression()
        self._expect("endtag")
        return nodes.Assign(target, value, lineno=at)

    def _assignable(self) -> nodes.Name:
        token = self._expect("name")
        if token.value in _RESERVED:
            self.fail(f"'{token.value}' cannot be assigned", token.lineno)
        return nodes.Name(token.value, "store", lineno=token.lineno)

    def _macro(self, at: int) -> nodes.Macro:
        name = self._expect("name")
        if name.value in self._macros:
            # Not a matter of syntax: the original finds it when it runs.
            raise ExpressionError(f"more than one macro has the name '{name.value}'")
        self._macros |= {name.value}
        parameters: list[nodes.Name] = []
        defaults: list[nodes.Expr] = []
        self._expect("punctuation", "(")
        while not self._take(")"):
            if parameters:
                self._expect("punctuation", ",")
            token = self._expect("name")
            parameters.append(nodes.Name(token.value, "param", lineno=token.lineno))
            given = self._take("=")
            defaults.append(self.expression() if given else nodes.Const(None, lineno=token.lineno))
        self._expect("endtag")
        body = self._body("endmacro")
        next(self.stream)
        if self.stream.current.type == "name":
            self._expect("name", name.value)
        self._expect("endtag")
        return nodes.Macro(name.value, parameters, defaults, body, lineno=at)

    def _block(self, at: int) -> nodes.Block:
        token = next(self.stream)
        if token.type not in ("name", "text"):
            self.fail("expected the name of the block", token.lineno)
        self._expect("endtag")
        body = self._body("endblock")
        next(self.stream)
        if self.stream.current.type in ("name", "text"):
            self._expect(self.stream.current.type, token.value)
        self._expect("endtag")
        return nodes.Block(token.value, body, False, False, lineno=at)

    def _filter_block(self, at: int) -> nodes.FilterBlock:
        result: nodes.Filter | None = None
        while result is None or self._take("|"):
            result = self._filter(result)
        self._expect("endtag")
        body = self._body("endfilter")
        self._end("endfilter")
        return nodes.FilterBlock(body, result, lineno=at)

    # Expressions

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
        if token.type != "operator" or token.value not in _UNARY:
            return self._postfix()
        next(self.stream)
        self._enter()
        result = _UNARY[token.value](self._unary(), lineno=token.lineno)
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
        self._unexpected(token)

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
        self._unexpected(token)

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

    # Tokens

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
            self._unexpected(token, f", expected {wanted}")
        return next(self.stream)

    def _unexpected(self, token: Token, wanted: str = "") -> NoReturn:
        shown = "the end of the text" if token.type == "eof" else f"'{token.value}'"
        if token.type.startswith("end") and token.type != "endinterpolation":
            shown = "the end of the " + token.type[3:]
        raise TemplateSyntaxError(f"unexpected {shown}{wanted}", token.lineno)


_SPOKEN: Final = {"name": "a name", "endprint": "'}}'", "endtag": "'%}'", "endinterpolation": "'}'"}
