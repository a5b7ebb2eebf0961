"""The lines of `dependencies`: one spelling for what means the same."""

from __future__ import annotations

import re
from collections.abc import Iterable

from wdprefect.errors import TaskFailed

# The name, the extras, and the rest: versions, an address, a marker.
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?P<extras>\[[^\]]*\])?\s*(?P<rest>.*)")
_PINNED = re.compile(r"[\w.-]+(\[[^\]]*\])?===?[^*,;]+(;.*)?", re.ASCII)
# Their content is not in the line, so that nobody would notice when it changes.
_FILES = re.compile(r"-[rce]\b|--(requirement|constraint|editable)\b|\.{0,2}/|\.$")


def normalised(lines: Iterable[str]) -> list[str]:
    """The requirements sorted, each once, without comments. Raises TaskFailed for one that names a file.

    A line that is not understood stays as it is, for the installer to refuse.
    """
    found = {_normalised(line) for text in lines for line in text.splitlines()}
    return sorted(found - {""})


def is_pinned(requirements: Iterable[str]) -> bool:
    """Whether all name the one version that they want."""
    return all(_PINNED.fullmatch(line) for line in requirements)


def name_of(requirement: str) -> str:
    """What is required, without versions."""
    match = _REQUIREMENT.fullmatch(requirement)
    return match["name"] if match else requirement


def _normalised(line: str) -> str:
    text = re.sub(r"(^|\s)#.*", "", line).strip()
    if _FILES.match(text):
        step = "write the requirements themselves, or install it by pip in 'beforeCommands'"
        raise TaskFailed(f"'dependencies' takes no files, such as '{text}': {step}")
    match = _REQUIREMENT.fullmatch(text)
    if match is None:
        return text
    name = re.sub(r"[-_.]+", "-", match["name"]).lower()
    extras = ",".join(sorted(part.strip().lower() for part in (match["extras"] or "[]")[1:-1].split(",")))
    rest, semicolon, marker = match["rest"].partition(";") if "@" not in match["rest"] else (match["rest"], "", "")
    if "@" not in rest:
        inner = rest.strip().removeprefix("(").removesuffix(")")
        rest = ",".join(sorted("".join(part.split()) for part in inner.split(",")))
    return f"{name}{f'[{extras}]' if extras else ''}{rest}{semicolon}{' '.join(marker.split())}"
