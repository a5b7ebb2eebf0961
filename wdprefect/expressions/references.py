"""What a text uses, from its syntax tree: names of the context, filters, functions and tests. Nothing is compiled."""

# ruff: noqa: N802, N815  # Jinja finds the methods by the names of its node classes

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Literal, NamedTuple

from jinja2 import nodes
from jinja2.visitor import NodeVisitor

from wdprefect.errors import ExpressionError
from wdprefect.expressions.lexer import OPENER, line_and_column
from wdprefect.expressions.limits import within_stack
from wdprefect.expressions.parsing import parse

Kind = Literal["output", "task", "input", "variable", "label", "trigger", "iteration", "secret", "key", "name"]
_ROOTS: dict[str, Kind] = {
    "outputs": "output",
    "tasks": "task",
    "inputs": "input",
    "vars": "variable",
    "labels": "label",
    "trigger": "trigger",
    "item": "iteration",
    "parent": "iteration",
    "parents": "iteration",
}
_KEYED: dict[str, Kind] = {"secret": "secret", "kv": "key"}
_RENDERING = frozenset({"render", "renderOnce"})


@dataclass(frozen=True, slots=True)
class Call:
    """A filter, function or test in a text: its name, how it is given arguments, and its offset in the text.

    given: how many arguments have no name. first: the first one, where it is a constant.
    """

    kind: Literal["filter", "function", "test"]
    name: str
    given: int
    named: tuple[str, ...]
    offset: int
    first: Any = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A name of the context with the attributes and constant subscripts after it, and its place in the text, from 1.

    A secret or a stored key is one as well: `secret('K')` is `("secret", "K")` of the kind `secret`.

    path: ends where a subscript is computed. steps: goes on behind it, with None for what is computed. offsets: of each
    step in the text. is_optional: it may be missing, by a `??`, a `default` or an `is defined` around or before it.
    is_conditional: it is not read in every rendering. is_shown: its value may get into the text, by way of what is in
    `through`. is_rendered: `render` is given it, so that its text is a template too.
    """

    path: tuple[str, ...]
    line: int
    column: int
    kind: Kind = "name"
    steps: tuple[str | None, ...] = ()
    offsets: tuple[int, ...] = ()
    is_optional: bool = False
    is_conditional: bool = False
    is_shown: bool = False
    is_rendered: bool = False
    through: tuple[Call, ...] = ()


@dataclass(frozen=True, slots=True)
class Uses:
    """What a text uses, each in its order."""

    references: Sequence[Reference] = ()
    calls: Sequence[Call] = ()
    macros: frozenset[str] = frozenset()


def references(text: str) -> list[Reference]:
    """The names that a text refers to: `outputs.a['x.csv']` is `("outputs", "a", "x.csv")`.

    Names that loops, `set` and macros make are left out, and so are functions. What stands in a constant text that is
    given to `render` counts. Raises ExpressionError as `check_syntax` does.
    """
    return list(uses(text).references)


def uses(text: str) -> Uses:
    """What a text refers to and calls. Raises ExpressionError as `check_syntax` does."""
    if not OPENER.search(text):
        return Uses()
    with within_stack():
        tree = parse(text)
        reader = _Reader(text)
        reader.read(tree.body, _Around(set()))
        macros = frozenset(macro.name for macro in tree.find_all(nodes.Macro))
    found = sorted(reader.references, key=lambda each: each.offsets[0])
    return Uses(found, sorted(reader.calls, key=lambda each: each.offset), macros)


class _Around(NamedTuple):
    """What is around a part of a text.

    guards: the paths that a condition before has asked for, each with whether they may have been missing there.
    """

    local: set[str]
    optional: bool = False
    conditional: bool = False
    shown: bool = False
    rendered: bool = False
    through: tuple[Call, ...] = ()
    guards: frozenset[tuple[tuple[str, ...], bool]] = frozenset()

    def asking(self) -> _Around:
        """Where a value decides something, and a missing one is an error."""
        return self._replace(optional=False, shown=False, rendered=False)

    def choosing(self) -> _Around:
        """Where a value decides something."""
        return self._replace(shown=False, rendered=False)

    def after(self, asked: Iterable[Reference]) -> _Around:
        """Behind a condition: what it asked for may be used there."""
        guards = self.guards | {(each.path, each.is_optional) for each in asked}
        return self._replace(guards=guards, conditional=True)

    def is_guarded(self, path: tuple[str, ...]) -> bool:
        """Whether a condition has asked for it, for a part of it, or (`outputs contains 'x'`) for what it is in."""
        return any(
            (is_optional or len(guard) < len(path)) and guard[: len(path)] == path[: len(guard)]
            for guard, is_optional in self.guards
        )


class _Reader(NodeVisitor):
    """Goes over a tree and collects."""

    def __init__(self, text: str) -> None:
        self.references: list[Reference] = []
        self.calls: list[Call] = []
        self._text = text

    def read(self, body: Iterable[nodes.Node], around: _Around) -> list[Reference]:
        """Go over some parts; what they refer to."""
        start = len(self.references)
        for node in body:
            self.visit(node, around)
        return self.references[start:]

    def generic_visit(self, node: nodes.Node, around: _Around) -> None:
        self.read(node.iter_child_nodes(), around)

    # Statements

    def visit_Output(self, node: nodes.Output, around: _Around) -> None:
        self.read(node.nodes, around._replace(shown=True))

    def visit_If(self, node: nodes.If, around: _Around) -> None:
        for branch in (node, *node.elif_):
            around = around.after(self.read([branch.test], around.asking()))
            self.read(branch.body, around)
        self.read(node.else_, around)

    def visit_For(self, node: nodes.For, around: _Around) -> None:
        assert isinstance(node.target, nodes.Name), "the parser takes one name"
        self.read([node.iter], around._replace(shown=True))
        inside = around._replace(conditional=True)
        self.read(node.body, inside._replace(local=around.local | {node.target.name, "loop"}))
        self.read(node.else_, inside)

    def visit_Assign(self, node: nodes.Assign, around: _Around) -> None:
        assert isinstance(node.target, nodes.Name), "the parser takes one name"
        self.read([node.node], around._replace(shown=True))
        around.local.add(node.target.name)

    def visit_Macro(self, node: nodes.Macro, around: _Around) -> None:
        inside = around._replace(local={each.name for each in node.args}, conditional=True)
        self.read([*node.defaults, *node.body], inside)

    # Operators

    def visit_Compare(self, node: nodes.Compare, around: _Around) -> None:
        operator, left, right = node.ops[0].op, node.expr, node.ops[0].expr
        if operator in ("??", "???"):
            asked = self.read([left], around._replace(optional=True))
            self.read([right], around.after(asked))
        else:
            self.read([left, right], around.asking() if operator in ("==", "equals", "!=") else around.choosing())

    def _visit_operation(self, node: nodes.BinExpr | nodes.UnaryExpr, around: _Around) -> None:
        # What is missing here is an error that nothing around it catches. Only `+` may give a text.
        shown = around.shown and isinstance(node, nodes.Add)
        self.generic_visit(node, around.asking()._replace(shown=shown))

    visit_Add = visit_Sub = visit_Mul = visit_Div = visit_Mod = visit_Neg = visit_Pos = _visit_operation

    def _visit_logic(self, node: nodes.BinExpr, around: _Around) -> None:
        around = around.choosing()
        asked = self.read([node.left], around)
        self.read([node.right], around.after(asked))

    visit_And = visit_Or = _visit_logic

    def visit_Not(self, node: nodes.Not, around: _Around) -> None:
        self.generic_visit(node, around.choosing())

    def visit_CondExpr(self, node: nodes.CondExpr, around: _Around) -> None:
        assert node.expr2, "the parser always makes both"
        asked = self.read([node.test], around.choosing())
        self.read([node.expr1, node.expr2], around.after(asked))

    # Calls

    def visit_Filter(self, node: nodes.Filter, around: _Around) -> None:
        call = self._called("filter", node.name, node)
        inside = around._replace(through=(*around.through, call))
        if node.node is not None:
            self.visit(node.node, inside._replace(optional=around.optional or node.name == "default"))
        self._read_arguments(node, inside._replace(rendered=False))

    def visit_Test(self, node: nodes.Test, around: _Around) -> None:
        self._called("test", node.name, node)
        inside = around.choosing()
        self.visit(node.node, inside._replace(optional=around.optional or node.name == "defined"))
        self._read_arguments(node, inside)

    def visit_Call(self, node: nodes.Call, around: _Around) -> None:
        if isinstance(node.node, nodes.Getattr):
            self.visit(node.node.node, around._replace(rendered=False))
            self._read_arguments(node, around._replace(rendered=False))
            return
        assert isinstance(node.node, nodes.Name), "the parser calls nothing else"
        name = node.node.name
        call = self._called("function", name, node)
        inside = around._replace(through=(*around.through, call), rendered=name in _RENDERING)
        self._read_arguments(node, inside)
        text = _constant(node, "toRender" if name in _RENDERING else "key")
        if name in _KEYED:
            path = (name,) if text is None else (name, str(text.value))
            self._add(path, path, (node.lineno,) * len(path), around, _KEYED[name])
        elif name in _RENDERING and text is not None:
            self._read_nested(text, around)

    def _called(
        self, kind: Literal["filter", "function", "test"], name: str, node: nodes.Filter | nodes.Test | nodes.Call
    ) -> Call:
        first = node.args[0].value if node.args and isinstance(node.args[0], nodes.Const) else None
        call = Call(kind, name, len(node.args), tuple(str(each.key) for each in node.kwargs), node.lineno, first)
        self.calls.append(call)
        return call

    def _read_arguments(self, node: nodes.Filter | nodes.Test | nodes.Call, around: _Around) -> None:
        self.read([*node.args, *(each.value for each in node.kwargs)], around)

    def _read_nested(self, node: nodes.Const, around: _Around) -> None:
        """What the template in a constant refers to, placed in the text around it as well as it can be."""
        text, start = node.value, node.lineno + 1
        is_verbatim = self._text.startswith(text, start)
        reader = _Reader(text)
        # A template in a template that does not parse fails when it is reached.
        with suppress(ExpressionError):
            reader.read(parse(text).body, around._replace(rendered=False))
        for each in reader.references:
            offsets = tuple(start + at if is_verbatim else start for at in each.offsets)
            inner = around._replace(
                optional=each.is_optional,
                conditional=around.conditional or each.is_conditional,
                shown=around.shown and each.is_shown,
            )
            self._add(each.path, each.steps, offsets, inner, each.kind)

    # Names

    def _visit_path(self, node: nodes.Expr, around: _Around) -> None:
        steps: list[str | None] = []
        offsets: list[int] = []
        while isinstance(node, nodes.Getattr | nodes.Getitem):
            steps.insert(0, _step(node))
            offsets.insert(0, node.lineno)
            if steps[0] is None:
                assert isinstance(node, nodes.Getitem), "an attribute is a constant"
                self.visit(node.arg, around.choosing())
            node = node.node
        if not isinstance(node, nodes.Name):
            self.visit(node, around)
        elif node.name not in around.local:
            found = (node.name, *steps)
            path = tuple(takewhile(lambda step: step is not None, found))
            self._add(path, found, (node.lineno, *offsets), around)  # type: ignore[arg-type]  # up to the first None

    visit_Name = visit_Getattr = visit_Getitem = _visit_path

    def _add(
        self,
        path: tuple[str, ...],
        steps: tuple[str | None, ...],
        offsets: tuple[int, ...],
        around: _Around,
        kind: Kind | None = None,
    ) -> None:
        line, column = line_and_column(self._text, offsets[0])
        is_optional = around.optional or around.is_guarded(path)
        self.references.append(
            Reference(
                path,
                line,
                column,
                kind or _kind(path),
                steps,
                offsets,
                is_optional,
                around.conditional,
                around.shown,
                around.rendered,
                around.through if around.shown else (),
            )
        )


def _constant(node: nodes.Call, name: str) -> nodes.Const | None:
    """The first argument, or the one of this name, where it is a constant text."""
    value = next(iter([*node.args, *(each.value for each in node.kwargs if each.key == name)]), None)
    return value if isinstance(value, nodes.Const) and isinstance(value.value, str) else None


def _step(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    if isinstance(node.arg, nodes.Const) and node.arg.value is not None:
        return str(node.arg.value)
    return None


def _kind(path: tuple[str, ...]) -> Kind:
    if path[:2] in (("taskrun", "value"), ("taskrun", "iteration")):
        return "iteration"
    return _ROOTS.get(path[0], "name")
