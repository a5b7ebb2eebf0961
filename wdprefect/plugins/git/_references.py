"""What a remote offers, and which of it is wanted."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._program import GitProgram

_HEADS, _TAGS = "refs/heads/", "refs/tags/"
ALL_BRANCHES = f"+{_HEADS}*:refs/remotes/origin/*"
ALL_TAGS = f"+{_TAGS}*:{_TAGS}*"

_SHA = re.compile(r"[0-9a-f]{4,64}")
_FULL_LENGTHS = {40, 64}
_SUGGESTIONS = 3
# `v1` and `v2` are half alike.
_LIKENESS = 0.5


@dataclass(frozen=True, slots=True)
class References:
    """The branches and tags of a remote, each with its commit, and the branch its HEAD is on."""

    default_branch: str | None
    head: str | None
    branches: Mapping[str, str]
    tags: Mapping[str, str]

    @property
    def object_format(self) -> str:
        sample = next(iter([*self.branches.values(), *self.tags.values()]), self.head or "")
        return "sha256" if len(sample) == max(_FULL_LENGTHS) else "sha1"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to fetch and check out: `revision` names it once it is fetched.

    refspecs: what to fetch; for a full commit id only that commit is asked for first.
    branch: the branch to be on afterwards; none means a detached HEAD.
    """

    label: str
    revision: str
    refspecs: tuple[str, ...]
    depth: int | None = None
    branch: str | None = None

    @property
    def commit(self) -> str | None:
        return self.revision if len(self.revision) in _FULL_LENGTHS and _SHA.fullmatch(self.revision) else None


def ask(git: GitProgram, directory: Path, limit: timedelta) -> References:
    """The remote's references; `directory` is any that is in no repository."""
    arguments = ("ls-remote", "--symref", "--", git.remote.url, "HEAD", f"{_HEADS}*", f"{_TAGS}*")
    return _parse(os.fsdecode(git.run(directory, *arguments, limit=limit)))


def _parse(output: str) -> References:
    pairs = [line.split("\t", 1) for line in output.splitlines()]
    symbolic = {name: value for value, name in pairs if value.startswith("ref: ")}
    commits = {name: value for value, name in pairs if not value.startswith("ref: ")}
    branches = {name.removeprefix(_HEADS): sha for name, sha in commits.items() if name.startswith(_HEADS)}
    tags = {name.removeprefix(_TAGS): sha for name, sha in commits.items() if name.startswith(_TAGS)}
    peeled = {name.removesuffix("^{}"): sha for name, sha in tags.items() if name.endswith("^{}")}
    named = {name: sha for name, sha in tags.items() if not name.endswith("^{}")}
    default = symbolic.get("HEAD", "").removeprefix("ref: ").removeprefix(_HEADS)
    return References(default if default in branches else None, commits.get("HEAD"), branches, named | peeled)


def want_commit(text: str, depth: int | None = None) -> Wanted:
    """The commit of a full or short id. Raises TaskFailed for what is no id."""
    sha = text.lower()
    if not _SHA.fullmatch(sha):
        raise TaskFailed(f"'{text}' is no commit id (4 to 40 hexadecimal digits)")
    return Wanted(f"commit '{text}'", sha, (ALL_BRANCHES, ALL_TAGS), depth)


def want_tag(name: str, references: References, url: str) -> Wanted:
    """The commit of a light or annotated tag. Raises TaskFailed, with the nearest names, when there is none."""
    name = name.removeprefix(_TAGS)
    if name not in references.tags:
        raise TaskFailed(f"no tag '{name}' in '{url}'{_did_you_mean(name, references.tags)}")
    return Wanted(f"tag '{name}'", f"{_TAGS}{name}", (f"+{_TAGS}{name}:{_TAGS}{name}",))


def want_branch(name: str | None, depth: int | None, references: References, url: str) -> Wanted:
    """A branch, by default the one that the remote's HEAD is on."""
    if name is None:
        return _want_head(depth, references, url)
    name = name.removeprefix(_HEADS)
    if name not in references.branches:
        raise TaskFailed(f"no branch '{name}' in '{url}'{_hint(name, references)}")
    return _branch(name, depth)


def _want_head(depth: int | None, references: References, url: str) -> Wanted:
    if references.default_branch:
        return _branch(references.default_branch, depth)
    if references.head:
        # The remote's HEAD is detached.
        return Wanted("HEAD", "refs/remotes/origin/HEAD", ("+HEAD:refs/remotes/origin/HEAD",), depth)
    if not references.branches:
        raise TaskFailed(f"the repository '{url}' is empty")
    names = ", ".join(f"'{name}'" for name in sorted(references.branches)[:_SUGGESTIONS])
    raise TaskFailed(f"the repository '{url}' has no default branch (set 'branch', such as {names})")


def _branch(name: str, depth: int | None) -> Wanted:
    tracking = f"refs/remotes/origin/{name}"
    return Wanted(f"branch '{name}'", tracking, (f"+{_HEADS}{name}:{tracking}",), depth, name)


def _hint(name: str, references: References) -> str:
    if name in references.tags:
        return f" (there is a tag of that name: set 'tag: {name}')"
    near = _did_you_mean(name, references.branches)
    return near or (f" (its default branch is '{references.default_branch}')" if references.default_branch else "")


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), _SUGGESTIONS, _LIKENESS)
    return f" (did you mean {' or '.join(map(repr, near))}?)" if near else ""
