"""Text → syntax tree → something that runs: Jinja's environment with this language's parts."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import nodes
from jinja2.environment import Environment
from jinja2.exceptions import TemplateSyntaxError

from wdprefect.errors import ExpressionError
from wdprefect.expressions.expression_generator import OPERATIONS
from wdprefect.expressions.generator import Generator
from wdprefect.expressions.lexer import OPENER, Lexer
from wdprefect.expressions.limits import TEMPLATE_CHARACTERS, too_much, within_stack
from wdprefect.expressions.parser import Parser
from wdprefect.expressions.runtime import Compiled, Macro, Scope, line_and_column


class KestraEnvironment(Environment):
    """Jinja's environment with this language's lexer, parser, generator and context."""

    code_generator_class = Generator
    context_class = Scope
    lexer = property(Lexer)

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
    namespace: dict[str, Any] = {"Macro": Macro, **OPERATIONS}
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
