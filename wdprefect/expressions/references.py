"""The names that a text uses, from its syntax tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jinja2 import nodes

from wdprefect.expressions.lexer import OPENER, line_and_column
from wdprefect.expressions.limits import within_stack
from wdprefect.expressions.parsing import parse


@dataclass(frozen=True, slots=True)
class Reference:
    """A name of the context with the attributes and constant subscripts after it, and its place in the text, from 1."""

    path: tuple[str, ...]
    line: int
    column: int


def references(text: str) -> list[Reference]:
    """What a text refers to, in its order: `outputs.a['x.csv']` is `("outputs", "a", "x.csv")`.

    A path ends where a subscript is computed: `inputs[x]` refers to `("inputs",)` and `("x",)`. Names that loops, `set`
    and macros make are left out, and so are functions. Raises ExpressionError as `check_syntax` does.
    """
    if not OPENER.search(text):
        return []
    with within_stack():
        found = list(_in_body(parse(text).body, set()))
    return [Reference(path, *line_and_column(text, at)) for path, at in sorted(found, key=lambda each: each[1])]


Found = Iterator[tuple[tuple[str, ...], int]]


def _in_body(body: Iterable[nodes.Node], local: set[str]) -> Found:
    for node in body:
        yield from _in_node(node, local)


def _in_node(node: nodes.Node, local: set[str]) -> Found:
    if isinstance(node, nodes.Name | nodes.Getattr | nodes.Getitem):
        yield from _in_path(node, local)
    elif isinstance(node, nodes.For):
        yield from _in_node(node.iter, local)
        assert isinstance(node.target, nodes.Name), "the parser takes one name"
        yield from _in_body(node.body, local | {node.target.name, "loop"})
        yield from _in_body(node.else_, local)
    elif isinstance(node, nodes.Assign):
        yield from _in_node(node.node, local)
        assert isinstance(node.target, nodes.Name), "the parser takes one name"
        local.add(node.target.name)
    elif isinstance(node, nodes.Macro):
        inside = {each.name for each in node.args}
        yield from _in_body(node.defaults, inside)
        yield from _in_body(node.body, inside)
    elif isinstance(node, nodes.Call):
        # The function's own name is none of the context's.
        target = [node.node.node] if isinstance(node.node, nodes.Getattr) else []
        yield from _in_body([*target, *node.args, *node.kwargs], local)
    else:
        yield from _in_body(node.iter_child_nodes(), local)


def _in_path(node: nodes.Expr, local: set[str]) -> Found:
    path: list[str] = []
    while isinstance(node, nodes.Getattr | nodes.Getitem):
        if isinstance(node, nodes.Getattr):
            path.insert(0, node.attr)
        elif isinstance(node.arg, nodes.Const) and node.arg.value is not None:
            path.insert(0, str(node.arg.value))
        else:
            yield from _in_node(node.arg, local)
            path = []
        node = node.node
    if not isinstance(node, nodes.Name):
        yield from _in_node(node, local)
    elif node.name not in local:
        yield (node.name, *path), node.lineno
