"""Where an error of a template is said to be: in the flow's file, however the text is written there."""

from __future__ import annotations

from pathlib import Path

import pytest

from wdprefect.api import run
from wdprefect.errors import InvalidFlow
from wdprefect.loader import load_text

HEAD = "id: places\nnamespace: company.team\ntasks:\n- id: say\n  type: io.kestra.plugin.core.log.Log\n"
# How the text of one message can be written; MARK stands for the template.
SPELLED = [
    pytest.param("  message: a MARK b\n", id="bare"),
    pytest.param("  message: a\n    b\n\n    c MARK\n", id="bare over several lines"),
    pytest.param("  message: 'it''s ''so'' MARK'\n", id="single quotes"),
    pytest.param("  message: 'a\n\n    b MARK\n    c'\n", id="single quotes over several lines"),
    pytest.param('  message: "\\t\\"q\\" \\x41\\u00e9 \\U0001F600 MARK"\n', id="double quotes with escapes"),
    pytest.param('  message: "a\\nb\\r\\nc\\rd MARK"\n', id="line ends as escapes"),
    pytest.param('  message: "a \\\n    b\n    c MARK"\n', id="double quotes over several lines"),
    pytest.param("  message: |\n    one\n\n      two MARK\n    three\n", id="literal"),
    pytest.param("  message: |2-\n      one\n     MARK\n", id="literal with an indentation indicator"),
    pytest.param("  message: |+4 # why\n\n      \n      one MARK\n\n", id="literal with both indicators and a comment"),
    pytest.param("  message: >\n    one\n    two\n\n    three MARK\n      four\n", id="folded"),
    pytest.param("  message: >-\n\n    one\n      more\n\n      MARK\n    two\n", id="folded with deeper lines"),
    pytest.param("  message: >1-\n     one\n    two MARK\n", id="folded with an indentation indicator"),
    pytest.param("  message:\n    - fine\n    - |-\n      x\n      MARK\n", id="in a list"),
    pytest.param("  message: [fine, 'x\n    y MARK', z]\n", id="in brackets"),
    pytest.param("  message: !!str\n    a MARK\n", id="with a tag, on a line of its own"),
    pytest.param("  message: |\r\n    one\r\n    two MARK\r\n", id="line ends of Windows"),
    pytest.param("  message: 😀 é MARK\n", id="columns are characters"),
]


def place_of(text: str, word: str) -> str:
    before = text[: text.index(word)].replace("\r\n", "\n")
    return f"f.yaml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: "


@pytest.mark.parametrize("spelled", SPELLED)
def test_when_loading(spelled: str) -> None:
    """What is wrong with a template is found at its line and column of the file."""
    text = HEAD + spelled.replace("MARK", "{{ flow.id | nosuch }}")
    with pytest.raises(InvalidFlow) as caught:
        load_text(text, "f.yaml")
    assert [place_of(text, "nosuch")] == [str(problem).partition("WD321")[0] for problem in caught.value.problems]


@pytest.mark.parametrize("spelled", SPELLED)
def test_when_running(spelled: str, tmp_path: Path) -> None:
    """What fails in a template when it runs is told with its line and column of the file."""
    text = HEAD + spelled.replace("MARK", "{{ labels.nosuch }}")
    execution = run(load_text(text, "f.yaml"), engine="local", storage=tmp_path.as_uri())
    assert str(execution.error).startswith(f"{place_of(text, 'nosuch')}task 'say': ")


OTHERS = [
    pytest.param("  message: x\n  runIf: '{{ labels.nosuch }}'\n", id="a condition"),
    pytest.param("  message: x\n  timeout: '{{ labels.nosuch }}'\n", id="a timeout"),
    pytest.param("pluginDefaults:\n- type: io.kestra\n  values: {message: 'a {{ labels.nosuch }}'}\n", id="a default"),
    pytest.param(
        "  message: x\noutputs:\n- id: o\n  value:\n    a: >-\n      b\n      {{ labels.nosuch }}\n", id="outputs"
    ),
    pytest.param(
        "  message: x\n- id: each\n  type: io.kestra.plugin.core.flow.ForEach\n  values: ['{{ labels.nosuch }}']\n"
        "  tasks: [{id: in, type: io.kestra.plugin.core.log.Log, message: x}]\n",
        id="values of a loop",
    ),
    pytest.param(
        "  message: x\n- id: sh\n  type: io.kestra.plugin.scripts.shell.Commands\n  commands:\n"
        "  - echo 1\n  - |\n    echo 2\n      echo {{ labels.nosuch }}\n",
        id="a command",
    ),
    pytest.param(
        "  message: x\n- id: sh\n  type: io.kestra.plugin.scripts.shell.Commands\n  commands: ['true']\n"
        "  env:\n    A: b\n    C: '{{ labels.nosuch }}'\n",
        id="a variable",
    ),
]


@pytest.mark.parametrize("spelled", OTHERS)
def test_other_places(spelled: str, tmp_path: Path) -> None:
    """So it is wherever a template stands: in conditions, defaults, loops, commands and the flow's outputs."""
    text = HEAD + spelled
    execution = run(load_text(text, "f.yaml"), engine="local", storage=tmp_path.as_uri())
    assert str(execution.error).startswith(place_of(text, "nosuch"))
