"""The Prefect blocks of one run or one listener."""

from __future__ import annotations

import threading
from typing import Any

from wdprefect.masking import Masker
from wdprefect.model.blocks import AwsAccount, FindBlock


class Blocks:
    """A FindBlock that loads each block once, and has its secrets hidden. Safe to use from several threads."""

    def __init__(self, find: FindBlock, masker: Masker) -> None:
        self._find, self._masker = find, masker
        self._found: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __call__(self, name: str) -> Any:
        # Tasks that begin together ask for the same one.
        with self._lock:
            if name not in self._found:
                self._found[name] = self._loaded(name)
            return self._found[name]

    def _loaded(self, name: str) -> Any:
        found = self._find(name)
        if isinstance(found, AwsAccount):
            for secret in found.secrets:
                self._masker.register(secret)
        return found
