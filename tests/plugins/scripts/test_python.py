"""Python scripts: what they are run as, what they can import, and what their errors say."""

from __future__ import annotations

import textwrap

import pytest

from tests.running import CORE, SCRIPTS, messages, run_tasks


def python(script: str, more: str = "") -> str:
    """A task `a` with this script."""
    text = textwrap.indent(textwrap.dedent(script).strip("\n"), "    ")
    return f"- id: a\n  type: {SCRIPTS}.python.Script\n{textwrap.indent(more, '  ')}\n  script: |\n{text}\n"


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("print(1 + 1)", ["2"], id="a line"),
        pytest.param("from __future__ import annotations\nprint(1)", ["1"], id="a future import comes first"),
        pytest.param("print([true, false, null])", ["[True, False, None]"], id="the words of JSON"),
        pytest.param(
            "print({{ {'a': [true, null], 'n': 1} | json }})", ["{'a': [True, None], 'n': 1}"], id="rendered JSON"
        ),
        pytest.param("print(__name__, __builtins__ is not None)", ["__main__ True"], id="it is the main program"),
        pytest.param("import sys\nprint(len(sys.argv))", ["1"], id="no arguments"),
        pytest.param("print('ü {% raw %}{{ x }}{% endraw %}')", ["ü {{ x }}"], id="UTF-8 and raw text"),
        pytest.param(
            "def f():\n    return g()\ndef g():\n    return 3\nprint(f())", ["3"], id="functions see each other"
        ),
        pytest.param("import os\nprint(os.listdir())", ["[]"], id="the directory is empty"),
        pytest.param("print(sorted(n for n in globals() if n[0] != '_'))", ["[]"], id="no names of ours"),
        pytest.param(
            "import pickle\nclass C: pass\nprint(type(pickle.loads(pickle.dumps(C()))).__name__)",
            ["C"],
            id="classes can be pickled",
        ),
        pytest.param("for n in range(3):\n    print(n)", ["0", "1", "2"], id="lines as they come"),
    ],
)
def test_script(script: str, expected: list[str]) -> None:
    """A script runs as `python script.py` does, in the working directory."""
    execution = run_tasks(python(script))

    assert ("SUCCESS", expected) == (execution.state, messages(execution, "a"))


def test_modules_of_the_directory() -> None:
    """A script imports modules of its working directory, and packages there."""
    more = "inputFiles:\n  near.py: X = 1\n  package/__init__.py: ''\n  package/far.py: Y = 2"

    execution = run_tasks(python("from near import X\nfrom package.far import Y\nprint(X, Y)", more))

    assert ["1 2"] == messages(execution, "a", "INFO")


def test_traceback() -> None:
    """The lines of a traceback are those of the script, and its last lines are the task's error."""
    execution = run_tasks(python("x = 1\n\ndef wrong():\n    raise ValueError('no good')\n\nwrong()\n"))

    *lines, _ = messages(execution, "a", "ERROR")
    assert ("FAILED", 1) == (execution.state, execution.task_outputs["a"]["exitCode"])
    assert [6, 4] == [int(line.split("line ")[1].split(",")[0]) for line in lines if 'script.py", line' in line]
    assert "ValueError: no good" in lines
    assert execution.error is not None
    assert execution.error.endswith("\n    ValueError: no good")


def test_syntax_error() -> None:
    """A script that is no Python fails with the line that is wrong."""
    execution = run_tasks(python("x = 1\ny = (\n"))

    assert "FAILED" == execution.state
    assert any('script.py", line 2' in line for line in messages(execution, "a", "ERROR"))


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        pytest.param("import sys; sys.exit(3)", 3, id="sys.exit"),
        pytest.param("raise SystemExit('bye')", 1, id="a text to exit with"),
        pytest.param("import os; os._exit(5)", 5, id="at once"),
        pytest.param("import os; os.kill(os.getpid(), 15)", 143, id="a signal"),
    ],
)
def test_exit_code(script: str, expected: int) -> None:
    """The exit code of the script is that of the task, and other than 0 fails it."""
    execution = run_tasks(python(script))

    assert ("FAILED", expected) == (execution.state, execution.task_outputs["a"]["exitCode"])


def test_environment_of_before_commands() -> None:
    """A virtual environment that beforeCommands activate is the one that runs the script."""
    more = (
        "beforeCommands:\n"
        "  - mkdir -p env/bin; printf '#!/bin/sh\\necho other \"$(basename $1)\"\\n' > env/bin/python\n"
        "  - chmod +x env/bin/python; export VIRTUAL_ENV=$PWD/env"
    )

    assert ["other launch.py"] == messages(run_tasks(python("print(1)", more)), "a")


def test_commands() -> None:
    """Commands of a Python task are shell commands whose Python does not hold lines back."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.python.Commands
          inputFiles:
            main.py: |
              import sys
              print(sys.argv[1:])
          commands:
            - python main.py --n 1
            - echo $PYTHONUNBUFFERED $PIP_DISABLE_PIP_VERSION_CHECK
        """)

    assert ["['--n', '1']", "true 1"] == messages(execution, "a")


def test_env_wins() -> None:
    """A variable of `env` wins over one that the language brings."""
    execution = run_tasks(
        f"- id: a\n  type: {SCRIPTS}.python.Commands\n  env: {{PYTHONUNBUFFERED: ''}}\n"
        "  commands: ['echo [$PYTHONUNBUFFERED]']"
    )

    assert ["[]"] == messages(execution, "a")


def test_value_goes_to_the_next_task() -> None:
    """What a script delivers is what the tasks behind it see, with its type."""
    execution = run_tasks(
        python('import json\nprint("::" + json.dumps({"outputs": {"n": 2, "names": ["Ada"]}}) + "::")')
        + f"- id: b\n  type: {CORE}.debug.Return\n"
        '  format: "{{ outputs.a.vars.n + 1 }} {{ outputs.a.vars.names[0] }}"'
    )

    assert "3 Ada" == execution.task_outputs["b"]["value"]
