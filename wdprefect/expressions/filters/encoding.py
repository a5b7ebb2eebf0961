"""Filters that encode: base64, hashes, URLs. Null stays null."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import text
from wdprefect.expressions.values import to_java_text

_NO_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def base64encode(value: Any) -> str | None:
    """The text, as UTF-8, in base64.

    {{ 'abc' | base64encode }} → YWJj
    """
    return None if value is None else base64.b64encode(to_java_text(value).encode()).decode()


def base64decode(value: Any) -> str | None:
    """The text that base64 holds.

    {{ 'YWJj' | base64decode }} → abc
    """
    if value is None:
        return None
    source = text(value)
    try:
        # As Java does: the padding may be left out, but not in part.
        padded = source if source.endswith("=") else source + "=" * (-len(source) % 4)
        if len(padded) % 4:
            raise binascii.Error("padding")
        return base64.b64decode(padded, validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError) as error:
        raise ExpressionError("the text is no base64") from error


def md5(value: Any) -> str | None:
    """The MD5 hash of a text in hexadecimal digits.

    {{ 'abc' | md5 }} → 900150983cd24fb0d6963f7d28e17f72
    """
    return _hash("md5", value)


def sha1(value: Any) -> str | None:
    """The SHA-1 hash of a text in hexadecimal digits.

    {{ 'abc' | sha1 }} → a9993e364706816aba3e25717850c26c9cd0d89d
    """
    return _hash("sha1", value)


def sha256(value: Any) -> str | None:
    """The SHA-256 hash of a text in hexadecimal digits.

    {{ 'abc' | sha256 | slice(0, 16) }} → ba7816bf8f01cfea
    """
    return _hash("sha256", value)


def sha512(value: Any) -> str | None:
    """The SHA-512 hash of a text in hexadecimal digits.

    {{ 'abc' | sha512 | length }} → 128
    """
    return _hash("sha512", value)


def _hash(name: str, value: Any) -> str | None:
    return None if value is None else hashlib.new(name, text(value).encode(), usedforsecurity=False).hexdigest()


def urlencode(value: Any) -> str | None:
    """The text as a part of a form: blanks are `+`.

    {{ 'a b & c' | urlencode }} → a+b+%26+c
    """
    return None if value is None else quote_plus(text(value), safe="*").replace("~", "%7E")


def urldecode(value: Any) -> str | None:
    """The text that a part of a form holds.

    {{ 'a+b+%26+c' | urldecode }} → a b & c
    """
    if value is None:
        return None
    source = text(value)
    if _NO_ESCAPE.search(source):
        raise ExpressionError("a '%' stands before something else than two hexadecimal digits")
    return unquote_plus(source)
