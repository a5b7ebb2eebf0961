"""From an object to the first line of user code, and how many runs end in a second: the figures of each side."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import Any

import httpx

from benchmarks.event_sides import Place, Side, ask
from wdprefect.intake.book import open_book

WAIT_SECONDS = 300.0
PUTTERS = 8


@dataclass(frozen=True)
class Starts:
    """When objects were stored, by key, and when the first line of their runs ran; seconds since 1970."""

    put: dict[str, float]
    ran: dict[str, float]

    @property
    def seconds(self) -> list[float]:
        """From one to the other."""
        return sorted(self.ran[key] - at for key, at in self.put.items() if key in self.ran)

    def percentile(self, percent: int) -> float:
        """So many of a hundred were as fast. The objects whose run never came are the slowest."""
        place = -(-len(self.put) * percent // 100) - 1
        return self.seconds[place] if place < len(self.seconds) else float("inf")


def warm_up(side: Side) -> None:
    """The first run pays for much that the later ones do not."""
    side.put("warm-up")
    _ran(side, ["warm-up"])
    time.sleep(2)


def one_by_one(side: Side, count: int, every: float) -> Starts:
    """So many objects, each so many seconds after the one before."""
    put: dict[str, float] = {}
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number * every - time.monotonic()))
        key = f"single-{number}"
        # Before: the object is there before the answer is.
        put[key] = time.time()
        side.put(key)
    return Starts(put, _ran(side, list(put)))


def at_once(place: Place, side: Side, count: int) -> float:
    """Runs in a second, from the first put to the end of the last run; those that never ended lower it."""
    began = time.time()
    with ThreadPoolExecutor(PUTTERS) as pool:
        list(pool.map(side.put, [f"burst-{number}" for number in range(count)]))
    ended: list[float] = []
    runs: list[dict[str, Any]] = []
    while len(ended) < count and time.time() < began + WAIT_SECONDS:
        time.sleep(1)
        # A server that is busy with runs may not answer for a while.
        with suppress(httpx.HTTPError):
            runs = _flow_runs(place, side, limit=count)
        # The limit leaves out those of before: they have begun earlier.
        done = [run for run in runs if run["state_type"] == "COMPLETED" and _seconds(run["start_time"]) > began]
        ended = [_seconds(run["end_time"]) for run in done]
    return len(ended) / (max(ended) - began) if ended else 0.0


def timeline(place: Place, side: Side, starts: Starts) -> dict[str, tuple[float, float]]:
    """What lies between a put and the first line of a listener's runs: the median, and of the slowest; in seconds."""
    if side.state_key is None:
        return {}
    runs = {run["id"]: run for run in _flow_runs(place, side, limit=200)}
    steps: list[dict[str, float]] = []
    with closing(open_book(place.book)) as book:
        for one in book.objects(side.state_key, limit=200):
            if one.seen.key not in starts.ran or one.run_id not in runs:
                continue
            at = {"put": starts.put[one.seen.key]}
            at |= {happening.status: happening.at.timestamp() for happening in book.history(one.id)}
            run = runs[one.run_id]
            at |= {"created": _seconds(run["created"]), "running": _seconds(run["start_time"])}
            at["first line"] = starts.ran[one.seen.key]
            steps.append({f"{before} > {after}": at[after] - at[before] for before, after in pairwise(STEPS)})
    slowest = max(steps, key=lambda one: sum(one.values()))
    return {name: (median(one[name] for one in steps), slowest[name]) for name in slowest}


# started: the book says that there is a run.
STEPS = ("put", "seen", "claimed", "staged", "created", "started", "running", "first line")


def _ran(side: Side, keys: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    end = time.monotonic() + WAIT_SECONDS
    while len(found) < len(keys) and time.monotonic() < end:
        time.sleep(0.2)
        for key in keys:
            file = side.out / key
            if key not in found and file.exists() and (written := file.read_text().strip()):
                found[key] = float(written)
    return found


def _flow_runs(place: Place, side: Side, limit: int) -> list[dict[str, Any]]:
    body = {"flows": {"name": {"any_": [side.flow]}}, "sort": "START_TIME_DESC", "limit": limit}
    runs: list[dict[str, Any]] = ask(place, "flow_runs/filter", body)
    return runs


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()
