"""Text to a checked flow: reading with places, old spellings, types and checks."""

from wdprefect.loader.source import read_yaml

__all__ = ["read_yaml"]
