"""What flows written for Kestra rely on in script tasks, one flow a row."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.running import CORE, SCRIPTS, messages, run_tasks
from wdprefect.execution.execution import Execution
from wdprefect.model.ports import Level

SHELL = f"{SCRIPTS}.shell.Commands"
LINE = '::{"outputs":{"a":1}}::'
UNKNOWN_METRIC = "Invalid outputs 'the metric 'm' has the unknown type 'histogram' (counter, timer or gauge)'"
STORED = f"""
- id: src
  type: {SHELL}
  outputFiles: [src.txt]
  commands: ["printf 'I am here' > src.txt"]
"""
URI = '{{ outputs.src.outputFiles["src.txt"] }}'


@dataclass(frozen=True)
class Expected:
    """How the task `a` ends: its state, exit code, values and files, and the lines of its log by levels."""

    state: str = "SUCCESS"
    code: int = 0
    vars: dict[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    logs: dict[Level, list[str]] = field(default_factory=dict)


def outcome(execution: Execution, levels: list[Level]) -> Expected:
    """What is to be compared of an execution."""
    run = execution.task_runs[-1]
    outputs = execution.task_outputs["a"]
    logs = {level: [line for line in messages(execution, "a", level) if "flow.yaml:" not in line] for level in levels}
    return Expected(run.state, outputs["exitCode"], outputs["vars"], tuple(sorted(outputs["outputFiles"])), logs)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            "beforeCommands: ['export X=5']\ncommands: ['mkdir s; cd s', 'test $X = 5', 'test $(basename $PWD) = s']",
            Expected(),
            id="one shell for all",
        ),
        pytest.param(
            "commands: [echo o1, echo e1 1>&2, echo o2, echo e2 1>&2]",
            Expected(logs={"INFO": ["o1", "o2"], "ERROR": ["e1", "e2"]}),
            id="standard error is of level ERROR",
        ),
        pytest.param(
            "commands: [echo out, exit 66]", Expected("FAILED", 66, logs={"INFO": ["out"]}), id="an exit code"
        ),
        pytest.param(
            "beforeCommands: [echo prep, echo bad 1>&2]\ncommands: [echo main]",
            Expected(logs={"DEBUG": ["prep"], "ERROR": ["bad"], "INFO": ["main"]}),
            id="beforeCommands print at level DEBUG",
        ),
        pytest.param(
            "beforeCommands: [printf half]\ncommands: [echo main]",
            Expected(logs={"DEBUG": ["half"], "INFO": ["main"]}),
            id="beforeCommands without a line end",
        ),
        pytest.param(
            "beforeCommands: [set -x]\ncommands: [echo main]",
            Expected(logs={"DEBUG": [], "ERROR": ["+ echo main"], "INFO": ["main"]}),
            id="beforeCommands that let the shell tell what it does",
        ),
        pytest.param(
            "beforeCommands: ['echo prep', 'false']\ncommands: [echo never]",
            Expected("FAILED", 1, logs={"DEBUG": ["prep"], "INFO": []}),
            id="beforeCommands that fail",
        ),
        pytest.param(
            "beforeCommands: [echo prep, 'false']\nfailFast: false\ncommands: [echo main]",
            Expected(logs={"DEBUG": ["prep"], "INFO": ["main"]}),
            id="beforeCommands that may fail",
        ),
        pytest.param(
            "interpreter: [/usr/bin/env, bash, -c]\nbeforeCommands: [echo prep]\n"
            "commands: ['[[ abc == a* ]] && echo main']",
            Expected(logs={"DEBUG": ["prep"], "INFO": ["main"]}),
            id="beforeCommands of another shell",
        ),
        pytest.param(
            "interpreter: [python3, -c]\nfailFast: false\nbeforeCommands: ['print(1)']\ncommands: ['print(2)']",
            Expected(logs={"DEBUG": [], "INFO": ["1", "2"]}),
            id="beforeCommands of what is no shell are like the others",
        ),
        pytest.param(
            "beforeCommands: ['echo ''::{\"outputs\":{\"a\":1}}::''']\ncommands: []",
            Expected(vars={"a": 1}, logs={"DEBUG": []}),
            id="beforeCommands deliver values",
        ),
        pytest.param(
            "env: {WHO: '{{ flow.id }}', WORKING_DIR: /nowhere, OUTPUT_DIR: /nowhere}\noutputDirectory: true\n"
            "commands: [test $WHO = made, test $WORKING_DIR = $PWD, 'test $OUTPUT_DIR = {{ outputDir }}']",
            Expected(),
            id="env, and the variables that nobody replaces",
        ),
        pytest.param(
            f'commands: [\'test "$(cat {URI})" = "I am here"\']',
            Expected(),
            id="a stored file in a command",
        ),
        pytest.param(
            f"commands: ['cat {URI};echo; echo done']",
            Expected(logs={"INFO": ["I am here", "done"]}),
            id="a stored file before a semicolon",
        ),
        pytest.param(
            f"commands: ['echo ''::{{\"outputs\":{{\"e\":\"''$(cat {URI})''\"}}}}::''']",
            Expected(vars={"e": "I am here"}, logs={"INFO": []}),
            id="a stored file in a value",
        ),
        pytest.param(
            "outputDirectory: true\ncommands: ['mkdir -p {{ outputDir }}/sub/dir', 'echo 1 > {{ outputDir }}/f.xml',"
            " 'echo 2 > {{ outputDir }}/sub/dir/f.csv']",
            Expected(files=("f.xml", "sub/dir/f.csv")),
            id="an output directory",
        ),
        pytest.param(
            "outputFiles: ['out/**']\ncommands: [mkdir -p out/x, echo 1 > out/a, echo 2 > out/x/b, echo 3 > c]",
            Expected(files=("out/a", "out/x/b")),
            id="files of a folder",
        ),
        pytest.param(
            "outputFiles: \"{{ ['a.txt', 'b.*'] }}\"\ncommands: [touch a.txt b.csv c]",
            Expected(files=("a.txt", "b.csv")),
            id="patterns by an expression",
        ),
        pytest.param(
            "outputFiles: [r.txt]\ncommands: ['echo ::{\\\"outputs\\\":{\\\"n\\\":3}}::', 'echo 1 > r.txt', exit 2]",
            Expected("FAILED", 2, {"n": 3}, ("r.txt",)),
            id="what was delivered before a failure",
        ),
        pytest.param("commands: ['true']", Expected(), id="no values"),
        pytest.param(
            "stdErrLevel: WARN\ncommands: [echo x >&2]", Expected(logs={"WARN": ["x"], "ERROR": []}), id="WARN"
        ),
        pytest.param(
            "stdErrLevel: DEBUG\ncommands: [echo x >&2]", Expected(logs={"DEBUG": ["x"], "ERROR": []}), id="DEBUG"
        ),
        pytest.param(
            "stdErrLevel: '{{ \"INFO\" }}'\ncommands: [echo x >&2]", Expected(logs={"INFO": ["x"]}), id="a template"
        ),
        pytest.param("targetOS: AUTO\ncommands: []", Expected(), id="targetOS AUTO"),
        pytest.param("targetOS: LINUX\ncommands: []", Expected(), id="targetOS LINUX"),
    ],
)
def test_shell(body: str, expected: Expected) -> None:
    """Commands of a shell do, print and deliver what they do in Kestra."""
    execution = run_tasks(f"{STORED}- id: a\n  type: {SHELL}\n{_indented(body)}")

    assert expected == outcome(execution, list(expected.logs))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            ['::{"outputs":{"s":"x","i":2,"b":true,"f":3.65,"n":null,"l":[1,null],"m":{"n":null}}}::'],
            Expected(vars={"s": "x", "i": 2, "b": True, "f": 3.65, "l": [1, None], "m": {}}),
            id="types stay, nulls of maps go",
        ),
        pytest.param(
            ['::{"outputs":{"a":{"x":1},"b":1}}::', '::{"outputs":{"a":{"y":2}}}::'],
            Expected(vars={"a": {"y": 2}, "b": 1}),
            id="a later value replaces an earlier one whole",
        ),
        pytest.param(
            [f" {LINE}", f"12:00 {LINE}", f"{LINE} "],
            Expected(logs={"INFO": [f" {LINE}", f"12:00 {LINE}", f"{LINE} "]}),
            id="text before or after makes a usual line",
        ),
        pytest.param(
            ['::{"outputs":{"a":1}::', '::{"outputs":{"b":2}}::'],
            Expected(vars={"b": 2}, logs={"INFO": []}),
            id="what is no JSON is passed over",
        ),
        pytest.param(
            ['::{"outputs":{"a":1},"metrics":[{"name":"m","type":"histogram","value":1}]}::'],
            Expected(
                vars={"a": 1},
                logs={"WARN": [UNKNOWN_METRIC]},
            ),
            id="an unknown metric takes nothing with it",
        ),
        pytest.param(
            ['::{"logs":[{"level":"TRACE","message":"t"},{"level":"ERROR","message":"e"}]}::', "plain"],
            Expected(logs={"TRACE": ["t"], "ERROR": ["e"], "INFO": ["plain"]}),
            id="lines of the log",
        ),
        pytest.param(
            ['::{"outputs":{"a":1}}::::{"outputs":{"b":2}}::'],
            Expected(
                vars={"a": 1},
                logs={"WARN": ["Invalid outputs 'only the first object is read, not '::::{\"outputs\":{\"b\":2}}''"]},
            ),
            id="two on one line",
        ),
    ],
)
@pytest.mark.parametrize("stream", ["", " >&2"])
def test_protocol(lines: list[str], expected: Expected, stream: str) -> None:
    """Lines of the protocol deliver what they do in Kestra, on either stream."""
    commands = "".join(f"""    - printf '%s\\n' "$LINE{number}"{stream}\n""" for number in range(len(lines)))
    execution = run_tasks(
        f"- id: a\n  type: {SHELL}\n  stdErrLevel: INFO\n  env:\n{_kept(lines)}  commands:\n{commands}"
    )

    assert expected == outcome(execution, list(expected.logs))


def _kept(lines: list[str]) -> str:
    """Variables that hold the lines as they are, spaces included."""
    return "".join(f"    LINE{number}: '{line.replace(chr(39), chr(39) * 2)}'\n" for number, line in enumerate(lines))


def test_output_directory_is_off() -> None:
    """Without an output directory there is no `outputDir`."""
    error = run_tasks(f"- {{id: a, type: {SHELL}, commands: ['ls {{{{ outputDir }}}}']}}").error

    assert error is not None
    assert "outputDir" in error


def test_input_as_output() -> None:
    """A file that was brought in and changed is delivered as it is now."""
    execution = run_tasks(f"""
        - id: a
          type: {SHELL}
          inputFiles: {{c.json: "{{}}"}}
          outputFiles: [c.json]
          commands: ["echo new > c.json"]
        """)

    assert b"new\n" == execution.read(execution.task_outputs["a"]["outputFiles"]["c.json"])


def test_metrics() -> None:
    """Metrics of the same name and tags add up."""
    rows = {"name": "rows", "type": "counter", "value": 10, "tags": {"t": "x"}}
    sent = [[rows, {"name": "dur", "type": "timer", "value": 2.5}], [{**rows, "value": 5}]]
    lines = [f"::{json.dumps({'metrics': each})}::" for each in sent]
    execution = run_tasks(
        f"- id: a\n  type: {SHELL}\n  env:\n{_kept(lines)}  commands: ['echo \"$LINE0\"', 'echo \"$LINE1\"']\n"
    )

    found = [(each.name, each.kind, each.value, each.tags) for each in execution.task_runs[0].metrics]
    assert [("rows", "counter", 15, {"t": "x"}), ("dur", "timer", 2.5, {})] == found


def test_failure_of_python() -> None:
    """A script of Python that fails says so on standard error alone."""
    execution = run_tasks(
        f"- {{id: a, type: {SCRIPTS}.python.Script, script: 'import json; json.loads(\"not json\")'}}"
    )

    assert Expected("FAILED", 1, logs={"INFO": []}) == outcome(execution, ["INFO"])
    assert any("JSONDecodeError" in line for line in messages(execution, "a", "ERROR"))


def test_value_in_words_of_json() -> None:
    """A rendered boolean is one in a script of Python."""
    execution = run_tasks(
        f"- {{id: b, type: {CORE}.output.OutputValues, values: {{yes: true}}}}\n"
        f"- id: a\n  type: {SCRIPTS}.python.Script\n  script: |\n    x = {{{{ outputs.b.values.yes }}}}\n"
        "    assert x is True and null is None"
    )

    assert "SUCCESS" == execution.state


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
