"""Functions that make something new at each call: ids, random numbers, a free port."""

from __future__ import annotations

import secrets
import socket
import time
import uuid as uuid_library
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import integer, text

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NANO = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
_LONGEST_NANO_ID = 1000
_KSUID_EPOCH = 1_400_000_000


def uuid() -> str:
    """A random UUID of 36 characters.

    {{ uuid() }} → (random)
    """
    return str(uuid_library.uuid4())


def id_() -> str:
    """A random UUID in base 62: 22 characters.

    {{ id() }} → (random)
    """
    return _base62(uuid_library.uuid4().int, 22)


def ksuid() -> str:
    """An id of 27 characters that sorts by the second it was made in.

    {{ ksuid() }} → (random)
    """
    seconds = int(time.time()) - _KSUID_EPOCH
    return _base62(seconds << 128 | secrets.randbits(128), 27)


def nano_id(length: Any = 21, alphabet: Any = _NANO) -> str:
    """Random characters of an alphabet.

    {{ nanoId() }} → (random)
    {{ nanoId(4, 'ab') | length }} → 4
    """
    count = integer(length, "length")
    if not 0 < count <= _LONGEST_NANO_ID:
        raise ExpressionError(f"length is not between 1 and {_LONGEST_NANO_ID}")
    letters = text(alphabet, "alphabet")
    if not letters:
        raise ExpressionError("alphabet is empty")
    return "".join(secrets.choice(letters) for _ in range(count))


def random_int(lower: Any, upper: Any) -> int:
    """A random whole number from a lower up to but not including an upper bound.

    {{ randomInt(1, 7) }} → (random)
    {{ randomInt(1, 2) }} → 1
    """
    start, end = integer(lower, "lower"), integer(upper, "upper")
    if end < start:
        raise ExpressionError("upper is less than lower")
    return start + secrets.randbelow(end - start) if end > start else start


def random_port() -> int:
    """A port of this machine that was free just now.

    {{ randomPort() }} → (random)
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _base62(number: int, length: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
    return digits.rjust(length, "0")
