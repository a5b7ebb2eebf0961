"""Expressions → Python, on Jinja's code generator: calls of `Scope`'s methods with constants and nested calls.

Arithmetic, `==` and the test of an `if` let no missing name through to a `??` around them. Which names stand inside of
these is known here, so they are looked up by another method, and nothing is wrapped at run time.
"""

# ruff: noqa: ARG002, N802, N815  # Jinja finds the methods by the names of its node classes and gives all a frame

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame

from wdprefect.expressions import numbers

# What the generated code may call by name, besides the methods of its scope.
OPERATIONS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        each.__name__: each
        for each in (
            numbers.add,
            numbers.subtract,
            numbers.multiply,
            numbers.divide,
            numbers.remainder,
            numbers.negative,
            numbers.positive,
            numbers.equal,
            numbers.compare,
            numbers.contains,
            numbers.is_in,
            numbers.span,
        )
    }
)
_COMPARES: Final = {"==": "equal", "equals": "equal", "contains": "contains", "isIn": "is_in", "..": "span"}
# Operators that let no missing name of their operands through.
_GUARDING: Final = ("==", "equals", "!=")
# Those whose result is no boolean.
_GIVING_VALUES: Final = ("??", "???", "..")


def _binary(name: str) -> Callable[[Any, nodes.BinExpr, Frame], None]:
    def visit(self: ExpressionGenerator, node: nodes.BinExpr, frame: Frame) -> None:
        self._write_operation(name, frame, node.lineno, node.left, node.right)

    return visit


def _unary(name: str) -> Callable[[Any, nodes.UnaryExpr, Frame], None]:
    def visit(self: ExpressionGenerator, node: nodes.UnaryExpr, frame: Frame) -> None:
        # As Kestra does: a sign, unlike other arithmetic, lets a missing name through.
        self._write_operation(name, frame, node.lineno, node.node, guarding=False)

    return visit


def _is_boolean(node: nodes.Node) -> bool:
    """Whether an expression gives true or false, whatever its operands are."""
    if isinstance(node, nodes.Compare):
        return node.ops[0].op not in _GIVING_VALUES
    return isinstance(node, nodes.And | nodes.Or | nodes.Not | nodes.Test)


class ExpressionGenerator(CodeGenerator):
    """Jinja's code generator with Kestra's meaning for each kind of expression."""

    # Whether the code being written is an operand whose missing names nothing may catch.
    _guarding = False

    # Operands

    def _guarded(self, node: nodes.Expr, frame: Frame) -> None:
        before, self._guarding = self._guarding, True
        self.visit(node, frame)
        self._guarding = before

    def _lazy(self, node: nodes.Expr, frame: Frame) -> None:
        """An operand in which somebody catches what is missing."""
        before, self._guarding = self._guarding, False
        self.write("lambda: ")
        self.visit(node, frame)
        self._guarding = before

    def visit_Const(self, node: nodes.Const, frame: Frame) -> None:
        """A literal."""
        # A decimal of hundreds of digits is infinite, which Python's repr cannot be read back from.
        self.write("1e999" if node.value == math.inf else repr(node.value))

    def visit_Name(self, node: nodes.Name, frame: Frame) -> None:
        """A variable."""
        self.write(f"context.{'needed' if self._guarding else 'lookup'}({node.name!r}, {node.lineno})")

    def visit_Getattr(self, node: nodes.Getattr, frame: Frame) -> None:
        """`a.b`."""
        self._write_access("attribute", node.node, frame, node.lineno, lambda: self.write(repr(node.attr)))

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:
        """`a[b]`."""
        self._write_access("item", node.node, frame, node.lineno, lambda: self.visit(node.arg, frame))

    def _write_access(self, method: str, owner: nodes.Expr, frame: Frame, at: int, key: Callable[[], None]) -> None:
        guarding = self._guarding
        self.write("context.guarded(lambda: " if guarding else "")
        self._guarding = False
        self.write(f"context.{method}(")
        self.visit(owner, frame)
        self.write(", ")
        key()
        self.write(f", {at}, {owner.name!r})" if isinstance(owner, nodes.Name) else f", {at})")
        self.write(f", {at})" if guarding else "")
        self._guarding = guarding

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:
        """A map; its keys are expressions."""
        self.write(f"context.mapping({node.lineno}")
        for pair in node.items:
            self.write(", (")
            self.visit(pair.key, frame)
            self.write(", ")
            self.visit(pair.value, frame)
            self.write(")")
        self.write(")")

    # Operators

    def _write_operation(self, name: str, frame: Frame, at: int, *operands: nodes.Expr, guarding: bool = True) -> None:
        self.write(f"context.operate({name}, {at}")
        for operand in operands:
            self.write(", ")
            (self._guarded if guarding else self.visit)(operand, frame)
        self.write(")")

    visit_Add = _binary("add")
    visit_Sub = _binary("subtract")
    visit_Mul = _binary("multiply")
    visit_Div = _binary("divide")
    visit_Mod = _binary("remainder")
    visit_Neg = _unary("negative")
    visit_Pos = _unary("positive")

    def visit_Not(self, node: nodes.UnaryExpr, frame: Frame) -> None:
        """`not`."""
        self.write("(not ")
        self._write_truth(node.node, frame, node.lineno)
        self.write(")")

    def visit_And(self, node: nodes.BinExpr, frame: Frame) -> None:
        """`and`: a boolean; the right side only where it matters."""
        self.write("(")
        self._write_truth(node.left, frame, node.lineno)
        self.write(" and ")
        self._write_truth(node.right, frame, node.lineno)
        self.write(")")

    def visit_Or(self, node: nodes.BinExpr, frame: Frame) -> None:
        """`or`: a boolean; the right side only where it matters."""
        self.write("(")
        self._write_truth(node.left, frame, node.lineno)
        self.write(" or ")
        self._write_truth(node.right, frame, node.lineno)
        self.write(")")

    def _write_truth(self, node: nodes.Expr, frame: Frame, at: int, method: str = "truth") -> None:
        if _is_boolean(node):
            self.visit(node, frame)
            return
        self.write(f"context.{method}(")
        self.visit(node, frame)
        self.write(f", {at})")

    def visit_CondExpr(self, node: nodes.CondExpr, frame: Frame) -> None:
        """`a ? b : c`."""
        assert node.expr2, "the parser always makes both"
        self.write("(")
        self.visit(node.expr1, frame)
        self.write(" if ")
        self._write_truth(node.test, frame, node.lineno, "choice")
        self.write(" else ")
        self.visit(node.expr2, frame)
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        """`a ~ b`, and the parts of an interpolated text."""
        self.write("context.join(")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write(")")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:
        """Every other binary operator."""
        operator, left, right, at = node.ops[0].op, node.expr, node.ops[0].expr, node.lineno
        if operator in ("??", "???"):
            self.write(f"context.{'either' if operator == '??' else 'existing'}(")
            self._lazy(left, frame)
            self.write(", lambda: ")
            self.visit(right, frame)
            self.write(")")
        elif operator == "!=":
            self.write("(not ")
            self._write_operation("equal", frame, at, left, right)
            self.write(")")
        elif operator in _COMPARES:
            self._write_operation(_COMPARES[operator], frame, at, left, right, guarding=operator in _GUARDING)
        else:
            name = nodes.Const(operator)
            self._write_operation("compare", frame, at, name, left, right, guarding=self._guarding)

    # Calls

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:  # noqa: FBT001, FBT002  # Jinja's signature
        """A function or macro, or a method."""
        guarding = self._guarding
        self.write("context.guarded(lambda: " if guarding else "")
        self._guarding = False
        target = node.node
        if isinstance(target, nodes.Getattr):
            self.write("context.method(")
            self.visit(target.node, frame)
            self.write(f", {target.attr!r}, ")
            self._write_positional(node.args, frame)
            self.write(f", {node.lineno})")
        else:
            assert isinstance(target, nodes.Name), "the parser calls nothing else"
            self.write(f"context.called({target.name!r}, {node.lineno}, ")
            self._write_arguments(node, frame)
            self.write(")")
        self.write(f", {node.lineno})" if guarding else "")
        self._guarding = guarding

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:
        """`a | b(c)`."""
        self._write_filter(node, frame, "")

    def _write_filter(self, node: nodes.Filter, frame: Frame, captured: str) -> None:
        """A chain of filters; `captured` is the code of its input where that is no node."""
        self.write(f"context.filtered({node.name!r}, {node.lineno}, ")
        self._write_arguments(node, frame)
        self.write(", ")
        lazy = node.name == "default"
        before, self._guarding = self._guarding, self._guarding and not lazy
        self.write("context.attempt(lambda: " if lazy else "")
        if node.node is None:
            self.write(captured)
        elif captured:
            assert isinstance(node.node, nodes.Filter), "a filter block has only filters"
            self._write_filter(node.node, frame, captured)
        else:
            self.visit(node.node, frame)
        self.write("))" if lazy else ")")
        self._guarding = before

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:
        """`a is b`."""
        self.write(f"context.tested({node.name!r}, {node.lineno}, ")
        self._write_arguments(node, frame)
        self.write(", ")
        if node.name == "defined":
            self.write("context.attempt(")
            self._lazy(node.node, frame)
            self.write(")")
        else:
            self.visit(node.node, frame)
        self.write(")")

    def _write_arguments(self, node: nodes.Call | nodes.Filter | nodes.Test, frame: Frame) -> None:
        self._write_positional(node.args, frame)
        self.write(", {" if node.kwargs else ", None")
        for argument in node.kwargs:
            assert isinstance(argument, nodes.Keyword), "the parser makes keywords only"
            self.write(f"{argument.key!r}: ")
            self.visit(argument.value, frame)
            self.write(", ")
        self.write("}" if node.kwargs else "")

    def _write_positional(self, args: Iterable[nodes.Expr], frame: Frame) -> None:
        self.write("(")
        for argument in args:
            self.visit(argument, frame)
            self.write(", ")
        self.write(")")
