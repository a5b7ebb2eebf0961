"""`io.kestra.plugin.core.namespace`: tasks that change the files of a namespace, or take them along."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field

from wdprefect.errors import TaskFailed
from wdprefect.model.context import RunContext
from wdprefect.model.node import Bool, Many, Map, Text
from wdprefect.model.parallel import in_parallel
from wdprefect.model.ports import NamespaceFile
from wdprefect.model.task import Leaf, TaskOutputs
from wdprefect.storage.namespace_folder import is_left_out
from wdprefect.workspace.globs import find_files
from wdprefect.workspace.namespace_files import Selection, choose_files


class UploadFiles(Leaf):
    """Store files of the working directory as files of a namespace; they stay where they are.

    `files` are patterns as in `outputFiles`; `filesMap` says for each path in the namespace which stored file goes
    there. Both go below `destination`. `conflict` is about files that the namespace has: `OVERWRITE`, `ERROR` before
    anything is stored, or `SKIP`.

    ```yaml
    id: upload
    namespace: company.team
    tasks:
      - id: directory
        type: io.kestra.plugin.core.flow.WorkingDirectory
        inputFiles:
          queries/all.sql: select 1
        tasks:
          - id: store
            type: io.kestra.plugin.core.namespace.UploadFiles
            namespace: "{{ flow.namespace }}"
            files:
              - queries/**
    ```
    """

    namespace: Text
    files: Many[Text] | None = None
    files_map: Map[Text] | None = None
    destination: Text = "/"
    conflict: Literal["OVERWRITE", "ERROR", "SKIP"] = "OVERWRITE"

    def run(self, ctx: RunContext) -> None:
        if self.files is None and self.files_map is None:
            raise TaskFailed("'files' and 'filesMap' are missing: say which files go into the namespace")
        wanted = {**self._of_directory(ctx), **self._of_storage(ctx)}
        if self.conflict != "OVERWRITE":
            wanted = self._without_existing(ctx, wanted)
        ctx.files.namespaces.put(self.namespace, list(wanted.items()))
        for path in wanted:
            ctx.log.write("DEBUG", f"stored '{path}' in the namespace '{self.namespace}'")

    def _of_directory(self, ctx: RunContext) -> dict[str, Path]:
        if not self.files:
            return {}
        found = find_files(ctx.workspace.path, self.files)
        for pattern in found.unmatched:
            ctx.log.write("WARN", f"no file matches '{pattern}'")
        return {self._path(name): path for name, path in found.files.items() if not is_left_out(name)}

    def _of_storage(self, ctx: RunContext) -> dict[str, Path]:
        folder = _scratch(ctx)
        wanted = {self._path(path): uri for path, uri in (self.files_map or {}).items()}
        for path, uri in wanted.items():
            ctx.files.reader.get(uri, folder / path)
        return {path: folder / path for path in wanted}

    def _without_existing(self, ctx: RunContext, wanted: dict[str, Path]) -> dict[str, Path]:
        existing = {file.path for file in ctx.files.namespaces.entries(self.namespace)} & wanted.keys()
        for path in sorted(existing):
            reason = f"the namespace '{self.namespace}' has a file '{path}'"
            if self.conflict == "ERROR":
                raise TaskFailed(f"{reason}; set 'conflict' to OVERWRITE or SKIP, or remove the file")
            ctx.log.write("DEBUG", f"{reason}, which stays")
        return {path: source for path, source in wanted.items() if path not in existing}

    def _path(self, name: str) -> str:
        path = _joined(self.destination, name)
        if {".", ".."} & set(path.split("/")):
            raise TaskFailed(f"the path '{path}' leads out of the namespace: leave out '.' and '..'")
        return path


class DownloadFiles(Leaf):
    """Copy files of a namespace to the files of the run: `outputs.<id>.files` is their URIs by path.

    `files` are one pattern or several, as in `namespaceFiles`: `a.py` at any depth, `/a.py` and `*.py` at the top. The
    paths begin with a slash. `destination` is put before the names under which they are stored.

    ```yaml
    id: download
    namespace: company.team
    tasks:
      - id: get
        type: io.kestra.plugin.core.namespace.DownloadFiles
        namespace: company.team
        files:
          - "**/*.sql"
    ```
    """

    namespace: Text
    files: Many[Text] | Text
    destination: Text = ""

    class Outputs(TaskOutputs):
        """The copies: path in the namespace, with a slash in front, to URI."""

        files: dict[str, str] = Field(default_factory=dict)

    def run(self, ctx: RunContext) -> TaskOutputs:
        folder = _scratch(ctx)
        chosen = [(file, folder / file.path) for file in _chosen(ctx, self.namespace, self.files)]
        ctx.files.namespaces.get(chosen)

        def keep(item: tuple[NamespaceFile, Path]) -> str:
            file, path = item
            return ctx.files.put(_joined(self.destination, file.path), path).uri

        uris = in_parallel(keep, chosen)
        ctx.metrics.add("counter", "downloaded", len(chosen), {})
        return self.Outputs(files={f"/{file.path}": uri for (file, _), uri in zip(chosen, uris, strict=True)})


class DeleteFiles(Leaf):
    """Remove files of a namespace.

    `files` are one pattern or several, as in `namespaceFiles`. Folders that become empty are gone, with
    `deleteParentFolder` and without.

    ```yaml
    id: delete
    namespace: company.team
    tasks:
      - id: old
        type: io.kestra.plugin.core.namespace.DeleteFiles
        namespace: company.team
        files: /old/**
    ```
    """

    namespace: Text
    files: Many[Text] | Text
    delete_parent_folder: Bool = False

    def run(self, ctx: RunContext) -> None:
        chosen = _chosen(ctx, self.namespace, self.files)
        ctx.files.namespaces.delete(chosen)
        for file in chosen:
            ctx.log.write("DEBUG", f"removed '{file.path}' from the namespace '{self.namespace}'")
        ctx.metrics.add("counter", "deleted", len(chosen), {})


def _chosen(ctx: RunContext, namespace: str, files: Sequence[str] | str) -> list[NamespaceFile]:
    wanted = Selection([namespace], include=[files] if isinstance(files, str) else files)
    return choose_files(ctx.files.namespaces, wanted, lambda message: ctx.log.write("WARN", message))


def _scratch(ctx: RunContext) -> Path:
    return ctx.workspace.scratch / secrets.token_hex(8)


def _joined(folder: str, name: str) -> str:
    return "/".join(part for part in f"{folder}/{name}".split("/") if part)
