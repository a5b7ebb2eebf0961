"""Flows that several tests of the command line run."""

from __future__ import annotations

from tests.running import CORE, SCRIPTS

HELLO = f"""\
id: hello
namespace: team
inputs:
  - {{id: name, type: STRING, defaults: world}}
  - {{id: times, type: INT, required: false}}
tasks:
  - {{id: greet, type: {CORE}.log.Log, message: "hello {{{{ inputs.name }}}} {{{{ inputs.times ?? '-' }}}}"}}
outputs:
  - {{id: greeting, type: STRING, value: "hello {{{{ inputs.name }}}}"}}
"""
DELIVERING = f"""\
id: delivering
namespace: team
tasks:
  - {{id: one, type: {SCRIPTS}.shell.Commands, outputFiles: ["*.txt"], commands: ["echo 1 > a.txt; echo 1 > b.txt"]}}
  - {{id: two, type: {SCRIPTS}.shell.Commands, outputFiles: ["**"], commands: ["mkdir d; echo 2 | tee a.txt >d/c.txt"]}}
"""
