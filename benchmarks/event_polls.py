"""A poll of keys that are all known, against a bare listing of them, in turn; and the memory that polling takes.

Bare is a client of boto3 as it comes; beside it stands a bare listing by the poll's client, which reads times faster.
The server is `canned_listing`, whose answers cost next to nothing and come at once: what the clients take is nearly all
that is measured.

`python -m benchmarks.event_polls PORT BOOK ROUNDS` is the process that is measured.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from benchmarks.event_sides import load
from wdprefect.intake.book import open_book
from wdprefect.intake.sources.poll import Poller
from wdprefect.intake.watch import Watch, Watched
from wdprefect.storage.s3_client import make_client

FEW, MANY, ROUNDS = 10_000, 100_000, 5
STATE_KEY = "benchmark"


def print_polls(folder: Path) -> None:
    """Print the times and ratios, and the memory."""
    folder.mkdir()
    for keys in (FEW, MANY):
        with _server(keys) as port:
            command = [sys.executable, "-m", "benchmarks.event_polls", str(port), f"sqlite:///{folder}/{keys}.db"]
            done = subprocess.run([*command, str(ROUNDS)], check=True, capture_output=True, text=True)
        found = json.loads(done.stdout)
        ratio, fast = (_ratio(found["poll"], found[name]) for name in ("bare", "fast"))
        name = f"poll of {keys:,} known keys, canned server"
        times = f"{median(found['poll']):.2f} s, bare listing {median(found['bare']):.2f} s: {ratio:.2f} x"
        times += f" ({fast:.2f} x of one by the same client)"
        memory = f"RSS {found['start']:.0f} MiB before, {found['rss']:.0f} after, at most {found['peak']:.0f}"
        print(f"{name:42} {times}, {memory}, first poll {found['first']:.1f} s, {load()}", flush=True)


def _ratio(polls: list[float], others: list[float]) -> float:
    return median(poll / other for poll, other in zip(polls, others, strict=True))


@contextmanager
def _server(keys: int) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.canned_listing", str(keys)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout, "it is a pipe"
        yield int(server.stdout.readline())
        assert server.stdin, "as above"
        server.stdin.close()


def main() -> None:
    """Poll, and print what it took."""
    port, url, rounds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    bare, fast = _clients(port)
    found: dict[str, Any] = {"poll": [], "bare": [], "fast": []}
    with closing(open_book(url)) as book:
        book.enroll(STATE_KEY, "benchmark", "arrived")

        def show(objects: Any) -> Any:
            return book.observe(STATE_KEY, "CREATE_OR_UPDATE", objects, source="poll", ttl=timedelta(days=30))

        poller = Poller(Watched(Watch("bucket"), fast, show))
        found["start"] = _memory("VmRSS")
        found["first"] = _timed(poller.poll)
        # The others come later here and first there: none always finds what another has warmed.
        for number in range(rounds):
            works = [("poll", poller.poll), ("bare", lambda: _list(bare)), ("fast", lambda: _list(fast))]
            for name, work in works if number % 2 else works[::-1]:
                found[name].append(_timed(work))
        found["rss"], found["peak"] = _memory("VmRSS"), _memory("VmHWM")
    print(json.dumps(found))


def _clients(port: int) -> tuple[Any, Any]:
    import boto3  # a quarter of a second

    endpoint = f"http://127.0.0.1:{port}"
    # The fast client changes how its session reads times.
    plain, ours = (_session(boto3) for _ in range(2))
    return plain.client("s3", endpoint_url=endpoint), make_client(ours, endpoint_url=endpoint)


def _session(boto3: Any) -> Any:
    return boto3.session.Session("test", "test", region_name="us-east-1")


def _list(client: Any) -> int:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="bucket")
    return sum(len(page["Contents"]) for page in pages)


def _timed(work: Any) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def _memory(name: str) -> float:
    """Of this process, in MiB."""
    found = re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found, "Linux says so of each process"
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
