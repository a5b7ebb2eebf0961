"""Flows that several tests of the command line run."""

from __future__ import annotations

from tests.running import SCRIPTS

DELIVERING = f"""\
id: delivering
namespace: team
tasks:
  - {{id: one, type: {SCRIPTS}.shell.Commands, outputFiles: ["*.txt"], commands: ["echo 1 > a.txt; echo 1 > b.txt"]}}
  - {{id: two, type: {SCRIPTS}.shell.Commands, outputFiles: ["**"], commands: ["mkdir d; echo 2 | tee a.txt >d/c.txt"]}}
"""
