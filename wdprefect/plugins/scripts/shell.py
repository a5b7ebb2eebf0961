"""`io.kestra.plugin.scripts.shell`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wdprefect.model.context import RunContext
from wdprefect.model.node import Late, Text
from wdprefect.plugins.scripts._script import Lines, ScriptTask, rendered_lines


class Commands(ScriptTask):
    """Run shell commands.

    ```yaml
    id: shell-commands
    namespace: company.team
    tasks:
      - id: hello
        type: io.kestra.plugin.scripts.shell.Commands
        commands:
          - echo "hello from {{ flow.id }}"
    ```
    """

    default_image = "ubuntu"

    commands: Lines

    def lines(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> list[str]:  # noqa: ARG002  no file is needed
        return rendered_lines(self.commands, ctx, seen)


class Script(ScriptTask):
    """Run a shell script.

    ```yaml
    id: shell-script
    namespace: company.team
    tasks:
      - id: count
        type: io.kestra.plugin.scripts.shell.Script
        script: |
          for i in 1 2 3; do
            echo "$i"
          done
    ```
    """

    default_image = "ubuntu"

    script: Late[Text]

    def lines(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> list[str]:  # noqa: ARG002  as above
        return [ctx.render.text(self.script, seen)]
