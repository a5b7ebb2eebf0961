"""One directory for several tasks."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from wdprefect.model.context import FlowableContext
from wdprefect.model.node import Many
from wdprefect.model.task import Flowable, TaskOutputs, Tasks
from wdprefect.plugins.core.storage import capture
from wdprefect.workspace.files import write_files


class WorkingDirectory(Flowable):
    """Run tasks one after the other in one directory that they share.

    Files of `inputFiles` are there when the first one starts; what `outputFiles` matches at the end is copied into the
    storage, also when a task has failed. The directory is removed, whatever happened.

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

    tasks: Tasks = Field(min_length=1)
    input_files: dict[str, Any] | str | None = None
    output_files: Many[str] | None = None

    unit = True

    class Outputs(TaskOutputs):
        """The captured files: relative name to URI."""

        output_files: dict[str, str]

    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        files = self.input_files
        if files is not None:
            await ctx.thread(lambda: write_files(ctx.leaf.workspace, files, ctx.leaf.files.storage))
        await ctx.sequence(self.tasks)
        return None

    async def conclude(self, ctx: FlowableContext) -> TaskOutputs | None:
        captured = await ctx.thread(lambda: capture(ctx.leaf, self.output_files))
        return self.Outputs(outputFiles=captured)
