"""What must not be seen, and hiding it.

A run has one `Masker`. Whoever obtains a secret's value registers it there; whoever keeps text (logs, errors,
artifacts, the ledger, results) sends it through `hide` first.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

MASK = "********"
# Shorter values would blacken whole logs: every `1` or `yes` of the text.
SHORTEST = 4


class Masker:
    """Values that are secret in one run, and the hiding of them in text and data. Safe to use from several threads."""

    def __init__(self) -> None:
        self._values: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self._lock = threading.Lock()

    def register(self, value: str) -> None:
        """Hide `value` from now on, and each of its lines; values under four characters are not hidden."""
        found = {part for part in (value, value.strip(), *value.splitlines()) if len(part.strip()) >= SHORTEST}
        with self._lock:
            if found <= self._values:
                return
            self._values |= found
            # The longest first, so that a secret which contains another one is hidden whole.
            self._pattern = re.compile("|".join(re.escape(v) for v in sorted(self._values, key=len, reverse=True)))

    def hide(self, text: str) -> str:
        """The text with a fixed mask in place of each registered value."""
        pattern = self._pattern
        return pattern.sub(MASK, text) if pattern else text

    def hide_in(self, value: Any) -> Any:
        """The same data with every text in it hidden, keys of mappings included."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, Mapping):
            return {self.hide_in(k): self.hide_in(v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.hide_in(v) for v in value]
        return value
