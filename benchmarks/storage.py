"""Files to S3 and back, against boto3 at its best and against prefect-aws' own methods.

A file of 1 GiB, and 1,000 of 4 KiB on a server that is 20 ms away. All cases run in turn; the figures are medians of
ROUNDS, the ratios medians of those within a round. The memory is that of a process of its own above what it has when it
has stored a small file. The S3 server is that of the tests: `scripts/test-servers.sh` installs it. It runs on the same
cores, and takes more of them than any of the clients.

`python -m benchmarks.storage [ROUNDS] [MIB]` (Linux)
"""

from __future__ import annotations

import logging
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from tests.servers.latency import far_away
from tests.servers.s3 import S3Server, running
from wdprefect.model.parallel import in_parallel
from wdprefect.storage.content import MIB
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.s3_client import make_client

FILES, BYTES = 1000, 4096
BUCKET = "benchmark"
AWAY_MILLISECONDS = 20
LARGE = "kestra:///large"
SMALL_THREADS = (16, 32)
# Says the most memory above what a small file takes, in MiB.
MEMORY = """
import re, sys
from pathlib import Path
from wdprefect.storage import open_storage

def peak():
    # Not what getrusage says, which begins with the memory of whoever has started this.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

storage, path = open_storage(sys.argv[1]), Path(sys.argv[2])
storage.put("kestra:///small", b"x")
storage.read("kestra:///small")
before = peak()
if sys.argv[3] == "up":
    storage.put("kestra:///memory", path)
elif sys.argv[3] == "down":
    storage.get("kestra:///large", path.with_name("memory"))
else:
    storage.put_many((f"kestra:///memory/{number}", b"x" * 4096) for number in range(10_000))
print(peak() - before)
"""


@dataclass(frozen=True)
class Case:
    """Something to time. group: what it is compared within; the first of a group is ours."""

    group: str
    name: str
    work: Callable[[], object]


def main() -> None:
    """Print a row per case, and the memory."""
    # Prefect says of each file that it comes.
    logging.disable(logging.INFO)
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    size = int(sys.argv[2]) if len(sys.argv) > 2 else 1024
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(running(folder / "server"))
        if server is None:
            sys.exit("the S3 server does not start: run scripts/test-servers.sh")
        client = stack.enter_context(client_of(server))
        client.create_bucket(Bucket=BUCKET)
        make_files(folder, size)
        # One after the other: with the garbage of both the server gets slow, or gives up.
        for cases in (list(large(server, folder, stack)), list(small(server, folder, stack))):
            print_times(measured(cases, rounds), cases)
        for what, kind in (("1 file up", "up"), ("1 file down", "down"), ("10,000 small files up", "many")):
            print(f"memory, {what:37} {memory(server, folder, kind):8.1f} MiB")


def measured(cases: list[Case], rounds: int) -> list[list[float]]:
    """The seconds of each case, of each round."""
    found: list[list[float]] = [[] for _ in cases]
    for _ in range(rounds):
        for case, seconds in zip(cases, found, strict=True):
            began = perf_counter()
            case.work()
            seconds.append(perf_counter() - began)
    return found


def print_times(found: list[list[float]], cases: list[Case]) -> None:
    """A row per case; how many times as long as ours it takes."""
    for case, seconds in zip(cases, found, strict=True):
        ours = next(times for other, times in zip(cases, found, strict=True) if other.group == case.group)
        ratio = median(own / our for own, our in zip(seconds, ours, strict=True))
        print(f"{case.group:12} {case.name:32} {median(seconds):8.2f} s {ratio:6.2f} x ours", flush=True)


def large(server: S3Server, folder: Path, stack: ExitStack) -> Iterator[Case]:
    """One large file up and down."""
    from boto3.s3.transfer import TransferConfig  # a quarter of a second, as all of boto3

    source, target = folder / "large", folder / "target"
    client = stack.enter_context(client_of(server))
    lean = stack.enter_context(client_of(server, request_checksum_calculation="when_required"))
    # Of its own: the storage changes how its client signs.
    storage, block = S3Storage(stack.enter_context(client_of(server)), BUCKET, ""), block_of(server)
    best = TransferConfig(multipart_chunksize=64 * MIB, max_concurrency=4)  # type: ignore[no-untyped-call]
    coarse = TransferConfig(  # type: ignore[no-untyped-call]
        multipart_chunksize=64 * MIB, max_concurrency=4, io_chunksize=MIB
    )
    path = str(source)
    yield Case("up", "wdprefect", lambda: storage.put(LARGE, source))
    yield Case("up", "boto3, 4 x 64 MiB", lambda: client.upload_file(path, BUCKET, "boto3", Config=best))
    yield Case("up", "boto3, no checksums of its own", lambda: lean.upload_file(path, BUCKET, "boto3", Config=best))
    bare = stack.enter_context(
        client_of(server, request_checksum_calculation="when_required", s3={"payload_signing_enabled": False})
    )
    yield Case("up", "boto3, nothing looked at", lambda: bare.upload_file(path, BUCKET, "boto3", Config=best))
    yield Case("up", "S3Bucket.upload_from_path", lambda: block.upload_from_path(path, "block", _sync=True))
    yield Case("down", "wdprefect", lambda: storage.get(LARGE, target))
    yield Case("down", "boto3, 4 x 64 MiB", lambda: client.download_file(BUCKET, "boto3", str(target), Config=best))
    yield Case("down", "boto3, writes of 1 MiB", lambda: client.download_file(BUCKET, "boto3", target, Config=coarse))
    yield Case(
        "down", "S3Bucket.download_object_to_path", lambda: block.download_object_to_path("block", target, _sync=True)
    )


def small(server: S3Server, folder: Path, stack: ExitStack) -> Iterator[Case]:
    """Many small files up and down, far away."""
    port = stack.enter_context(far_away(int(server.endpoint.rpartition(":")[2]), AWAY_MILLISECONDS))
    away = replace(server, endpoint=f"http://127.0.0.1:{port}")
    client = stack.enter_context(client_of(away))
    storage, block = S3Storage(stack.enter_context(client_of(away)), BUCKET, "small"), block_of(away)
    paths = sorted((folder / "small").iterdir())
    files = {f"kestra:///{path.name}": path for path in paths}
    yield Case("small up", "wdprefect", lambda: storage.put_many(files.items()))
    for threads in SMALL_THREADS:
        yield Case("small up", f"boto3, {threads} threads", partial(put_all, client, paths, threads))
    yield Case(
        "small up",
        "S3Bucket.upload_from_folder",
        lambda: block.upload_from_folder(folder / "small", "block", _sync=True),
    )
    got = folder / "got"
    got.mkdir()
    yield Case(
        "small down", "wdprefect", lambda: in_parallel(lambda uri: storage.get(uri, got / uri[10:]), list(files))
    )
    for threads in SMALL_THREADS:
        yield Case("small down", f"boto3, {threads} threads", partial(get_all, client, paths, got, threads))


def put_all(client: Any, paths: list[Path], threads: int) -> None:
    """What a script without this package does at its best."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda p: client.put_object(Bucket=BUCKET, Key=f"boto3/{p.name}", Body=p.read_bytes()), paths))


def get_all(client: Any, paths: list[Path], target: Path, threads: int) -> None:
    """As `put_all`, the other way."""

    def get(path: Path) -> None:
        body = client.get_object(Bucket=BUCKET, Key=f"boto3/{path.name}")["Body"]
        (target / path.name).write_bytes(body.read())

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(get, paths))


def make_files(folder: Path, mib: int) -> None:
    """The files to store, all different."""
    chance = random.Random(1)  # noqa: S311  only to differ
    with (folder / "large").open("wb") as file:
        for _ in range(mib):
            file.write(chance.randbytes(MIB))
    (folder / "small").mkdir()
    for number in range(FILES):
        (folder / "small" / f"file{number}.bin").write_bytes(chance.randbytes(BYTES))


@contextmanager
def client_of(server: S3Server, **settings: Any) -> Iterator[Any]:
    """A client as the package makes it, but for `settings`, which are those of a botocore Config."""
    import boto3  # as above
    from botocore.config import Config

    session = boto3.session.Session(  # type: ignore[no-untyped-call]  # boto3 has no types
        aws_access_key_id=server.access_key, aws_secret_access_key=server.secret_key, region_name="us-east-1"
    )
    client = make_client(session, endpoint_url=server.endpoint, config=Config(**settings) if settings else None)  # type: ignore[no-untyped-call]
    try:
        yield client
    finally:
        client.close()  # type: ignore[no-untyped-call]  # as above


def block_of(server: S3Server) -> Any:
    """An S3Bucket block, which needs no Prefect API."""
    from prefect_aws import AwsClientParameters, AwsCredentials, S3Bucket  # as above, and more

    credentials = AwsCredentials(
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="us-east-1",
        aws_client_parameters=AwsClientParameters(endpoint_url=server.endpoint),
    )
    return S3Bucket(bucket_name=BUCKET, credentials=credentials)


def memory(server: S3Server, folder: Path, kind: str) -> float:
    """The most memory of a process of its own above what a small file takes, in MiB."""
    command = [sys.executable, "-c", MEMORY, f"s3://{BUCKET}", str(folder / "large"), kind]
    done = subprocess.run(command, env=server.environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
