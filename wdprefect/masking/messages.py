"""Words of errors without what a secret may have put into them."""

from __future__ import annotations

import copy
import traceback
from collections.abc import Iterable

from wdprefect.errors import WdprefectError
from wdprefect.masking.masker import MASK, SHORTEST_DERIVED, Masker

# Longer messages are repeated output, and not worth the search.
_LONGEST_MESSAGE = 2_000


def hide_shared(message: str, texts: Iterable[str]) -> str:
    """The message with a mask for each stretch, of six characters or more, that also stands in one of the texts.

    In whatever case: names of units, types and the like are compared in one.
    """
    known = [text.lower() for text in texts if len(text) >= SHORTEST_DERIVED]
    if not known:
        return message
    folded = message.lower()
    # There are letters whose other case takes two.
    if len(message) > _LONGEST_MESSAGE or len(folded) != len(message):
        return MASK
    shared = [False] * len(message)
    for start in range(len(message) - SHORTEST_DERIVED + 1):
        stretch = folded[start : start + SHORTEST_DERIVED]
        if any(stretch in text for text in known):
            shared[start : start + SHORTEST_DERIVED] = [True] * SHORTEST_DERIVED
    before = [False, *shared]
    shown = (
        character if not is_shared else "" if before[index] else MASK
        for index, (character, is_shared) in enumerate(zip(message, shared, strict=True))
    )
    return "".join(shown)


def without_secrets(error: Exception, masker: Masker) -> Exception:
    """The error itself, or one like it where a secret stands in its words or in those of what caused it.

    What caused it is not shown with such a one, wherever it is raised.
    """
    told = "".join(traceback.format_exception(error))
    if masker.hide(told) == told:
        return error
    if not isinstance(error, WdprefectError):
        found: Exception = RuntimeError(masker.hide(f"{type(error).__name__}: {error}"))
    else:
        found = copy.copy(error)
        found.args = tuple(masker.hide_in(list(error.args)))
        vars(found).update({name: masker.hide(v) if isinstance(v, str) else v for name, v in vars(error).items()})
    # Set at all, it keeps what an error is raised in from being shown.
    found.__cause__ = None
    return found.with_traceback(error.__traceback__)
