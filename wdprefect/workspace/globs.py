r"""The glob dialect of `outputFiles` and its relatives: Java's, on paths relative to the directory.

    a.txt  /a.txt     the file at the top (`./a.txt` matches nothing)
    *  ?  [a-z]  [!z] never cross a `/`; `*.txt` is the top level only
    **                crosses `/`: `**.txt` is every level, `**/*.txt` every level but the top
    {a,b}             either; not nested
    glob:…  regex:…   matched against the absolute path, as they stand; in `glob:` a backslash escapes
    \                 elsewhere the same as `/`, so nothing can be escaped

A folder's name does not stand for its content; case matters. A `regex:` is Python's, on the whole path.
Source: Kestra's PathMatcherPredicate.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from wdprefect.errors import TaskFailed

GLOB, REGEX = "glob:", "regex:"


class InvalidPattern(TaskFailed, ValueError):
    """A pattern for file names cannot be understood; `pattern` is the pattern as it was given."""

    def __init__(self, pattern: str, reason: str) -> None:
        self.pattern, self.reason = pattern, reason
        super().__init__(f"the pattern '{pattern}' is not valid: {reason}")

    def __reduce__(self) -> tuple[type[InvalidPattern], tuple[str, str]]:
        return type(self), (self.pattern, self.reason)


class Found(NamedTuple):
    """The files that patterns matched, by relative name in sorted order, and the patterns that matched none."""

    files: dict[str, Path]
    unmatched: list[str]


def find_files(directory: Path, patterns: Sequence[str]) -> Found:
    """The regular files of a directory that at least one pattern matches, in one walk for all patterns.

    Symbolic links are neither followed nor found; hidden files are files like others. The walk goes only where a
    pattern can match. Raises InvalidPattern, and TaskFailed for a folder that cannot be read.
    """
    globs = [_Glob.parse(pattern) for pattern in patterns]
    files: dict[str, Path] = {}
    matched: set[int] = set()
    for name in _walk(directory, globs):
        hits = [number for number, glob in enumerate(globs) if glob.matches(name, directory)]
        if hits:
            files[name] = directory / name
            matched.update(hits)
    unmatched = [pattern for number, pattern in enumerate(patterns) if number not in matched]
    return Found({name: files[name] for name in sorted(files)}, unmatched)


def compile_globs(patterns: Sequence[str], directory: Path = Path("/")) -> Callable[[str], bool]:
    """A function that tells whether at least one pattern matches a relative name such as `out/a.csv`.

    directory: what `glob:` and `regex:` see in front of the name. Raises InvalidPattern.
    """
    globs = [_Glob.parse(pattern) for pattern in patterns]
    return lambda name: any(glob.matches(name, directory) for glob in globs)


@dataclass(frozen=True, slots=True)
class _Glob:
    """A pattern, ready to match.

    absolute: it is matched against the absolute path. parents: what the first folders of a match look like;
    deep: there may be any number of further folders below those.
    """

    regex: re.Pattern[str]
    absolute: bool = False
    parents: tuple[re.Pattern[str], ...] = ()
    deep: bool = True

    @classmethod
    def parse(cls, pattern: str) -> _Glob:
        if pattern.startswith((GLOB, REGEX)):
            return cls(_compile_prefixed(pattern), absolute=True)
        plain = pattern.replace("\\", "/").removeprefix("/")
        regex = _compile(_translate(plain, pattern), pattern)
        parents: list[re.Pattern[str]] = []
        *folders, last = plain.split("/")
        for folder in folders:
            if not (part := _translate_alone(folder)):
                return cls(regex, parents=tuple(parents))
            parents.append(part)
        return cls(regex, parents=tuple(parents), deep=_translate_alone(last) is None)

    def matches(self, name: str, directory: Path) -> bool:
        return self.regex.fullmatch(str(directory / name) if self.absolute else name) is not None

    def may_match_below(self, folders: Sequence[str]) -> bool:
        if len(folders) > len(self.parents) and not self.deep:
            return False
        return all(parent.fullmatch(folder) for parent, folder in zip(self.parents, folders, strict=False))


def _walk(directory: Path, globs: Sequence[_Glob]) -> Iterator[str]:
    if not globs:
        return
    todo: list[tuple[str, ...]] = [()]
    while todo:
        folders = todo.pop()
        for entry in _entries(directory.joinpath(*folders)):
            path = (*folders, entry.name)
            if entry.is_file(follow_symlinks=False):
                yield "/".join(path)
            elif entry.is_dir(follow_symlinks=False) and any(glob.may_match_below(path) for glob in globs):
                todo.append(path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        # What still runs in the background may remove a folder between the look at its parent and this one.
        return []
    except OSError as error:
        raise TaskFailed(f"cannot look for files in '{folder}': {error.strerror}") from error


def _translate_alone(segment: str) -> re.Pattern[str] | None:
    """What one folder of a pattern matches; None where it may stand for more than one folder."""
    if "**" in segment:
        return None
    try:
        return _compile(_translate(segment, segment), segment)
    except InvalidPattern:
        # The segment is a part of `{a/b,c}`.
        return None


def _compile_prefixed(pattern: str) -> re.Pattern[str]:
    if pattern.startswith(REGEX):
        return _compile(pattern.removeprefix(REGEX), pattern)
    return _compile(_translate(pattern.removeprefix(GLOB), pattern), pattern)


def _compile(regex: str, pattern: str) -> re.Pattern[str]:
    try:
        # Any legal file name can be found, one with a line end in it too.
        return re.compile(regex, re.DOTALL)
    except re.error as error:
        raise InvalidPattern(pattern, str(error)) from error


def _translate(glob: str, pattern: str) -> str:
    """The regular expression of a glob; `pattern` is what an error names."""
    parts: list[str] = []
    in_group = False
    place = 0
    while place < len(glob):
        token = _TOKEN.match(glob, place)
        assert token is not None  # the last alternative takes any character
        text, place = token[0], token.end()
        if text == "{" and in_group:
            raise InvalidPattern(pattern, "'{' inside of '{…}'")
        if text in _MEANING:
            parts.append(_MEANING[text])
        elif text == "{":
            in_group = True
            parts.append("(?:(?:")
        elif text == "}" and in_group:
            in_group = False
            parts.append("))")
        elif text == "," and in_group:
            parts.append(")|(?:")
        elif text.startswith("["):
            parts.append(_translate_class(text, pattern))
        elif text == "\\":
            raise InvalidPattern(pattern, "nothing follows the '\\'")
        else:
            parts.append(re.escape(text.removeprefix("\\")))
    if in_group:
        raise InvalidPattern(pattern, "a '}' is missing")
    return "".join(parts)


# A class ends at the first `]`; without one the bracket stands alone and is refused.
_TOKEN = re.compile(r"\*\*|\[[^\]]*\]?|\\.|.", re.DOTALL)
_MEANING = {"**": ".*", "*": "[^/]*", "?": "[^/]"}


def _translate_class(text: str, pattern: str) -> str:
    if not text.endswith("]"):
        raise InvalidPattern(pattern, "a ']' is missing")
    if "/" in text:
        raise InvalidPattern(pattern, "a '/' inside of '[…]'")
    negated = text.startswith("[!")
    members = text[2:-1] if negated else text[1:-1]
    if not members:
        raise InvalidPattern(pattern, "'[…]' is empty")
    # A `/` is never in a class, a negated one included.
    return f"(?!/)[{'^' if negated else ''}{_translate_members(members, pattern)}]"


def _translate_members(members: str, pattern: str) -> str:
    parts: list[str] = []
    if members.startswith("-"):
        parts.append(r"\-")
        members = members[1:]
    for first, hyphen, last in re.findall(r"(.)(-?)((?<=-).)?", members, re.DOTALL):
        if first == "-" or (last and last < first):
            raise InvalidPattern(pattern, "a range inside of '[…]' goes backwards or has no start")
        # A hyphen at the end stands for itself.
        parts.append(re.escape(first) + (f"-{re.escape(last)}" if last else re.escape(hyphen)))
    return "".join(parts)
