"""Old names of all generations of Kestra: types, properties and values, each a row in a table."""

from wdprefect.loader.spellings.modern import Modern, modernize
from wdprefect.loader.spellings.names import canonical_type

__all__ = ["Modern", "canonical_type", "modernize"]
