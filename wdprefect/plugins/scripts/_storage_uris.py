"""Storage URIs in commands: a program gets a path in their place."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from wdprefect.model.ports import Readable
from wdprefect.storage.uris import file_name

# Ends at white space, quotes and what means something to a shell.
_URI = re.compile(r"kestra:///[\w.~%+=@:,/-]+")


def with_local_files(text: str, reader: Readable, scratch: Path) -> str:
    """The text with each URI of an existing file replaced by the path of a copy, the same for the same URI.

    A URI that names no file stays as it is: it may be meant as text.
    """
    if "kestra:///" not in text:
        return text

    def path_of(match: re.Match[str]) -> str:
        uri = match.group()
        if not reader.exists(uri):
            return uri
        folder = scratch / "storage" / hashlib.sha256(uri.encode()).hexdigest()[:12]
        target = folder / file_name(uri)
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            reader.get(uri, target)
        return str(target)

    return _URI.sub(path_of, text)
