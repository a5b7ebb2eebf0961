"""Words of errors without secrets."""

from __future__ import annotations

import traceback

import pytest

from wdprefect.errors import ExpressionError, InvalidInput, StorageError, TaskFailed
from wdprefect.masking import MASK, Masker, hide_shared, without_secrets


@pytest.mark.parametrize(
    ("message", "texts", "expected"),
    [
        pytest.param("'abcdefgh' is no date", ["abcdefgh"], f"'{MASK}' is no date", id="whole"),
        pytest.param("'abcdef' is no date", ["xabcdefghij"], f"'{MASK}' is no date", id="a part"),
        pytest.param("'abcdefg' and 'cdefghi'", ["abcdefg", "cdefghi"], f"'{MASK}' and '{MASK}'", id="two"),
        pytest.param("unknown unit 'ABCDEF'", ["abcdef"], f"unknown unit '{MASK}'", id="in another case"),
        pytest.param("it is no date", ["abcdefgh"], "it is no date", id="nothing of it"),
        pytest.param("'abcde' is no date", ["abcde"], "'abcde' is no date", id="too short to count"),
        pytest.param("x" * 3_000, ["abcdefgh"], MASK, id="a message that is an output"),
        pytest.param("\u0130 abcdefgh", ["abcdefgh"], MASK, id="a letter whose other case has two"),
    ],
)
def test_shared(message: str, texts: list[str], expected: str) -> None:
    """A message loses every stretch of six characters that it has from one of the texts."""
    assert expected == hide_shared(message, texts)


@pytest.mark.parametrize(
    "error",
    [
        StorageError("no file 'hunter2x'", "kestra:///hunter2x"),
        InvalidInput("a", "hunter2x is no number"),
        ExpressionError("unable to find 'hunter2x'", "undefined", "hunter2x"),
        TaskFailed("hunter2x", exit_status=3, last_lines=["hunter2x"]),
        KeyError("hunter2x"),
        UnicodeDecodeError("utf-8", b"hunter2x", 0, 1, "hunter2x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors(error: Exception) -> None:
    """An error with a secret is replaced by one of its kind, or by one that names its kind, without it."""
    masker = Masker()
    masker.register("hunter2x")
    found = without_secrets(error, masker)
    assert "hunter2x" not in f"{found} {found!r} {vars(found)} {found.args}"
    assert type(error).__name__ in f"{type(found).__name__} {found}"


def test_causes() -> None:
    """A secret in what caused an error, or in what it was raised in, is not shown with it either."""
    masker = Masker()
    masker.register("hunter2x")

    def raised(*, chained: bool) -> Exception:
        cause = ValueError("about hunter2x")
        try:
            try:
                raise cause
            except ValueError as inner:
                raise RuntimeError("innocent") from inner if chained else TypeError("harmless")
        except RuntimeError as error:
            return error

    for each in (raised(chained=True), raised(chained=False)):
        try:
            raise without_secrets(each, masker)
        except RuntimeError as error:
            shown = "".join(traceback.format_exception(error))
        assert "innocent" in shown
        assert "hunter2x" not in shown


def test_innocent() -> None:
    """An error without a secret is the very same, with what caused it."""
    error = ValueError("fine")
    error.__cause__ = KeyError("too")
    masker = Masker()
    masker.register("hunter2x")
    assert error is without_secrets(error, masker)
