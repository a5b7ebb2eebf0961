"""Text to a checked flow: reading with places, old spellings, types and checks."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from wdprefect.errors import InvalidFlow, Position, Problem
from wdprefect.loader.source import Source, read_yaml

if TYPE_CHECKING:  # reading YAML alone does not need pydantic
    from wdprefect.model.flow import Flow

__all__ = ["load_file", "load_text", "read_yaml"]


def load_file(path: str | os.PathLike[str]) -> Flow:
    """The checked flow in a YAML file.

    Raises InvalidFlow with all problems, each with its place; a file that cannot be read is such a problem.
    """
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        at = Position(os.fspath(path), 1, 1)
        raise InvalidFlow([Problem(at, "WD100", f"the file cannot be read: {error.strerror}")]) from None
    return load_text(text, os.fspath(path))


def load_text(text: str | bytes, file: str = "<text>") -> Flow:
    """The checked flow in a text; `file` names it in problems. Raises InvalidFlow with all problems."""
    from wdprefect.loader.build import build  # as above

    return build(Source.read(text, file))
