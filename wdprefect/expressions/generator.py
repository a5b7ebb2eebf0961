"""Templates → Python: one function for the text and one for each body that is run from elsewhere.

Statements yield what they print: text as it is, values as tuples of one, for the caller to join.
"""

# ruff: noqa: ARG002, N802  # Jinja finds the methods by the names of its node classes and gives all a frame

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinja2 import nodes
from jinja2.compiler import Frame
from jinja2.environment import Environment

from wdprefect.expressions.expression_generator import ExpressionGenerator


class Generator(ExpressionGenerator):
    """Jinja's code generator with Kestra's meaning for each kind of statement."""

    def __init__(self, environment: Environment, name: str | None, filename: str | None, *rest: Any) -> None:
        """Take what Jinja gives its generator."""
        super().__init__(environment, name, filename, *rest)
        self._bodies: list[tuple[str, Iterable[nodes.Node]]] = []
        self._macros: dict[str, tuple[nodes.Macro, str]] = {}
        self._named_blocks: dict[str, str] = {}

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        """The module: `root` and one function for each body that is run from elsewhere."""
        frame = Frame(nodes.EvalContext(self.environment, self.name))
        self._hoist(node)
        self._function("root", node.body, frame)
        while self._bodies:
            self._function(*self._bodies.pop(), frame)
        self.writeline("macros = {")
        for name, (macro, function) in self._macros.items():
            self._write_macro(name, macro, function, frame)
        self.write("}")
        self.writeline("blocks = {" + ", ".join(f"{name!r}: {body}" for name, body in self._named_blocks.items()) + "}")

    def _hoist(self, node: nodes.Template) -> None:
        # Macros and blocks may be used before the place where they stand.
        for macro in node.find_all(nodes.Macro):
            self._macros[macro.name] = macro, self._later(macro.body)
        for block in node.find_all(nodes.Block):
            self._named_blocks[block.name] = self._later(block.body)

    def _later(self, body: Iterable[nodes.Node]) -> str:
        name = f"body_{self._last_identifier}"
        self._last_identifier += 1
        self._bodies.append((name, body))
        return name

    def _function(self, name: str, body: Iterable[nodes.Node], frame: Frame) -> None:
        self.writeline(f"def {name}(context):", extra=1)
        self.indent()
        self.writeline("if 0: yield None")
        self.blockvisit(body, frame)
        self.outdent()

    def _write_macro(self, name: str, macro: nodes.Macro, function: str, frame: Frame) -> None:
        self.write(f"{name!r}: Macro({{")
        for parameter, default in zip(macro.args, macro.defaults, strict=True):
            self.write(f"{parameter.name!r}: ")
            if isinstance(default, nodes.Const) and default.value is None:
                self.write("None")
            else:
                self.write("lambda context: ")
                self.visit(default, frame)
            self.write(", ")
        self.write(f"}}, {function}), ")

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:
        """Text as it is, a value as a tuple of one."""
        for child in node.nodes:
            if isinstance(child, nodes.TemplateData):
                self.writeline(f"yield {child.data!r}", node)
            elif isinstance(child, nodes.MarkSafe):
                self.writeline("yield context.raw(", node)
                self.visit(child.expr, frame)
                self.write(")")
            else:
                self.writeline("yield (", node)
                self.visit(child, frame)
                self.write(",)")

    def visit_If(self, node: nodes.If, frame: Frame) -> None:
        """`if` and its branches; whatever fails in a test is an error that nothing catches."""
        for keyword, branch in (("if", node), *(("elif", each) for each in node.elif_)):
            assert isinstance(branch.test, nodes.Expr), "the parser takes nothing else"
            self.writeline(f"{keyword} context.settled(", branch)
            self._guarding = True
            self._write_truth(branch.test, frame, branch.lineno)
            self._guarding = False
            self.write("):")
            self._suite(branch.body, frame)
        if node.else_:
            self.writeline("else:")
            self._suite(node.else_, frame)

    def _suite(self, body: Iterable[nodes.Node], frame: Frame) -> None:
        self.indent()
        self.blockvisit(body, frame)
        self.outdent()

    def visit_For(self, node: nodes.For, frame: Frame) -> None:
        """A loop over what the scope makes of the value."""
        loop = self.temporary_identifier()
        self.writeline(f"{loop} = context.loop({node.target.name!r}, ", node)  # type: ignore[attr-defined]  # a Name
        self.visit(node.iter, frame)
        self.write(f", {node.lineno})")
        self.writeline(f"for _ in {loop}:")
        self._suite(node.body, frame)
        if node.else_:
            self.writeline(f"if {loop}.empty:")
            self._suite(node.else_, frame)

    def visit_Assign(self, node: nodes.Assign, frame: Frame) -> None:
        """`set`."""
        self.writeline(f"context.assign({node.target.name!r}, ", node)  # type: ignore[attr-defined]  # a Name
        self.visit(node.node, frame)
        self.write(")")

    def visit_Macro(self, node: nodes.Macro, frame: Frame) -> None:
        """Nothing: macros are hoisted."""

    def visit_Block(self, node: nodes.Block, frame: Frame) -> None:
        """The block's body in its place."""
        self.writeline(f"yield from context.block({node.name!r})", node)

    def visit_FilterBlock(self, node: nodes.FilterBlock, frame: Frame) -> None:
        """The captured text of a body, through the filters."""
        self.writeline("yield (", node)
        self._write_filter(node.filter, frame, f"context.captured({self._later(node.body)})")
        self.write(",)")
