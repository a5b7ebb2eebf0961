"""What is said about expressions before anything runs; the golden pairs `wd32*` have the plain cases."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wdprefect.errors import InvalidFlow
from wdprefect.loader import load_text

LOG = "io.kestra.plugin.core.log.Log"
SHELL = "io.kestra.plugin.scripts.shell.Commands"
HEAD = """\
id: checked
namespace: company.team
inputs:
  - {id: text, type: STRING}
  - {id: valid, type: STRING, validator: "[a-z]+"}
  - {id: choice, type: SELECT, values: [a, b]}
  - {id: custom, type: SELECT, values: [a, b], allowCustomValue: true}
  - {id: many, type: MULTISELECT, values: [a, b]}
  - {id: number, type: INT}
  - {id: file, type: FILE}
  - {id: json, type: JSON}
  - {id: texts, type: ARRAY, itemType: STRING}
  - {id: numbers, type: ARRAY, itemType: INT}
tasks:
  - id: earlier
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["true"]
"""


def said(text: str) -> list[str]:
    """The codes of all that is said about a flow, with their severity."""
    try:
        found = list(load_text(text).notes)
    except InvalidFlow as error:
        found = error.problems
    return [f"{problem.code} {problem.severity}" for problem in found]


def in_log(expression: str) -> list[str]:
    return said(f"{HEAD}  - id: look\n    type: {LOG}\n    message: |-\n      {expression}\n")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("{{ inputs.gone }}", ["WD323 error"], id="always read"),
        pytest.param("{{ inputs.number > 1 ? inputs.gone : 1 }}", ["WD323 warning"], id="in a branch"),
        pytest.param("{{ outputs.gone.x }}", ["WD323 error"], id="no such task"),
        pytest.param("{{ outputs.gone.x ?? 1 }}", [], id="with a fallback"),
        pytest.param("{{ outputs.gone is defined ? outputs.gone.x : 1 }}", [], id="asked for before"),
        pytest.param("{{ outputs['ear' ~ 'lier'].x }}", [], id="computed"),
        pytest.param("{{ outputs | keys }}", [], id="all outputs"),
        pytest.param("{{ ko }}", ["WD323 warning"], id="a name that another version may have"),
        pytest.param("{{ input.text }}", ["WD323 error"], id="a name like one that exists"),
        pytest.param("{{ execution.nosuch }}", ["WD323 warning"], id="a field that another version may have"),
        pytest.param("{{ taskrun.value }}", ["WD323 warning"], id="a loop's value outside of loops"),
        pytest.param("{{ globals.x }}{{ envs.x }}{{ kestra.url }}{{ namespace.x }}{{ item.x }}", [], id="open names"),
        pytest.param("{{ trigger.x }}{{ labels.x }}{{ files.x }}{{ parent.x }}", [], id="names of a run"),
        pytest.param("{{ workingDir }}", ["WD323 warning"], id="a name of scripts elsewhere"),
        pytest.param("{{ outputs.earlier.vars.x.y }}", [], id="values that a script names"),
        pytest.param("{{ outputs.earlier.exit }}", ["WD325 error"], id="no such output"),
        pytest.param("{% raw %}{{ inputs.gone }}{% endraw %}", [], id="raw"),
        pytest.param("{# {{ inputs.gone }} #}", [], id="a comment"),
        pytest.param("{{ secret('X') }}{{ kv('y') }}", [], id="secrets and keys are not known"),
        pytest.param("{{ x | nosuch ?? 1 }}", ["WD321 error"], id="an unknown filter, caught by nothing"),
    ],
)
def test_names(expression: str, expected: list[str]) -> None:
    """What can never be there is an error when it is always read; what may work in some run is at most a warning."""
    assert expected == in_log(expression)


@pytest.mark.parametrize(
    ("expression", "is_foreign"),
    [
        ("{{ inputs.text }}", True),
        ("{{ inputs.valid }}", False),
        ("{{ inputs.choice }}", False),
        ("{{ inputs.custom }}", True),
        ("{{ inputs.many }}", False),
        ("{{ inputs.number }}", False),
        ("{{ inputs.file }}", False),
        ("{{ inputs.json.a }}", True),
        ("{{ inputs.texts | first }}", True),
        ("{{ inputs.numbers }}", False),
        ("{{ trigger.body.a }}", True),
        ("{{ trigger.date }}", False),
        ("{{ outputs.earlier.vars.a }}", True),
        ("{{ outputs.earlier.exitCode }}", False),
        ("{{ outputs.earlier.outputFiles['a.csv'] }}", False),
        ("{{ inputs.text | md5 }}", False),
        ("{{ inputs.text | escapeChar('shell') }}", False),
        ("{{ inputs.text | escapeChar('double') }}", True),
        ("{{ inputs.text == 'x' ? 'a' : 'b' }}", False),
        ("{{ labels.x ?? inputs.text }}", True),
        ("{% if inputs.text is empty %}a{% endif %}", False),
        ("{% for x in inputs.texts %}{{ x }}{% endfor %}", True),
        ("{{ secret('X') }}{{ flow.id }}{{ execution.id }}", False),
    ],
)
def test_shells(expression: str, is_foreign: bool) -> None:  # noqa: FBT001  a table
    """What others may write becomes part of a command with a warning; what cannot hold a command without one."""
    text = f"{HEAD}  - id: look\n    type: {SHELL}\n    commands:\n      - |-\n        {expression}\n"
    assert (["WD326 warning"] if is_foreign else []) == said(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("env", []), ("beforeCommands", ["WD326 warning"]), ("commands", ["WD326 warning"])],
)
def test_shells_by_property(name: str, expected: list[str]) -> None:
    """Only what a shell reads counts: a variable's value is data."""
    value = "{A: '{{ inputs.text }}'}" if name == "env" else "['echo {{ inputs.text }}']"
    commands = "" if name == "commands" else "    commands: ['true']\n"
    assert expected == said(f"{HEAD}  - id: look\n    type: {SHELL}\n    {name}: {value}\n{commands}")


def test_python_knows_json() -> None:
    """In a Python script, JSON is a value and no program."""
    script = f"{HEAD}  - id: look\n    type: io.kestra.plugin.scripts.python.Script\n    script: print(%s)\n"
    assert [] == said(script % "{{ inputs.text | toJson }}")
    assert ["WD326 warning"] == said(script % "'{{ inputs.text }}'")


def test_packages() -> None:
    """Who names a package to install can run commands as well."""
    task = "type: io.kestra.plugin.scripts.python.Script, script: ''"
    flow = load_text(f"{HEAD}  - {{id: look, {task}, dependencies: ['{{{{ inputs.text }}}}']}}\n")
    expected = (
        "WD326 warning: 'inputs.text' becomes a package that is installed: who gives its value can run commands "
        "(name the packages in the flow)"
    )
    assert [expected] == [str(note).partition(": ")[2] for note in flow.notes]


def test_rounds_of_a_loop() -> None:
    """A flow whose tasks run in loops may read what an earlier round has left."""
    read = "{{ outputs.second['a'].value ?? 1 }}{{ outputs.second['a'].value }}"
    loop = f"""\
  - id: loop
    type: io.kestra.plugin.core.flow.ForEach
    values: [a, b]
    tasks:
      - {{id: first, type: {LOG}, message: "{read}"}}
      - {{id: second, type: io.kestra.plugin.core.debug.Return, format: "{{{{ taskrun.value }}}}"}}
"""
    assert [] == said(HEAD + loop)


def test_unknown_type_hides_nothing() -> None:
    """What lies in a task of an unknown type may be a task: its name is no mistake."""
    text = (
        f"{HEAD}  - id: x\n    type: io.kestra.plugin.acme.Nothing\n    cases: {{a: [{{id: hidden, type: {LOG}}}]}}\n"
    )
    more = f"  - id: look\n    type: {LOG}\n    message: '{{{{ outputs.hidden.value }}}}'\n"
    assert ["WD204 error"] == said(text + more)


def test_checks_neither_compile_nor_render() -> None:
    """Checking a flow needs neither the compiler of templates, nor what runs them, nor Prefect."""
    code = (
        "import sys; from wdprefect.loader import load_text; load_text(sys.stdin.read());"
        "print({'wdprefect.expressions.runtime', 'wdprefect.expressions.compiler', 'prefect'} & set(sys.modules))"
    )
    text = f"{HEAD}  - id: look\n    type: {LOG}\n    message: '{{{{ inputs.text | upper ~ now() }}}}'\n"
    done = subprocess.run([sys.executable, "-c", code], input=text, capture_output=True, text=True, check=True)
    assert "set()\n" == done.stdout
