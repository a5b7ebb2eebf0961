"""A secret sent through everything that templates can do to it, and the search for what is left of it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from tests.fakes import MemoryStorage
from tests.running import CORE, SCRIPTS
from wdprefect.errors import ExpressionError
from wdprefect.execution.logbook import LogBook
from wdprefect.execution.services import RunServices
from wdprefect.expressions import Expressions
from wdprefect.expressions.filters import FILTERS
from wdprefect.masking import Masker

# What encodings change, two lines, and nothing that a flow has of itself.
SECRET = "Zq7#kW9 x&Lp='\"/\u00e9,9\nzekond-Lyne_Q8"
DIGITS = "1867530942"
SECRETS = {"S": SECRET, "D": DIGITS}
OUTPUTS = [
    {"id": "text", "value": "{{ secret('S') | lower }}"},
    {"id": "map", "value": "{{ {'k': secret('S') | upper} }}"},
]
# What a filter may be used on, and with: of all pairs those count that it accepts. A new filter that accepts none needs
# one more here.
_VALUES = (
    "§",
    "[§, 'Aa1']",
    "{'k': §, 'n': 1}",
    "[{'k': §}]",
    "{'k': {'m': §}}",
    "(§ | base64encode)",
    "secret('D')",
    "('2026-11-23T10:00:00Z' ~ (§ | substringAfterLast('~')))",
    "(§ | length)",
    "('{\"k\": ' ~ (§ | toJson) ~ '}')",
)
_ARGUMENTS = (
    (),
    ("'x'",),
    ("3",),
    ("'k'",),
    ("'#'",),
    ("'.'",),
    ("'.. | strings | ascii_upcase | tonumber'",),
    ("§",),
    ("[§]",),
    ("'shell'",),
    ("'%s'",),
    ("{'Zq': 'b'}",),
    ("'yyyy'",),
    ("'INT'",),
    ("2", "20"),
    ("'#'", "'+'"),
    ("'Zq7#'", "'a'"),
    ("3", "§"),
    ("'k'", "§"),
    ("1", "'DAYS'"),
    ("'Zq(.*)'", "'y$1'"),
)
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class Leaking:
    """A template that makes something of the secret, and what nobody may see of it."""

    template: str
    texts: frozenset[str]


def services() -> RunServices:
    """The services of a run with the secrets, and nothing else in it."""
    masker = Masker()
    return RunServices(masker, MemoryStorage(), LogBook(masker), SECRETS)


def templates(name: str) -> Iterator[str]:
    """The secret through a filter, in every way that might be one."""
    callee = FILTERS[name]
    least, most = len(callee.arguments) - len(callee.defaults), len(callee.arguments)
    fitting = [given for given in _ARGUMENTS if callee.variadic or least <= len(given) <= most]
    for value in _VALUES:
        for given in fitting:
            text = f"{{{{ {value} | {name}({', '.join(given)}) }}}}"
            yield text.replace("§", "secret('S')")


def leaking(name: str, most: int) -> tuple[list[Leaking], list[str]]:
    """Templates with a filter that print something of the secret, each something else, and some that fail."""
    made: dict[frozenset[str], Leaking] = {}
    failing: dict[str, str] = {}
    accepted = False
    for template in templates(name):
        if min(len(made), len(failing)) >= most:
            break
        try:
            texts = printed(template)
        except ExpressionError as error:
            failing.setdefault(error.message, template)
            continue
        accepted = True
        if texts and texts not in made:
            made[texts] = Leaking(template, texts)
    assert accepted, f"no value and arguments of tests/leaks.py fit the filter '{name}': add some"
    return list(made.values())[:most], list(failing.values())[:most]


def printed(template: str) -> frozenset[str]:
    """What a template prints, each line of it and each text in it: as far as it must be hidden."""
    value = Expressions().evaluate(template, {}, services())
    if value is None or isinstance(value, bool | int | float):
        return frozenset()
    texts = (*_texts(value), Expressions().render(template, {}, services()))
    found = {line.strip() for text in texts for line in (text, *text.splitlines())}
    return frozenset(line for line in found if len(line) >= _SHORTEST and line not in template)


def all_leaking(most: int) -> tuple[list[Leaking], list[str]]:
    """As `leaking`, for all filters there are."""
    made, failing = zip(*(leaking(name, most) for name in FILTERS), strict=True)
    return [each for some in made for each in some], [each for some in failing for each in some]


def forms() -> set[str]:
    """Every six characters of the secret in its usual spellings; the digits whole, for ids have a few by chance."""
    text = SECRET
    whole = {text, text.upper(), text.lower(), text[::-1], quote(text), quote(text, safe=""), json.dumps(text)[1:-1]}
    whole |= {base64.b64encode(text.encode()).decode(), base64.urlsafe_b64encode(text.encode()).decode()}
    whole.add(json.dumps(text, ensure_ascii=False)[1:-1])
    return {DIGITS, *(each[at : at + _SHORTEST] for each in whole for at in range(len(each) - _SHORTEST + 1))}


def made_later(made: Iterable[Leaking]) -> set[str]:
    """What `large_tasks` make of what they are given, in a template that reads no secret itself."""
    texts = [SECRET.upper(), SECRET.lower(), *(Expressions().render(each.template, {}, services()) for each in made)]
    contents = [text.encode() for text in texts]
    return {
        hashlib.new(name, each, usedforsecurity=False).hexdigest()
        for name in ("sha1", "sha256", "sha512")
        for each in contents
    }


def small_tasks(made: Iterable[Leaking], failing: Iterable[str]) -> list[dict[str, Any]]:
    """A task for each template, which logs what it prints, or fails with what cannot be printed."""
    log = f"{CORE}.log.Log"
    shown = [{"id": f"log{n}", "type": log, "message": f"it is {each.template}!"} for n, each in enumerate(made)]
    broken = [{"id": f"no{n}", "type": log, "message": text, "allowFailure": True} for n, text in enumerate(failing)]
    return [*shown, *broken]


def large_tasks(printed: Sequence[str], prefix: str = "") -> list[dict[str, Any]]:
    """Tasks that give what the templates print to programs, outputs, errors, metrics, loops and names of files."""
    variables = {f"LEAK{number}": template for number, template in enumerate(printed)}
    cut = "{{ secret('S') | slice(%d, 9) | replace({'/': '_'}) }}"
    names = {f"name{number}.txt {cut % number}": "" for number in range(3)}
    shell = ["env", 'set -x; : "$LEAK0" "$LEAK1"', 'printf "%s\\n" "$LEAK0" >&2']
    long = "{{ (secret('S') ~ secret('S') ~ secret('S')) | upper }}"
    both = "{{ taskrun.value }} {{ taskrun.value | sha1 }}"
    error = " ".join(printed)
    rounds = [
        {
            "id": f"{prefix}round",
            "type": f"{CORE}.log.Log",
            "message": both,
        },
        {"id": f"{prefix}files", "type": f"{CORE}.storage.LocalFiles", "inputs": names, "outputs": ["*"]},
    ]
    return [
        {"id": f"{prefix}values", "type": f"{CORE}.output.OutputValues", "values": variables},
        {
            "id": f"{prefix}error",
            "type": f"{CORE}.execution.Fail",
            "errorMessage": error,
            "allowFailure": True,
        },
        {"id": f"{prefix}shell", "type": f"{SCRIPTS}.shell.Commands", "env": variables, "commands": shell},
        {"id": f"{prefix}returned", "type": f"{CORE}.debug.Return", "format": "{{ secret('S') | upper }}"},
        {"id": f"{prefix}long", "type": f"{CORE}.debug.Return", "format": long},
        {
            "id": f"{prefix}late",
            "type": f"{CORE}.log.Log",
            "message": f"{{{{ outputs.{prefix}returned.value | sha256 }}}}",
        },
        {"id": f"{prefix}each", "type": f"{CORE}.flow.ForEach", "values": list(printed), "tasks": rounds},
    ]


def seen_in(needles: set[str], texts: Mapping[str, str]) -> list[str]:
    """Where something is seen that must not be, with what it is."""
    return [f"{where}: {needle!r}" for where, text in texts.items() for needle in sorted(needles) if needle in text]


def strings(data: object) -> Iterator[str]:
    """Every text in data, keys included."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for key, value in data.items():
            yield from (*strings(key), *strings(value))
    elif isinstance(data, list | tuple):
        for item in data:
            yield from strings(item)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
