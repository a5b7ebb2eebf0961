"""What becomes of a WorkingDirectory when its children fail, warn, are skipped, take too long or are tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.running import CORE, SCRIPTS, messages, run_tasks, states

LONG_BEFORE = timedelta(seconds=30)


def directory(*children: str, more: str = "") -> str:
    """A WorkingDirectory with children in YAML's flow style, and a task behind it."""
    lines = "\n".join(f"    - {{{child}}}" for child in children)
    log = f"- {{id: after, type: {CORE}.log.Log, message: after}}"
    return f"- id: shared\n  type: {CORE}.flow.WorkingDirectory\n{more}  tasks:\n{lines}\n{log}\n"


def shell(task_id: str, command: str, more: str = "") -> str:
    """A shell task without braces."""
    return f"id: {task_id}, type: {SCRIPTS}.shell.Commands, {more}commands: ['{command}']"


def log(task_id: str, more: str = "") -> str:
    """A task that succeeds."""
    return f"id: {task_id}, type: {CORE}.log.Log, {more}message: '{task_id}'"


@pytest.mark.parametrize(
    ("children", "more", "state", "expected"),
    [
        pytest.param(
            [f"id: a, type: {CORE}.storage.LocalFiles, inputs: {{x.txt: '{{{{ labels.gone }}}}'}}", log("b")],
            f"  errors: [{{{log('handler')}}}]\n",
            "FAILED",
            {"shared": "FAILED", "a": "FAILED", "handler": "SUCCESS"},
            id="a failure ends it and is handled",
        ),
        pytest.param(
            [shell("a", "echo kept > f; exit 4", "allowFailure: true, "), shell("b", "cat f")],
            "",
            "WARNING",
            {"shared": "WARNING", "a": "WARNING", "b": "SUCCESS", "after": "SUCCESS"},
            id="an allowed failure is a warning",
        ),
        pytest.param(
            [shell("a", "exit 4", "allowFailure: true, allowWarning: true, "), log("b")],
            "",
            "SUCCESS",
            {"shared": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS", "after": "SUCCESS"},
            id="an allowed warning is a success",
        ),
        pytest.param(
            [f"id: a, type: {CORE}.execution.Fail", log("b")],
            "  allowFailure: true\n",
            "WARNING",
            {"shared": "WARNING", "a": "FAILED", "after": "SUCCESS"},
            id="a failure that the directory allows",
        ),
        pytest.param(
            [log("a", "disabled: true, ")],
            "",
            "SUCCESS",
            {"shared": "SUCCESS", "after": "SUCCESS"},
            id="no child is enabled",
        ),
        pytest.param(
            [log("a"), log("b", "runIf: '{{ 1 == 2 }}', "), log("c")],
            "",
            "SUCCESS",
            {"shared": "SUCCESS", "a": "SUCCESS", "b": "SKIPPED", "c": "SUCCESS", "after": "SUCCESS"},
            id="a condition that does not hold",
        ),
        pytest.param(
            [f"id: a, type: {CORE}.debug.Return, format: go", log("b", "runIf: \"{{ outputs.a.value == 'go' }}\", ")],
            "",
            "SUCCESS",
            {"shared": "SUCCESS", "a": "SUCCESS", "b": "SUCCESS", "after": "SUCCESS"},
            id="a condition on a sibling",
        ),
        pytest.param(
            [log("a"), log("b", "runIf: '{{ labels.gone }}', "), log("c")],
            "",
            "FAILED",
            {"shared": "FAILED", "a": "SUCCESS", "b": "FAILED"},
            id="a condition that cannot be read",
        ),
    ],
)
def test_states(children: list[str], more: str, state: str, expected: dict[str, str]) -> None:
    """Children run until one fails; what the directory comes to is the worst of them, as far as nobody allows it."""
    execution = run_tasks(directory(*children, more=more))

    assert (state, expected) == (execution.state, states(execution))


def test_exit_code_of_an_allowed_failure() -> None:
    """A child whose failure is allowed delivers its exit code, and its files stay."""
    execution = run_tasks(directory(shell("a", "echo kept > f; exit 4", "allowFailure: true, "), shell("b", "cat f")))

    assert (4, ["kept"]) == (execution.task_outputs["a"]["exitCode"], messages(execution, "b"))


def test_inside_allow_failure() -> None:
    """A directory that fails inside AllowFailure makes a warning of the run, and the first children have succeeded."""
    execution = run_tasks(f"""
        - id: lenient
          type: {CORE}.flow.AllowFailure
          tasks:
            - id: shared
              type: {CORE}.flow.WorkingDirectory
              inputFiles: {{there/a.txt: a}}
              tasks:
                - {{id: one, type: {SCRIPTS}.shell.Commands, commands: ["cat there/a.txt"]}}
                - {{id: two, type: {SCRIPTS}.shell.Commands, commands: ["cat there/b.txt"]}}
        """)

    expected = {"lenient": "WARNING", "shared": "FAILED", "one": "SUCCESS", "two": "FAILED"}
    assert ("WARNING", expected) == (execution.state, states(execution))


def test_timeout_of_a_child() -> None:
    """A child that exceeds its timeout fails at once, says so, and no further one starts."""
    execution = run_tasks(directory(f"id: a, type: {CORE}.flow.Sleep, duration: PT60S, timeout: PT0.2S", log("b")))

    assert {"shared": "FAILED", "a": "FAILED"} == states(execution)
    assert [True] == [message.endswith("Timeout after 00:00:00.200") for message in messages(execution, "a", "ERROR")]
    assert execution.ended - execution.started < LONG_BEFORE


def test_retry_in_place() -> None:
    """A child that is tried again finds the files that were brought in and those of its first attempt."""
    child = f"""id: flaky, type: {SCRIPTS}.shell.Commands, retry: {{type: constant, interval: PT0.01S, maxAttempts: 3}},
      commands: ["cat seed.txt", "test -e second || {{ touch second; exit 1; }}"]"""
    execution = run_tasks(directory(child, log("last"), more="  inputFiles: {seed.txt: seed}\n"))

    runs = {task_run.task_id: task_run for task_run in execution.task_runs}
    assert ("SUCCESS", ["FAILED", "SUCCESS"]) == (
        execution.state,
        [attempt.state for attempt in runs["flaky"].attempts],
    )
    assert (["seed", "seed"], "SUCCESS") == (messages(execution, "flaky", "INFO"), runs["last"].state)


def test_handlers_see_what_the_failure_delivered() -> None:
    """The `errors` of a directory see the exit code and the values of the child that failed."""
    said = '::{\\"outputs\\": {\\"step\\": 7}}::'
    child = f"id: a, type: {SCRIPTS}.shell.Commands, commands: [\"echo '{said}'\", 'exit 9']"
    handler = f"id: e, type: {CORE}.debug.Return, format: '{{{{ outputs.a.exitCode }}}} {{{{ outputs.a.vars.step }}}}'"
    execution = run_tasks(directory(child, more=f"  errors: [{{{handler}}}]\n"))

    assert ("FAILED", "9 7") == (execution.state, execution.task_outputs["e"]["value"])


def test_handlers_work_in_the_directory() -> None:
    """The `errors` of a directory find the files that its children left."""
    handler = shell("e", "cat f")
    execution = run_tasks(directory(shell("a", "echo left > f; exit 1"), more=f"  errors: [{{{handler}}}]\n"))

    assert ("FAILED", ["left"]) == (execution.state, messages(execution, "e"))


def test_last_tasks_after_a_success() -> None:
    """The `finally` of a directory runs when its children have succeeded, and the run ends."""
    last = f"id: last, type: {CORE}.debug.Return, format: tidied"
    execution = run_tasks(directory(log("a"), more=f"  finally: [{{{last}}}]\n"))

    assert ("SUCCESS", "tidied") == (execution.state, execution.task_outputs["last"]["value"])
