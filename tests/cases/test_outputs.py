"""What the children of a WorkingDirectory and the directory itself deliver to the tasks behind them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import CORE, SCRIPTS, messages, run_tasks, states
from tests.servers.s3 import S3Server, s3_server

__all__ = ["s3_server"]


def returning(task_id: str, text: str) -> str:
    """A task in YAML's flow style."""
    return f'{{id: {task_id}, type: {CORE}.debug.Return, format: "{text}"}}'


def directory(*children: str) -> str:
    """A WorkingDirectory in YAML's flow style."""
    return f"{{id: shared, type: {CORE}.flow.WorkingDirectory, tasks: [{', '.join(children)}]}}"


def looping(values: str, task: str, task_id: str = "loop", more: str = "") -> str:
    """A loop around one task, in YAML's flow style."""
    return f"{{id: {task_id}, type: {CORE}.flow.ForEach, {more}values: {values}, tasks: [{task}]}}"


def test_children_deliver_under_their_own_ids() -> None:
    """What a child delivers is seen under its own id, by its siblings and behind the directory, and not below it."""
    children = returning("a", "x"), returning("b", "{{ outputs.a.value }}y")
    behind = returning("c", "{{ outputs.a.value }} {{ outputs.b.value }} {{ outputs.shared.a is defined }}")
    execution = run_tasks(f"- {directory(*children)}\n- {behind}")

    assert "x xy false" == execution.task_outputs["c"]["value"]


def test_files_of_a_directory() -> None:
    """The directory delivers the files that its `outputFiles` match, by name, and the task behind it can read them."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          outputFiles: [result.txt]
          tasks: [{{id: a, type: {CORE}.storage.LocalFiles, inputs: {{result.txt: done, other.txt: no}}}}]
        - {returning("reads", "{{ read(outputs.shared.outputFiles['result.txt']) }}")}
        """)

    files = execution.task_outputs["shared"]["outputFiles"]
    assert {"shared": "SUCCESS", "a": "SUCCESS", "reads": "SUCCESS"} == states(execution)
    assert (["result.txt"], "done") == (list(files), execution.task_outputs["reads"]["value"])
    assert files["result.txt"].startswith("kestra://")


def test_no_file_matches() -> None:
    """A directory whose `outputFiles` match nothing delivers an empty map, and warns of the pattern."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          outputFiles: ["*.parquet"]
          tasks: [{returning("a", "x")}]
        """)

    assert ("SUCCESS", {"outputFiles": {}}) == (execution.state, execution.task_outputs["shared"])
    assert ["no file matches '*.parquet'"] == messages(execution, "shared", "WARN")


def test_files_stay_after_they_were_stored() -> None:
    """What LocalFiles stores stays in the directory, which holds nothing that no task made."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {{id: a, type: {CORE}.storage.LocalFiles, inputs: {{one.txt: "1", two.txt: "2"}}, outputs: [one.txt]}}
            - {{id: b, type: {SCRIPTS}.shell.Commands, commands: ["ls -A"]}}
        """)

    assert (["one.txt"], ["one.txt", "two.txt"]) == (
        list(execution.task_outputs["a"]["uris"]),
        messages(execution, "b"),
    )


def test_loops_around_a_directory() -> None:
    """In loops what a child delivers is found under the values of all loops, from the outermost on."""
    children = (
        f"{{id: put, type: {CORE}.storage.LocalFiles, inputs: {{box/f.txt: '{{{{ taskrun.value }}}}'}}}}",
        f"{{id: take, type: {CORE}.storage.LocalFiles, outputs: ['box/*']}}",
    )
    loops = looping("[a]", looping("[b]", directory(*children), "inner"), "outer")
    end = returning("end", "{{ read(outputs.take.a.b.uris['box/f.txt']) }}")
    execution = run_tasks(f"- {loops}\n- {end}")

    assert ("SUCCESS", 6, "b") == (
        execution.state,
        len(execution.task_runs),
        execution.task_outputs["end"]["value"],
    )


@pytest.mark.parametrize(
    ("inside", "expression"),
    [
        pytest.param("{}", "{{ taskrun.value }}", id="the loop's own"),
        pytest.param(
            f"{{{{id: steps, type: {CORE}.flow.Sequential, tasks: [{{}}]}}}}",
            "{{ parent.taskrun.value }}",
            id="with a sequence between",
        ),
    ],
)
def test_values_of_a_loop(inside: str, expression: str) -> None:
    """A child sees the value of the loop around its directory, which itself is no level of `parent`."""
    execution = run_tasks(f"- {looping('[x, y]', inside.format(directory(returning('child', expression))))}")

    assert {"x": {"value": "x"}, "y": {"value": "y"}} == execution.task_outputs["child"]


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def storage(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """A folder, or a bucket of a real server."""
    if request.param == "local":
        return None
    server: S3Server = request.getfixturevalue("s3_server")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    with server.client() as client:
        client.create_bucket(Bucket="side-by-side")
    return "s3://side-by-side/runs"


def test_directories_side_by_side(storage: str | None, tmp_path: Path) -> None:
    """Directories at the same time that keep files of one name: each delivers its own, and so do their tasks."""
    meet = f"touch {tmp_path}/$NAME; until [ $(ls {tmp_path} | wc -l) = 2 ]; do sleep 0.01; done"

    def keeping(name: str) -> str:
        child = f"""{{id: in-{name}, type: {SCRIPTS}.shell.Commands, env: {{NAME: {name}}}, timeout: PT20S,
            outputFiles: [same.txt], commands: ['{meet}', 'echo "$NAME" > same.txt; sleep 0.1', 'cat same.txt']}}"""
        files = "outputFiles: [same.txt], tasks"
        return f"{{id: {name}, type: {CORE}.flow.WorkingDirectory, {files}: [{child}]}}"

    beside = f"{{id: beside, type: {CORE}.flow.Parallel, tasks: [{keeping('left')}, {keeping('right')}]}}"
    execution = run_tasks(f"- {beside}", storage=storage)

    assert "SUCCESS" == execution.state, execution.error
    uris = [
        execution.task_outputs[task]["outputFiles"]["same.txt"] for task in ("left", "in-left", "right", "in-right")
    ]
    assert 4 == len(set(uris))
    assert [b"left\n"] * 2 + [b"right\n"] * 2 == [execution.read(uri) for uri in uris]


def test_rounds_side_by_side(tmp_path: Path) -> None:
    """Rounds that run at the same time have directories of their own."""
    # Each waits until all three have left their mark at a place that all see.
    meet = f"touch {tmp_path}/$NAME; until [ $(ls {tmp_path} | wc -l) = 3 ]; do sleep 0.01; done"
    child = f"""{{id: child, type: {SCRIPTS}.shell.Commands, env: {{NAME: "{{{{ taskrun.value }}}}"}},
        timeout: PT20S, commands: ['touch "mark-$NAME"', '{meet}', 'ls -A']}}"""
    execution = run_tasks(f"- {looping('[x, y, z]', directory(child), more='concurrencyLimit: 0, ')}")

    assert ("SUCCESS", ["mark-x", "mark-y", "mark-z"]) == (execution.state, sorted(messages(execution, "child")))
