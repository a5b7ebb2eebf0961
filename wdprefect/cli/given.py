"""What commands are given on the command line or in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from wdprefect.errors import InvalidFlow, UsageError
from wdprefect.loader.reader import EMPTY
from wdprefect.loader.source import Source
from wdprefect.loader.wording import shown


def pairs(items: list[str], option: str) -> dict[str, Any]:
    """The NAME=VALUE of an option that may be given several times."""
    found = {}
    for item in items:
        name, sign, value = item.partition("=")
        if not sign or not name:
            raise UsageError(f"{option} takes NAME=VALUE, not '{item}'")
        found[name] = value
    return found


def map_of_file(path: str | None, what: str) -> dict[str, Any]:
    """The map in a YAML or JSON file; an empty one for an empty file and for none. `what` names it in errors."""
    if path is None:
        return {}
    try:
        found = Source.read(Path(path).read_bytes(), path).data  # JSON is YAML
    except OSError as error:
        raise UsageError(f"the {what} '{path}' cannot be read: {error.strerror}") from None
    except InvalidFlow as error:
        if [problem.code for problem in error.problems] != [EMPTY]:
            raise
        return {}
    if found in (None, ""):
        return {}
    if not isinstance(found, dict):
        reason = f"the {what} '{path}' are no map but {shown(found)}"
        raise UsageError(f"{reason}: write 'name: value', each on a line of its own")
    return found
