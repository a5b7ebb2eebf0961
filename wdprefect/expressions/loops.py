"""`{% for %}` while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic
from typing import TYPE_CHECKING, Any

from wdprefect.expressions.limits import LOOP_SECONDS, too_much

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope


class Loop:
    """The rounds of a loop; `empty` tells whether its else part is due."""

    def __init__(self, scope: Scope, name: str, values: list[Any] | None) -> None:
        self._scope, self._name, self._values = scope, name, values or []
        self.empty = values is not None and not values

    def __iter__(self) -> Iterator[None]:
        saved = self._scope.scopes
        length = len(self._values)
        # One scope for the whole loop: what `set` makes in a round is there in the next.
        inner: dict[str, Any] = {}
        self._scope.scopes = (inner, *saved)
        for index, value in enumerate(self._values):
            if monotonic() > self._scope.end:
                raise too_much(f"the loops take longer than {LOOP_SECONDS:.0f} seconds")
            inner["loop"] = {
                "index": index,
                "revindex": length - index - 1,
                "first": index == 0,
                "last": index == length - 1,
                "length": length,
            }
            inner[self._name] = value
            yield
        self._scope.scopes = saved
