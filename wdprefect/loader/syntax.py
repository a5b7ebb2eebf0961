"""What is wrong with text that is no YAML, in words that say what to change.

The parser says at which character it gave up and what it was doing; what a person has to change is found by looking
at the text there. So libyaml and PyYAML's own parser, which word their complaints differently, give the same result.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import yaml

from wdprefect.loader.lines import Lines, excerpt

QUOTE_IT = "put the value in quotes"
_ESCAPE_HINT = "double the backslash, or use single quotes"
_QUOTE_THE_EXPRESSION = 'put the whole value in quotes: "{{ … }}"'


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong at a character of the text, and what to do."""

    index: int
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class _Complaint:
    """What the parser said.

    index: where it gave up. start: where what it was reading began.
    """

    lines: Lines
    index: int
    start: int
    wording: str

    @property
    def text(self) -> str:
        return self.lines.text

    @property
    def line_before(self) -> str:
        return self.text[self.lines.around(self.index)[0] : self.index]

    @property
    def at_end(self) -> bool:
        return not self.text[self.index :].strip()

    def rest(self, index: int) -> str:
        """The rest of the line."""
        return excerpt(self.text[index : self.lines.around(index)[1]])


def explain(error: Exception, lines: Lines) -> Finding:
    """Where the text stops being YAML, why, and what to do about it."""
    if not isinstance(error, yaml.MarkedYAMLError):
        # PyYAML's own parser lets Python's errors through, without a place.
        return Finding(0, "an escape in double quotes stands for no character", _ESCAPE_HINT)
    complaint = _complaint(error, lines)
    for what in (_brace, _tab):
        found = what(complaint)
        if found:
            return found
    for pattern, explanation in _EXPLANATIONS:
        if re.search(pattern, complaint.wording):
            return explanation(complaint)
    return Finding(complaint.index, f"this is no YAML: {excerpt(complaint.wording)}")


def _complaint(error: yaml.MarkedYAMLError, lines: Lines) -> _Complaint:
    wording = f"{error.context or ''}: {error.problem or ''}".removeprefix(": ")
    marks = [mark.index for mark in (error.problem_mark, error.context_mark) if mark is not None]
    return _Complaint(lines, marks[0] if marks else 0, marks[-1] if marks else 0, wording)


# A brace that starts a value: behind the line's start, its dashes and its key.
_BRACE = re.compile(r"""\s*(?:-\s+)*(?:[\w.\-/"']+\s*:\s+)?(?P<brace>\{\{)""")


def _brace(complaint: _Complaint) -> Finding | None:
    found = _BRACE.match(complaint.text, complaint.lines.around(complaint.index)[0])
    return starts_with_brace(found.start("brace")) if found else None


def starts_with_brace(index: int) -> Finding:
    """An expression without quotes, which YAML takes for a mapping inside a mapping."""
    return Finding(index, "the value starts with '{{', which is a mapping in YAML", _QUOTE_THE_EXPRESSION)


def no_text_as_key(index: int) -> Finding:
    """A mapping or a list in the place of a key, which YAML allows and Kestra does not."""
    return Finding(index, "a key is a text, not a list or a mapping", "put the key in quotes")


def _tab(complaint: _Complaint) -> Finding | None:
    if complaint.text[complaint.index : complaint.index + 1] != "\t" and "tab char" not in complaint.wording:
        return None
    return Finding(complaint.index, "a tab '\\t' stands where YAML wants spaces", "indent with spaces")


def _reserved(complaint: _Complaint) -> Finding:
    character = complaint.text[complaint.start : complaint.start + 1]
    return Finding(complaint.start, f"no value can start with '{character}'", QUOTE_IT)


def _colon(complaint: _Complaint) -> Finding:
    before = complaint.line_before
    if re.search(r":\s", before):
        return Finding(complaint.index, "a second ':' stands in the value", QUOTE_IT)
    key = before.strip()
    index = complaint.index - len(before.lstrip())
    hint = "indent it like the keys it belongs to, or quote the value above"
    return Finding(index, f"the key '{excerpt(key)}' is indented deeper than a value can go on", hint)


def _dash(complaint: _Complaint) -> Finding:
    hint = "start the list on a line of its own, or put the value in quotes"
    return Finding(complaint.index, "no list can start at this '-'", hint)


def _no_colon(complaint: _Complaint) -> Finding:
    word = complaint.rest(complaint.start)
    hint = "write 'key: value'; a text of several lines starts with '|' and is indented"
    return Finding(complaint.start, f"the line '{word}' is no key with a value", hint)


def _open_quote(complaint: _Complaint) -> Finding:
    quote = complaint.text[complaint.start : complaint.start + 1]
    return Finding(complaint.start, f"the quotes that open with {quote} are never closed", "close them")


def _escape(complaint: _Complaint) -> Finding:
    # The parsers stop at the backslash or at one of the characters behind it.
    index = max(complaint.text.rfind("\\", 0, complaint.index + 1), 0)
    spelled = complaint.text[index : index + 2]
    return Finding(index, f"'{spelled}' starts no escape that double quotes know", _ESCAPE_HINT)


def _block_header(complaint: _Complaint) -> Finding:
    indicator = complaint.text[complaint.start : complaint.start + 1]
    return Finding(complaint.index, f"'{complaint.rest(complaint.index)}' cannot follow '{indicator}'",
                   "start the text on the next line, indented")  # fmt: skip


def _tag(complaint: _Complaint) -> Finding:
    return Finding(complaint.start, f"'{complaint.rest(complaint.start)}' starts with no tag of YAML", QUOTE_IT)


def _bracket(complaint: _Complaint) -> Finding:
    opening = complaint.text[complaint.start : complaint.start + 1]
    closing = "}" if opening == "{" else "]"
    if complaint.at_end:
        return Finding(complaint.start, f"the '{opening}' has no '{closing}'", "close it")
    at = complaint.lines.at(complaint.start)
    return Finding(complaint.index, f"the '{opening}' of line {at.line} wants ',' or '{closing}' here", QUOTE_IT)


def _missing_value(complaint: _Complaint) -> Finding:
    if complaint.at_end:
        return Finding(len(complaint.text), "the text ends inside brackets", "close them")
    character = complaint.text[complaint.index : complaint.index + 1]
    return Finding(complaint.index, f"a value is missing before '{character}'", "remove it, or write '\"\"'")


def _no_dash(complaint: _Complaint) -> Finding:
    word = complaint.rest(complaint.index)
    hint = "start it with '- ', or indent it like the entry or the key it belongs to"
    return Finding(complaint.index, f"'{word}' stands among the entries of a list", hint)


def _misplaced(complaint: _Complaint) -> Finding:
    word = complaint.rest(complaint.index)
    before = complaint.line_before.rstrip()
    if before[-1:] in ("'", '"'):
        hint = "put the whole value in one pair of quotes of the other kind"
        return Finding(complaint.index, f"'{word}' follows the closing quote", hint)
    if before[-1:] in ("}", "]"):
        return Finding(complaint.index, f"'{word}' follows the closing '{before[-1]}'", QUOTE_IT)
    return Finding(
        complaint.index, f"the indentation of '{word}' fits nothing above it", "indent it like its neighbours"
    )


def _behind(complaint: _Complaint) -> Finding:
    word = complaint.rest(complaint.index)
    return Finding(complaint.index, f"'{word}' stands behind the end of the flow", "remove it, or indent it")


def _directive(complaint: _Complaint) -> Finding:
    index = complaint.lines.around(complaint.index)[0]
    return Finding(index, f"'{complaint.rest(index)}' is no directive that can be used", "remove the line")


# Searched in the words of libyaml and of PyYAML, in this order.
_EXPLANATIONS: tuple[tuple[str, Callable[[_Complaint], Finding]], ...] = (
    (r"directive|incompatible YAML", _directive),
    (r"cannot start any token|scanning an (?:alias|anchor)|parsing a block node", _reserved),
    (r"mapping values are not allowed", _colon),
    (r"sequence entries are not allowed", _dash),
    (r"expected ':'", _no_colon),
    (r"quoted scalar: found unexpected", _open_quote),
    (r"unknown escape|hexa?decimal|character escape", _escape),
    (r"scanning a block scalar", _block_header),
    (r"tag", _tag),
    (r"expected ',' or", _bracket),
    (r"node content", _missing_value),
    (r"block collection", _no_dash),
    (r"block mapping", _misplaced),
    (r"document start", _behind),
)
