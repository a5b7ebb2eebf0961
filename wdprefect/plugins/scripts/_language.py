"""What tells the script tasks of one language apart from those of another: a row for each."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wdprefect.plugins.scripts import _launchers


@dataclass(frozen=True, slots=True)
class Language:
    """A row: images, programs and names are Kestra's.

    image: of a container that names none.
    program: what runs a script; empty where a script is lines of the shell itself.
    start: how it is called, with `{script}`, its file, `{place}`, where Kestra would have put it: a path in the working
    directory at which there is nothing, and `{launcher}`, a file with the text of `launcher`.
    launcher: lets the program take the script for one that lies at its place, so that what stands there is found beside
    it; `<script>` and `<place>` in it are the paths as JSON.
    fail_fast: the line by which a shell ends with the first command that fails.
    """

    image: str
    program: str = ""
    extension: str = ""
    start: str = "{script}"
    launcher: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    interpreter: tuple[str, ...] = ("/bin/sh", "-c")
    fail_fast: str = "set -e"

    def start_line(self, text: str, directory: str, scratch: Path) -> str:
        """Write the script into `scratch`, and say with which line of a shell it starts in `directory`."""
        scratch.mkdir(parents=True, exist_ok=True)
        name = f"script.{self.extension}"
        script, place, launcher = scratch / name, f"{directory}/{name}", scratch / f"launch.{self.extension}"
        script.write_text(text, encoding="utf-8")
        if self.launcher:
            named = self.launcher.replace("<script>", json.dumps(str(script))).replace("<place>", json.dumps(place))
            launcher.write_text(named, encoding="utf-8")
        paths = {"script": script, "place": place, "launcher": launcher}
        return f"{self.program} {self.start}".format_map({key: shlex.quote(str(path)) for key, path in paths.items()})


_LAUNCHED = "{launcher} {script} {place}"

SHELL = Language("ubuntu")
PYTHON = Language(
    "python:3.13-slim",
    # An environment that beforeCommands activated wins. Braces are doubled for `format`.
    '"${{VIRTUAL_ENV:+$VIRTUAL_ENV/bin/}}python"',
    "py",
    _LAUNCHED,
    _launchers.PYTHON,
    # Lines show up as they are printed; pip does not talk about root and about itself.
    {"PYTHONUNBUFFERED": "true", "PIP_ROOT_USER_ACTION": "ignore", "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
)
NODE = Language("node", "node", "js", _LAUNCHED, _launchers.NODE)
R = Language("r-base", "Rscript", "R")
RUBY = Language("ruby", "ruby", "rb", _LAUNCHED, _launchers.RUBY)
GO = Language("golang", "go", "go", "run -overlay {launcher} {place}", _launchers.GO)
