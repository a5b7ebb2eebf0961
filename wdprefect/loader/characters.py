"""What comes from a file, as text that YAML allows: UTF-8, no control characters, not too long."""

from __future__ import annotations

import re
from itertools import islice

from wdprefect.errors import InvalidFlow, Problem
from wdprefect.loader.lines import Lines

# The limit of Kestra's reader (SnakeYAML's code point limit).
MAX_CHARACTERS = 3 * 1024 * 1024
# A binary file has thousands of them; the first few tell what is wrong.
_MOST_REPORTED = 10
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def decode(content: str | bytes, file: str) -> str:
    """The text without its byte order mark; raises InvalidFlow when it is no text that YAML allows."""
    text = (content if isinstance(content, str) else _from_utf8(content, file)).removeprefix("\ufeff")
    problems = _oversize(text, file) or _forbidden(text, file)
    if problems:
        raise InvalidFlow(problems)
    return text


def _from_utf8(content: bytes, file: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8").removeprefix("\ufeff")
        # The unreadable byte stands behind the readable text: one character more gives it a place of its own.
        at = Lines(file, f"{before}\ufffd").at(len(before))
        byte = content[error.start]
        problem = Problem(at, "WD102", f"the byte '0x{byte:02x}' is no UTF-8", hint="save the file as UTF-8")
        raise InvalidFlow([problem]) from None


def _oversize(text: str, file: str) -> list[Problem]:
    if len(text) <= MAX_CHARACTERS:
        return []
    message = f"the text has '{len(text)}' characters, '{MAX_CHARACTERS}' can be read"
    return [Problem(Lines(file, "").at(0), "WD104", message, hint="move data out of the flow into files")]


def _forbidden(text: str, file: str) -> list[Problem]:
    found = list(islice(_FORBIDDEN.finditer(text), _MOST_REPORTED))
    lines = Lines(file, text if found else "")
    hint = "remove it, or write it as an escape in double quotes"
    return [
        Problem(lines.at(each.start()), "WD103", f"the character 'U+{ord(each[0]):04X}' is not allowed in YAML", hint)
        for each in found
    ]
