"""Names and addresses that are wrong, or meant to do harm: each is refused in words of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plugins.git.origin import Origin
from tests.running import CORE, SCRIPTS, flow_of, run_tasks, states
from wdprefect.errors import InvalidFlow

CLONE = "io.kestra.plugin.git.Clone"
OUTSIDE = "must be a relative path inside the current working directory"
LINKED = "leads out of the working directory by a symbolic link"


def directory(*tasks: str) -> str:
    """A WorkingDirectory with tasks in YAML's flow style."""
    lines = "\n".join(f"    - {task}" for task in tasks)
    return f"- id: directory\n  type: {CORE}.flow.WorkingDirectory\n  tasks:\n{lines}\n"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("../x", f"the path '../x' {OUTSIDE}", id="up"),
        pytest.param("a/../../x", f"the path 'a/../../x' {OUTSIDE}", id="down and up"),
        pytest.param("/tmp/x", f"the path '/tmp/x' {OUTSIDE}", id="absolute"),  # noqa: S108  only a name
        pytest.param("..", f"the path '..' {OUTSIDE}", id="the folder above"),
        pytest.param("", "the path '' is no file name", id="empty"),
    ],
)
@pytest.mark.parametrize(
    "task",
    [
        pytest.param("type: {CORE}.storage.LocalFiles, inputs: {{good: x, '{name}': x}}", id="LocalFiles"),
        pytest.param(
            "type: {SCRIPTS}.shell.Commands, commands: [], inputFiles: {{good: x, '{name}': x}}", id="a script"
        ),
        pytest.param(
            "type: {CORE}.flow.WorkingDirectory, inputFiles: {{good: x, '{name}': x}},"
            " tasks: [{{id: b, type: {CORE}.debug.Return}}]",
            id="WorkingDirectory",
        ),
    ],
)
def test_file_names(task: str, name: str, expected: str) -> None:
    """A file name that leads out of the working directory is refused by every task, and nothing is written."""
    execution = run_tasks(f"- {{id: a, {task.format(CORE=CORE, SCRIPTS=SCRIPTS, name=name)}}}")

    assert ({"a": "FAILED"}, f"flow.yaml:4:5: task 'a': {expected}") == (states(execution), execution.error)


@pytest.mark.parametrize(
    ("task", "name"),
    [
        pytest.param(f"type: {CORE}.storage.LocalFiles, inputs: {{out/x: bad}}", "out/x", id="LocalFiles"),
        pytest.param(f"type: {CORE}.storage.LocalFiles, inputs: {{file: bad}}", "file", id="the file is a link"),
        pytest.param(f"type: {SCRIPTS}.shell.Commands, commands: [], inputFiles: {{out/x: bad}}", "out/x", id="script"),
        pytest.param(f"type: {CLONE}, url: 'file:///x', directory: out/x", "out/x", id="clone"),
    ],
)
def test_links(task: str, name: str, tmp_path: Path) -> None:
    """A link that an earlier task made does not lead a later one out of the directory."""
    making = f"{{id: link, type: {SCRIPTS}.shell.Commands, commands: ['ln -s {tmp_path} out', 'ln -s out/x file']}}"

    execution = run_tasks(directory(making, f"{{id: a, {task}}}"))

    assert {"directory": "FAILED", "link": "SUCCESS", "a": "FAILED"} == states(execution)
    assert execution.error is not None
    assert execution.error.endswith(f"task 'a': the path '{name}' {LINKED}")
    assert [] == list(tmp_path.iterdir())


def test_links_are_not_captured(tmp_path: Path) -> None:
    """What a link leads to outside of the directory is not among the files that patterns match."""
    (tmp_path / "hidden").write_text("hidden")
    making = f"ln -s {tmp_path} out; ln -s {tmp_path}/hidden file; echo x > own"

    execution = run_tasks(
        f"- {{id: a, type: {SCRIPTS}.shell.Commands, outputFiles: ['**', file, out/hidden], commands: ['{making}']}}"
    )

    assert ["own"] == list(execution.task_outputs["a"]["outputFiles"])


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        pytest.param("kestra:///nowhere/x", "cannot read 'kestra:///nowhere/x': there is no such file", id="missing"),
        pytest.param("kestra:///../x", "'kestra:///../x' is no file of the internal storage", id="out of the storage"),
        pytest.param("file:///etc/hostname", "'file:///etc/hostname' cannot be read here", id="a file of the machine"),
        pytest.param("nsfile:///x", "the namespace 'team' has no file 'x' in the storage, at kestra", id="none"),
        pytest.param("nsfile://a..b/x", "'a..b' is no name of a namespace: its parts", id="no namespace"),
        pytest.param("nsfile:///../../x", "'kestra:///team/_files/../../x' is no file of the internal", id="out of it"),
    ],
)
def test_uris(uri: str, expected: str) -> None:
    """A URI that cannot be brought in is refused with the name of the file that it was for."""
    execution = run_tasks(f"- {{id: a, type: {CORE}.storage.LocalFiles, inputs: {{x: '{uri}'}}}}")

    assert execution.error is not None
    assert execution.error.startswith(f"flow.yaml:4:5: task 'a': inputFiles 'x': {expected}")


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param(
            "url: 'file:///nowhere/x.git'", "there is no git repository at 'file:///nowhere/x.git'", id="none"
        ),
        pytest.param("url: 'URL', branch: mian", "'mian'", id="no such branch"),
        pytest.param("url: 'URL', tag: v9", "'v9'", id="no such tag"),
        pytest.param("url: 'URL', directory: ../x", f"the path '../x' {OUTSIDE}", id="a directory outside"),
    ],
)
def test_repositories(properties: str, expected: str, tmp_path: Path) -> None:
    """What cannot be cloned is said in words of our own, with the word that is wrong in them."""
    origin = Origin(tmp_path)
    origin.commit({"README.md": "hello"})

    execution = run_tasks(directory(f"{{id: a, type: {CLONE}, {properties.replace('URL', origin.url)}}}"))

    assert {"directory": "FAILED", "a": "FAILED"} == states(execution)
    assert execution.error is not None
    assert expected in execution.error
    assert "Traceback" not in execution.error


def test_no_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where git is not installed, the task says so."""
    for name in ("sh", "ls"):
        program = shutil.which(name)
        assert program is not None
        (tmp_path / name).symlink_to(program)
    monkeypatch.setenv("PATH", str(tmp_path))

    execution = run_tasks(f"- {{id: a, type: {CLONE}, url: 'https://example.org/x.git'}}")

    assert ("FAILED", True) == (execution.state, "git" in str(execution.error) and "install" in str(execution.error))


def test_child_that_is_not_allowed() -> None:
    """A directory inside a directory is refused when the flow is loaded, at its place and with what to do."""
    inner = f"{{id: inner, type: {CORE}.flow.WorkingDirectory, tasks: [{{id: a, type: {CORE}.debug.Return}}]}}"
    between = f"{{id: between, type: {CORE}.flow.Sequential, tasks: [{inner}]}}"

    with pytest.raises(InvalidFlow) as caught:
        flow_of(directory(between))

    (problem,) = caught.value.problems
    assert ("WD310", 7) == (problem.code, problem.at.line)
    assert "'inner' is a directory inside the directory 'directory'" == problem.message
    assert problem.hint is not None
