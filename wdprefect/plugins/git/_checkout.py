"""Writing the files of a commit into a directory that may hold others, without losing one of those."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._repository import Repository, find_commit

_SHOWN = 5
_SUBMODULE = "160000"
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BRANCH = re.compile(r"ref: (refs/heads/[\w./-]+)")
_LONGEST_REFERENCE = 1024


def check_out(repository: Repository, commit: str, branch: str | None, depth: int | None) -> Repository:
    """Write the commit's files and make the repository the directory's `.git`.

    Local files that the commit does not have stay. One that it has with other content is a TaskFailed that names it,
    raised before anything is written; only files of an earlier clone that nobody has changed are replaced.
    """
    stale = _stale_files(repository, commit, depth)
    installed = repository.install()
    _remove(installed.work_tree, stale)
    if branch:
        installed.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
    else:
        installed.run("update-ref", "--no-deref", "HEAD", commit)
    installed.run("reset", "--quiet", "--hard", commit)
    if branch:
        installed.run("branch", "--quiet", f"--set-upstream-to=origin/{branch}", "--", branch)
    return installed


def _stale_files(repository: Repository, commit: str, depth: int | None) -> list[str]:
    """The files of an earlier clone that the commit no longer has, after a check that no other file is in the way."""
    target = repository.work_tree
    if all(entry.name == ".git" for entry in target.iterdir()) and not (target / ".git").exists():
        return []
    repository.run("read-tree", commit)
    wanted = set(repository.names("ls-files", "-z"))
    in_the_way = _in_the_way(repository, wanted)
    earlier = _earlier_files(repository, depth)
    if conflicts := sorted(in_the_way - earlier):
        raise TaskFailed(_message(conflicts))
    return sorted(earlier - wanted)


def _in_the_way(repository: Repository, wanted: Iterable[str]) -> set[str]:
    changed = _changed(repository)
    submodules = {line.partition("\t")[2] for line in repository.names("ls-files", "-s", "-z") if _is_submodule(line)}
    absent = {name for name, status in changed.items() if status == "D"} | submodules
    blocked = {found for name in absent if (found := _blocker(repository.work_tree, name, name in submodules))}
    return {name for name, status in changed.items() if status != "D" and name in wanted} - submodules | blocked


def _changed(repository: Repository) -> dict[str, str]:
    """The files of the index whose local content differs, by git's own comparison; `D` for what is no local file."""
    arguments = ("diff-files", "-z", "--name-status", "--no-renames", "--ignore-submodules=all")
    # Without this every file that git has not written itself counts as changed; its status says no more than that.
    repository.attempt("-c", "core.fileMode=false", "update-index", "-q", "--ignore-submodules", "--refresh")
    found = repository.names("-c", "core.fileMode=false", *arguments)
    return dict(zip(found[1::2], found[::2], strict=True))


def _is_submodule(line: str) -> bool:
    return line.startswith(_SUBMODULE)


def _blocker(target: Path, name: str, may_be_directory: bool) -> str | None:  # noqa: FBT001 - see the call
    """The local entry because of which `name` cannot be written: itself, or what should be a directory above it."""
    for parent in reversed(PurePosixPath(name).parents[:-1]):
        place = target / parent
        if place.is_symlink() or (place.exists() and not place.is_dir()):
            return str(parent)
    place = target / name
    if may_be_directory and place.is_dir() and not place.is_symlink():
        return None
    return name if place.is_symlink() or place.exists() else None


def _earlier_files(repository: Repository, depth: int | None) -> set[str]:
    """The unchanged files of a commit that was cloned here before.

    Of the old `.git`, which anyone may have written, only the commit's id is read; what that commit consists of is
    asked of the remote.
    """
    sha = _earlier_commit(repository.work_tree / ".git")
    if sha is None or not find_commit(repository, sha, depth):
        return set()
    repository.run("read-tree", sha)
    return set(repository.names("ls-files", "-z")) - _changed(repository).keys()


def _earlier_commit(git_dir: Path) -> str | None:
    if git_dir.is_symlink():
        return None
    head = _read_reference(git_dir, "HEAD")
    if match := _BRANCH.fullmatch(head):
        head = _read_reference(git_dir, match[1])
    return head if _SHA.fullmatch(head) else None


def _read_reference(git_dir: Path, name: str) -> str:
    with suppress(OSError):
        file = (git_dir / name).resolve()
        if file.is_relative_to(git_dir.resolve()) and file.is_file() and file.stat().st_size <= _LONGEST_REFERENCE:
            return file.read_text(encoding="ascii", errors="replace").strip()
    return ""


def _remove(target: Path, names: Iterable[str]) -> None:
    for name in names:
        (target / name).unlink(missing_ok=True)
        for parent in PurePosixPath(name).parents[:-1]:
            # The first that is not empty ends it.
            with suppress(OSError):
                (target / parent).rmdir()


def _message(conflicts: list[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in conflicts[:_SHOWN])
    more = f" and {len(conflicts) - _SHOWN} more" if len(conflicts) > _SHOWN else ""
    return (
        f"files of the working directory are also in the repository, with other content: {shown}{more}"
        " (rename them, or clone into a 'directory' of its own)"
    )
