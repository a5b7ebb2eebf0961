"""Java's regular expressions rewritten for the package `regex` (its version 1), so that both match the same.

Java's classes know ASCII only, its line ends are more than one, and what it refuses (`a{`, `(?P<n>…)`) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NoReturn

from wdprefect.errors import ExpressionError
from wdprefect.expressions.limits import NESTING

_WORD, _BLANKS, _LINE_ENDS = "a-zA-Z0-9_", r" \t\n\x0b\f\r", r"\n\r\x85\u2028\u2029"
_CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "d": "0-9",
        "w": _WORD,
        "s": _BLANKS,
        "h": r" \t\xa0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000",
        "v": r"\x0b\f" + _LINE_ENDS,
    }
)
# With the flag `U` (and for `\p{Is…}`) the classes are Unicode's, which `regex` knows by the same letters.
_UNICODE_CLASSES = "dws"
_POSIX: Mapping[str, str] = MappingProxyType(
    {
        "Lower": "a-z",
        "Upper": "A-Z",
        "ASCII": r"\x00-\x7f",
        "Alpha": "a-zA-Z",
        "Digit": "0-9",
        "Alnum": "a-zA-Z0-9",
        "Punct": r"!-/:-@\[-`{-\~",
        "Graph": r"!-\~",
        "Print": r" -\~",
        "Blank": r" \t",
        "Cntrl": r"\x00-\x1f\x7f",
        "XDigit": "0-9a-fA-F",
        "Space": _BLANKS,
        "javaLowerCase": r"\p{Lowercase}",
        "javaUpperCase": r"\p{Uppercase}",
        "javaWhitespace": _BLANKS,
    }
)
_BOUND = f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))"
_OUTSIDE: Mapping[str, str] = MappingProxyType(
    {
        "b": _BOUND,
        "B": f"(?!{_BOUND})",
        "A": r"\A",
        "G": r"\G",
        "z": r"\Z",
        "Z": rf"(?=(?:\r\n|[{_LINE_ENDS}])?\Z)",
        "R": rf"(?:\r\n|[\x0b\f{_LINE_ENDS}])",
        "X": r"\X",
    }
)
_CHARACTERS = MappingProxyType({"t": r"\t", "n": r"\n", "r": r"\r", "f": r"\f", "a": r"\a", "e": r"\x1b"})
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|x\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|0([0-3]?[0-7]{1,2})")
_PROPERTY = re.compile(r"([pP])(?:\{(\^?)([\w=]+)\}|([A-Z]))")
_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d{1,9}(?:,\d{0,9})?\})[+?]?")
_REFERENCE = re.compile(r"\\(?:k<([A-Za-z][A-Za-z0-9]*)>|([1-9]))")
_GROUP = re.compile(
    r"\((?:\?(?:(?P<plain>[:=!>]|<[=!])|<(?P<name>[A-Za-z][A-Za-z0-9]*)>|(?P<flags>[idmsuxU]*(?:-[idmsuxU]+)?)(?P<end>[:)])))?"
)


def rewritten(java: str) -> str:
    """The pattern in the syntax of `regex`. Raises ExpressionError for what Java refuses, where that is seen here."""
    return _Rewriter(java).pattern()


class _Rewriter:
    def __init__(self, java: str) -> None:
        self.java, self.at, self.out = java, 0, ["(?-f)"]
        # The flags, of the innermost group last.
        self.flags: list[frozenset[str]] = [frozenset()]

    def pattern(self) -> str:
        steps: Mapping[str, Callable[[], None]] = {
            "\\": self._escape,
            "[": self._class,
            "(": self._group,
            ")": self._end_of_group,
            ".": lambda: self._put("(?s:.)" if "s" in self.flags[-1] else f"[^{_LINE_ENDS}]"),
            "$": self._end_of_line,
            "{": lambda: self._fail("a repetition repeats nothing"),
            "#": self._hash,
        }
        while self.at < len(self.java):
            steps.get(self.java[self.at], self._character)()
            if self.out[-1]:
                self._quantifier()
        if len(self.flags) > 1:
            self._fail("a '(' is not closed")
        return "".join(self.out)

    def _put(self, text: str, length: int = 1) -> None:
        self.out.append(text)
        self.at += length

    def _fail(self, what: str) -> NoReturn:
        raise ExpressionError(f"'{self.java[:80]}' is no regular expression: {what} (at {self.at + 1})")

    def _character(self) -> None:
        character = self.java[self.at]
        if character in "*+?":
            self._fail("a repetition repeats nothing")
        self._put(character if character.isspace() or character in "^|" else re.escape(character))
        if character == "|":
            self.out.append("")

    def _hash(self) -> None:
        if "x" not in self.flags[-1]:
            self._put(r"\#")
            return
        end = self.java.find("\n", self.at)
        self.at = len(self.java) if end < 0 else end + 1
        self.out.append("")

    def _quantifier(self) -> None:
        match = _QUANTIFIER.match(self.java, self.at)
        if match:
            self._put(match[0], len(match[0]))
            if self.at < len(self.java) and self.java[self.at] in "*+?{":
                self._fail("a repetition repeats nothing")

    def _end_of_line(self) -> None:
        multiple = r"(?:(?=\r\n|(?<!\r)\n|[\r\x85\u2028\u2029])|\Z)"
        self._put(multiple if "m" in self.flags[-1] else _OUTSIDE["Z"])

    def _group(self) -> None:
        match = _GROUP.match(self.java, self.at)
        if not match or (match[0] == "(" and self.java.startswith("(?", self.at)):
            self._fail("this kind of group is not known")
        flags = self.flags[-1]
        if match["end"]:
            on, _, off = match["flags"].partition("-")
            flags = (flags | set(on)) - set(off)
            kept = "".join(sorted(flags & set("imx"))), "".join(sorted(set("imx") - flags))
            self._put(f"(?{kept[0]}{'-' if kept[1] else ''}{kept[1]}{match['end']}", len(match[0]))
        else:
            self._put(match[0], len(match[0]))
        if match["end"] == ")":
            self.flags[-1] = flags
        else:
            self.flags.append(flags)
            if len(self.flags) > NESTING:
                self._fail("it is nested too deep")
        self.out.append("")

    def _end_of_group(self) -> None:
        if len(self.flags) == 1:
            self._fail("a ')' closes nothing")
        self.flags.pop()
        self._put(")")

    def _escape(self) -> None:
        quoted = self._quoted()
        if quoted is not None:
            # One piece for each character: a repetition after the quotation is of its last one.
            self.out += [re.escape(character) for character in quoted] or [""]
        elif not (self._known_escape() or self._reference()):
            self._fail(f"the escape '{self.java[self.at : self.at + 2]}' is not known")

    def _quoted(self) -> str | None:
        r"""The text between `\Q` and `\E`, where one begins."""
        if not self.java.startswith("\\Q", self.at):
            return None
        text, end, _ = self.java[self.at + 2 :].partition("\\E")
        self.at += len(text) + 2 + len(end)
        return text

    def _reference(self) -> bool:
        match = _REFERENCE.match(self.java, self.at)
        if match:
            self._put(rf"(?:\g<{match[1] or match[2]}>)", len(match[0]))
        return bool(match)

    def _known_escape(self) -> bool:
        """An escape that stands for a character, a class or a place."""
        letter = self.java[self.at + 1 : self.at + 2]
        if letter in _OUTSIDE and letter:
            unicode = letter in "bB" and "U" in self.flags[-1]
            self._put("\\" + letter if unicode else _OUTSIDE[letter], 2)
            return True
        found = self._one_of_class()
        if found:
            self._put(*found)
        return bool(found)

    def _one_of_class(self) -> tuple[str, int] | None:
        """What an escape inside or outside of brackets is, and how long it is here; None for other escapes."""
        start = self.at + 1
        letter = self.java[start : start + 1]
        if letter.lower() in _CLASSES and letter:
            if "U" in self.flags[-1] and letter.lower() in _UNICODE_CLASSES:
                return "\\" + letter, 2
            return f"[{'^' if letter.isupper() else ''}{_CLASSES[letter.lower()]}]", 2
        if letter in _CHARACTERS:
            return _CHARACTERS[letter], 2
        code = _CODE.match(self.java, start)
        if code:
            number = int(code[4], 8) if code[4] else int(code[1] or code[2] or code[3], 16)
            return (re.escape(chr(number)), len(code[0]) + 1) if number <= 0x10FFFF else None  # noqa: PLR2004  # Unicode's last
        if match := _PROPERTY.match(self.java, start):
            return self._property(match), len(match[0]) + 1
        # Java keeps the other letters for later.
        return (re.escape(letter), 2) if letter and not (letter.isascii() and letter.isalnum()) else None

    def _property(self, match: re.Match[str]) -> str:
        name = match[3] or match[4]
        negative = (match[1] == "P") != bool(match[2])
        if name in _POSIX:
            return f"[{'^' if negative else ''}{_POSIX[name]}]"
        if name[:2] == "In":
            name = f"Block={name[2:]}"
        elif name[:2] == "Is":
            name = name[2:]
        return f"\\{'P' if negative else 'p'}{{{name}}}"

    def _class(self, depth: int = 0) -> None:
        """What stands in brackets, also in brackets inside of it; `&&` is the intersection in both languages."""
        parts = ["["]
        self.at += 1
        if self.java.startswith("^", self.at):
            parts.append("^")
            self.at += 1
        first = True
        while not self.java.startswith("]", self.at) or first:
            if self.at >= len(self.java) or depth > NESTING:
                self._fail("a '[' is not closed")
            parts.append(self._in_class(depth))
            first = False
        self._put("".join([*parts, "]"]))

    def _in_class(self, depth: int) -> str:
        if self.java.startswith("&&", self.at):
            self.at += 2
            return "&&"
        if self.java[self.at] == "[":
            self._class(depth + 1)
            return self.out.pop()
        if self.java[self.at] == "\\":
            quoted = self._quoted()
            if quoted is not None:
                return re.escape(quoted)
            found = self._one_of_class()
            if not found:
                self._fail(f"the escape '{self.java[self.at : self.at + 2]}' is not known")
            self.at += found[1]
            return found[0]
        character = self.java[self.at]
        self.at += 1
        # A dash is a range only between two characters; a double one, as others, would mean something to `regex`.
        is_range = character == "-" and not self.java.startswith(("-", "]", "["), self.at)
        return "-" if is_range else character if character.isalnum() else "\\" + character
