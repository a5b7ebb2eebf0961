"""A place to clone into, and a repository to clone."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.plugins.git.origin import Origin, run_git
from wdprefect.model.ports import Level
from wdprefect.model.stop import Stop
from wdprefect.plugins.git._clone import Cloned, CloneOptions, clone


@dataclass
class Place:
    """A workspace, the log of what was done there, and a way to stop it. Implements the ports Workspace and TaskLog."""

    target: Path
    scratch: Path
    lines: list[tuple[Level, str]] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)

    @property
    def path(self) -> Path:
        return self.target

    @property
    def root(self) -> Path:
        return self.target.parent

    @property
    def outer(self) -> Path:
        return self.target.parent

    @property
    def run_id(self) -> str:
        return "run-1"

    def resolve(self, name: str) -> Path:
        return self.target / name

    def write(self, level: Level, message: str) -> None:
        self.lines.append((level, message))

    def clone(self, options: CloneOptions, below: str = "") -> Cloned:
        try:
            return clone(options, self.target / below, self, self, self.stop)
        finally:
            assert [] == list(self.scratch.iterdir()), "a clone leaves nothing in the scratch directory"

    def put(self, name: str, text: str) -> Path:
        file = self.target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def files(self) -> dict[str, str]:
        """The text of each file by its path, git's own left out."""
        found = [path for path in self.target.rglob("*") if path.is_file() and "/.git" not in str(path)]
        return {str(path.relative_to(self.target)): path.read_text() for path in sorted(found)}

    def git(self, *arguments: str) -> str:
        return run_git(self.target, *arguments)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    (tmp_path / "work").mkdir()
    (tmp_path / "scratch").mkdir(mode=0o700)
    return Place(tmp_path / "work", tmp_path / "scratch")


@pytest.fixture
def served(tmp_path: Path) -> Path:
    """The folder that a test's git server serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    return folder


@pytest.fixture
def origin(served: Path) -> Origin:
    """Five commits on main; `v1` is an annotated tag on the second one, `light` a tag on the third; a branch dev."""
    made = Origin(served)
    made.commit({"README.md": "one\n"})
    made.commit({"scripts/run.sh": "#!/bin/sh\necho two\n"})
    made.git("tag", "-a", "-m", "the first", "v1")
    made.commit({"README.md": "three\n"})
    made.git("tag", "light")
    made.commit({"README.md": "four\n"})
    made.commit({"README.md": "five\n"})
    made.branch("dev")
    return made


def write_program(file: Path, text: str) -> Path:
    """A shell script that can be run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(stat.S_IRWXU)
    return file
