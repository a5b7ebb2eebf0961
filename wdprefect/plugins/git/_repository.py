"""A repository of our own making, which becomes the target's `.git` when all checks have passed."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._program import Finished, GitProgram
from wdprefect.plugins.git._references import ALL_BRANCHES, Wanted

# The settings that decide how files are written act on the clone; all others, some of which name programs to run, are
# written when git has done its work.
_EARLY = re.compile(r"core\.(autocrlf|eol|filemode|ignorecase|precomposeunicode|safecrlf|symlinks)", re.IGNORECASE)
_SETTING = re.compile(r"(?P<section>[A-Za-z][A-Za-z0-9-]*)(\.(?P<sub>[^\n\0]+))?\.(?P<name>[A-Za-z][A-Za-z0-9-]*)")


@dataclass(frozen=True, slots=True)
class Repository:
    """A git directory and the directory of its files, each named to git explicitly, so that git looks for none."""

    git: GitProgram
    git_dir: Path
    work_tree: Path

    def run(self, *arguments: str) -> bytes:
        return self.git.run(self.work_tree, *self._places(), *arguments)

    def attempt(self, *arguments: str) -> Finished:
        return self.git.attempt(self.work_tree, *self._places(), *arguments)

    def names(self, *arguments: str) -> list[str]:
        """The output of a command that ends each part with a NUL."""
        return [part for part in os.fsdecode(self.run(*arguments)).split("\0") if part]

    def is_commit(self, sha: str) -> bool:
        return self.attempt("cat-file", "-e", f"{sha}^{{commit}}").status == 0

    def install(self) -> Repository:
        """The same repository as the `.git` of its files; what was there before goes, and is not followed."""
        place = self.work_tree / ".git"
        if place.is_symlink() or place.is_file():
            place.unlink()
        elif place.exists():
            shutil.rmtree(place)
        shutil.move(self.git_dir, place)
        return Repository(self.git, place, self.work_tree)

    def _places(self) -> tuple[str, str]:
        return f"--git-dir={self.git_dir}", f"--work-tree={self.work_tree}"


def create(git: GitProgram, at: Path, work_tree: Path, wanted: Wanted, object_format: str) -> Repository:
    """An empty repository beside the working directory, with the remote `origin` and no hooks or templates."""
    arguments = ("--quiet", "--template=", "--initial-branch=none", f"--object-format={object_format}")
    git.run(at, "init", *arguments, "--", str(at))
    repository = Repository(git, at / ".git", work_tree)
    only = ("-t", wanted.branch) if wanted.branch and ALL_BRANCHES not in wanted.refspecs else ()
    repository.run("remote", "add", *only, "--", "origin", git.remote.url)
    return repository


def fetch(repository: Repository, wanted: Wanted, *, tags: bool) -> str:
    """The id of the wanted commit, which is there afterwards."""
    if wanted.commit and _fetch(repository, wanted.depth, wanted.commit, tags=tags).status == 0:
        return _resolve(repository, wanted)
    # Not every server hands out a commit by its id; then the whole history is needed, as for a short id.
    depth = None if wanted.commit else wanted.depth
    if (finished := _fetch(repository, depth, *wanted.refspecs, tags=tags)).status:
        raise repository.git.failure(finished)
    return _resolve(repository, wanted)


def find_commit(repository: Repository, sha: str, depth: int | None) -> bool:
    """Whether the repository, or else the remote, has that commit; it is there afterwards."""
    return repository.is_commit(sha) or (
        _fetch(repository, depth, sha, tags=False).status == 0 and repository.is_commit(sha)
    )


def _fetch(repository: Repository, depth: int | None, *refspecs: str, tags: bool) -> Finished:
    deep = (f"--depth={depth}",) if depth else ()
    no_tags = () if tags else ("--no-tags",)
    return repository.attempt("fetch", "--quiet", "--force", *deep, *no_tags, "--", "origin", *refspecs)


def _resolve(repository: Repository, wanted: Wanted) -> str:
    revision = wanted.revision
    if not revision.startswith("refs/"):
        revision = _complete(repository, wanted)
    found = repository.attempt("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found.status:
        raise TaskFailed(f"{wanted.label} of '{repository.git.remote.url}' is no commit")
    return os.fsdecode(found.stdout).strip()


def _complete(repository: Repository, wanted: Wanted) -> str:
    # Not by rev-parse alone, for which a branch may bear the name `beef`.
    found = repository.attempt("rev-parse", f"--disambiguate={wanted.revision}")
    commits = [sha for sha in os.fsdecode(found.stdout).split() if repository.is_commit(sha)]
    if not commits:
        raise TaskFailed(f"no {wanted.label} in '{repository.git.remote.url}'")
    if len(commits) > 1:
        raise TaskFailed(f"{wanted.label} is ambiguous in '{repository.git.remote.url}' (write more digits)")
    return commits[0]


def write_settings(repository: Repository, settings: Mapping[str, str | None], *, early: bool) -> None:
    """Write `section.name` or `section.sub.name` settings to the repository's config; None or blank removes one.

    early: those that decide how files are written, or all the others.
    """
    chosen = {name: value for name, value in settings.items() if bool(_EARLY.fullmatch(name)) is early}
    for name in chosen:
        # Status 5: there was none.
        repository.attempt("config", "--unset-all", name)
    lines = [_as_config(name, value) for name, value in chosen.items() if value and value.strip()]
    # Written here and not by `git config`, whose arguments every process of the machine can read.
    with (repository.git_dir / "config").open("a", encoding="utf-8") as config:
        config.writelines(lines)


def check_settings(settings: Mapping[str, str | None]) -> None:
    """Raises TaskFailed for a name that git's configuration cannot have."""
    for name, value in settings.items():
        if not _SETTING.fullmatch(name):
            raise TaskFailed(f"'{name}' is no name of a git setting (write section.name or section.sub.name)")
        if value and "\0" in value:
            raise TaskFailed(f"the value of the git setting '{name}' holds a NUL character")


def _as_config(name: str, value: str) -> str:
    match = _SETTING.fullmatch(name)
    assert match is not None
    sub = f' "{_escape(match["sub"])}"' if match["sub"] else ""
    escaped = _escape(value).replace("\n", "\\n").replace("\t", "\\t")
    return f'[{match["section"]}{sub}]\n\t{match["name"]} = "{escaped}"\n'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
