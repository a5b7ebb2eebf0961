"""The command line, called in this process or run as one of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Write = Callable[[str, str], str]


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    err: str


Cli = Callable[..., Said]


def command(*arguments: object) -> list[str]:
    """The command line as a program."""
    return [sys.executable, "-m", "wdprefect", *map(str, arguments)]


def run_command(*arguments: object, env: Mapping[str, str] | None = None) -> Said:
    """What the command line comes to as a process of its own."""
    environment = {**os.environ, **(env or {})}
    done = subprocess.run(command(*arguments), check=False, capture_output=True, text=True, env=environment)
    return Said(done.returncode, done.stdout, done.stderr)


def result(said: Said) -> Any:
    """What `--format json` printed."""
    return json.loads(said.out)
