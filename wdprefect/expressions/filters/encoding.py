"""Filters that encode: base64, hashes, URLs. Null stays null."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import text
from wdprefect.expressions.values import to_text


def base64encode(value: Any) -> str | None:
    """The text, as UTF-8, in base64."""
    return None if value is None else base64.b64encode(to_text(value).encode()).decode()


def base64decode(value: Any) -> str | None:
    """The text that base64 holds."""
    if value is None:
        return None
    source = text(value)
    try:
        return base64.b64decode(source + "=" * (-len(source.rstrip("=")) % 4), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise ExpressionError("the text is no base64") from error


def md5(value: Any) -> str | None:
    """The MD5 hash of a text in hexadecimal digits."""
    return _hash("md5", value)


def sha1(value: Any) -> str | None:
    """The SHA-1 hash of a text in hexadecimal digits."""
    return _hash("sha1", value)


def sha256(value: Any) -> str | None:
    """The SHA-256 hash of a text in hexadecimal digits."""
    return _hash("sha256", value)


def sha512(value: Any) -> str | None:
    """The SHA-512 hash of a text in hexadecimal digits."""
    return _hash("sha512", value)


def _hash(name: str, value: Any) -> str | None:
    return None if value is None else hashlib.new(name, text(value).encode(), usedforsecurity=False).hexdigest()


def urlencode(value: Any) -> str | None:
    """The text as a part of a form: blanks are `+`."""
    return None if value is None else quote_plus(to_text(value), safe="*").replace("~", "%7E")


def urldecode(value: Any) -> str | None:
    """The text that a part of a form holds."""
    return None if value is None else unquote_plus(to_text(value))
