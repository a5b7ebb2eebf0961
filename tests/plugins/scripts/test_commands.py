"""Shell commands: which shell runs them, what they see, and what their exit codes mean."""

from __future__ import annotations

import json

import pytest

from tests.running import CORE, SCRIPTS, flow_of, messages, run_tasks, states
from wdprefect.api import run

COMMANDS = f"{SCRIPTS}.shell.Commands"


def shell(body: str) -> str:
    """A task `a` of commands with these further properties."""
    lines = [line for line in body.strip("\n").splitlines() if line.strip()]
    indent = len(lines[0]) - len(lines[0].lstrip())
    return "\n".join(["- id: a", f"  type: {COMMANDS}", *(f"  {line[indent:]}" for line in lines)])


@pytest.mark.parametrize(
    ("commands", "fail_fast", "expected"),
    [
        pytest.param("['exit 7']", "true", ("FAILED", 7, []), id="its own code"),
        pytest.param("['echo 1', 'exit 3', 'echo 2']", "true", ("FAILED", 3, ["1"]), id="the first failure ends"),
        pytest.param("['echo 1', 'false', 'echo 2']", "true", ("FAILED", 1, ["1"]), id="a program that fails ends"),
        pytest.param("['false', 'echo 2']", "false", ("SUCCESS", 0, ["2"]), id="without failFast the last one counts"),
        pytest.param("['echo 1', 'false']", "false", ("FAILED", 1, ["1"]), id="without failFast a last failure counts"),
        pytest.param("['nowhere-to-be-found-x', 'echo 2']", "true", ("FAILED", 127, []), id="no such program"),
        pytest.param("['nowhere-to-be-found-x', 'echo 2']", "false", ("SUCCESS", 0, ["2"]), id="none without failFast"),
        pytest.param("['kill -TERM $$']", "true", ("FAILED", 143, []), id="a signal"),
        pytest.param("['false || true', 'echo 2']", "true", ("SUCCESS", 0, ["2"]), id="a failure that is handled"),
        pytest.param("[]", "true", ("SUCCESS", 0, []), id="no command"),
    ],
)
def test_exit_codes(commands: str, fail_fast: str, expected: tuple[str, int, list[str]]) -> None:
    """A program's exit code other than 0 fails the task; with failFast the first such command is the last."""
    execution = run_tasks(shell(f"failFast: {fail_fast}\ncommands: {commands}"))

    outputs = execution.task_outputs["a"]
    assert expected == (execution.state, outputs["exitCode"], messages(execution, "a", "INFO"))


def test_failure_says_what_happened() -> None:
    """The error names the place of the task, its id, the exit code, and the last five lines on standard error."""
    execution = run_tasks(shell("commands: ['for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 9']"))

    last = "".join(f"\n    line {number}" for number in (3, 4, 5, 6, 7))
    assert f"flow.yaml:4:5: task 'a': Command failed with exit code 9{last}" == execution.error


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("commands: ['cd /', 'X=1', 'echo $PWD $X']", ["/ 1"], id="commands share the shell"),
        pytest.param(
            "beforeCommands: ['export X=1', 'Y=2']\ncommands: ['echo $X $Y']", ["1 2"], id="beforeCommands share it"
        ),
        pytest.param("beforeCommands: ['false']\ncommands: ['echo after']", [], id="and its failFast"),
        pytest.param("interpreter: ['/bin/bash', '-c']\ncommands: ['echo ${BASH_VERSION:+bash}']", ["bash"], id="bash"),
        pytest.param(
            "interpreter: ['python3', '-c']\nfailFast: false\ncommands: ['import os', 'print(os.sep)']",
            ["/"],
            id="an interpreter of another language",
        ),
        pytest.param(
            "interpreter: []\ncommands: ['echo', 'one  $HOME']", ["one  $HOME"], id="none: program and arguments"
        ),
        pytest.param("commands: \"{{ ['echo 1', 'echo 2'] }}\"", ["1", "2"], id="one expression for all commands"),
        pytest.param("commands: ['echo {{ flow.id }}']", ["made"], id="templates in commands"),
        pytest.param("commands: ['echo \"a  b\" | tr a c']", ["c  b"], id="quotes and pipes are the shell's"),
        pytest.param("commands: [\"echo '{% raw %}{{ x }}{% endraw %}'\"]", ["{{ x }}"], id="raw text stays"),
        pytest.param("commands: ['cat; echo end']", ["end"], id="the input is empty"),
        pytest.param("commands: [\"printf '\\u00fc no line end'\"]", ["ü no line end"], id="no line end at the end"),
    ],
)
def test_shell(body: str, expected: list[str]) -> None:
    """All commands of a task are one program of its interpreter."""
    assert expected == messages(run_tasks(shell(body)), "a", "INFO")


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        pytest.param("{A: x, B: '{{ flow.id }}'}", "x made", id="texts and templates"),
        pytest.param("{A: 1, B: 1.5}", "1 1.5", id="numbers"),
        pytest.param("{A: true, B: ''}", "true ", id="a boolean, and an empty text"),
        pytest.param("\"{{ {'A': 1, 'B': 'x y'} }}\"", "1 x y", id="one expression for all"),
        pytest.param("{A: 'two  words', B: \"'\"}", "two  words '", id="not read by the shell"),
    ],
)
def test_env(env: str, expected: str) -> None:
    """`env` gives variables to the commands, as the text of their values."""
    execution = run_tasks(shell(f'env: {env}\ncommands: [\'printf "%s" "$A $B"\']'))

    assert [expected] == messages(execution, "a", "INFO")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param("env: '{{ 1 }}'\ncommands: []", "'env' does not render to a map of variables", id="env"),
        pytest.param("env: no map\ncommands: []", "'env' does not render to a map of variables", id="env as a text"),
        pytest.param("commands: '{{ 1 }}'", "'{{ 1 }}' does not render to a list of commands", id="commands"),
        pytest.param(
            "interpreter: ['no-such-shell']\ncommands: []",
            "cannot start 'no-such-shell': No such file or directory",
            id="interpreter",
        ),
        pytest.param("interpreter: []\ncommands: []", "no program is given", id="nothing to run"),
        pytest.param(
            "interpreter: []\nbeforeCommands: [ls]\ncommands: [ls]",
            "'beforeCommands' need a shell: name it as 'interpreter', or leave that out",
            id="no shell for beforeCommands",
        ),
    ],
)
def test_what_cannot_start(body: str, expected: str) -> None:
    """What cannot be started fails the task in words that name it."""
    assert f"flow.yaml:4:5: task 'a': {expected}" == run_tasks(shell(body)).error


def test_environment_lacks_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands see this process's environment, without what may hold secrets of ours."""
    for name in ("PREFECT_API_KEY", "SECRET_DB", "WDPREFECT_X"):
        monkeypatch.setenv(name, "hidden")
    monkeypatch.setenv("USUAL", "seen")

    execution = run_tasks(shell("commands: ['env']"))

    seen = {line.partition("=")[0] for line in messages(execution, "a")}
    withheld = {name for name in seen if name.startswith(("PREFECT_", "SECRET_", "WDPREFECT_"))}
    assert {"WDPREFECT_RUN", "WDPREFECT_COMMAND"} >= withheld, "only the markers by which its processes are found"
    assert "USUAL" in seen


def test_directories_in_commands() -> None:
    """Commands run in workingDir; outputDir is a folder beside it, outputFiles[name] the path of a file in it."""
    execution = run_tasks(
        shell("""
            outputDirectory: true
            outputFiles: ["made.txt", "*.csv"]
            commands:
              - test "$PWD" = "{{ workingDir }}" && test "$PWD" = "$WORKING_DIR"
              - test "$OUTPUT_DIR" = "{{ outputDir }}"
              - echo one > "{{ outputFiles['made.txt'] }}"
              - mkdir {{ outputDir }}/below && echo two > {{ outputDir }}/below/deep.txt
              - echo three > table.csv
            """)
    )

    files = {name: execution.read(uri).decode() for name, uri in execution.task_outputs["a"]["outputFiles"].items()}
    assert ("SUCCESS", {"made.txt": "one\n", "below/deep.txt": "two\n", "table.csv": "three\n"}) == (
        execution.state,
        files,
    )


def test_retried_in_a_shared_directory() -> None:
    """Each attempt has an empty folder for its output, also where a directory is shared."""
    execution = run(
        flow_of(f"""
            - id: directory
              type: {CORE}.flow.WorkingDirectory
              tasks:
                - id: a
                  type: {COMMANDS}
                  outputDirectory: true
                  retry: {{type: constant, interval: PT0.01S, maxAttempts: 2}}
                  commands:
                    - touch {{{{ outputDir }}}}/$(ls | wc -l)
                    - test -e again || {{ touch again; false; }}
            """),
        engine="local",
    )

    assert ("SUCCESS", ["1"]) == (execution.state, list(execution.task_outputs["a"]["outputFiles"]))


def test_lines_in_order() -> None:
    """Ten thousand lines arrive, each once, in their order."""
    execution = run_tasks(shell("commands: ['seq 1 10000']"))

    assert [str(number) for number in range(1, 10_001)] == messages(execution, "a")


@pytest.mark.parametrize(
    ("property_", "expected"),
    [
        pytest.param("warningOnStdErr: true", "WARNING", id="a warning when asked for"),
        pytest.param("warningOnStdErr: false", "SUCCESS", id="none when told so"),
        pytest.param("description: nothing said", "SUCCESS", id="none by default"),
    ],
)
def test_standard_error(property_: str, expected: str) -> None:
    """Lines on standard error are of level ERROR in the log; the task is a warning only when it says so."""
    execution = run_tasks(shell(f"{property_}\ncommands: ['echo out', 'echo wrong >&2']"))

    assert (expected, ["out"], ["wrong"]) == (
        execution.state,
        messages(execution, "a", "INFO"),
        messages(execution, "a", "ERROR"),
    )


def test_protocol() -> None:
    """A line `::{…}::` delivers values, metrics and log lines; later values replace earlier ones, metrics add up."""
    first = {
        "outputs": {"rows": 1, "list": [1, None, "x"]},
        "metrics": [{"name": "rows", "type": "counter", "value": 2, "tags": {"of": "a"}}],
        "logs": [{"level": "WARN", "message": "careful"}],
    }
    second = {
        "outputs": {"rows": 2},
        "metrics": [
            {"name": "rows", "type": "counter", "value": 3, "tags": {"of": "a"}},
            {"name": "took", "type": "timer", "value": "PT1.5S"},
        ],
    }
    execution = run_tasks(
        f"- id: a\n  type: {SCRIPTS}.shell.Commands\n  env:\n    FIRST: |-\n      ::{json.dumps(first)}::\n"
        f"    SECOND: |-\n      ::{json.dumps(second)}::\n"
        '  commands: ["echo \\"$FIRST\\"", "echo \\"$SECOND\\" >&2", "echo \\"not $FIRST\\""]'
    )

    assert {"rows": 2, "list": [1, None, "x"]} == execution.task_outputs["a"]["vars"]
    assert [("rows", 5, {"of": "a"}), ("took", 1.5, {})] == [
        (metric.name, metric.value, metric.tags) for metric in execution.task_runs[0].metrics
    ]
    assert ["careful"] == messages(execution, "a", "WARN")
    assert [f"not ::{json.dumps(first)}::"] == messages(execution, "a", "INFO"), "text before it makes it a usual line"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param('::{"outputs":}::', "Invalid outputs 'invalid JSON", id="no JSON"),
        pytest.param('::{"outputs": 1}::', "Invalid outputs ''outputs' is no object'", id="no object"),
        pytest.param(
            '::{"metrics": [{"name": "n", "type": "x", "value": 1}]}::',
            "Invalid outputs 'the metric 'n' has the unknown type",
            id="no such metric",
        ),
    ],
)
def test_invalid_protocol(line: str, expected: str) -> None:
    """A protocol line that is not understood is a warning in the log, and the program goes on."""
    execution = run_tasks(
        f"- id: a\n  type: {COMMANDS}\n  env:\n    LINE: |-\n      {line}\n  commands: ['echo \"$LINE\"', 'echo on']"
    )

    warnings = messages(execution, "a", "WARN")
    assert ("SUCCESS", ["on"]) == (execution.state, messages(execution, "a", "INFO"))
    assert 1 == len(warnings)
    assert warnings[0].startswith(expected)


def test_values_of_a_failure() -> None:
    """What a program delivered before it failed is there for what handles the failure."""
    execution = run(
        flow_of(
            f"- id: a\n  type: {COMMANDS}\n  outputFiles: ['*.txt']\n"
            "  commands: ['echo 1 > one.txt', 'echo ::{\\\"outputs\\\":{\\\"n\\\":1}}::', 'exit 4']",
            errors=f"- id: seen\n  type: {CORE}.debug.Return\n"
            '  format: "{{ outputs.a.exitCode }} {{ outputs.a.vars.n }} '
            "{{ read(outputs.a.outputFiles['one.txt']) }}\"",
        ),
        engine="local",
    )

    assert ("FAILED", "4 1 1\n") == (execution.state, execution.task_outputs["seen"]["value"])


def test_script() -> None:
    """A shell script is one text, with lines of its own, in the same shell as its beforeCommands."""
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.shell.Script
          beforeCommands: ["GREETING=hello"]
          script: |
            for name in Ada Grace; do
              echo "$GREETING $name"
            done
            cat <<END
              {{{{ flow.id }}}}
            END
        """)

    assert ["hello Ada", "hello Grace", "  made"] == messages(execution, "a")


def test_tasks_run_apart() -> None:
    """Tasks beside each other share no directory, and nothing of one is left when it has ended."""
    execution = run_tasks(f"""
        - {{id: a, type: {COMMANDS}, commands: ["touch x"]}}
        - {{id: b, type: {COMMANDS}, commands: ["ls -A"]}}
        """)

    assert ({"a": "SUCCESS", "b": "SUCCESS"}, []) == (states(execution), messages(execution))


@pytest.mark.parametrize("lines", ["commands", "beforeCommands"])
def test_a_value_is_no_template(lines: str) -> None:
    """What an expression gives is not rendered again: an input cannot reach what the flow's author did not name."""
    execution = run_tasks(f"""
        - id: gives
          type: {CORE}.debug.Return
          format: "{{{{ '{{{{' }}}} 1 + 1 }}}}"
        - id: a
          type: {SCRIPTS}.shell.Commands
          {lines}: ["echo '{{{{ outputs.gives.value }}}}'"]
          {"commands: ['true']" if lines == "beforeCommands" else ""}
        """)

    assert ["{{ 1 + 1 }}"] == messages(execution, "a")
