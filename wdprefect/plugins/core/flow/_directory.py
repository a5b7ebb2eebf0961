"""One directory for several tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from wdprefect.model.context import FlowableContext, RunContext
from wdprefect.model.node import Late, Many
from wdprefect.model.task import Flowable, TaskOutputs, Tasks
from wdprefect.plugins.core._namespace_files import NamespaceFiles, bring_namespace_files
from wdprefect.plugins.core.storage import capture
from wdprefect.workspace.files import write_files


class WorkingDirectory(Flowable):
    """Run tasks one after the other in one directory that they share.

    Files of `namespaceFiles`, then those of `inputFiles`, are there when the first one starts; what `outputFiles`
    matches at the end is copied into the storage, also when a task has failed. The directory is removed, whatever
    happened.

    In the Prefect UI it is one task run. `steps`, an extension of ours, says which of its tasks are bars inside it:
    `auto` those that last half a second or fail, at most 50, `bars` each, `table` none. All of them stand in the table
    of its page. It takes no expression.

    ```yaml
    id: shared
    namespace: company.team
    tasks:
      - id: directory
        type: io.kestra.plugin.core.flow.WorkingDirectory
        inputFiles:
          names.txt: |
            Ada
            Grace
        outputFiles:
          - "*.txt"
        tasks:
          - id: count
            type: io.kestra.plugin.scripts.shell.Commands
            commands:
              - wc -l < names.txt > count.txt
    ```
    """

    unsupported: ClassVar[Mapping[str, str]] = {
        "cache": (
            "leave it out: pip, uv and npm have caches of their own, and 'dependencies' of Python tasks are kept; "
            "other files go into a namespace by UploadFiles, and 'namespaceFiles' brings them back"
        )
    }

    tasks: Tasks = Field(min_length=1)
    namespace_files: NamespaceFiles | None = None
    input_files: dict[str, Any] | str | None = None
    output_files: Many[str] | None = None
    # Read as it is written, before there is a run: nobody renders it.
    steps: Late[Literal["auto", "bars", "table"]] = "auto"

    unit = True

    class Outputs(TaskOutputs):
        """The captured files: relative name to URI."""

        output_files: dict[str, str]

    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        if self.namespace_files is not None or self.input_files is not None:
            await ctx.thread(lambda: self._bring(ctx.leaf))
        await ctx.sequence(self.tasks)
        return None

    async def conclude(self, ctx: FlowableContext) -> TaskOutputs | None:
        captured = await ctx.thread(lambda: capture(ctx.leaf, self.output_files))
        return self.Outputs(outputFiles=captured)

    def _bring(self, ctx: RunContext) -> None:
        # In this order: of two files of one name that of inputFiles wins.
        bring_namespace_files(ctx, self.namespace_files)
        if self.input_files is not None:
            write_files(ctx.workspace, self.input_files, ctx.files.reader)
