"""Objects that start runs, against an automation of Prefect with a process worker for the same flow, written by hand.

1. from the put to the first line of user code, one object after the other: the median, and 99 of a hundred;
2. objects that are there at once: how many runs end in a second;
3. objects that are listed: how many are claimed in a second;
4. a poll of 100,000 keys that are known, against a bare listing of them, and the memory that takes.

For the automation a loop sends an event of each object, at the moment at which it would be stored; storing it costs
that side nothing. Its objects come so slowly that its worker need not queue them. 1 and 2 on SQLite, and on PostgreSQL
where it is installed; the book lies in the same kind. 1 and 2 need `scripts/test-servers.sh`. The load of the machine
stands beside each figure: with more than there are cores, compare within one run only.

`python -m benchmarks.events [starts] [claims] [polls] [--database sqlite|postgresql] [--objects N] [--burst N]`
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.databases import DATABASES, Database, databases, installed
from benchmarks.event_claims import print_claims
from benchmarks.event_polls import print_polls
from benchmarks.event_runs import Starts, at_once, one_by_one, timeline, warm_up
from benchmarks.event_sides import Kind, Place, kinds, load
from tests.fire import Server
from tests.servers.ministack import Ministack, running
from wdprefect.on_prefect.server import ensure_server, stop_server

# By hand fewer, for it takes them more slowly; 60 of ours take a minute.
OBJECTS, BY_HAND, BURST = 60, 10, 40


def main() -> None:
    """Print the figures, as they are measured."""
    args = _arguments(sys.argv[1:])
    with ExitStack() as stack:
        folder = args.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wdprefect-events-")))
        store = stack.enter_context(running(folder / "store"))
        if store is None:
            sys.exit("the S3 server does not start: run scripts/test-servers.sh")
        if "starts" in args.parts:
            for database in args.database:
                with _place(folder, store, database) as place:
                    _print_starts(place, database, args)
        if "claims" in args.parts:
            print_claims(folder / "claims", store)
        if "polls" in args.parts:
            print_polls(folder / "polls")


def _arguments(given: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.events")
    parser.add_argument("parts", nargs="*", choices=["starts", "claims", "polls", []], default=[])
    parser.add_argument("--database", action="append", choices=DATABASES)
    parser.add_argument("--only", default="", help="the sides whose name has this in it")
    parser.add_argument("--folder", type=Path, help="a new one, which is kept with all logs")
    parser.add_argument("--objects", type=int, default=OBJECTS)
    parser.add_argument("--by-hand", type=int, default=BY_HAND)
    parser.add_argument("--burst", type=int, default=BURST)
    args = parser.parse_args(given)
    args.parts = args.parts or ["starts", "claims", "polls"]
    args.database = args.database or installed()
    return args


@contextmanager
def _place(folder: Path, store: Ministack, database: Database) -> Iterator[Place]:
    """A Prefect server of its own with such a database, and a book in another one."""
    own = folder / database
    own.mkdir()
    with databases(database, own) as urls, _server(own, urls.prefect) as api:
        yield Place(own, api, urls.book, store)


@contextmanager
def _server(folder: Path, database: str | None) -> Iterator[str]:
    """Its API. On SQLite it is the local server of `wdprefect`: Prefect's own stands still after half of all bursts."""
    if database is None:
        os.environ["WDPREFECT_HOME"] = str(folder / "server")
        try:
            yield ensure_server().api_url
        finally:
            stop_server()
        return
    prefect = Server(folder, database)
    try:
        prefect.start()
        yield prefect.url
    finally:
        prefect.kill()


def _print_starts(place: Place, database: str, args: argparse.Namespace) -> None:
    for kind in kinds():
        if args.only in kind.name:
            _print_side(replace(kind, name=f"{kind.name}, {database}"), place, args)


def _print_side(kind: Kind, place: Place, args: argparse.Namespace) -> None:
    with kind.open(place) as side:
        warm_up(side)
        starts = one_by_one(side, args.objects if side.state_key else args.by_hand, kind.every)
        print(f"{kind.name:42} {_words(starts)}, {load()}", flush=True)
        for name, (middle, slowest) in timeline(place, side, starts).items():
            print(f"{'':42}   {name:22} {middle:7.3f} s, of the slowest {slowest:7.3f} s")
        if args.burst:
            rate = at_once(place, side, args.burst)
            print(f"{kind.name:42} {args.burst} at once: {rate:.2f} runs/s, {load()}", flush=True)
    time.sleep(1)


def _words(starts: Starts) -> str:
    missing = len(starts.put) - len(starts.ran)
    figures = f"p50 {starts.percentile(50):.3f} s, p99 {starts.percentile(99):.3f} s of {len(starts.put)}"
    return f"{figures}, {missing} never ran" if missing else figures


if __name__ == "__main__":
    main()
