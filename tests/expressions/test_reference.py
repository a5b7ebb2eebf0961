"""The pages in docs/reference say what is so, of everything there is."""

from __future__ import annotations

import pytest

from scripts.reference import FOLDER, Entry, Example, all_entries, pages, read_text
from wdprefect.expressions.expression_parser import UNARY
from wdprefect.expressions.grammar import PREFIX, TAGS
from wdprefect.expressions.parser import Parser

ENTRIES = list(all_entries())


@pytest.mark.parametrize(
    "example",
    [pytest.param(each, id=f"{page} {entry.heading}") for page, entry in ENTRIES for each in entry.text.examples],
)
def test_example(example: Example) -> None:
    """Each example renders to what it says."""
    assert example.expected == example.actual


@pytest.mark.parametrize(
    ("page", "entry"), [pytest.param(*each, id=f"{each[0]} {each[1].heading}") for each in ENTRIES]
)
def test_entry(page: str, entry: Entry) -> None:
    """Each filter, function, test, operator and tag has a sentence and an example."""
    assert entry.text.sentence.endswith("."), f"{page}: {entry.heading} needs a docstring"
    assert [] != entry.text.examples, f"{page}: {entry.heading} needs a line 'TEMPLATE → RESULT' in its docstring"


def test_pages_are_current() -> None:
    """The pages are what the code makes of them; `make docs` writes them anew."""
    assert pages() == {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}


def test_grammar_is_complete() -> None:
    """Each tag that the parser reads, and each operator before its operand, has an entry."""
    assert {*Parser.STATEMENTS, "raw", "verbatim", "comment"} == {each.name for each in TAGS}
    assert set(UNARY) == {each.name for each in PREFIX}


def test_docstring() -> None:
    """A docstring gives a sentence, notes, and examples with the variables above them."""
    text = read_text(
        """The result
        of it.

        name: what it is called,
        or not.

        Raises nothing that a reader of the page wants to know.

        {{ 1 }} → 1
        with: {"x": 2}
        {{ x }} →
        """,
        ["name"],
    )
    assert "The result of it." == text.sentence
    assert ["- `name`: what it is called, or not."] == text.notes
    assert [Example({}, "{{ 1 }}", "1"), Example({"x": 2}, "{{ x }}", "")] == text.examples
    assert "2" == text.examples[1].actual
    assert "(error) unable to find 'gone'" in Example({}, "{{ gone }}", "").actual
