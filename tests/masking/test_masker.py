"""Hiding values in text and data."""

from __future__ import annotations

import base64
import json
import shlex
import threading
import time
import unicodedata
from html import escape
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wdprefect.masking import MASK, Masker

SECRET = 'p&ss "w\'rd"/\u00e9'
PEM = "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n"


def masker(*values: str) -> Masker:
    made = Masker()
    for value in values:
        made.register(value)
    return made


@pytest.mark.parametrize(
    ("values", "text", "expected"),
    [
        pytest.param(["hunter2x"], "a hunter2x b hunter2x", f"a {MASK} b {MASK}", id="each time"),
        pytest.param(["hunter2x"], "ahunter2xb", f"a{MASK}b", id="inside of words"),
        pytest.param(["hunter2x", "hunter2xyz"], "hunter2xyz hunter2x", f"{MASK} {MASK}", id="one holds the other"),
        pytest.param(["abcdefgh", "efghijkl"], "xabcdefghijkly", f"x{MASK}y", id="overlapping"),
        pytest.param(["abcdefgh", "bcdefg"], "abcdefgh bcdefg", f"{MASK} {MASK}", id="one inside of the other"),
        pytest.param(["aaaaaa"], "aaaaaaaaaa", MASK, id="overlapping with itself"),
        pytest.param(["abcdef", "ghijkl"], "abcdefghijkl", MASK + MASK, id="side by side"),
        pytest.param([".*(+)[a-z]\\d"], "x.*(+)[a-z]\\dx any", f"x{MASK}x any", id="signs of regular expressions"),
        pytest.param(["  padded  "], "is padded", f"is {MASK}", id="without the blanks around it"),
        pytest.param(["caf\u00e9 au lait"], "cafe\u0301 au lait", MASK, id="accents of another system"),
        pytest.param(["\udce9\udcff\udc80abc"], "x \udce9\udcff\udc80abc", f"x {MASK}", id="bytes that are no UTF-8"),
        pytest.param(["one-line\nand-two"], "one-line\r\nand-two", MASK, id="other line ends"),
        pytest.param(["ab\ncd\nef"], "ab\r\ncd\r\nef", MASK, id="short lines, other line ends"),
        pytest.param(["abcdefghij"], "'abcdefg\u2026' is", f"'{MASK}\u2026' is", id="cut off"),
        pytest.param(["abcdefghij"], "abcdefg... abcdefg", f"{MASK}... abcdefg", id="cut off with dots, and not"),
        pytest.param(["abcdefghij"], "abcde\u2026", "abcde\u2026", id="cut off too early to count"),
        pytest.param(["abc"], "abc", "abc", id="too short"),
        pytest.param(["true", "None", "FALSE"], "true None FALSE", "true None FALSE", id="common words"),
        pytest.param(["1234"], "1234 '1234' x=1234, 2026-1234", f"{MASK} '{MASK}' x={MASK}, 2026-{MASK}", id="a PIN"),
        pytest.param(["1234"], "12345 01234 a1234b", "12345 01234 a1234b", id="a PIN inside of others"),
        pytest.param(["pass"], "password bypass pass", f"password bypass {MASK}", id="a word inside of others"),
        pytest.param(["secret-key"], "********secret-key", "********" + MASK, id="beside a mask"),
    ],
)
def test_text(values: list[str], text: str, expected: str) -> None:
    """Each value is replaced by a mask of fixed width, wherever it stands and whatever stands around it."""
    assert expected == masker(*values).hide(text)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(json.dumps(SECRET), id="JSON"),
        pytest.param(json.dumps(SECRET, ensure_ascii=False), id="JSON beyond ASCII"),
        pytest.param(repr(SECRET), id="Python"),
        pytest.param(quote(SECRET), id="URL path"),
        pytest.param(quote(SECRET, safe=""), id="URL part"),
        pytest.param(quote_plus(SECRET), id="form"),
        pytest.param(quote(SECRET, safe="!'()*"), id="URL as JavaScript has it"),
        pytest.param(quote(SECRET, safe="/=@,"), id="storage URI"),
        pytest.param(escape(SECRET), id="HTML"),
        pytest.param(escape(SECRET, quote=False), id="XML text"),
        pytest.param(shlex.quote(SECRET), id="shell, by Python"),
        pytest.param("'" + SECRET.replace("'", "'\\''") + "'", id="shell"),
        pytest.param(unicodedata.normalize("NFD", SECRET), id="decomposed"),
    ],
)
def test_spellings(written: str) -> None:
    """A value is found however formats and programs write it."""
    hidden = masker(SECRET).hide(f"x={written}.")
    assert MASK in hidden
    assert not {"ss", "rd"} & {hidden[i : i + 2] for i in range(len(hidden))}


@given(st.binary(max_size=7), st.text(st.characters(codec="utf-8"), min_size=8, max_size=40), st.binary(max_size=7))
def test_base64(before: bytes, secret: str, behind: bytes) -> None:
    """A value inside of what is encoded in base64 is hidden there, but for what it shares with its neighbours."""
    known = masker(secret)
    if not known.is_secret(secret):
        return
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(before + secret.encode() + behind).decode()
        hidden = known.hide(f"Basic {whole}")
        # Six bits a character: two at each end may belong to a neighbour, and padding.
        assert len(hidden.replace(MASK, "").removeprefix("Basic ")) <= (len(before) + len(behind)) * 8 / 6 + 6


def test_base64_in_lines() -> None:
    """A long value is found where a program wrote its base64 in lines."""
    secret = "".join(map(str, range(90)))
    text = base64.encodebytes(secret.encode()).decode()
    assert {MASK} == set(masker(secret).hide(text.rstrip("\n=")).split())


def test_lines() -> None:
    """Each line of a value is hidden, also without its indentation, but for lines that are too short."""
    known = masker(f"  first-line\nab\n{PEM}")
    for line in ["first-line", *PEM.split("\n")[:-1]]:
        assert f"> {MASK}" == known.hide(f"> {line}")
    assert "ab" == known.hide("ab")


@pytest.mark.parametrize(
    ("made", "source", "hidden", "shown"),
    [
        pytest.param("SIXSIX", "", ["SIXSIX"], [], id="six characters"),
        pytest.param("FIVES", "", [], ["FIVES"], id="five characters"),
        pytest.param("said openly", "{{ 'said openly' }}", [], ["said openly"], id="stands in the template"),
        pytest.param(12345678, "", [], ["12345678"], id="a number"),
        pytest.param(True, "", [], ["True"], id="a boolean"),
        pytest.param(None, "", [], ["None"], id="nothing"),
        pytest.param("one line\nanother line", "", ["one line", "another line"], ["line"], id="each line"),
        pytest.param({"password": ["abcdefg", 1]}, "", ["abcdefg"], ["password"], id="texts in maps, not their keys"),
    ],
)
def test_learn(made: Any, source: str, hidden: list[str], shown: list[str]) -> None:
    """What was made of a secret is hidden from six characters on, unless it stands in the text that made it."""
    known = Masker()
    known.learn(made, source)
    assert [MASK] * len(hidden) == [known.hide(text) for text in hidden]
    assert shown == [known.hide(text) for text in shown]


def test_data() -> None:
    """Every text in data is hidden, keys too, and no two entries become one; long numbers count, short ones do not."""
    known = masker("hunter2x", "hunter3x", "867530", "1234")
    data = {"hunter2x": 1, "hunter3x": [{"k": "a hunter2x"}], "n": 867530, "m": 1234, "o": None, "b": True}
    expected = {MASK: 1, f"{MASK} 2": [{"k": f"a {MASK}"}], "n": MASK, "m": 1234, "o": None, "b": True}
    assert expected == known.hide_in(data)
    assert data is Masker().hide_in(data) or data == Masker().hide_in(data)


@given(
    st.lists(st.text(min_size=1, max_size=12), max_size=8), st.lists(st.integers(0, 7), max_size=8), st.text(max_size=3)
)
def test_any_text(values: list[str], order: list[int], between: str) -> None:
    """Of any values in any text, none of six characters or more is left; a text without values stays as it is."""
    known = masker(*values)
    text = between.join(values[i] for i in order if i < len(values))
    hidden = known.hide(text)
    long = [value for value in values if len(value.strip()) >= 6 and MASK[0] not in value]
    assert [] == [value for value in long if value in hidden and value.casefold() != "undefined"]
    if not any(known.is_secret(value) for value in values):
        assert text == hidden


def test_nothing_registered() -> None:
    """Without secrets a text is the very same, and costs nothing."""
    text = "x" * 1000
    assert text is Masker().hide(text)
    assert text is masker("hunter2x").hide(text)


def test_threads() -> None:
    """Values may be registered while others hide: whoever hides after a registration hides that value."""
    known = Masker()
    leaks: list[str] = []

    def work(number: int) -> None:
        for i in range(60):
            value = f"secret-{number}-{i}-{'x' * i}"
            known.register(value)
            if MASK != known.hide(value):
                leaks.append(value)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [] == leaks


@pytest.mark.parametrize("count", [1, 100, 3_000])
def test_speed(count: int) -> None:
    """Ten thousand lines are hidden in a moment, whether one secret is known or thousands, registered one by one."""
    lines = [f"2026-11-23T13:31:31 INFO connection {i} to https://host/path?q={i * 7919} done" for i in range(10_000)]
    began = time.process_time()
    known = Masker()
    for i in range(count):
        known.register(f"{i * 2_654_435_761 % 2**32:x}-secret&{i}")
        known.hide(lines[i])
    hidden = [known.hide(line) for line in lines]
    # Measured: 0.05, 0.2 and 0.4 s.
    assert 5 > time.process_time() - began
    assert lines == hidden
