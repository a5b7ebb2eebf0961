"""Text → tokens, by the rules of Kestra's template language instead of Jinja's.

`Token.lineno` holds the offset in the text, not a line: line and column are worked out when an error needs them.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

from jinja2.environment import Environment
from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import Lexer as JinjaLexer
from jinja2.lexer import Token, TokenStream

BLANKS = " \t\n\r\x0b\x0c"
OPENER = re.compile(r"\{(?:\{|%|#)")

# The dash at the end of a comment trims only where white space stands before it.
_COMMENT_END = re.compile(r"(\s-)?#\}")
_RAW = re.compile(r"\{%-*\s*raw\s*-*%\}(.*?)\{%-*\s*endraw\s*-*%\}", re.DOTALL)
_VERBATIM_START = re.compile(r"\{%-?\s*verbatim\s*-?%\}\s*")
_VERBATIM_END = re.compile(r"(\s*\{%-|\{%)\s*endverbatim\s*(-?)%\}")
_CLOSERS = {"{{": re.compile(r"(-?)\}\}"), "{%": re.compile(r"(-?)%\}")}
_SPACE = re.compile(r"\s+")
# A part of a double-quoted text up to its end or to the next interpolation.
_TEXT_PART = re.compile(r"[^#\"\\]*(?:(?:\\.|#(?!\{))[^#\"\\]*)*", re.DOTALL)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_CLOSING = {"(": ")", "[": "]", "{": "}", "#": "}"}
_TOKEN = re.compile(
    r"""
    (?P<operator> (?:and|or|not|is[ ]not|is|contains|equals|isIn)(?![A-Za-z0-9_])
                | \?\?\?|\?\?|\.\.|==|!=|>=|<=|[-+*/%~|<>])
  | (?P<name> [^\W\d]\w*)
  | (?P<decimal> [0-9]+\.[0-9]+)
  | (?P<integer> [0-9]+(?:L(?!\w))?)
  | (?P<text> '(?:[^'\\]|\\.)*' | "[^\#"\\]*(?:\\.[^\#"\\]*)*")
  | (?P<quote> ")
  | (?P<open> [(\[{])
  | (?P<close> [)\]}])
  | (?P<punctuation> [.,:?=])
    """,
    re.VERBOSE | re.DOTALL,
)


class Lexer(JinjaLexer):
    """Jinja's lexer with other rules: nothing of the text is rewritten, and line ends stay as they are.

    Token types: data, raw, print, endprint, tag, endtag, name, operator, integer, decimal, text, punctuation (also the
    brackets); an interpolated text is quote, then text or interpolation … endinterpolation, then endquote.
    """

    def __init__(self, environment: Environment) -> None:
        """Keep nothing: Jinja's own lexer would build patterns that are not used here."""

    def tokenize(
        self, source: str, name: str | None = None, filename: str | None = None, state: str | None = None
    ) -> TokenStream:
        """A stream of tokens; errors of the text are raised as TemplateSyntaxError while it is read."""
        del state
        return TokenStream(_Scan(source).template(), name, filename)


@dataclass
class _Scan:
    source: str
    position: int = 0
    # Brackets, quotes and interpolations that are open, outermost first, with their places.
    nest: list[tuple[str, int]] = field(default_factory=list)

    def template(self) -> Iterator[Token]:
        trim = False
        while self.position < len(self.source):
            start = self.position
            opener = OPENER.search(self.source, start)
            end = opener.start() if opener else len(self.source)
            data = self.source[start:end]
            if trim:
                data = data.lstrip(BLANKS)
            raw = _RAW.match(self.source, end) if opener else None
            if opener and not raw and self._trims(end):
                data = data.rstrip(BLANKS)
            if data:
                yield Token(start, "data", data)
            self.position = end
            if raw:
                yield Token(end, "raw", raw[1])
                self.position, trim = raw.end(), False
            elif opener:
                trim = yield from self._element(opener[0])

    def _trims(self, at: int) -> bool:
        # `{{-1}}` is minus one: the dash trims only where white space follows it.
        return self.source[at + 2 : at + 3] == "-" and self.source[at + 3 : at + 4].isspace()

    def _element(self, opener: str) -> Generator[Token, None, bool]:
        """The tokens of one comment, print or tag; returns whether the text after it loses its leading blanks."""
        if opener == "{#":
            # White space after the dash of the opening belongs to the dash.
            space = _SPACE.match(self.source, self.position + 3) if self._trims(self.position) else None
            end = _COMMENT_END.search(self.source, space.end() if space else self.position + 2)
            if not end:
                self._fail("the comment is not closed", self.position)
            self.position = end.end()
            return bool(end[1])
        verbatim = _VERBATIM_START.match(self.source, self.position) if opener == "{%" else None
        if verbatim:
            return (yield from self._verbatim(verbatim.end()))
        return (yield from self._code(opener))

    def _verbatim(self, start: int) -> Generator[Token, None, bool]:
        end = _VERBATIM_END.search(self.source, start)
        if not end:
            self._fail("the verbatim block is not closed", self.position)
        # White space after the opening tag always goes, that before the closing tag only with a dash.
        if start < end.start():
            yield Token(start, "data", self.source[start : end.start()])
        self.position = end.end()
        return bool(end[2])

    def _code(self, opener: str) -> Generator[Token, None, bool]:
        """The tokens of a print or tag, its delimiters included."""
        start, kind, closer = self.position, "print" if opener == "{{" else "tag", _CLOSERS[opener]
        yield Token(start, kind, opener)
        self.position += 3 if self._trims(start) else 2
        while True:
            in_text = bool(self.nest) and self.nest[-1][0] == '"'
            if in_text:
                yield from self._text_part()
                continue
            if space := _SPACE.match(self.source, self.position):
                self.position = space.end()
            end = None if self.nest else closer.match(self.source, self.position)
            if end:
                yield Token(self.position, "end" + kind, opener)
                self.position = end.end()
                return bool(end[1])
            yield self._token(start)

    def _text_part(self) -> Iterator[Token]:
        """Up to the end of a double-quoted text with interpolations, or to the next of these."""
        at = self.position
        part = _TEXT_PART.match(self.source, at)
        assert part, "the pattern matches the empty text"
        if part[0]:
            # As Kestra does: where a text holds a `#`, its backslashes stay.
            yield Token(at, "text", part[0])
        self.position = part.end()
        if self.source.startswith("#{", self.position):
            self.nest.append(("#", self.position))
            yield Token(self.position, "interpolation", "#{")
            self.position += 2
        elif self.source.startswith('"', self.position):
            self.nest.pop()
            yield Token(self.position, "endquote", '"')
            self.position += 1
        else:
            self._fail("the text is not closed", self.nest[-1][1])

    def _token(self, start: int) -> Token:
        at = self.position
        match = _TOKEN.match(self.source, at)
        if not match:
            self._unreadable(start)
        kind, value = str(match.lastgroup), match[0]
        self.position = match.end()
        if kind == "text":
            return Token(at, "text", value[1:-1].replace("\\" + value[0], value[0]))
        if kind == "quote":
            self.nest.append(('"', at))
        elif kind == "open":
            self.nest.append((value, at))
        elif kind == "close":
            return self._close(value, at)
        return Token(at, "punctuation" if kind == "open" else kind, value)

    def _close(self, bracket: str, at: int) -> Token:
        opened = self.nest.pop()[0] if self.nest else ""
        if opened == "#" and bracket == "}":
            return Token(at, "endinterpolation", bracket)
        if opened != _PAIRS[bracket]:
            self._fail(
                f"'{bracket}' stands where '{_CLOSING[opened]}' is expected"
                if opened
                else f"the '{bracket}' closes nothing",
                at,
            )
        return Token(at, "punctuation", bracket)

    def _unreadable(self, start: int) -> NoReturn:
        if self.position >= len(self.source):
            opener = self.source[start : start + 2]
            self._fail(f"the '{self.nest[-1][0] if self.nest else opener}' is not closed", start)
        character = self.source[self.position]
        what = "the text is not closed" if character in "'\"" else f"the character '{character}' is not understood here"
        self._fail(what, self.position)

    @staticmethod
    def _fail(message: str, at: int) -> NoReturn:
        raise TemplateSyntaxError(message, at)


def line_and_column(source: str, at: int) -> tuple[int, int]:
    """The line and the column, from 1, of an offset in a text; CR LF ends one line."""
    before = source[:at].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")
