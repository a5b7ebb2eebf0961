"""Tokens → Jinja's syntax tree: text, prints and tags."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, Final

from jinja2 import nodes
from jinja2.lexer import Token

from wdprefect.errors import ExpressionError
from wdprefect.expressions.expression_parser import ExpressionParser

_RESERVED: Final = ("true", "false", "null", "none")


class Parser(ExpressionParser):
    """Jinja's parser with another grammar."""

    _macros: frozenset[str] = frozenset()

    def parse(self) -> nodes.Template:
        """The tree of the whole text; TemplateSyntaxError or ExpressionError where it is none."""
        body = self._body()
        return nodes.Template(body, lineno=0)

    def _body(self, *ends: str) -> list[nodes.Node]:
        """Everything up to a tag of one of these names, which is then the current token, or the end of the text."""
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
            self.fail(f"'{{% {ends[-1]} %}}' is missing", self.stream.current.lineno)
        self._depth -= 1
        return body

    @staticmethod
    def _raw(token: Token) -> nodes.Expr:
        return nodes.MarkSafe(nodes.Const(token.value, lineno=token.lineno), lineno=token.lineno)

    def _tag(self) -> nodes.Node:
        token = self._expect("name")
        statement = self.STATEMENTS.get(token.value)
        if statement is None:
            self.fail(f"'{{% {token.value} %}}' {_what(token.value)}", token.lineno)
        return statement(self, token.lineno)

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
        self._end("endmacro")
        return nodes.Macro(name.value, parameters, defaults, body, lineno=at)

    def _block(self, at: int) -> nodes.Block:
        token = next(self.stream)
        if token.type not in ("name", "text"):
            self.fail("the block has no name", token.lineno)
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

    STATEMENTS: ClassVar[Mapping[str, Callable[[Parser, int], nodes.Node]]] = MappingProxyType(
        {"if": _if, "for": _for, "set": _set, "macro": _macro, "block": _block, "filter": _filter_block}
    )


def _what(tag: str) -> str:
    return "belongs to no tag before it" if tag.startswith(("end", "else")) else "is no tag that is known"
