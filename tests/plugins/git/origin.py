"""Repositories made on the fly, for tests to clone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def run_git(directory: Path, *arguments: str) -> str:
    """The output of a git command, which knows no settings but its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment = {**kept, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull}
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always"]
    done = subprocess.run(
        [*command, *arguments], cwd=directory, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class Origin:
    """A bare repository `NAME.git` in a folder, with what it takes to commit to it."""

    def __init__(
        self, folder: Path, name: str = "project", *, branch: str = "main", object_format: str = "sha1"
    ) -> None:
        self.name = name
        self.bare = folder / f"{name}.git"
        self._files = folder / f"{name}-files"
        self._files.mkdir(parents=True)
        kind = (f"--initial-branch={branch}", f"--object-format={object_format}")
        run_git(folder, "init", "--quiet", "--bare", *kind, str(self.bare))

    @property
    def url(self) -> str:
        return self.bare.as_uri()

    def git(self, *arguments: str) -> str:
        return run_git(self._files, f"--git-dir={self.bare}", f"--work-tree={self._files}", *arguments)

    def commit(self, files: Mapping[str, str | None], message: str = "change") -> str:
        """The id of a new commit on the current branch; None removes a file, `#!` makes one executable."""
        for name, text in files.items():
            file = self._files / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                file.unlink()
                continue
            file.write_text(text)
            file.chmod(0o755 if text.startswith("#!") else 0o644)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str) -> None:
        """Commit to a new branch from now on; the default branch stays."""
        default = self.git("symbolic-ref", "HEAD")
        self.git("checkout", "--quiet", "-b", name)
        commit = self.commit({f"{name.replace('/', '-')}.txt": name})
        self.git("symbolic-ref", "HEAD", default)
        self.git("reset", "--quiet", "--hard")
        assert commit == self.git("rev-parse", name)

    def add_submodule(self, url: str, path: str) -> None:
        self.git("submodule", "--quiet", "add", "--", url, path)
        self.git("commit", "--quiet", "-m", f"submodule {path}")
