"""Syntax tree → Python, on Jinja's code generator; and the environment that puts lexer, parser and generator together.

The generated code consists of calls of methods of `Scope` with constants and nested calls, so every rule of the language
is in runtime.py. Statements yield what they print: text as it is, values as tuples of one, for the caller to join.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.environment import Environment
from jinja2.exceptions import TemplateSyntaxError

from wdprefect.errors import ExpressionError
from wdprefect.expressions import numbers
from wdprefect.expressions.lexer import OPENER, Lexer
from wdprefect.expressions.limits import TEMPLATE_CHARACTERS, too_much, within_stack
from wdprefect.expressions.parser import Parser
from wdprefect.expressions.runtime import Compiled, Macro, Scope, line_and_column

_OPERATIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": numbers.add,
        "subtract": numbers.subtract,
        "multiply": numbers.multiply,
        "divide": numbers.divide,
        "remainder": numbers.remainder,
        "negative": numbers.negative,
        "positive": numbers.positive,
        "equal": numbers.equal,
        "compare": numbers.compare,
        "contains": numbers.contains,
        "is_in": numbers.is_in,
        "span": numbers.span,
    }
)
_COMPARES = {"==": "equal", "equals": "equal", "contains": "contains", "isIn": "is_in", "..": "span"}
# Operators that let no missing name of their operands through.
_GUARDING = ("==", "equals", "!=")


class Generator(CodeGenerator):
    """Jinja's code generator with Kestra's meaning for each node."""

    def __init__(self, environment: Environment, name: str | None, filename: str | None, *args: Any, **more: Any) -> None:
        super().__init__(environment, name, filename, *args, **more)
        self._bodies: list[tuple[str, Iterable[nodes.Node]]] = []
        self._macros: dict[str, tuple[nodes.Macro, str]] = {}
        self._blocks: dict[str, str] = {}
        self._guarding = False

    # Statements

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
        self.writeline("blocks = {" + ", ".join(f"{name!r}: {body}" for name, body in self._blocks.items()) + "}")

    def _hoist(self, node: nodes.Template) -> None:
        # Macros and blocks may be used before the place where they stand.
        for macro in node.find_all(nodes.Macro):
            self._macros[macro.name] = macro, self._later(macro.body)
        for block in node.find_all(nodes.Block):
            self._blocks[block.name] = self._later(block.body)

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
            self.writeline(f"{keyword} context.truth(", branch)
            self._guarded(branch.test, frame)
            self.write(f", {branch.lineno}):")
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

    def visit_Add(self, node: nodes.Add, frame: Frame) -> None:
        """`+`."""
        self._write_operation("add", frame, node.lineno, node.left, node.right)

    def visit_Sub(self, node: nodes.Sub, frame: Frame) -> None:
        """`-`."""
        self._write_operation("subtract", frame, node.lineno, node.left, node.right)

    def visit_Mul(self, node: nodes.Mul, frame: Frame) -> None:
        """`*`."""
        self._write_operation("multiply", frame, node.lineno, node.left, node.right)

    def visit_Div(self, node: nodes.Div, frame: Frame) -> None:
        """`/`."""
        self._write_operation("divide", frame, node.lineno, node.left, node.right)

    def visit_Mod(self, node: nodes.Mod, frame: Frame) -> None:
        """`%`."""
        self._write_operation("remainder", frame, node.lineno, node.left, node.right)

    def visit_Neg(self, node: nodes.Neg, frame: Frame) -> None:
        """Unary `-`."""
        self._write_operation("negative", frame, node.lineno, node.node)

    def visit_Pos(self, node: nodes.Pos, frame: Frame) -> None:
        """Unary `+`."""
        self._write_operation("positive", frame, node.lineno, node.node)

    def visit_Not(self, node: nodes.Not, frame: Frame) -> None:
        """`not`."""
        self.write("(not ")
        self._write_truth(node.node, frame, node.lineno)
        self.write(")")

    def visit_And(self, node: nodes.And, frame: Frame) -> None:
        """`and`: a boolean; the right side only where it matters."""
        self.write("(")
        self._write_truth(node.left, frame, node.lineno)
        self.write(" and ")
        self._write_truth(node.right, frame, node.lineno)
        self.write(")")

    def visit_Or(self, node: nodes.Or, frame: Frame) -> None:
        """`or`: a boolean; the right side only where it matters."""
        self.write("(")
        self._write_truth(node.left, frame, node.lineno)
        self.write(" or ")
        self._write_truth(node.right, frame, node.lineno)
        self.write(")")

    def _write_truth(self, node: nodes.Expr, frame: Frame, at: int, method: str = "truth") -> None:
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
        if node.name == "defined":
            self.write("(context.attempt(")
            self._lazy(node.node, frame)
            self.write(") is not None)")
            return
        self.write(f"context.tested({node.name!r}, {node.lineno}, ")
        self._write_arguments(node, frame)
        self.write(", ")
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


class KestraEnvironment(Environment):
    """Jinja's environment with this language's lexer, parser, generator and context."""

    code_generator_class = Generator
    context_class = Scope
    lexer = property(Lexer)  # type: ignore[assignment]  # Jinja's is a property too, but typed as what it gives

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return Parser(self, source, name, filename).parse()


@lru_cache(maxsize=1)
def _environment() -> KestraEnvironment:
    return KestraEnvironment(optimized=False, cache_size=0, autoescape=False)


def parse(text: str) -> nodes.Template:
    """The syntax tree of a text.

    Raises ExpressionError: kind `syntax` with line and column, `limit` where it is too long or too deep.
    """
    if len(text) > TEMPLATE_CHARACTERS:
        raise too_much(f"the template is longer than {TEMPLATE_CHARACTERS:,} characters")
    try:
        with within_stack():
            return Parser(_environment(), text).parse()
    except TemplateSyntaxError as error:
        line, column = line_and_column(text, error.lineno)
        raise ExpressionError(error.message or "wrong syntax", "syntax", None, line, column) from None


@lru_cache(maxsize=1000)
def compiled(text: str) -> Compiled:
    """The runnable form of a text; the last 1,000 are kept. Raises as `parse` does."""
    tree = parse(text)
    environment = _environment()
    namespace: dict[str, Any] = {"Macro": Macro, **_OPERATIONS}
    with within_stack():
        try:
            code = compile(environment._generate(tree, None, None), "<template>", "exec")  # noqa: SLF001  # Jinja's hook for subclasses
        except SyntaxError as error:  # Python's own bounds: 20 nested loops, 100 indents, 200 brackets
            raise too_much(f"the template is nested too deep ({error.msg})") from None
        exec(code, namespace)  # noqa: S102  # generated above: calls with constants only
    return Compiled(text, namespace["root"], namespace["macros"], namespace["blocks"])


def check_syntax(text: str) -> None:
    """Nothing for a text that parses; nothing is compiled. Raises as `parse` does."""
    if OPENER.search(text):
        parse(text)
