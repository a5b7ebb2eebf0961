"""Script tasks in containers: what a flow sees of them."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from tests.running import SCRIPTS, messages, run_tasks, states
from tests.servers.docker import docker_engine as docker_engine  # noqa: PLC0414  pytest finds it here

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("docker_engine")]
DOCKER = f"{SCRIPTS}.runner.docker.Docker"
CORE = "io.kestra.plugin.core"
PYTHON = "python:3.11-slim"


def test_shared_by_tasks() -> None:
    """Tasks of a directory that name the same image run in one container; others, and other directories, do not."""
    count = "commands: ['echo >> /tmp/count; wc -l < /tmp/count']"
    task = f"{{{{id: {{}}, type: {{}}.shell.Commands, containerImage: {{}}, {count}{{}}}}}}"
    own = f", taskRunner: {{type: {DOCKER}, isolation: container}}"
    execution = run_tasks(
        f"""
        - id: first
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {task.format("a", SCRIPTS, "ubuntu", "")}
            - {task.format("b", SCRIPTS, "ubuntu", "")}
            - {task.format("c", SCRIPTS, "busybox", "")}
            - {task.format("d", SCRIPTS, "ubuntu", own)}
            - {task.format("e", SCRIPTS, "ubuntu", "")}
        - id: second
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {task.format("f", SCRIPTS, "ubuntu", "")}
        """
    )
    assert "SUCCESS" == execution.state, execution.error
    counts = {name: messages(execution, name)[-1].strip() for name in "abcdef"}
    assert {"a": "1", "b": "2", "c": "1", "d": "1", "e": "3", "f": "1"} == counts
    used = {name: execution.task_outputs[name]["taskRunner"]["containerId"] for name in "abde"}
    assert used["a"] == used["b"] == used["e"] != used["d"]


def test_python_with_files() -> None:
    """A Python script in a container imports what lies in the directory, and delivers values and files."""
    execution = run_tasks(
        f"""
        - id: directory
          type: {CORE}.flow.WorkingDirectory
          inputFiles:
            helpers.py: |
              NAME = "Ada"
          outputFiles: ["*.txt"]
          tasks:
            - id: script
              type: {SCRIPTS}.python.Script
              containerImage: {PYTHON}
              outputDirectory: true
              script: |
                import os
                from kestra import Kestra
                from helpers import NAME
                print("in", os.getcwd() == os.environ["WORKING_DIR"], null)
                open("made.txt", "w").write(NAME)
                open(os.environ["OUTPUT_DIR"] + "/more.txt", "w").write("more")
                Kestra.outputs({{"name": NAME}})
        """
    )
    assert "SUCCESS" == execution.state, execution.error
    assert ["in True None"] == messages(execution, "script")
    found = execution.task_outputs
    assert {"name": "Ada"} == found["script"]["vars"]
    assert b"more" == execution.read(found["script"]["outputFiles"]["more.txt"])
    assert b"Ada" == execution.read(found["directory"]["outputFiles"]["made.txt"])


def test_killed_for_memory() -> None:
    """What a task that is killed for memory delivered until then is kept, and the limit is named."""
    execution = run_tasks(
        f"""
        - id: eats
          type: {SCRIPTS}.shell.Commands
          containerImage: ubuntu
          taskRunner:
            type: {DOCKER}
            memory: {{memory: 32MB, memorySwap: 32MB}}
          outputFiles: [kept.txt]
          commands:
            - echo kept > kept.txt
            - echo '::{{"outputs":{{"rows":3}}}}::'
            - head -c 200000000 /dev/zero | tail -c 190000000 > /dev/null
        """
    )
    assert {"eats": "FAILED"} == states(execution)
    reason = "Command failed with exit code 137: it used more memory than its limit of 32MB ('memory.memory' of the"
    assert reason in str(execution.error)
    outputs = execution.task_outputs["eats"]
    assert (137, {"rows": 3}, ["kept.txt"]) == (outputs["exitCode"], outputs["vars"], list(outputs["outputFiles"]))


def test_timeout() -> None:
    """A task in a container ends when its time is over; the next one of the directory finds the container as it was."""
    execution = run_tasks(
        f"""
        - id: directory
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - id: slow
              type: {SCRIPTS}.shell.Commands
              containerImage: busybox
              timeout: PT1S
              allowFailure: true
              commands: ["echo kept > /tmp/kept; sleep 60"]
            - id: next
              type: {SCRIPTS}.shell.Commands
              containerImage: busybox
              commands: ["cat /tmp/kept; for f in /proc/[0-9]*/comm; do cat $f; done"]
        """
    )
    assert {"directory": "WARNING", "slow": "WARNING", "next": "SUCCESS"} == states(execution)
    assert any("Timeout after 00:00:01.000" in message for message in messages(execution, "slow"))
    said = messages(execution, "next")
    assert "kept" == said[0]
    assert "sleep" not in said


@pytest.mark.parametrize("strategy", ["MOUNT", "VOLUME"])
def test_files_before_a_timeout(strategy: str) -> None:
    """What a task made in its container until its time was over is stored, too, wherever its directory lies."""
    shell = f"type: {SCRIPTS}.shell.Commands, containerImage: busybox"
    runner = f"taskRunner: {{type: {DOCKER}, fileHandlingStrategy: {strategy}}}"
    # The first one starts the container, for which a loaded machine takes its time.
    execution = run_tasks(
        f"""
        - id: directory
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - {{id: first, {shell}, {runner}, commands: ["true"]}}
            - {{id: slow, {shell}, {runner}, timeout: PT2S, outputFiles: ["*.txt"],
               commands: ["echo half > half.txt; sleep 600"]}}
        """
    )
    slow = execution.task_runs[-1]
    assert ("slow", "FAILED", None) == (slow.task_id, slow.state, slow.outputs)
    assert {"half.txt": b"half\n"} == {name: execution.read(file.uri) for name, file in slow.files.items()}


def test_side_by_side() -> None:
    """Branches of a directory share its container at the same time."""
    branches = "\n".join(
        f"""
                - id: b{number}
                  type: {SCRIPTS}.shell.Commands
                  containerImage: busybox
                  commands: ["touch {number}; while [ $(ls | wc -l) -lt 3 ]; do sleep 0.05; done; hostname"]"""
        for number in range(3)
    )
    execution = run_tasks(
        f"""
        - id: directory
          type: {CORE}.flow.WorkingDirectory
          tasks:
            - id: together
              type: {CORE}.flow.Parallel
              tasks:{branches}
        """
    )
    assert "SUCCESS" == execution.state, execution.error
    assert 1 == len({messages(execution, f"b{number}")[-1] for number in range(3)})


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project whose tasks run in containers unless they say otherwise."""
    file = tmp_path / "pyproject.toml"
    file.write_text('[tool.wdprefect]\nrunner = "docker"\n')
    monkeypatch.setenv("WDPREFECT_CONFIG", str(file))


@pytest.mark.usefixtures("configured")
def test_configured_runner() -> None:
    """What the project configures holds for tasks that name no runner, with the image of their type."""
    named = f"- {{id: where, type: {SCRIPTS}.shell.Commands, {PROCESS}, commands: [hostname]}}"

    assert [False, True, True] == [_is_here(WHERE), _is_here(named), _is_here(WHERE, runner="process")]


def test_forced_runner() -> None:
    """`--runner docker` runs commands in a container whatever their tasks ask for."""
    named = f"- {{id: where, type: {SCRIPTS}.shell.Commands, {PROCESS}, commands: [hostname]}}"

    assert [False, True, True] == [_is_here(named, runner="docker"), _is_here(named), _is_here(WHERE)]


PROCESS = f"taskRunner: {{type: {CORE}.runner.Process}}"
WHERE = f"- {{id: where, type: {SCRIPTS}.shell.Commands, commands: [hostname]}}"


def _is_here(task: str, runner: str | None = None) -> bool:
    return [platform.node()] == messages(run_tasks(task, runner=runner), "where")
