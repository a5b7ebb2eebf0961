"""The submodules of a repository that has been checked out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._repository import Repository


@dataclass(frozen=True, slots=True)
class Submodule:
    """Where a submodule belongs, where it comes from, and the commit it is at."""

    path: str
    url: str
    commit: str


def submodules(repository: Repository) -> Iterator[Submodule]:
    """Each submodule of the commit, its url completed by git where it is relative to the repository's."""
    commits = dict(_links(repository))
    if not commits:
        return
    repository.run("submodule", "--quiet", "init")
    urls = _settings(repository, "url", "--local")
    # From the commit and not from the file, which might be a link to anywhere.
    for name, path in _settings(repository, "path", "--blob=HEAD:.gitmodules").items():
        if path in commits and name in urls:
            yield Submodule(_checked(repository, path), urls[name], commits[path])


def _links(repository: Repository) -> Iterator[tuple[str, str]]:
    for line in repository.names("ls-files", "-s", "-z"):
        entry, _, path = line.partition("\t")
        mode, commit, _ = entry.split()
        if mode == "160000":
            yield path, commit


def _settings(repository: Repository, key: str, source: str) -> dict[str, str]:
    """The value of `submodule.NAME.key` by NAME."""
    found = repository.attempt("config", source, "-z", "--get-regexp", rf"^submodule\..*\.{key}$")
    pairs = [part.split("\n", 1) for part in os.fsdecode(found.stdout).split("\0") if "\n" in part]
    return {name[len("submodule.") : -len(f".{key}")]: value for name, value in pairs}


def _checked(repository: Repository, path: str) -> str:
    target = repository.work_tree.resolve()
    if (target / path).resolve() != target / path:
        raise TaskFailed(f"the submodule '{path}' leads out of the repository")
    return path
