"""The ways in which formats and programs write a text: escaped, encoded, line by line."""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

# What is encoded as a whole; of longer texts the lines alone are looked for.
LONGEST_ENCODED = 100_000
# Of an encoding the characters that depend on what stands before and behind are left out; this much must remain.
_SHORTEST_BASE64 = 8
# The widths of lines of encoded text: those of the program base64 and of MIME, and those of PEM.
_WIDTHS = (76, 64)
# What is left as it is in URLs: by Python, in storage URIs, by JavaScript; then in forms.
_SAFE = ("", "/", "/=@,", "!'()*")


def lines(text: str) -> Iterator[str]:
    """The text itself, and where it has several lines, each of them; without blanks around them too."""
    for part in (text, *(text.splitlines() if len(text.splitlines()) > 1 else ())):
        yield part
        yield part.strip()


def spellings(text: str) -> Iterator[str]:
    """The text as JSON, Python, URLs, XML and shells write it, with the line ends and accents of other systems."""
    yield from (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    if "\n" in text:
        unix = text.replace("\r\n", "\n")
        yield from (unix, unix.replace("\n", "\r\n"))
    yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1])
    content = text.encode("utf-8", "surrogatepass")
    yield from (quote_from_bytes(content, safe=safe) for safe in _SAFE)
    yield quote_from_bytes(content, safe=" ").replace(" ", "+")
    xml = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    quoted = xml.replace('"', "&quot;")
    yield from (xml, quoted, *(quoted.replace("'", mark) for mark in ("&#x27;", "&#39;", "&#039;", "&apos;")))
    yield from (text.replace("'", r"'\''"), text.replace("'", "'\"'\"'"))


def base64_forms(text: str) -> Iterator[str]:
    """What base64 has of the text wherever it stands in what is encoded: `user:password` too; also in short lines."""
    content = text.encode("utf-8", "surrogatepass")
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + content).decode().rstrip("=")
        # Each character holds six bits: those that also hold bits of a neighbour are left out.
        known = encoded[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]
        if len(known) >= _SHORTEST_BASE64:
            yield known
            yield known.translate({ord("+"): "-", ord("/"): "_"})
    whole = base64.b64encode(content).decode()
    for width in _WIDTHS:
        if len(whole) > width:
            yield from (whole[start : start + width].rstrip("=") for start in range(0, len(whole), width))
