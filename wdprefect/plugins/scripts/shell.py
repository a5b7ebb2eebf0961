"""`io.kestra.plugin.scripts.shell`."""

from __future__ import annotations

from wdprefect.plugins.scripts._language import SHELL
from wdprefect.plugins.scripts._script import CommandsTask, SourceTask


class Commands(CommandsTask):
    """Run shell commands.

    They run in one shell, in the working directory. A line `::{"outputs": {"rows": 3}}::` that they print delivers a
    value as `outputs.<id>.vars.rows`; metrics and lines of the log are delivered in the same way.

    - `beforeCommands`: what prepares the work, in the same shell. What it prints is of level DEBUG.
    - `failFast`: the first command that fails is the last one.
    - `interpreter`: the shell, `[/bin/sh, -c]` unless given; an empty list for one program with its arguments.
    - `env`: environment variables. What an input or another task gives is safe there, and not among the commands.
    - `namespaceFiles`: files of the namespace into the working directory.
    - `inputFiles`, `outputFiles`: files into the working directory, by their names, and patterns of files out of it.
    - `outputDirectory`: whether there is a folder `{{ outputDir }}`, also `$OUTPUT_DIR`, all of which is delivered.
    - `taskRunner`, `containerImage`: where the commands run.
    - `warningOnStdErr`: whether a line on standard error makes the task a warning, as in old versions of Kestra.
    - `stdErrLevel`: the level of such lines in the log, ERROR unless given; an addition to Kestra.
    - `targetOS`: `AUTO` or `LINUX`.

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

    language = SHELL


class Script(SourceTask):
    """Run a shell script.

    It is the last part of the text that the shell of `interpreter` gets, behind `beforeCommands`. Its other properties
    are those of `io.kestra.plugin.scripts.shell.Commands`.

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

    language = SHELL
