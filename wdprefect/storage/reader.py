"""Files by URI as a run reads them: of the internal storage, and of namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wdprefect.errors import StorageError
from wdprefect.model.ports import NamespaceFile, NamespaceFiles, Storage
from wdprefect.storage.uris import NSFILE_SCHEME, find_namespace_file, from_nsfile


@dataclass(frozen=True, slots=True)
class Reader:
    """The port Readable for `kestra:///…`, `nsfile:///path` in the namespace `home`, and `nsfile://namespace/path`."""

    storage: Storage
    namespaces: NamespaceFiles
    home: str

    def get(self, uri: str, target: Path) -> None:
        """Write the file to `target`, replacing what is there; missing folders are made."""
        address, named = self._address(uri)
        if named:
            self.namespaces.get([(self._file(address, *named), target)])
        else:
            self.storage.get(address, target)

    def read(self, uri: str) -> bytes:
        address, named = self._address(uri)
        return self.namespaces.read(self._file(address, *named)) if named else self.storage.read(address)

    def exists(self, uri: str) -> bool:
        address, named = self._address(uri)
        return self.namespaces.find(*named) is not None if named else self.storage.exists(address)

    def size(self, uri: str) -> int:
        """The size in bytes. Raises StorageError for a missing file."""
        address, named = self._address(uri)
        return self._file(address, *named).size if named else self.storage.size(address)

    def _address(self, uri: str) -> tuple[str, tuple[str, str] | None]:
        """The URI in the storage, and the namespace and path where it is a namespace's file."""
        address = from_nsfile(uri, self.home) if uri.startswith(NSFILE_SCHEME) else uri
        return address, find_namespace_file(address)

    def _file(self, uri: str, namespace: str, path: str) -> NamespaceFile:
        if (file := self.namespaces.find(namespace, path)) is None:
            place = self.namespaces.place(namespace)
            raise StorageError(f"the namespace '{namespace}' has no file '{path}' in {place}", uri)
        return file
