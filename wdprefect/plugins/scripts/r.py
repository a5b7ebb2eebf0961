"""`io.kestra.plugin.scripts.r`."""

from __future__ import annotations

from wdprefect.plugins.scripts._language import R
from wdprefect.plugins.scripts._script import CommandsTask, SourceTask


class Commands(CommandsTask):
    """Run shell commands, with R among them.

    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: r-commands
    namespace: company.team
    tasks:
      - id: version
        type: io.kestra.plugin.scripts.r.Commands
        commands:
          - Rscript --version
    ```
    """

    language = R


class Script(SourceTask):
    r"""Run an R script.

    It runs by `Rscript` in the working directory, from which `source` reads.
    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: r-script
    namespace: company.team
    tasks:
      - id: sum
        type: io.kestra.plugin.scripts.r.Script
        script: |
          cat(sprintf('::{"outputs": {"sum": %d}}::\n', 1L + 2L))
    ```
    """

    language = R
