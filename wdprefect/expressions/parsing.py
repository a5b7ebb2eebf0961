"""Text → syntax tree, without what it takes to run it."""

from __future__ import annotations

from functools import lru_cache

from jinja2 import nodes
from jinja2.environment import Environment
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Token

from wdprefect.errors import ExpressionError
from wdprefect.expressions.lexer import OPENER, Lexer, line_and_column
from wdprefect.expressions.limits import TEMPLATE_CHARACTERS, too_much, within_stack
from wdprefect.expressions.parser import Parser


class SyntaxEnvironment(Environment):
    """Jinja's environment with this language's lexer and parser."""

    lexer = property(Lexer)

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        return Parser(self, source, name, filename).parse()


@lru_cache(maxsize=1)
def _environment() -> SyntaxEnvironment:
    return SyntaxEnvironment(cache_size=0)


def parse(text: str) -> nodes.Template:
    """The syntax tree of a text.

    Raises ExpressionError with line and column: kind `syntax`, or `limit` where the text is too long or too deep. Two
    faults that Kestra finds only when it runs are of kind `evaluation`: integers over 64 bits, two macros of a name.
    """
    if len(text) > TEMPLATE_CHARACTERS:
        raise too_much(f"the template is longer than {TEMPLATE_CHARACTERS:,} characters")
    try:
        with within_stack():
            parser = Parser(_environment(), text)
            try:
                return parser.parse()
            except ExpressionError as error:
                at = line_and_column(text, parser.stream.current.lineno)
                raise ExpressionError(error.message, error.kind, error.name, *at) from None
    except TemplateSyntaxError as error:
        at = line_and_column(text, error.lineno)
        raise ExpressionError(error.message or "wrong syntax", "syntax", None, *at) from None


def check_syntax(text: str) -> None:
    """Nothing for a text that parses; nothing is compiled. Raises as `parse` does."""
    if OPENER.search(text):
        parse(text)


def tokens(text: str) -> list[Token]:
    """The tokens of a text that parses, each with its offset in `lineno`."""
    return list(_environment().lexer.tokenize(text))


def printed(text: str, offset: int) -> str | None:
    """The expression of the `{{ … }}` around an offset in a text that parses; None where there is none."""
    start = 0
    for token in tokens(text):
        if token.type == "print":
            start = token.lineno + 2
        elif token.type == "endprint" and start <= offset < token.lineno:
            inside = text[start : token.lineno]
            return (inside[1:] if inside[:1] == "-" and inside[1:2].isspace() else inside).strip()
    return None
