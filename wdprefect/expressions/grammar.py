"""The operators and the tags: what the parser reads, and what the reference says of each.

Texts are written as docstrings of filters are: a sentence, then examples as `TEMPLATE → RESULT`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator of two operands, by the words for it; of two levels the higher one binds tighter."""

    words: tuple[str, ...]
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Form:
    """Anything else with a fixed form: a tag by its name, an operator that stands before or around its operands."""

    name: str
    form: str
    text: str


# `POSTFIX` and then `PREFIX` bind tighter than any of these, and `CHOICE` binds less.
OPERATORS: Final = (
    Operator(
        ("??",),
        120,
        """The left side, or the right one where the left is missing or null.

        Only the first that is needed is evaluated. A name, a key or an index that does not exist is missing.

        with: {"name": "Ada", "nothing": null}
        {{ name ?? 'nobody' }} → Ada
        {{ missing ?? 'nobody' }} → nobody
        {{ missing.deep[3] ?? nothing ?? 'nobody' }} → nobody
        {{ (missing == 1) ?? 'nobody' }} → (error) unable to find 'missing' used in the operation
        """,
    ),
    Operator(
        ("???",),
        120,
        """The left side, or the right one where the left is missing; a null stays.

        with: {"nothing": null}
        {{ missing ??? 'none' }} → none
        {{ (nothing ??? 'none') is null }} → true
        """,
    ),
    Operator(
        ("..",),
        120,
        """The list from one number, or letter, to another, both included.

        {{ 1..4 }} → [1,2,3,4]
        {{ 'a'..'c' }} → ["a","b","c"]
        """,
    ),
    Operator(
        ("isIn",),
        120,
        """Whether the left side is an item of a list, or a key or value of a map; compared as texts.

        It binds tighter than `~` and comparisons.

        {{ 'b' isIn ['a', 'b'] }} → true
        {{ 2 isIn ['1', '2'] }} → true
        {{ 2 isIn ['1', '2'] == true }} → true
        """,
    ),
    Operator(
        ("~",),
        110,
        """Both sides as one text; null is nothing.

        {{ 'row ' ~ 1 ~ ': ' ~ null ~ true }} → row 1: true
        {{ 'list: ' ~ [1, 'a'] }} → list: [1, a]
        """,
    ),
    Operator(
        ("|",),
        100,
        """The value through a [filter](filters.md).

        {{ 'a,b' | upper | split(',') }} → ["A","B"]
        {{ 'a' ~ 'b' | upper }} → AB
        """,
    ),
    Operator(
        ("*",),
        60,
        """The product of two numbers; a text that holds a number counts as one.

        {{ 6 * 7 }} → 42
        {{ 1.5 * '2' }} → 3.0
        """,
    ),
    Operator(
        ("/",),
        60,
        """The quotient; that of whole numbers is cut towards zero.

        {{ 7 / 2 }} → 3
        {{ 7 / 2.0 }} → 3.5
        {{ -7 / 2 }} → -3
        {{ 7 / 0 }} → (error) division by zero
        """,
    ),
    Operator(
        ("%",),
        60,
        """The remainder, with the sign of the left side.

        {{ 7 % 3 }} → 1
        {{ -7 % 3 }} → -1
        """,
    ),
    Operator(
        ("+",),
        40,
        """The sum; text where either side is text; a list with an item, or the items of another list, at its end.

        {{ 1 + 2 }} → 3
        {{ 'v' + 2 }} → v2
        {{ true + 2 }} → (error) a boolean and a number cannot be added
        {{ [1] + 2 + [3, 4] }} → [1,2,3,4]
        """,
    ),
    Operator(
        ("-",),
        40,
        """The difference; a list without an item, or without the items of another list.

        {{ 5 - 7 }} → -2
        {{ [1, 2, 3] - [2] - 3 }} → [1]
        """,
    ),
    Operator(
        ("==", "equals"),
        30,
        """Whether both sides are equal: numbers by value, text never equals a number or a boolean.

        {{ 1 == 1.0 }} → true
        {{ '1' == 1 }} → false
        {{ [1, 'a'] equals [1, 'a'] }} → true
        """,
    ),
    Operator(
        ("!=",),
        30,
        """Whether the sides are not equal.

        {{ 'a' != 'b' }} → true
        """,
    ),
    Operator(
        (">", "<", ">=", "<="),
        30,
        """Whether two numbers, or two texts, are in this order; false where a side is null.

        {{ 10 > 9 }} → true
        {{ '10' < '9' }} → true
        {{ null >= 0 }} → false
        """,
    ),
    Operator(
        ("is", "is not"),
        20,
        """The answer of a [test](tests.md), or its opposite.

        {{ missing is defined }} → false
        {{ 3 is not even }} → true
        """,
    ),
    Operator(
        ("contains",),
        20,
        """Whether a list has an item, or all items of a list; a map has a key; a text has a part.

        {{ [1, 2, 3] contains [1, 3] }} → true
        {{ {'a': 1} contains 'a' }} → true
        {{ 'haystack' contains 'needle' }} → false
        """,
    ),
    Operator(
        ("and",),
        15,
        """Whether both sides hold; the right one is evaluated only where it matters.

        {{ true and 1 == 2 }} → false
        {{ false and missing }} → false
        """,
    ),
    Operator(
        ("or",),
        10,
        """Whether a side holds; the right one is evaluated only where it matters.

        {{ 1 == 2 or 'text' }} → true
        {{ true or missing }} → true
        """,
    ),
)

POSTFIX: Final = (
    Form(
        "attribute",
        "a.b",
        """The entry of a map under a name; a few properties of dates; missing where there is none.

        with: {"user": {"name": "Ada"}}
        {{ user.name }} → Ada
        {{ user.age ?? 'unknown' }} → unknown
        """,
    ),
    Form(
        "subscript",
        "a[b]",
        """The entry of a map under any key, or the item of a list at an index from 0; missing where there is none.

        with: {"row": {"first-name": "Ada"}, "list": ["a", "b"], "at": 1}
        {{ row['first-name'] }} → Ada
        {{ list[0] ~ list[at] }} → ab
        """,
    ),
    Form(
        "call",
        "f(a, name=b)",
        """What a [function](functions.md) or macro gives. Arguments stand in their order, or by their names.

        {{ range(1, 9, increment=4) }} → [1,5,9]
        """,
    ),
    Form(
        "method",
        "a.m(b)",
        """What a method of a text, list, map or date gives; there are few.

        with: {"map": {"a": 1}}
        {{ 'abc'.toUpperCase() }} → ABC
        {{ map.getOrDefault('b', 2) }} → 2
        """,
    ),
    Form(
        "interpolation",
        '"… #{a} …"',
        """A text in double quotes with the value of an expression in it.

        with: {"name": "Ada"}
        {{ "Dear #{name}, 2 + 2 is #{2 + 2}." }} → Dear Ada, 2 + 2 is 4.
        """,
    ),
)

PREFIX: Final = (
    Form(
        "not",
        "not a",
        """Whether the operand does not hold; it binds tighter than any comparison, so those need parentheses.

        {{ not false }} → true
        {{ not (1 == 2) }} → true
        """,
    ),
    Form(
        "-",
        "-a",
        """The number with the other sign; a text that holds a number counts as one.

        {{ -(2 + 3) }} → -5
        """,
    ),
    Form(
        "+",
        "+a",
        """The number itself, or the one that a text holds.

        {{ +'42' + 1 }} → 43
        """,
    ),
)

CHOICE: Final = (
    Form(
        "choice",
        "a ? b : c",
        """One of two, by a condition; a null condition does not hold. Only the chosen one is evaluated.

        {{ 2 > 1 ? 'more' : missing }} → more
        {{ null ? 1 : false ? 2 : 3 }} → 3
        """,
    ),
)

TAGS: Final = (
    Form(
        "if",
        "{% if a %} … {% elseif b %} … {% else %} … {% endif %}",
        """What stands after the first condition that holds.

        with: {"count": 0}
        {% if count > 1 %}many{% elseif count == 1 %}one{% else %}none{% endif %} → none
        """,
    ),
    Form(
        "for",
        "{% for name in values %} … {% else %} … {% endfor %}",
        """Its body for each item of a list, or each entry of a map (`key`, `value`); the other one for an empty list.

        `loop` tells where it is: `index` from 0, `revindex` down to 0, `first`, `last`, `length`.

        {% for x in [1, 2] %}{{ loop.index }}={{ x }}{{ loop.last ? '' : ', ' }}{% endfor %} → 0=1, 1=2
        {% for each in {'a': 1} %}{{ each.key }}: {{ each.value }}{% endfor %} → a: 1
        {% for x in [] %}…{% else %}nothing{% endfor %} → nothing
        """,
    ),
    Form(
        "set",
        "{% set name = a %}",
        """A variable, from here on; the variable that has this name already, if there is one, also outside of a loop.

        {% set x = 2 %}{{ x * x }} → 4
        {% set sum = 0 %}{% for x in 1..4 %}{% set sum = sum + x %}{% endfor %}{{ sum }} → 10
        """,
    ),
    Form(
        "macro",
        "{% macro name(a, b=c) %} … {% endmacro %}",
        """A text to be called like a function, before or after this place; it sees its own arguments only.

        {% macro li(text, mark='*') %}{{ mark }} {{ text }} {% endmacro %}{{ li('a') ~ li('b', mark='-') }} → * a - b
        """,
    ),
    Form(
        "block",
        "{% block name %} … {% endblock %}",
        """Its body, which the function `block` prints again.

        {% block line %}--{% endblock %} and {{ block('line') }} → -- and --
        """,
    ),
    Form(
        "filter",
        "{% filter a | b(c) %} … {% endfilter %}",
        """What its body prints, through filters.

        {% filter upper | replace({'A': '4'}) %}a {{ 'b' }}{% endfilter %} → 4 B
        """,
    ),
    Form(
        "raw",
        "{% raw %} … {% endraw %}",
        """Its body as it is, through any number of passes.

        {% raw %}{{ x }}{% endraw %} → {{ x }}
        """,
    ),
    Form(
        "verbatim",
        "{% verbatim %} … {% endverbatim %}",
        """Its body as it is; white space right after the opening tag goes.

        {% verbatim %} {{ x }}{% endverbatim %} → {{ x }}
        """,
    ),
    Form(
        "comment",
        "{# … #}",
        """Nothing.

        a{# a remark #}b → ab
        """,
    ),
)
