"""`io.kestra.plugin.scripts.node`."""

from __future__ import annotations

from wdprefect.plugins.scripts._language import NODE
from wdprefect.plugins.scripts._script import CommandsTask, SourceTask


class Commands(CommandsTask):
    """Run shell commands, with Node.js among them.

    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: node-commands
    namespace: company.team
    tasks:
      - id: version
        type: io.kestra.plugin.scripts.node.Commands
        commands:
          - node --version
    ```
    """

    language = NODE


class Script(SourceTask):
    """Run a Node.js script.

    `require` and `import` find what lies in the working directory: files beside the script, and packages in its
    `node_modules`, where `npm install` in `beforeCommands` puts them.
    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: node-script
    namespace: company.team
    tasks:
      - id: sum
        type: io.kestra.plugin.scripts.node.Script
        script: |
          const { length } = [1, 2, 3];
          console.log("::" + JSON.stringify({ outputs: { length } }) + "::");
    ```
    """

    language = NODE
