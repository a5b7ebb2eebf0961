"""Files of namespaces into the working directory (`namespaceFiles`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import NamespaceFile, NamespaceFiles, Workspace
from wdprefect.workspace.globs import GLOB, REGEX, InvalidPattern, compile_globs

IfExists = Literal["OVERWRITE", "FAIL", "WARN", "IGNORE"]
OnWarning = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files of which namespaces, and what becomes of files that are there.

    include, exclude: patterns as `anywhere` reads them; without `include` all files. folder_per_namespace: each
    namespace gets a folder of its name.
    """

    namespaces: Sequence[str]
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    if_exists: IfExists = "OVERWRITE"
    folder_per_namespace: bool = False


def write_namespace_files(
    workspace: Workspace, source: NamespaceFiles, wanted: Selection, on_warning: OnWarning
) -> int:
    """Write the files into the working directory; how many were wanted, those included that gave way.

    Of two files of one name the later namespace's is the one that comes, if the first may be overwritten. on_warning:
    told of files that stay, and of patterns and namespaces without a file, which is no error. Nothing is written when a
    name is refused. Raises TaskFailed, UnsafePath, StorageError.
    """
    chosen = choose_files(source, wanted, on_warning)
    _write(workspace, source, wanted, chosen, on_warning)
    return len(chosen)


def anywhere(pattern: str) -> str:
    """The pattern for paths with a slash in front: a name is looked for at any depth, all else from the top.

    `a.py` is `**/a.py`, `src/*.py` is `**/src/*.py`; `/a.py` and `*.py` are at the top. Source: PathMatcherPredicate,
    in which `*.py` matches nothing.
    """
    if pattern.startswith((GLOB, REGEX)):
        return pattern
    if pattern.startswith(("/", "**")):
        return GLOB + pattern
    return f"{GLOB}{'/' if pattern.startswith(('*', '?', '[', '{')) else '**/'}{pattern}"


def choose_files(source: NamespaceFiles, wanted: Selection, on_warning: OnWarning) -> list[NamespaceFile]:
    """The files that are included and not excluded, namespace by namespace, each sorted by path."""
    found: list[NamespaceFile] = []
    for namespace in wanted.namespaces:
        files = source.entries(namespace)
        if not files:
            on_warning(f"the namespace '{namespace}' has no files: there are none in {source.place(namespace)}")
        found += files
    included = {pattern: _matcher(pattern) for pattern in wanted.include}
    excluded = [_matcher(pattern) for pattern in wanted.exclude]
    for pattern, matches in included.items():
        if found and not any(matches(file.path) for file in found):
            on_warning(f"no namespace file matches '{pattern}'")
    if included:
        found = [file for file in found if any(matches(file.path) for matches in included.values())]
    return [file for file in found if not any(matches(file.path) for matches in excluded)]


def _matcher(pattern: str) -> Callable[[str], bool]:
    try:
        return compile_globs([anywhere(pattern)])
    except InvalidPattern as error:
        # In the words of the flow.
        raise InvalidPattern(pattern, error.reason) from None


def _write(
    workspace: Workspace,
    source: NamespaceFiles,
    wanted: Selection,
    chosen: Sequence[NamespaceFile],
    on_warning: OnWarning,
) -> None:
    targets: dict[Path, NamespaceFile] = {}
    for file in chosen:
        name = f"{file.namespace}/{file.path}" if wanted.folder_per_namespace else file.path
        target = workspace.resolve(name)
        if wanted.if_exists == "OVERWRITE" or not (target in targets or os.path.lexists(target)):
            targets[target] = file
        elif wanted.if_exists == "FAIL":
            step = "set 'ifExists' to OVERWRITE, WARN or IGNORE, or leave it out with 'exclude'"
            raise TaskFailed(f"the file '{name}' is there before that of the namespace '{file.namespace}'; {step}")
        elif wanted.if_exists == "WARN":
            on_warning(f"the file '{name}' is there, and stays: that of the namespace '{file.namespace}' is not taken")
    source.get([(file, target) for target, file in targets.items()])
