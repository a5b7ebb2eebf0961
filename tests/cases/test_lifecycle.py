"""The life of a working directory: whose it is, in which order its tasks run, what is in it, and that it goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import CORE, SCRIPTS, flow_of, messages, run_tasks, states
from wdprefect.api import run

MISSING = "kestra:///team/made/nowhere.txt"


def test_files_go_from_child_to_child() -> None:
    """A file that one child leaves is there for the next, which stores it for all; a disabled child has no task run."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {{id: leaves, type: {CORE}.storage.LocalFiles, inputs: {{box/note.txt: "by {{{{ flow.id }}}}"}}}}
            - {{id: stores, type: {CORE}.storage.LocalFiles, outputs: ["box/*"]}}
            - {{id: rests, type: {CORE}.execution.Fail, disabled: true}}
        - {{id: reads, type: {CORE}.debug.Return, format: "{{{{ read(outputs.stores.uris['box/note.txt']) }}}}"}}
        """)

    assert {"shared": "SUCCESS", "leaves": "SUCCESS", "stores": "SUCCESS", "reads": "SUCCESS"} == states(execution)
    assert "by made" == execution.task_outputs["reads"]["value"]
    assert execution.task_outputs["stores"]["uris"]["box/note.txt"].startswith("kestra://")


def test_a_directory_of_its_own() -> None:
    """A task outside of a WorkingDirectory works in an empty directory, whatever ran before it."""
    execution = run_tasks(f"""
        - {{id: one, type: {SCRIPTS}.shell.Commands, commands: ["touch left", "pwd"]}}
        - {{id: two, type: {SCRIPTS}.shell.Commands, commands: ["ls -A", "pwd"]}}
        """)

    assert "SUCCESS" == execution.state
    assert {1} == {len(messages(execution, task_id)) for task_id in ("one", "two")}
    assert messages(execution, "one") != messages(execution, "two")


def test_the_same_directory_for_all() -> None:
    """All children start in the same directory, which `workingDir` and $WORKING_DIR name too."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {{id: one, type: {SCRIPTS}.shell.Commands, commands: ["pwd; cd /"]}}
            - id: two
              type: {SCRIPTS}.shell.Commands
              commands: ["pwd", 'echo "$WORKING_DIR"', "echo {{{{ workingDir }}}}"]
        """)

    assert 3 * messages(execution, "one") == messages(execution, "two")


def test_one_after_the_other() -> None:
    """A child starts when the one before it has ended, however long that takes."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {{id: slow, type: {SCRIPTS}.shell.Commands, commands: ["sleep 0.2; echo slow >> order"]}}
            - {{id: quick, type: {SCRIPTS}.shell.Commands, commands: ["echo quick >> order"]}}
            - {{id: look, type: {SCRIPTS}.shell.Commands, commands: ["cat order"]}}
        """)

    assert ["slow", "quick"] == messages(execution, "look")


@pytest.mark.parametrize(
    ("last", "state"),
    [
        pytest.param("true", "SUCCESS", id="after a success"),
        pytest.param("exit 3", "FAILED", id="after a failure"),
        pytest.param("mkdir -p d/e; touch d/e/f; chmod -R a-w .", "SUCCESS", id="with files that are read-only"),
    ],
)
def test_the_directory_goes(last: str, state: str) -> None:
    """When the run has ended the directory is gone; what a task said of itself before it failed stays."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - id: a
              type: {SCRIPTS}.shell.Commands
              commands: ['echo "::{{\\"outputs\\": {{\\"place\\": \\"$PWD\\"}}}}::"', "{last}"]
        """)

    outputs = execution.task_outputs["a"]
    assert (state, 3 if state == "FAILED" else 0) == (execution.state, outputs["exitCode"])
    assert Path(outputs["vars"]["place"]).is_absolute()
    assert not Path(outputs["vars"]["place"]).exists()


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param("", ("FAILED", {"shared": "FAILED"}), id="ends the run"),
        pytest.param(
            "allowFailure: true", ("WARNING", {"shared": "WARNING", "after": "SUCCESS"}), id="is forgiven when allowed"
        ),
    ],
)
def test_files_that_cannot_be_brought_in(more: str, expected: tuple[str, dict[str, str]]) -> None:
    """Where the files of a directory cannot be had none of its children starts, and it says which file."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          inputFiles: {{list.txt: "{MISSING}"}}
          {more}
          tasks: [{{id: never, type: {CORE}.log.Log, message: never}}]
        - {{id: after, type: {CORE}.log.Log, message: goes on}}
        """)

    assert expected == (execution.state, states(execution))
    assert f"inputFiles 'list.txt': cannot read '{MISSING}': there is no such file" in str(execution.task_runs[0].error)


def test_handlers_when_no_child_started() -> None:
    """Where no child could start, the handlers of the directory run, and then those of the flow."""
    flow = flow_of(
        f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          inputFiles: {{list.txt: "{MISSING}"}}
          tasks: [{{id: never, type: {CORE}.log.Log, message: never}}]
          errors: [{{id: near, type: {CORE}.log.Log, message: near}}]
        """,
        errors=f"- {{id: far, type: {CORE}.log.Log, message: far}}",
    )
    execution = run(flow, engine="local")

    assert {"shared": "FAILED", "near": "SUCCESS", "far": "SUCCESS"} == states(execution)
