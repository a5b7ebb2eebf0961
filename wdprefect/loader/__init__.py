"""Text to a checked flow: reading with places, old spellings, types and checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wdprefect.loader.source import Source, read_yaml

if TYPE_CHECKING:  # reading YAML alone does not need pydantic
    from wdprefect.model.flow import Flow

__all__ = ["load_text", "read_yaml"]


def load_text(text: str | bytes, file: str = "<text>") -> Flow:
    """The checked flow in a text; `file` names it in problems. Raises InvalidFlow with all problems."""
    from wdprefect.loader.build import build  # as above

    return build(Source.read(text, file))
