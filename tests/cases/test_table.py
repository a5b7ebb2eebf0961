"""The table tests/cases.yaml: every known case has its tests, or says what it waits for."""

from __future__ import annotations

from pathlib import Path

from tests.named import is_test
from wdprefect.loader import read_yaml

# An id twice would be refused.
TABLE: dict[str, str | list[str]] = read_yaml(Path(__file__).parents[1].joinpath("cases.yaml").read_bytes())
# How many cases of each kind there are, numbered from 1 on.
KINDS = {
    "val": 7,
    "life": 10,
    "child": 18,
    "out": 11,
    "in": 16,
    "glob": 11,
    "lf": 3,
    "git": 14,
    "ns": 10,
    "cache": 12,
    "sh": 24,
    "proto": 13,
    "py": 5,
    "dk": 13,
    "st": 9,
    "kv": 5,
    "http": 4,
    "seed": 4,
}


def test_all_cases() -> None:
    """The table has every case once."""
    numbers = sorted("-".join(name.split("-")[:2]) for name in TABLE)
    assert sorted(f"{kind}-{number:03}" for kind, most in KINDS.items() for number in range(1, most + 1)) == numbers


def test_what_is_said_of_them() -> None:
    """A case names tests that there are, or in words what has to be built before it can have one."""
    assert [] == [(case, name) for case, found in TABLE.items() for name in _wrong(found)]


def _wrong(found: str | list[str]) -> list[str]:
    """What is wrong in a row: the names of tests that are none, or a text that says something else."""
    if isinstance(found, str):
        return [] if found.startswith("to come: ") else [found]
    return [name for name in found if not is_test(name)] if found else ["no test"]
