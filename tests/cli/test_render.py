"""`wdprefect render`: what a template gives, how it comes to it, and where it is wrong."""

from __future__ import annotations

import base64
import io
import subprocess
import sys

import pytest

from tests.cli.commands import Cli, Write

FLOW = """\
id: greets
namespace: company.team
labels: {team: data}
variables: {greeting: "hello {{ inputs.name }}", list: [1, 2]}
inputs:
  - {id: name, type: STRING, defaults: Ada}
  - {id: count, type: INT, required: false}
  - {id: needed, type: INT}
  - {id: db.host, type: STRING, defaults: here}
tasks:
  - {id: say, type: io.kestra.plugin.core.log.Log, message: hello}
"""


@pytest.mark.parametrize(
    ("template", "text", "kind"),
    [
        ("plain", "plain", "text"),
        ("{{ 1 + 2 }}", "3", "whole number"),
        ("{{ 1.5 }}", "1.5", "decimal number"),
        ("{{ 1 == 1 }}", "true", "boolean"),
        ("{{ null }}", "", "null"),
        ("{{ [1, 'a'] }}", '[1,"a"]', "list of 2"),
        ("{{ {'a': 1} }}", '{"a":1}', "map of 1"),
        ("{{ 1 }}{{ 2 }}", "12", "text"),
        ("a\nb {{ 1 }}\n", "a\nb 1\n", "text"),
    ],
)
def test_result(cli: Cli, template: str, text: str, kind: str) -> None:
    """The text is on standard output, what kind of value it is on standard error."""
    said = cli("render", template)
    assert (0, f"{text}\n", f"type: {kind}\n") == (said.code, said.out, said.err)


def test_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash reads the template from standard input, without the line end that a shell adds."""
    monkeypatch.setattr("sys.stdin", io.StringIO("{{ [1] }}\n"))
    said = cli("render", "-")
    assert ("[1]\n", "type: list of 1\n") == (said.out, said.err)


@pytest.mark.parametrize(
    ("template", "options", "expected"),
    [
        ("{{ flow.id }} {{ flow.namespace }} {{ labels.team }}", [], "greets company.team data"),
        ("{{ render(vars.greeting) }}", [], "hello Ada"),
        ("{{ inputs.name }}", ["-i", "name=Bob"], "Bob"),
        ("{{ inputs.count + 1 }}", ["-i", "count=2"], "3"),
        ("{{ inputs.needed ?? 'none' }} {{ inputs.count ?? 'none' }} {{ inputs.db.host }}", [], "none none here"),
    ],
)
def test_flow(cli: Cli, write: Write, template: str, options: list[str], expected: str) -> None:
    """A flow gives its names, its variables and the defaults of its inputs; a given input is converted by its type."""
    assert f"{expected}\n" == cli("render", template, "--flow", write("f.yaml", FLOW), *options).out


def test_context(cli: Cli, write: Write) -> None:
    """A file adds names and wins over the flow's, map by map; JSON is YAML."""
    flow, more = write("f.yaml", FLOW), write("c.json", '{"inputs": {"name": "Eve"}, "outputs": {"a": {"value": 5}}}')
    template = "{{ inputs.name }} {{ inputs.db.host }} {{ outputs.a.value }}"
    assert "Eve here 5\n" == cli("render", template, "--flow", flow, "--context", more).out


def test_inputs_without_a_flow(cli: Cli) -> None:
    """Without a flow, inputs are texts; dots nest them."""
    assert "1 x\n" == cli("render", "{{ inputs.a }} {{ inputs.b.c }}", "-i", "a=1", "-i", "b.c=x").out


def test_explain(cli: Cli) -> None:
    """Each expression is shown with what goes into its filters and what each of them gives."""
    said = cli("render", "{{ inputs.a | upper | replace({'A': 'B'}) }}-{{ 1 + 1 }}", "-i", "a=ada", "--explain")
    expected = [
        "{{ inputs.a | upper | replace({'A': 'B'}) }}",
        '    inputs.a               "ada"  (text)',
        '    | upper                "ADA"  (text)',
        "    | replace({'A': 'B'})  \"BDB\"  (text)",
        "{{ 1 + 1 }}",
        "    1 + 1                  2  (whole number)",
        "type: text",
    ]
    assert ("BDB-2\n", expected) == (said.out, said.err.splitlines())


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ ((1 + 1) | string ~ 'x') | length }}", ["(1 + 1)", "| string", "((1 + 1) | string ~ 'x')", "| length"]),
        ("{% for r in [1, 2] | reverse %}{{ r }}{% endfor %}", ["[1, 2]", "| reverse", "r", "r"]),
        ("{{ gone | default('x') }}", ["gone", "| default('x')"]),
        ("{% filter upper | lower %}a{% endfilter %}", ["…", "| upper", "| lower"]),
        ("{{- 'a' | upper -}} {% if 'a' | length > 0 %}b{% endif %}", ["'a'", "| upper", "'a'", "| length"]),
        (
            "{{ 'a' | substringBefore(('b' | upper) ~ ')') }}",
            ["'b'", "| upper", "'a'", "| substringBefore(('b' | upper) ~ ')')"],
        ),
    ],
)
def test_steps(cli: Cli, template: str, expected: list[str]) -> None:
    """The steps are in the order in which they happen, each as the template spells it."""
    lines = cli("render", template, "--explain").err.splitlines()
    assert expected == [line.strip().split("  ")[0] for line in lines if line.startswith("    ")]


def test_secrets(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is read as in a run and hidden in all that is printed, and so is what is made of it on the way."""
    monkeypatch.setenv("SECRET_KEY", base64.b64encode(b"hush-hush").decode())
    said = cli("render", "<{{ secret('KEY') | upper | lower }}>", "--explain")
    assert "<********>\n" == said.out
    assert "hush" not in (said.out + said.err).lower()


def test_secrets_of_several_prints(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made of a secret is hidden in each print, and what no secret has a part in is shown."""
    monkeypatch.setenv("SECRET_KEY", base64.b64encode(b"open sesame").decode())
    prints = ("upper", "base64encode", "slice(0, 7)", "replace({'sesame': 'barley'})")
    said = cli("render", " ".join(f"{{{{ secret('KEY') | {each} }}}}" for each in prints) + " {{ 'shown' | upper }}")
    assert "******** ******** ******** ******** SHOWN\n" == said.out


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        (
            "{{ 'a' | uper }}",
            ["<template>:1:10: unknown filter 'uper' (did you mean 'upper'?)", "  {{ 'a' | uper }}", "           ^"],
        ),
        (
            "a\n\t{{ 1 + }} b",
            ["<template>:2:9: the '{{ … }}' ends where a value is expected", "  \t{{ 1 + }} b", "  \t       ^"],
        ),
        ("{{ a.b }}", ["<template>:1:4: unable to find 'a' used in the expression at line 1", "  {{ a.b }}", "     ^"]),
    ],
)
def test_errors(cli: Cli, template: str, expected: list[str]) -> None:
    """An error shows the line of the template and a caret below the place; the exit code is 1."""
    said = cli("render", template)
    assert (1, "", expected) == (said.code, said.out, said.err.splitlines())


def test_error_in_a_long_line(cli: Cli) -> None:
    """Of a long line the part around the place is shown."""
    said = cli("render", "x" * 500 + "{{ gone }}" + "y" * 500)
    line, caret = said.err.splitlines()[-2:]
    assert "gone" == line[caret.index("^") :][:4]


def test_steps_before_an_error(cli: Cli) -> None:
    """With --explain the steps that went well stand before the error."""
    said = cli("render", "{{ 'a' | upper | date }}", "--explain")
    assert "    | upper" in said.err
    assert said.err.splitlines()[-1].strip() == "^"


def test_without_prefect() -> None:
    """Rendering imports no Prefect."""
    code = "import sys; from wdprefect.cli import main; main(['render', '{{ 1 }}']); sys.exit('prefect' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (0, "1\n") == (done.returncode, done.stdout)
