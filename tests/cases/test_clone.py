"""A clone in a WorkingDirectory, as flows use it: files brought in, a repository, a program of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.git.origin import Origin
from tests.running import CORE, SCRIPTS, messages, run_tasks, states

PROGRAM = "print(open('data.csv').read())\n"


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    """A repository with a program in a folder."""
    made = Origin(tmp_path)
    made.commit({"README.md": "hello\n", "scripts/show.py": PROGRAM})
    return made


@pytest.mark.parametrize(
    ("more", "folder"),
    [
        pytest.param("branch: main", ".", id="in the directory itself"),
        pytest.param("directory: sub/repo", "sub/repo", id="in a folder below"),
    ],
)
def test_clone(origin: Origin, more: str, folder: str) -> None:
    """The repository lies beside the files that are there, and the tasks behind the clone run its programs on them."""
    execution = run_tasks(f"""
        - id: shared
          type: {CORE}.flow.WorkingDirectory
          inputFiles: {{data.csv: "1,2"}}
          tasks:
            - {{id: place, type: {SCRIPTS}.shell.Commands, commands: ["pwd"]}}
            - {{id: repo, type: io.kestra.plugin.git.Clone, url: "{origin.url}", {more}}}
            - id: show
              type: {SCRIPTS}.shell.Commands
              commands: ["python3 {folder}/scripts/show.py", "test -d {folder}/.git -a -f {folder}/README.md"]
        """)

    (place,) = messages(execution, "place")
    assert {"shared": "SUCCESS", "place": "SUCCESS", "repo": "SUCCESS", "show": "SUCCESS"} == states(execution)
    assert (["1,2"], str(Path(place, folder))) == (
        messages(execution, "show"),
        execution.task_outputs["repo"]["directory"],
    )
