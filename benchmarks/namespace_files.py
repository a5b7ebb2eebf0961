"""Namespace files into a working directory, against a plain copy of the folder and a plain download with boto3.

200 files of 20 KB; the figures are medians of ROUNDS. A first load finds an empty cache, a second one finds what the
first has left. The S3 server is that of the tests: `scripts/test-servers.sh` installs it.
`python -m benchmarks.namespace_files [ROUNDS]`
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from tests.servers.s3 import running
from wdprefect.model.ports import NamespaceFiles
from wdprefect.storage.content import MIB
from wdprefect.storage.content_store import ContentStore
from wdprefect.storage.local import LocalStorage
from wdprefect.storage.namespace_folder import NamespaceFolder
from wdprefect.storage.namespace_sync import difference, push
from wdprefect.storage.namespaces import StoredNamespaces
from wdprefect.storage.s3 import S3Storage
from wdprefect.workspace.directory import Directory
from wdprefect.workspace.namespace_files import Selection, write_namespace_files

FILES, BYTES = 200, 20_000
NAMESPACE, BUCKET = "company.team", "benchmark"


@dataclass(frozen=True)
class Case:
    """Something to time: it is given a number of its own for each round."""

    name: str
    work: Callable[[int], object]


def main() -> None:
    """Print a row per case."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cases = list(namespace_files(folder, stack))
        found: dict[str, list[float]] = {case.name: [] for case in cases}
        for number in range(rounds):
            for case in cases:
                began = perf_counter()
                case.work(number)
                found[case.name].append(perf_counter() - began)
    for name, seconds in found.items():
        print(f"{name:45} {median(seconds) * 1000:8.1f} ms")


def namespace_files(folder: Path, stack: ExitStack) -> Iterator[Case]:
    """The cases, in the order in which one leaves to the next what it needs."""
    source = folder / "namespaces" / NAMESPACE
    make_files(source)
    here = NamespaceFolder(folder / "namespaces")
    yield Case("copytree", lambda n: shutil.copytree(source, folder / f"copy{n}"))
    yield Case("namespaceFiles from the folder", lambda _: load(here, folder))
    kept = StoredNamespaces(LocalStorage(folder / "storage"))
    push(here, kept, difference(NAMESPACE, here, kept))
    yield Case("namespaceFiles from a local storage", lambda _: load(kept, folder))
    server = stack.enter_context(running(folder / "server"))
    if server is None:
        print("the S3 server does not start: no figures for it", file=sys.stderr)
        return
    client = stack.enter_context(server.client())
    client.create_bucket(Bucket=BUCKET)
    storage = S3Storage(client, BUCKET, "")
    push(here, StoredNamespaces(storage), difference(NAMESPACE, here, StoredNamespaces(storage)))
    yield Case("boto3, one file after another", lambda n: download(client, folder / f"download{n}"))

    def cached(number: int) -> StoredNamespaces:
        return StoredNamespaces(storage, ContentStore(folder / f"cache{number}", 1024 * MIB))

    yield Case("namespaceFiles from S3, first", lambda n: load(cached(n), folder))
    yield Case("namespaceFiles from S3, second", lambda n: load(cached(n), folder))


def make_files(folder: Path) -> None:
    """Files in ten folders, all different."""
    chance = random.Random(1)  # noqa: S311  only to differ
    for number in range(FILES):
        path = folder / f"folder{number % 10}" / f"file{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(BYTES))


def load(source: NamespaceFiles, root: Path) -> None:
    """What a task with an empty `namespaceFiles` does."""
    with Directory.create(root / "directories", "benchmark") as directory:
        count = write_namespace_files(directory, source, Selection([NAMESPACE]), print)
        assert count == FILES


def download(client: Any, target: Path) -> None:
    """What a script without this package does."""
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    for key in [item["Key"] for page in pages for item in page["Contents"]]:
        (target / key).parent.mkdir(parents=True, exist_ok=True)
        client.download_file(BUCKET, key, str(target / key))


if __name__ == "__main__":
    main()
