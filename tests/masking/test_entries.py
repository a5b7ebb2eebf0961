"""Maps that notice when a secret entry is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from wdprefect.execution.outputs import with_value
from wdprefect.masking import MASK, SECRETS_READ, Masker, SecretEntries, merged, secret_at, unguarded


def reads(of: Callable[[], object]) -> int:
    before = SECRETS_READ.get()
    of()
    return SECRETS_READ.get() - before


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        pytest.param(lambda m: m["key"], 1, id="by its name"),
        pytest.param(lambda m: m.get("key"), 1, id="get"),
        pytest.param(dict, 1, id="a copy"),
        pytest.param(lambda m: {**m}, 1, id="unpacked"),
        pytest.param({}.update, 1, id="update"),
        pytest.param(lambda m: list(m.items()), 1, id="items"),
        pytest.param(lambda m: list(m.values()), 1, id="values"),
        pytest.param(lambda m: m == {"key": "k", "host": "h"}, 1, id="compared"),
        pytest.param(lambda m: m["host"], 0, id="another entry"),
        pytest.param(lambda m: ("key" in m, len(m), list(m), repr(m), str(m)), 0, id="its names"),
        pytest.param(lambda m: Masker().hide_in(m), 0, id="hidden"),
        pytest.param(unguarded, 0, id="as plain data"),
    ],
)
def test_noticed(read: Callable[[Mapping[str, Any]], object], expected: int) -> None:
    """Whoever gets at the value of a secret entry is noticed, and nobody else."""
    entries = SecretEntries({"key": "k", "host": "h"}, ["key"])
    assert expected == reads(lambda: read(entries))


def test_no_dict() -> None:
    """What reads maps without asking them cannot: the C code of `json` refuses it, and its text shows no value."""
    entries = SecretEntries({"key": "value"}, ["key"])
    with pytest.raises(TypeError):
        json.dumps(entries)
    assert "value" not in repr(entries)


def test_at_paths() -> None:
    """Entries become secret by their paths, as far as they are there; maps around them stay as they are."""
    data = {"a": "x", "db": {"host": "h", "password": "p"}, "none": None}
    found = secret_at(data, [("a",), ("db", "password"), ("none",), ("gone",), ("gone", "too")])
    assert 2 == reads(lambda: (found["a"], found["db"]["password"]))
    assert 0 == reads(lambda: (found["db"]["host"], found["none"]))
    assert data is secret_at(data, [])
    assert data == unguarded(found)


def test_merged() -> None:
    """Of two maps together the second wins, be it with a secret or without."""
    secret, plain = SecretEntries({"a": 1, "b": 2}, ["a", "b"]), {"b": 3, "c": 4}
    assert 1 == reads(lambda: dict(merged(secret, plain)))
    assert 2 == reads(lambda: dict(merged(plain, secret)))
    assert {"a": 1, "b": 2, "c": 4} == dict(merged(plain, secret))
    assert type(merged(plain, plain)) is dict


def test_guarded() -> None:
    """What is a registered text and nothing more becomes a secret entry, at any depth; with other text it does not."""
    masker = Masker()
    masker.register("hunter2x")
    data = {"a": "hunter2x", "b": "a hunter2x", "c": [{"d": "hunter2x\n"}], "e": ["hunter2x"], "f": {"g": 1}}
    found = masker.guarded(data)
    assert data == found
    assert 1 == reads(lambda: found["a"])
    assert 0 == reads(lambda: (found["b"], found["f"]["g"]))
    assert (0, 1, 1) == (reads(lambda: found["c"]), reads(lambda: found["c"][0]["d"]), reads(lambda: found["e"]))
    assert data is Masker().guarded(data)


def test_outputs() -> None:
    """Outputs of tasks stay secret while those of others are added beside them."""
    guarded = SecretEntries({"value": "v"}, ["value"])
    data = with_value(with_value({}, ("a", "x"), guarded), ("a", "y"), {"value": 1})
    data = with_value(data, ("b",), {"value": 2})
    assert (1, 0) == (reads(lambda: data["a"]["x"]["value"]), reads(lambda: (data["a"]["y"]["value"], data["b"])))


def test_shown() -> None:
    """A secret entry is hidden however short it is."""
    assert {"pin": MASK, "n": 1} == Masker().hide_in(SecretEntries({"pin": "12", "n": 1}, ["pin"]))
