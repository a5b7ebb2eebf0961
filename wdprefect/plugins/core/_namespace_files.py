"""The property `namespaceFiles` of tasks."""

from __future__ import annotations

import time
from datetime import timedelta

from wdprefect.model.context import RunContext
from wdprefect.model.conversions import clock_duration
from wdprefect.model.node import Bool, Many, Node, Text
from wdprefect.workspace.namespace_files import IfExists, Selection, write_namespace_files


class NamespaceFiles(Node):
    """Files of namespaces for the working directory. An empty map brings all files of the flow's namespace.

    include, exclude: patterns. `a.py` and `src/a.py` are looked for at any depth, `/a.py` and `*.py` at the top.
    namespaces: in this order, the later wins. ifExists: what becomes of a file that is there already.
    """

    enabled: Bool = True
    include: Many[Text] | None = None
    exclude: Many[Text] | None = None
    namespaces: Many[Text] | None = None
    if_exists: IfExists = "OVERWRITE"
    folder_per_namespace: Bool = False


def bring_namespace_files(ctx: RunContext, wanted: NamespaceFiles | None) -> None:
    """Write the files into the working directory, and say how many; nothing for None."""
    if wanted is None or not wanted.enabled:
        return
    started = time.monotonic()
    selection = Selection(
        namespaces=wanted.namespaces or [ctx.files.namespace],
        include=wanted.include or (),
        exclude=wanted.exclude or (),
        if_exists=wanted.if_exists,
        folder_per_namespace=wanted.folder_per_namespace,
    )

    def warn(message: str) -> None:
        ctx.log.write("WARN", message)

    count = write_namespace_files(ctx.workspace, ctx.files.namespaces, selection, warn)
    took = timedelta(seconds=time.monotonic() - started)
    names = ", ".join(selection.namespaces)
    ctx.log.write("INFO", f"Loaded {count} namespace files from '{names}' in {clock_duration(took)}")
    ctx.metrics.add("counter", "namespacefiles.count", count, {})
    ctx.metrics.add("timer", "namespacefiles.duration", took.total_seconds(), {})
