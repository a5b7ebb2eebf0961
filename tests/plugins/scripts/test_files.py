"""Files of script tasks: brought in, taken out, and fetched from the storage for what commands say."""

from __future__ import annotations

import pytest

from tests.running import CORE, SCRIPTS, messages, run_tasks, states

MAKE = f"""
    - id: make
      type: {SCRIPTS}.shell.Commands
      outputFiles: ["*.txt"]
      commands: ["printf 'made\\n' > 'made.txt'"]
"""
URI = "{{ outputs.make.outputFiles['made.txt'] }}"


def after(task: str) -> str:
    """A task that makes a file, and one behind it."""
    return f"{MAKE}{task}"


def test_input_files() -> None:
    """Files of inputFiles are in the working directory before the first command: texts, stored files, values."""
    execution = run_tasks(
        after(f"""
    - id: a
      type: {SCRIPTS}.shell.Commands
      inputFiles:
        text.txt: "hello {{{{ flow.id }}}}"
        below/stored.txt: "{URI}"
        data.json: {{"n": 1}}
        left-out.txt: null
      beforeCommands: ["test -e text.txt"]
      commands:
        - find . -type f | sort
        - cat text.txt; echo; cat below/stored.txt data.json
""")
    )

    expected = ["./below/stored.txt", "./data.json", "./text.txt", "hello made", "made", '{"n":1}']
    assert ("SUCCESS", expected) == (execution.state, messages(execution, "a"))


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        pytest.param('["a.txt"]', ["a.txt"], id="a name"),
        pytest.param('["*.txt"]', ["a.txt"], id="a pattern of one folder"),
        pytest.param('["**/*.txt"]', ["below/b.txt"], id="a pattern of folders below"),
        pytest.param('["**"]', ["a.txt", "below/b.txt", "c.csv"], id="everything"),
        pytest.param('["below/**", "c.csv"]', ["below/b.txt", "c.csv"], id="several"),
        pytest.param('["{{ flow.id }}.no", "{{ \'c\' }}.csv"]', ["c.csv"], id="templates"),
    ],
)
@pytest.mark.parametrize("kind", ["shell", "python"])
def test_output_files(kind: str, patterns: str, expected: list[str]) -> None:
    """What the patterns match when the commands have ended is captured; nothing of ours is among it."""
    making = "mkdir below; echo a > a.txt; echo b > below/b.txt; echo c > c.csv"
    script = making if kind == "shell" else f"import os; os.system({making!r})"
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.{kind}.Script
          outputFiles: {patterns}
          script: |
            {script}
        """)

    assert ("SUCCESS", expected) == (execution.state, sorted(execution.task_outputs["a"]["outputFiles"]))


def test_idle_pattern() -> None:
    """A pattern that matches nothing is a warning in the log, and no failure."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.shell.Commands
          outputFiles: ["*.csv", "absent.txt"]
          commands: ["touch a.csv"]
        """)

    assert ("SUCCESS", ["no file matches 'absent.txt'"]) == (execution.state, messages(execution, "a", "WARN"))


def test_files_of_a_failure() -> None:
    """What a task made before it failed is captured as well."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.shell.Commands
          outputFiles: ["*.csv"]
          commands: ["echo half > a.csv", "false"]
        """)

    assert ("FAILED", b"half\n") == (
        execution.state,
        execution.read(execution.task_outputs["a"]["outputFiles"]["a.csv"]),
    )


def test_uris_in_commands() -> None:
    """A storage URI in a command is the path of a copy, one for each URI; the copy is no file of the directory."""
    execution = run_tasks(
        after(f"""
    - id: a
      type: {SCRIPTS}.shell.Commands
      outputFiles: ["**"]
      commands:
        - cat '{URI}'
        - test '{URI}' = '{URI}' && basename {URI}
        - echo more >> "{URI}"; cat {URI}
        - ls -A
""")
    )

    lines = messages(execution, "a", "INFO")
    assert ["made", "made", "more"] == [lines[0], *lines[2:]]
    assert lines[1].endswith("made.txt")
    assert {} == execution.task_outputs["a"]["outputFiles"]
    assert b"made\n" == execution.read(execution.task_outputs["make"]["outputFiles"]["made.txt"]), "it was a copy"


def test_uris_in_scripts() -> None:
    """In the text of a shell script URIs are paths as well; one that names no file stays as it is."""
    execution = run_tasks(
        after(f"""
    - id: a
      type: {SCRIPTS}.shell.Script
      script: |
        cat "{URI}"
        echo kestra:///nowhere/x.txt
""")
    )

    assert ["made", "kestra:///nowhere/x.txt"] == messages(execution, "a", "INFO")


def test_uris_in_programs() -> None:
    """In the text of a script of another language they are as well."""
    execution = run_tasks(
        after(f"""
    - id: a
      type: {SCRIPTS}.python.Script
      outputFiles: ["**"]
      script: |
        print(open("{URI}").read().strip(), "kestra:///nowhere/x.txt")
""")
    )

    assert ["made kestra:///nowhere/x.txt"] == messages(execution, "a", "INFO")
    assert {} == execution.task_outputs["a"]["outputFiles"]


def test_uris_in_env_stay() -> None:
    """A variable holds the URI as it is, as what a program may want to hand on."""
    execution = run_tasks(
        after(f"""
    - id: a
      type: {SCRIPTS}.shell.Commands
      env:
        FILE: "{URI}"
      commands: ['echo "$FILE"']
""")
    )

    assert [execution.task_outputs["make"]["outputFiles"]["made.txt"]] == messages(execution, "a")


def test_shared_directory() -> None:
    """Script tasks in a WorkingDirectory see each other's files, and what is captured of one stays for the next."""
    execution = run_tasks(f"""
        - id: directory
          type: {CORE}.flow.WorkingDirectory
          outputFiles: ["*.txt"]
          tasks:
            - id: a
              type: {SCRIPTS}.python.Script
              outputFiles: ["**"]
              script: open("a.txt", "w").write("one")
            - id: b
              type: {SCRIPTS}.shell.Commands
              outputDirectory: true
              commands: ["ls -A; cp a.txt b.txt; cp a.txt {{{{ outputDir }}}}"]
            - id: c
              type: {SCRIPTS}.shell.Commands
              commands: ["ls -A"]
        """)

    assert {"directory": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS", "c": "SUCCESS"} == states(execution)
    assert (["a.txt"], ["a.txt", "b.txt"]) == (messages(execution, "b"), messages(execution, "c"))
    outputs = execution.task_outputs
    assert (["a.txt"], ["a.txt"], ["a.txt", "b.txt"]) == (
        list(outputs["a"]["outputFiles"]),
        list(outputs["b"]["outputFiles"]),
        list(outputs["directory"]["outputFiles"]),
    )
