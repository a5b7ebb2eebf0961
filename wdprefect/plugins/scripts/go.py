"""`io.kestra.plugin.scripts.go`."""

from __future__ import annotations

from wdprefect.plugins.scripts._language import GO
from wdprefect.plugins.scripts._script import CommandsTask, SourceTask


class Commands(CommandsTask):
    """Run shell commands, with Go among them.

    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: go-commands
    namespace: company.team
    tasks:
      - id: version
        type: io.kestra.plugin.scripts.go.Commands
        commands:
          - go version
    ```
    """

    language = GO


class Script(SourceTask):
    """Run a Go program.

    It runs by `go run`, for which it is a file of the working directory: packages of a module there can be imported,
    and files there embedded. `go mod init` and `go get` belong into `beforeCommands`.
    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: go-script
    namespace: company.team
    tasks:
      - id: sum
        type: io.kestra.plugin.scripts.go.Script
        script: |
          package main

          import "fmt"

          func main() {
              fmt.Println(`::{"outputs": {"sum": 6}}::`)
          }
    ```
    """

    language = GO
