"""Implementations of the ports that keep everything in memory, for tests of any room."""

from __future__ import annotations

import hashlib
import io
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from wdprefect.errors import StorageError
from wdprefect.model.ports import Level, StoredEntry, StoredFile


class MemoryStorage:
    """The port Storage without a disk; `files` holds the content by URI."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put(self, uri: str, source: Path | bytes) -> StoredFile:
        content = source if isinstance(source, bytes) else source.read_bytes()
        with self._lock:
            self.files[uri] = content
        return StoredFile(uri, len(content), hashlib.sha256(content).hexdigest())

    def get(self, uri: str, target: Path) -> None:
        content = self.read(uri)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def open(self, uri: str) -> BinaryIO:
        return io.BytesIO(self.read(uri))

    def read(self, uri: str) -> bytes:
        with self._lock:
            if uri not in self.files:
                raise StorageError(f"there is no file '{uri}'", uri)
            return self.files[uri]

    def exists(self, uri: str) -> bool:
        with self._lock:
            return uri in self.files

    def size(self, uri: str) -> int:
        return len(self.read(uri))

    def find(self, uri: str) -> StoredEntry | None:
        return StoredEntry(uri, self.size(uri), datetime.fromtimestamp(0, timezone.utc)) if self.exists(uri) else None

    def entries(self, prefix: str) -> list[StoredEntry]:
        return [entry for uri in self.list(prefix) if (entry := self.find(uri))]

    def list(self, prefix: str) -> list[str]:
        with self._lock:
            return sorted(uri for uri in self.files if uri.startswith(prefix))

    def delete(self, uri: str) -> bool:
        with self._lock:
            return self.files.pop(uri, None) is not None


class MemoryLog:
    """The port TaskLog; `lines` holds what was written, in order."""

    def __init__(self) -> None:
        self.lines: list[tuple[Level, str]] = []

    def write(self, level: Level, message: str) -> None:
        self.lines.append((level, message))
