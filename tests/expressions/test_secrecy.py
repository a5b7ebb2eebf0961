"""What templates make of secrets is hidden: by reading one, whatever is printed becomes secret as well."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.leaks import SECRET, services
from wdprefect.errors import ExpressionError
from wdprefect.execution.services import RunServices
from wdprefect.expressions import Expressions
from wdprefect.masking import MASK, SecretEntries

INPUTS = SecretEntries({"password": "Battery-Staple", "host": "db.example.com"}, ["password"])
VARIABLES: dict[str, Any] = {
    "inputs": INPUTS,
    "vars": {"url": "https://{{ secret('S') | upper }}@host", "x": "{{ x }}"},
    "host": "db.example.com",
    "n": 7,
}
UPPER = SECRET.upper()


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param("a {{ secret('S') | upper }} b", f"a {MASK} b", id="printed"),
        pytest.param("{{ secret('S') | upper }} {{ host | upper }}", f"{MASK} DB.EXAMPLE.COM", id="another piece"),
        pytest.param("{{ host | upper }} {{ secret('S') | upper }}", f"DB.EXAMPLE.COM {MASK}", id="a piece before"),
        pytest.param("{{ secret('S') | upper ~ host }}", MASK, id="more in the same piece"),
        pytest.param("{{ secret('S') | length }} {{ host }}", f"{len(SECRET)} db.example.com", id="a number"),
        pytest.param("{{ secret('S') == 'x' }} {{ host }}", "false db.example.com", id="a boolean"),
        pytest.param("{{ secret('S') | slice(0, 5) }}", SECRET[:5], id="five characters"),
        pytest.param("{{ secret('S') | slice(0, 6) }}", MASK, id="six characters"),
        pytest.param("{{ secret('S') == 'x' ? 'one of these' : 'other words' }}", "other words", id="openly written"),
        pytest.param("{{ gone ?? (secret('S') | upper) }}", MASK, id="instead of something missing"),
        pytest.param("{% set x = secret('S') %}{{ x | upper }} {{ host }}", f"{MASK} db.example.com", id="set"),
        pytest.param("{% set x = secret('S') | upper %}{{ x }} {{ host }}", f"{MASK} db.example.com", id="set, made"),
        pytest.param("{% set x = {'k': [secret('S') | upper]} %}{{ x.k[0] }}", MASK, id="set, inside of data"),
        pytest.param("{% set x = secret('S') | upper %}{% set y = x | lower %}{{ y }}", MASK, id="set from a set one"),
        pytest.param(
            "{% set x = '' %}{% for i in [1] %}{% set x = secret('S') | upper %}{% endfor %}{{ x }}",
            MASK,
            id="in a loop",
        ),
        pytest.param(
            "{% for x in [secret('S')] %}{{ x | upper }} {{ host }}{% endfor %}", f"{MASK} db.example.com", id="loop"
        ),
        pytest.param("{% for e in {'k': secret('S')} %}{{ e.value | upper }}{% endfor %}", MASK, id="loop over a map"),
        pytest.param(
            "{% if secret('S') != '' %}{{ host | upper }}{% endif %}", "DB.EXAMPLE.COM", id="the test of an if"
        ),
        pytest.param(
            "{% if false %}{% elseif secret('S') != '' %}{{ host | upper }}{% endif %}",
            "DB.EXAMPLE.COM",
            id="of an elseif",
        ),
        pytest.param("{% macro m(x) %}<{{ x | upper }}>{% endmacro %}{{ m(secret('S')) }}", MASK, id="through a macro"),
        pytest.param(
            "{% macro m() %}{% set y = 1 %}-{% endmacro %}{{ (secret('S') | upper) ~ m() }}", MASK, id="beside a macro"
        ),
        pytest.param("{% macro m() %}{{ secret('S') | upper }}{% endmacro %}{{ m() }}", MASK, id="inside a macro"),
        pytest.param("{% filter upper %}{{ secret('S') }}{% endfilter %}", MASK, id="through a filter block"),
        pytest.param(
            "{% block b %}{{ secret('S') | upper }}{% endblock %}/{{ block('b') }}", f"{MASK}/{MASK}", id="a block"
        ),
        pytest.param("{{ render(vars.url) }}", MASK, id="rendered again"),
        pytest.param("{{ render(vars.url) | lower }} {{ host }}", f"{MASK} db.example.com", id="changed after that"),
        pytest.param("{% set x = secret('S') | upper %}{{ render(vars.x) }}", MASK, id="set, then seen from a render"),
        pytest.param("{% set x = secret('S') | upper %}{{ fetchContext().x }}", MASK, id="set, then from the context"),
        pytest.param(
            "{{ inputs.password | upper }} {{ inputs.host | upper }}", f"{MASK} DB.EXAMPLE.COM", id="an input"
        ),
        pytest.param("{{ inputs['password'] | upper }}", MASK, id="an input by its key"),
        pytest.param("{{ inputs.get('password') | upper }}", MASK, id="an input by a method"),
        pytest.param("{{ fetchContext().inputs.password | upper }}", MASK, id="an input from the context"),
        pytest.param("{{ inputs | jq('.password') | first | upper }}", MASK, id="an input by jq"),
        pytest.param("{% for e in inputs %}{{ e.value | upper }};{% endfor %}", f"{MASK};" * 2, id="all inputs"),
        pytest.param("{{ {(secret('S') | upper): 1} }}", MASK, id="a key of a printed map"),
        pytest.param("{{ inputs | keys | join(' ') }}", "password host", id="the names of inputs"),
        pytest.param("{{ inputs | toJson }}", MASK, id="all inputs as JSON"),
    ],
)
def test_printed(template: str, expected: str) -> None:
    """Of a text each piece for which a secret was read is hidden wherever it shows up; the other pieces are not."""
    run = services()
    printed = Expressions().render(template, VARIABLES, run)
    assert expected == run.masker.hide(printed)


@pytest.mark.parametrize(
    ("template", "parts"),
    [
        pytest.param("{{ secret('S') | upper }}", [UPPER], id="text"),
        pytest.param("{{ [secret('S') | upper] }}", [UPPER], id="a list"),
        pytest.param("{{ {'key-name': {'k': secret('S') | upper}} }}", [UPPER], id="a map"),
        pytest.param(
            "{{ {'key-name': secret('S') | upper} }} and {{ secret('S') | lower }}", [UPPER], id="first of two"
        ),
        pytest.param("x{{ secret('S') | upper }}{{ secret('S') | lower }}", [UPPER, SECRET.lower()], id="both of two"),
        pytest.param("{{ n }}{{ secret('S') | upper }}", [UPPER], id="the second"),
    ],
)
def test_typed(template: str, parts: list[str]) -> None:
    """So it is with values that keep their type: the texts in them are hidden, not their keys."""
    run = services()
    Expressions().evaluate(template, VARIABLES, run)
    assert [MASK] * len(parts) == [run.masker.hide(part) for part in parts]
    assert "key-name" == run.masker.hide("key-name")


def test_recursive() -> None:
    """So it is where everything is rendered recursively."""
    run = services()
    printed = Expressions(recursive=True).render("{{ vars.url }}", VARIABLES, run)
    assert f"https://{MASK}@host" == run.masker.hide(printed)


def test_context() -> None:
    """`printContext` shows what is visible without the secrets, and is hidden no further."""
    run = services()
    printed = Expressions().render("{{ printContext() }}", VARIABLES, run)
    assert {"password": MASK, "host": "db.example.com"} == json.loads(printed)["inputs"]
    assert printed == run.masker.hide(printed)


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        pytest.param(
            "{{ secret('S') | upper | date }}", "filter 'date': the text '********' is no ISO date", id="quoted"
        ),
        pytest.param("{{ secret('S') | upper | number }}", "filter 'number': '********' is no number", id="a number"),
        pytest.param("{{ 'x' | escapeChar(secret('S')) }}", "unknown type '********'", id="an argument"),
        pytest.param("{{ [secret('S') | lower] | jq('.[] | ascii_upcase | tonumber') }}", "may hold a secret", id="jq"),
        pytest.param("{{ host[secret('S') | upper] }}", "unable to find '********' used", id="a missing key"),
        pytest.param("{{ vars[secret('S') | upper] }}", "unable to find '********' used", id="a missing name"),
        pytest.param(
            "{{ inputs.password | lower | number }}", "filter 'number': '********' is no number", id="an input"
        ),
        pytest.param(
            "{{ secret('S') ~ secret('GONE') }}", "Cannot find secret for key 'GONE'.", id="not what is written"
        ),
        pytest.param("{{ secret('S') ~ gone }}", "unable to find 'gone'", id="not a name"),
        pytest.param("{{ host | date }}", "the text 'db.example.com' is no ISO date", id="not without a secret"),
    ],
)
def test_errors(template: str, expected: str) -> None:
    """The words of an error hold nothing that was made of a secret, nor that another library made of it."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render(template, VARIABLES, services())
    message = caught.value.message
    assert expected in message
    made = (SECRET, UPPER, SECRET.lower(), "battery-staple")
    assert [] == [text[i : i + 6] for text in made for i in range(len(text) - 5) if text[i : i + 6] in message]


def test_subkey() -> None:
    """An entry of a secret that is JSON is a secret of its own."""
    run = services()
    made = RunServices(run.masker, run.storage, run.logs, {"J": '{"pin": "4711", "user": "ada-lovelace"}'})
    Expressions().render("{{ secret('J', subkey='pin') | base64encode }}", {}, made)
    assert f"pin {MASK}" == run.masker.hide("pin 4711")


def test_nobody_hides() -> None:
    """Where nothing hides secrets, reading one changes nothing."""

    class Bare:
        def secret(self, name: str, namespace: str | None = None) -> str:
            return "value"

    bare: Any = Bare()
    assert "VALUE" == Expressions().render("{{ secret('S') | upper }}", {}, bare)


FILTERS = ["upper", "lower", "base64encode", "urlencode", "toJson", "trim", "sha256", "slice(1, 9)", "slugify", "title"]


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=12, max_size=40),
    st.lists(st.sampled_from(FILTERS), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_any_chain(secret: str, filters: list[str]) -> None:
    """Whatever filters make of whatever secret, each line of it is hidden, also inside of JSON and URLs."""
    known = services()
    run = RunServices(known.masker, known.storage, known.logs, {"S": secret})
    try:
        printed = Expressions().render(f"{{{{ secret('S') | {' | '.join(filters)} }}}}", {}, run)
    except ExpressionError:
        return
    for line in (each.strip() for each in printed.splitlines()):
        if len(line) >= 6 and line not in "'| " + " | ".join(filters):
            assert "" == run.masker.hide(line).replace(MASK, "").strip()
            assert "" == run.masker.hide(json.dumps(line)).replace(MASK, "").strip('"')
