"""How much work a jq program can make, told from its words: what is surely little needs no process of its own."""

from __future__ import annotations

import re
from functools import lru_cache

# Steps that a program may take in this process, where nothing can end it: about 0.1 s.
LITTLE = 200_000
# Longer programs are rare, and slow to compile.
_LONGEST = 1000
_MOST_VISITS, _MOST_DOUBLINGS = 6, 20

_WORD = re.compile(
    r'\s+|"'
    r"|\.?[A-Za-z_]\w*|[$@][A-Za-z_]\w*"
    r"|\d{1,15}(?:\.\d{1,15})?(?![\w.])"
    r"|\?//|//|==|!=|<=|>=|\.(?!\.)|[][{}()|,:?<>;+-]"
)
# The rest of a text, or the part of it up to `\(…)`.
_TEXT = re.compile(r'(?:[^"\\]|\\[^(])*(?:"|\\\()')
# Whatever these are given, they go over it once, and make nothing longer of it.
_STEADY = re.compile(
    r"and|or|not|if|then|elif|else|end|true|false|null|as|try|catch|error|empty|select|length|utf8bytelength|has|in"
    r"|keys|keys_unsorted|type|first|last|add|to_entries|from_entries|min|max|sort|unique|reverse|tonumber|floor|ceil"
    r"|round|sqrt|abs|ascii_downcase|ascii_upcase|startswith|endswith|ltrimstr|rtrimstr|trim|ltrim|rtrim|values|nulls"
    r"|booleans|numbers|strings|arrays|objects|iterables|scalars|isnan|isinfinite|isnormal|del|fromjson|todate"
    r"|fromdate|now"
)
_PER_ITEM = re.compile(
    r"map|map_values|any|all|with_entries|sort_by|group_by|unique_by|min_by|max_by|contains|inside|join"
)
# What may double the size of a value; `tostring` puts a backslash before each quote.
_DOUBLING = re.compile(r",|\+|tostring|tojson|flatten|\\\(")
# `@html` writes six characters for one.
_FORMAT_DOUBLINGS = 3


def is_little(program: str, document: str) -> bool:
    """Whether a program ends within a moment, whatever the input holds.

    Careful: definitions, loops, regular expressions, assignments and all else that is not in the tables may be much.
    Each `.[]` and each `map` may visit every item, once for every visit of those around it; each comma may double what
    those after it work on.
    """
    counts = _counts(program)
    if counts is None:
        return False
    visits, doublings, has_join = counts
    items = (document.count(",") + document.count("[") + document.count("{") + 1) << doublings
    size = len(document) << doublings
    # A separator may come from the input as well.
    return bool(items**visits + (items * size if has_join else size) // 100 <= LITTLE)


@lru_cache(maxsize=256)
def _counts(program: str) -> tuple[int, int, bool] | None:
    """How often a program may visit items and double sizes, and whether it joins; None where that may be much."""
    words = _words(program) if len(program) <= _LONGEST else None
    if words is None:
        return None
    visits = sum(map(bool, map(_PER_ITEM.fullmatch, words)))
    visits += sum(word == "]" and before == "[" for before, word in zip(["", *words], words, strict=False))
    doublings = sum(map(bool, map(_DOUBLING.fullmatch, words)))
    doublings += sum(_FORMAT_DOUBLINGS for word in words if word.startswith("@"))
    if visits > _MOST_VISITS or doublings > _MOST_DOUBLINGS:
        return None
    return visits, doublings, "join" in words


def _words(program: str) -> list[str] | None:
    """The words of a program; None where one of them is not in the tables."""
    opened: list[str] = []
    found: list[str] = []
    position, last = 0, ""
    while position < len(program):
        # The end of an interpolation leads back into the text.
        in_text = last == '"' or (last == ")" and opened[-1:] == ['"'])
        is_key = not in_text and opened[-1:] == ["{"] and last in ("{", ",")
        match = (_TEXT if in_text else _WORD).match(program, position)
        if match is None or not (in_text or is_key or _is_known(match.group())):
            return None
        position, word = match.end(), match.group()
        if in_text:
            word = "\\(" if word.endswith("\\(") else "text"
        if not word.isspace():
            # The name of a key is nothing that is called.
            found.append("" if is_key and word.isidentifier() else word)
            last = word
            _follow(word, opened)
    return found


def _follow(word: str, opened: list[str]) -> None:
    """Keep account of what is open: brackets, and texts around interpolations."""
    if word in ("[", "{", "(", '"', "\\("):
        opened.append(word)
    elif word in ("]", "}", ")", "text"):
        del opened[-1:]


def _is_known(word: str) -> bool:
    if not (word[0].isalpha() or word[0] == "_"):
        return True
    return any(table.fullmatch(word) for table in (_STEADY, _PER_ITEM, _DOUBLING))
