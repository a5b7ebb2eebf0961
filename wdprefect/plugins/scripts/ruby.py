"""`io.kestra.plugin.scripts.ruby`."""

from __future__ import annotations

from wdprefect.plugins.scripts._language import RUBY
from wdprefect.plugins.scripts._script import CommandsTask, SourceTask


class Commands(CommandsTask):
    """Run shell commands, with Ruby among them.

    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: ruby-commands
    namespace: company.team
    tasks:
      - id: version
        type: io.kestra.plugin.scripts.ruby.Commands
        commands:
          - ruby --version
    ```
    """

    language = RUBY


class Script(SourceTask):
    """Run a Ruby script.

    `require_relative` finds files of the working directory.
    The other properties are those of `io.kestra.plugin.scripts.shell.Commands`.

    ```yaml
    id: ruby-script
    namespace: company.team
    tasks:
      - id: sum
        type: io.kestra.plugin.scripts.ruby.Script
        script: |
          require "json"
          puts "::#{JSON.generate(outputs: { sum: [1, 2, 3].sum })}::"
    ```
    """

    language = RUBY
