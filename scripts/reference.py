r"""Write the pages in docs/reference from the code: filters, functions, tests, operators and tags of expressions.

What a page says of a name stands in its docstring, or in `grammar.py`: a sentence, notes, and examples as
`TEMPLATE → RESULT`, which are executed. A line `with: {"x": 1}` gives the variables of the examples below it. In a
result a line end is `\n`; `(random)` is not compared; `(error)` stands before the message of an error.

`python scripts/reference.py` writes, and fails where an example renders to something else.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions
from wdprefect.expressions.binding import Callee
from wdprefect.expressions.filters import FILTERS
from wdprefect.expressions.functions import FUNCTIONS
from wdprefect.expressions.grammar import CHOICE, OPERATORS, POSTFIX, PREFIX, TAGS, Form, Operator
from wdprefect.expressions.methods import METHODS
from wdprefect.expressions.predicates import TESTS
from wdprefect.expressions.services import HttpRequest, HttpResponse
from wdprefect.expressions.values import to_text

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
ARROW = " →"
RANDOM, ERROR = "(random)", "(error)"
LONGEST_DEFAULT = 24
# What the examples of functions see besides their own variables; the page on functions says so.
FLOW = {"flow": {"id": "hello", "namespace": "company.team"}}


class Surroundings:
    """The services that the examples run with."""

    def secret(self, name: str, namespace: str | None = None) -> str:
        """One of two secrets."""
        del namespace
        return {"API_KEY": "0815", "LOGIN": '{"user": "ada"}'}[name]

    def kv(self, key: str, namespace: str) -> Any:
        """One of two values."""
        return {("region", "company"): "eu", ("rows", "company.team"): [1, 2]}[key, namespace]

    def read(self, uri: str) -> bytes:
        """The content of the only file."""
        assert uri.endswith("notes.txt"), uri
        return b"hello"

    def exists(self, uri: str) -> bool:
        """Whether it is that file."""
        return uri.endswith("notes.txt")

    def size(self, uri: str) -> int:
        """Its size."""
        return len(self.read(uri))

    def now(self) -> datetime:
        """A moment that stays."""
        return datetime(2026, 11, 23, 10, 30, tzinfo=timezone.utc)

    def http(self, request: HttpRequest) -> HttpResponse:
        """What was sent, or a rate of exchange where nothing was."""
        return HttpResponse(200, "OK", "application/json", request.body or b'{"eur": 1.08}')

    def error_logs(self) -> list[Any]:
        """One error."""
        return [{"taskId": "load", "message": "no such file"}]


@dataclass(frozen=True)
class Example:
    """A template, its variables, and what it says that it renders to."""

    variables: Mapping[str, Any]
    template: str
    expected: str

    @property
    def actual(self) -> str:
        """What it renders to, in the form of `expected`."""
        try:
            result = Expressions().render(self.template, {**FLOW, **self.variables}, Surroundings())
        except ExpressionError as error:
            return f"{ERROR} {error.message}"
        return RANDOM if self.expected == RANDOM else result.replace("\r", "\\r").replace("\n", "\\n").strip(" ")


@dataclass
class Text:
    """What a docstring says."""

    sentence: str
    notes: list[str] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)


@dataclass(frozen=True)
class Entry:
    """A heading of a page with what stands below it."""

    heading: str
    form: str
    text: Text
    more: str = ""

    def markdown(self) -> str:
        """Its part of the page."""
        notes = "".join(f"{note}\n\n" for note in self.text.notes)
        form = f"`{self.form}`\n\n" if self.form else ""
        return f"### {self.heading}\n\n{form}{self.text.sentence}\n\n{notes}{self.more}{_blocks(self.text.examples)}"


def read_text(docstring: str | None, arguments: Iterable[str] = ()) -> Text:
    """The parts of a docstring; notes on arguments become items of a list."""
    sentence, *paragraphs = inspect.cleandoc(docstring or "").split("\n\n")
    text = Text(sentence.replace("\n", " "))
    variables: dict[str, Any] = {}
    for paragraph in paragraphs:
        prose: list[str] = []
        for line in paragraph.split("\n"):
            if line.startswith("with: "):
                variables = json.loads(line.removeprefix("with: "))
            elif ARROW in line and re.search(r"\{[{%#]", line):
                template, _, expected = line.rpartition(ARROW)
                text.examples.append(Example(variables, template, expected.strip(" ")))
            elif found := re.match(r"(\w+(?:, \w+)*): ", line):
                known = all(name in arguments for name in found[1].split(", "))
                prose.append(f"- `{found[1]}`: {line[found.end() :]}" if known else line)
            elif line:
                prose.append(line)
        if prose and not prose[0].startswith("Raises"):
            text.notes.append(re.sub(r"\n(?!- )", " ", "\n".join(prose)))
    return text


def _blocks(examples: list[Example]) -> str:
    """The examples with aligned arrows, one block for each set of variables."""
    result = ""
    for index, example in enumerate(examples):
        if not index or example.variables != examples[index - 1].variables:
            given = ", ".join(f"{name} = {json.dumps(value)}" for name, value in example.variables.items())
            result += ("```\n\n" if index else "") + (f"With `{given}`:\n\n" if given else "") + "```twig\n"
        width = max(len(each.template) for each in examples if each.variables == example.variables)
        result += f"{example.template:{width}}  →  {example.expected or '(nothing)'}\n"
    return result + ("```\n\n" if examples else "")


def callees(table: Mapping[str, Callee], form: str, bare: str = "") -> dict[str, list[Entry]]:
    """The entries of filters, functions or tests by the module that they are in: {its docstring: […]}.

    bare: what stands after the name of those without arguments.
    """
    groups: dict[str, list[Entry]] = {}
    for name, callee in table.items():
        module = inspect.getmodule(callee.call)
        entry = Entry(
            name, form.format(name + (_arguments(callee) or bare)), read_text(callee.call.__doc__, callee.arguments)
        )
        groups.setdefault(inspect.cleandoc((module and module.__doc__) or ""), []).append(entry)
    return groups


def _arguments(callee: Callee) -> str:
    """What stands in parentheses after the name; nothing for what takes no arguments."""
    if callee.variadic:
        return "(…)"
    required = len(callee.arguments) - len(callee.defaults)
    optional = zip(callee.arguments[required:], map(_literal, callee.defaults), strict=True)
    shown = [*callee.arguments[:required], *(f"{name}={default}" for name, default in optional)]
    return f"({', '.join(shown)})" if shown else ""


def _literal(value: Any) -> str:
    if value is None:
        return "null"
    short = value if not isinstance(value, str) or len(value) <= LONGEST_DEFAULT else value[:LONGEST_DEFAULT] + "…"
    return f"'{short}'" if isinstance(value, str) else to_text(value)


def operators() -> list[Entry]:
    """The entries of all operators, from the tightest to the loosest."""
    methods = "".join(f"- of a {kind}: {', '.join(f'`{name}`' for name in names)}\n" for kind, _, names in METHODS)
    return [
        *(_form_entry(each, f"{methods}\n" if each.name == "method" else "") for each in (*POSTFIX, *PREFIX)),
        *(Entry(", ".join(f"`{each}`" for each in operands(each)), "", read_text(each.text)) for each in OPERATORS),
        *(_form_entry(each) for each in CHOICE),
    ]


def operands(operator: Operator) -> Iterator[str]:
    """An operator's words between what they stand between."""
    right = {"|": "filter", "is": "test", "is not": "test"}
    return (f"a {word} {right.get(word, 'b')}" for word in operator.words)


def _form_entry(form: Form, more: str = "") -> Entry:
    return Entry(f"`{form.form}`", "", read_text(form.text), more)


def entries() -> dict[str, dict[str, list[Entry]]]:
    """All entries: {page: {docstring of the group: […]}}."""
    tags = [Entry(each.name, each.form, read_text(each.text)) for each in TAGS]
    return {
        "filters": callees(FILTERS, "value | {}"),
        "functions": callees(FUNCTIONS, "{}", "()"),
        "tests": {"": [entry for group in callees(TESTS, "value is {}").values() for entry in group]},
        "operators": {"": operators()},
        "tags": {"": tags},
    }


REMARK = "<!-- Written by `make docs` from the code. -->\n\n"
INTRODUCTIONS = {
    "filters": """# Filters

`{{ value | name(arguments) }}` sends a value through a filter. Arguments stand in their order or by their names; those
with a default may be left out, and null counts as left out. A missing value is an error, except before `default`.
The examples show a line end as `\\n`.
""",
    "functions": """# Functions

`{{ name(arguments) }}` calls a function. Arguments stand in their order or by their names; those with a default may be
left out, and null counts as left out. The examples run in a flow of the namespace `company.team`, and `(random)`
stands for a result that is another each time.
""",
    "tests": """# Tests

`{{ value is name }}` asks for a property of a value, `{{ value is not name }}` for its opposite. A missing value is an
error, except before `defined`.
""",
    "operators": """# Operators

From the tightest to the loosest; those of one level are read from left to right. A missing name, key or index is an
error that `??`, `???`, `default` and `is defined` catch; arithmetic, `==` and `!=` let it through to none of these.
""",
    "tags": """# Tags

What stands between `{%` and `%}`. A dash with white space after it (`{{- `, `{%- `) takes away the white space before
the tag, and one before its end (`-}}`, `-%}`) that after it. Line ends stay as they are.
""",
}


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    result = {}
    for page, groups in entries().items():
        parts = [REMARK, INTRODUCTIONS[page], "\n", _levels() if page == "operators" else _index(groups), "\n"]
        for docstring, group in groups.items():
            parts.append(_heading(docstring) + "".join(entry.markdown() for entry in group))
        result[f"{page}.md"] = "".join(parts).rstrip("\n") + "\n"
    return result


def _heading(docstring: str) -> str:
    """A docstring's first words as a heading, and the rest of its first paragraph below it."""
    title, rest = _title(docstring)
    return f"## {title}\n\n" + (f"{rest[0].upper()}{rest[1:]}\n\n" if rest else "") if title else ""


def _title(docstring: str) -> tuple[str, str]:
    title, *rest = re.split(r"[.:,;]\s*", docstring.split("\n\n", maxsplit=1)[0].replace("\n", " "), maxsplit=1)
    return title, "".join(rest)


def _index(groups: Mapping[str, list[Entry]]) -> str:
    """A line of links for each group."""
    return "".join(
        f"- {f'{_title(doc)[0]}: ' if doc else ''}{', '.join(f'[{e.heading}](#{e.heading.lower()})' for e in group)}\n"
        for doc, group in groups.items()
    )


def _levels() -> str:
    """The table of what binds tighter than what."""
    rows = [", ".join(f"`{each.form}`" for each in forms) for forms in (POSTFIX, PREFIX)]
    for level in sorted({each.level for each in OPERATORS}, reverse=True):
        words = [word for each in OPERATORS if each.level == level for word in each.words]
        rows.append(", ".join(f"`{word}`" for word in words).replace("|", "\\|"))
    rows.append(", ".join(f"`{each.form}`" for each in CHOICE))
    return "| binds | operators |\n|--|--|\n" + "".join(
        f"| {'tightest' if not at else 'loosest' if at == len(rows) - 1 else ''} | {row} |\n"
        for at, row in enumerate(rows)
    )


def all_entries() -> Iterator[tuple[str, Entry]]:
    """Every entry with the name of its page."""
    return ((page, entry) for page, groups in entries().items() for group in groups.values() for entry in group)


def main() -> int:
    """Write the pages, unless an example says what is not so."""
    wrong = [
        f"{page}: {entry.heading}: {example.template}\n  says   {example.expected}\n  renders {example.actual}"
        for page, entry in all_entries()
        for example in entry.text.examples
        if example.actual != example.expected
    ]
    if wrong:
        print("\n".join(wrong), file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
        print(f"docs/reference/{name}: {text.count(chr(10) + '### ')}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
