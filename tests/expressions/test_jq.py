"""jq programs: what they give, that they are alone, and that they end."""

from __future__ import annotations

from typing import Any

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions, jq_program
from wdprefect.expressions.jq_effort import is_little
from wdprefect.expressions.jq_program import Bounds

DATA = {"a": 5, "name": "x", "rows": [{"id": i, "n": [i]} for i in range(20)]}

LITTLE = {
    ".a": [5],
    ".rows[3].id": [3],
    ".rows | length": [20],
    ".rows[] | select(.id > 17) | .id": [18, 19],
    '.rows[:2] | map({id, "as text": (.id | tostring), in: .n[0]})': [
        [{"id": 0, "as text": "0", "in": 0}, {"id": 1, "as text": "1", "in": 1}]
    ],
    '"\\(.a) and \\("\\(.name)") \\"quoted\\""': ['5 and x "quoted"'],
    '@csv "\\([.a, .name])"': ['5,"x"'],
    ".rows | map(.id) | add": [190],
    '[.rows[:3][] | .id | tostring] | join(", ")': ["0, 1, 2"],
    'if .a > 3 then "much" else "little" end': ["much"],
    ".missing // 1": [1],
    ".a as $x | $x + 1": [6],
}
MUCH = {
    "[range(3)]": [[0, 1, 2]],
    "[limit(2; repeat(1))]": [[1, 1]],
    ".rows |= length": [{**DATA, "rows": 20}],
    "def twice: . * 2; .a | twice": [10],
    '.name | test("^x$")': [True],
    '"é€" | test("é")': [True],
    "[.rows[].n | ..] | length": [40],
    '{"\\(.name)": [.a, recurse(empty; true)]} | keys': [["x"]],
}


@pytest.mark.parametrize(("program", "expected"), [*LITTLE.items(), *MUCH.items()])
def test_results(program: str, expected: list[Any]) -> None:
    """A program gives the list of its outputs, in this process or in one of its own."""
    assert expected == jq_program.run(program, DATA)


@pytest.mark.parametrize("program", LITTLE)
def test_little(program: str) -> None:
    """What is written every day needs no process."""
    assert is_little(program, "x" * 2000)


@pytest.mark.parametrize(
    "program",
    [
        *MUCH,
        "[.[]] | [.[]] | [.[] as $a | .[] as $b | .[] as $c | $c]",
        "[., .]" + " | [., .]" * 25,
        '[1, recurse, 2] | "\\(repeat(1))"',
        '"\\("\\(recurse)")"',
        "{a: recurse, b}",
        ".[1e9] = 1",
        '"x" * 1000000000',
        "..",
        "tostring" + " | tostring" * 25,
        "map(" * 300 + "." + ")" * 300,
        ".a" * 1000,
    ],
    ids=lambda program: program[:40],
)
def test_much(program: str) -> None:
    """What may loop, or multiply what it is given, runs in a process of its own."""
    assert not is_little(program, '[{"a": 1}, {"b": 2}]' * 10)


def test_input_counts() -> None:
    """A program that is quick on a small input may be slow on a large one."""
    program = "[.[] as $a | .[] | $a]"
    assert is_little(program, "[1,2,3]")
    assert not is_little(program, "[" + "1," * 1000 + "1]")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        pytest.param("[range(1e9)] | length", "takes longer than 1 seconds", id="a loop"),
        pytest.param("def f: f; f", "takes longer than 1 seconds", id="a call of itself"),
        pytest.param("repeat([range(100)])", "gives more than 10,000 characters", id="long results"),
        pytest.param("range(2000)", "gives more than 1,000 values", id="many results"),
        pytest.param('"x" * 300000000', "needs more than 256 MB of memory", id="memory"),
    ],
)
def test_bounds(program: str, said: str) -> None:
    """A program that does not end, or gives or needs too much, ends with an error of kind `limit`."""
    bounds = Bounds(seconds=1, memory_bytes=256 * 2**20, characters=10_000, values=1000)
    with pytest.raises(ExpressionError) as caught:
        jq_program.run(program, 1, bounds)
    assert ("limit", f"the jq program {said}") == (caught.value.kind, caught.value.message)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (".a |", "filter 'jq': syntax error, unexpected ')'"),
        ("def f: f; .a |", "filter 'jq': syntax error, unexpected ')'"),
        ("nothing", "filter 'jq': nothing/0 is not defined"),
        ("$nothing", "filter 'jq': $nothing is not defined"),
        (".a.b", "filter 'jq': Cannot index number with string (\"b\")"),
        ("[range(1)] | .a", "filter 'jq': Cannot index array with string (\"a\")"),
        ('error("no such row")', "filter 'jq': no such row"),
    ],
)
def test_errors(program: str, message: str) -> None:
    """An error says what jq says, without the program that it was wrapped into."""
    with pytest.raises(ExpressionError) as caught:
        Expressions().render("{{ data | jq(p) }}", {"data": DATA, "p": program})
    assert ("evaluation", message) == (caught.value.kind, caught.value.message)


@pytest.mark.parametrize("number", ["9007199254740993", "123456789012345678901", "1.5", "-0.25", "1E+2"])
@pytest.mark.parametrize("program", [".a", "getpath(['a'][0:1] | map(.))".replace("'", '"')])
def test_numbers_keep_their_digits(number: str, program: str) -> None:
    """A number that a program only hands on is the same afterwards."""
    assert [pytest.approx(float(number), rel=0)] == jq_program.run(program, f'{{"a": {number}}}')
    assert float(number) % 1 or [int(float(number)) if "E" in number else int(number)] == jq_program.run(
        program, f'{{"a": {number}}}'
    )


def test_alone_in_its_process(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """The process of a program has no environment, and what it writes is not seen."""
    monkeypatch.setenv("SECRET_TOKEN", "top-secret")
    program = '[range(1)] | ($ENV, env, ("x" | stderr, debug, input_filename)) | tostring'
    assert "top-secret" not in str(jq_program.run(program, [1]))
    assert ("", "") == tuple(capfd.readouterr())
