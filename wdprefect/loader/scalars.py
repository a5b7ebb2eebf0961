"""A scalar of YAML as a Python value, typed as Kestra's reader does it.

Source: Jackson's YAMLParser on SnakeYAML's Resolver: YAML 1.1 without dates and sexagesimal numbers.
"""

from __future__ import annotations

import math
import re

Scalar = str | int | float | bool | None

# The limit of Kestra's reader (Jackson's StreamReadConstraints); Python itself stops at 4300 digits.
MAX_NUMBER_LENGTH = 1000

_WORDS: dict[str, bool | None] = {
    **{spelled: value for word, value in (("yes", True), ("on", True), ("true", True), ("no", False), ("off", False),
        ("false", False), ("null", None)) for spelled in (word, word.capitalize(), word.upper())},
    "~": None,
}  # fmt: skip
_BOOLEANS = {"y": True, "n": False} | {word: value for word, value in _WORDS.items() if value is not None}

_INTEGER = re.compile(
    r"[-+]?(?:0b_*[01][01_]*|0_*[0-7][0-7_]*|0|[1-9][0-9_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*)",
)
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]+(?:[eE][-+]?[0-9]+)?",
)
# Kestra's reader takes these for numbers and then cannot read them.
_UNREADABLE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*")
_NUMBER_STARTS = frozenset("+-.0123456789")
_STANDARD_TAG = "tag:yaml.org,2002:"


def plain(text: str) -> Scalar:
    """The value of a scalar without quotes and tag; raises ValueError for a number that cannot be used."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[:1] in _NUMBER_STARTS else text


def tagged(text: str, tag: str) -> Scalar:
    """The value of a scalar that carries a tag; unknown tags leave it text. Raises ValueError as `plain` does."""
    match tag.removeprefix(_STANDARD_TAG):
        case "bool":
            return _BOOLEANS.get(text.lower(), text)
        case "int" if _INTEGER.fullmatch(text):
            return _integer(text)
        case "float" if text:
            return _float(text)
        case "null" if text:
            return None
    return text


def _number(text: str) -> Scalar:
    if _INTEGER.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text) or _UNREADABLE.fullmatch(text):
        return _float(text)
    return text


def _integer(text: str) -> int:
    _check_length(text)
    digits = text.replace("_", "").lstrip("+-")
    prefix = digits[:2]
    base = 2 if prefix == "0b" else 16 if prefix == "0x" else 8 if digits != "0" and digits[0] == "0" else 10
    return -int(digits, base) if text[0] == "-" else int(digits, base)


def _float(text: str) -> float:
    _check_length(text)
    try:
        value = float(text.replace("_", ""))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError("is none that can be used")
    return value


def _check_length(text: str) -> None:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ValueError(f"has more than '{MAX_NUMBER_LENGTH}' characters")
