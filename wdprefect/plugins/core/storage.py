"""`io.kestra.plugin.core.storage`."""

from __future__ import annotations

from typing import Any

from wdprefect.model.context import RunContext
from wdprefect.model.node import Many
from wdprefect.model.task import Leaf, TaskOutputs
from wdprefect.workspace.files import capture_files, write_files


class LocalFiles(Leaf):
    """Bring files into the working directory, and take files out of it.

    What `outputs` matches is copied into the storage and stays where it is.

    ```yaml
    id: files
    namespace: company.team
    tasks:
      - id: directory
        type: io.kestra.plugin.core.flow.WorkingDirectory
        tasks:
          - id: bring
            type: io.kestra.plugin.core.storage.LocalFiles
            inputs:
              greeting.txt: hello {{ flow.id }}
          - id: take
            type: io.kestra.plugin.core.storage.LocalFiles
            outputs:
              - "*.txt"
    ```
    """

    inputs: dict[str, Any] | str | None = None
    outputs: Many[str] | None = None

    class Outputs(TaskOutputs):
        """The captured files: relative name to URI."""

        uris: dict[str, str]

    def run(self, ctx: RunContext) -> TaskOutputs:
        if self.inputs is not None:
            write_files(ctx.workspace, self.inputs, ctx.files.reader)
        return self.Outputs(uris=capture(ctx, self.outputs))


def capture(ctx: RunContext, patterns: list[str] | None) -> dict[str, str]:
    """The files that the patterns match, copied into the storage: relative name to URI. Warns of idle patterns."""
    if not patterns:
        return {}

    def warn(pattern: str) -> None:
        ctx.log.write("WARN", f"no file matches '{pattern}'")

    stored = capture_files(ctx.workspace, patterns, ctx.files.put, warn)
    return {name: file.uri for name, file in stored.items()}
