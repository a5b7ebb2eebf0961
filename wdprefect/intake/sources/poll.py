"""Listing a bucket and showing what is there: the source that misses nothing, behind every other one."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any

from wdprefect.errors import Unavailable
from wdprefect.intake.objects import SeenObject
from wdprefect.intake.sources.outcomes import Outcome, Report, fault_of
from wdprefect.intake.versions import look, seen, shows_version, versioning_of
from wdprefect.intake.watch import Shown, Watch, Watched, count
from wdprefect.model.stop import Stop

PERMISSION = "s3:ListBucket, in a versioned bucket s3:ListBucketVersions, and s3:GetBucketVersioning or s3:GetObject"
# How many objects of a page are asked for their version, where the bucket itself may not be asked.
_ASKED = 10
# How many versions of one key are put into order at most.
_ORDERED = 10_000
_LONGEST_PAUSE = timedelta(minutes=1)
_MOST_DOUBLINGS = 6


class Poller:
    """Shows all objects that are wanted, page by page, whenever it is asked to. For one thread at a time."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._is_versioned = False

    def watch(self, watched: Watched) -> None:
        """What is to be listed from now on."""
        self._is_versioned = self._is_versioned and watched.watch.bucket == self._watched.watch.bucket
        self._watched = watched

    def poll(self, stop: Stop | None = None) -> Shown:
        """List once, and say how much there was; a stop ends it after the request that is under way.

        In a versioned bucket each version is shown that is still there, older ones of a key first. Raises what boto3
        and `show` raise; what was shown before stays shown.
        """
        total = Shown()
        for listed, objects in self._pages():
            if stop and stop.requested:
                break
            total += count(listed, self._watched.show(objects) if objects else ())
        return total

    def _pages(self) -> Iterator[tuple[int, Sequence[SeenObject]]]:
        if not self._is_versioned:
            yield from self._current()
        # What was listed before the bucket began to keep versions has the same version in this listing.
        if self._is_versioned:
            yield from self._versions()

    def _current(self) -> Iterator[tuple[int, Sequence[SeenObject]]]:
        watch = self._watched.watch
        start = {"StartAfter": watch.marker} if watch.marker else {}
        for answer in _answers(self._watched.client.list_objects_v2, {**watch.listing, **start, "FetchOwner": True}):
            items = answer.get("Contents", ())
            # Asked after the listing: what was listed from a bucket without versions can have had none.
            is_versioned = self._keeps_versions(items)
            if is_versioned:
                self._is_versioned = True
                return
            found = () if is_versioned is None else items
            yield len(items), [seen(watch.bucket, item, version_id=None) for item in found if watch.wants(item["Key"])]

    def _keeps_versions(self, items: Sequence[Mapping[str, Any]]) -> bool | None:
        """Whether the bucket keeps versions; None where that cannot be known because all objects are gone."""
        client, watch = self._watched.client, self._watched.watch
        versioning = versioning_of(client, watch.bucket, owner=watch.owner)
        if versioning != "unknown":
            return versioning == "versioned"
        for item in items[:_ASKED]:
            answer = shows_version(client, watch.bucket, item["Key"], terms=watch.terms)
            if answer is not None:
                return answer
        return None

    def _versions(self) -> Iterator[tuple[int, Sequence[SeenObject]]]:
        watch = self._watched.watch
        start = {"KeyMarker": watch.marker} if watch.marker else {}
        held: list[SeenObject] = []
        for answer in _answers(self._watched.client.list_object_versions, {**watch.listing, **start}):
            items = answer.get("Versions", ())
            etags_hold = not _server(answer).startswith("SeaweedFS")
            versions = [_version(watch, item) for item in items if watch.wants(item["Key"])]
            held += versions if etags_hold else self._with_true_etags(versions)
            # The versions of the last key may go on in the next page, and these are the older ones.
            ready, held = _without_last_key(held) if answer.get("IsTruncated") else (held, [])
            yield len(items), _older_first(ready)

    def _with_true_etags(self, versions: Sequence[SeenObject]) -> list[SeenObject]:
        # SeaweedFS 4.48 lists objects from before the versions with other ETags than it gives them everywhere else,
        # where they came in parts or are folders.
        client, watch = self._watched.client, self._watched.watch
        found = [
            look(client, watch.bucket, one.key, "null", terms=watch.terms)
            if not one.version_id and ("-" in one.etag or one.key.endswith("/"))
            else one
            for one in versions
        ]
        return [
            dataclasses.replace(now, is_current=listed.is_current, details=listed.details)
            for now, listed in zip(found, versions, strict=True)
            if now
        ]


class Polling:
    """Polls at once, and again whenever the interval is over after the end of the last time.

    find_watched: says before each round what is to be listed.
    """

    def __init__(self, find_watched: Callable[[], Watched], interval: timedelta, report: Report) -> None:
        self._find_watched, self._interval, self._report = find_watched, interval, report
        self._poller: Poller | None = None
        self._soon = threading.Event()

    def soon(self) -> None:
        """Poll now instead of when the interval is over."""
        self._soon.set()

    def run(self, stop: Stop) -> None:
        """Poll until the stop; every round is reported. After errors the pauses grow, to a minute at most."""
        failures = 0
        with stop.calling(self._soon.set):
            while not stop.requested:
                self._soon.clear()
                outcome = self._round(stop, failures)
                failures = outcome.failures
                if stop.requested:
                    # It may have seen a part only.
                    return
                self._report(outcome)
                # Not cleared when the stop has come meanwhile: it came once.
                if not stop.requested:
                    self._soon.wait(self._pause(failures).total_seconds())

    def _round(self, stop: Stop, failures: int) -> Outcome:
        start = time.monotonic()
        name, doing = "poll", "find out what is to be listed"
        try:
            watched = self._find_watched()
            doing = f"list the bucket '{watched.watch.bucket}' at {watched.client.meta.endpoint_url}"
            self._poller = self._poller or Poller(watched)
            self._poller.watch(watched)
            shown = self._poller.poll(stop)
        except Exception as error:  # noqa: BLE001  # whatever it is, the owner is told and the next round comes
            fault = fault_of(error, doing, PERMISSION)
            return Outcome(name, Shown(), time.monotonic() - start, fault, failures + 1)
        return Outcome(name, shown, time.monotonic() - start)

    def _pause(self, failures: int) -> timedelta:
        if failures < 2:  # noqa: PLR2004  # one failure is no reason to wait longer
            return self._interval
        doublings = min(failures - 1, _MOST_DOUBLINGS)
        longer: timedelta = max(self._interval, timedelta(seconds=1)) * 2**doublings
        return min(longer, max(self._interval, _LONGEST_PAUSE))


def _answers(request: Any, parameters: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The pages of a listing. boto3's paginators cut the pages anew, and hide what the server said."""
    following: dict[str, Any] = {}
    while True:
        answer: Mapping[str, Any] = request(**{**parameters, **following})
        yield answer
        if not answer.get("IsTruncated"):
            return
        before, following = following, _following(answer)
        if not following or following == before:
            raise Unavailable("the server says that its listing goes on, and does not say where")


def _following(answer: Mapping[str, Any]) -> dict[str, Any]:
    names = {
        "ContinuationToken": "NextContinuationToken",
        "KeyMarker": "NextKeyMarker",
        "VersionIdMarker": "NextVersionIdMarker",
    }
    return {name: answer[theirs] for name, theirs in names.items() if answer.get(theirs)}


def _version(watch: Watch, item: Mapping[str, Any]) -> SeenObject:
    return seen(watch.bucket, item, version_id=item.get("VersionId"), is_current=bool(item.get("IsLatest")))


def _without_last_key(objects: list[SeenObject]) -> tuple[list[SeenObject], list[SeenObject]]:
    if not objects:
        return [], []
    last = objects[-1].key
    at = next(index for index, one in enumerate(objects) if one.key == last)
    return (objects[:at], objects[at:]) if len(objects) - at < _ORDERED else (objects, [])


def _older_first(objects: Sequence[SeenObject]) -> list[SeenObject]:
    """The versions of each key from the oldest to the current one; listings begin with the newest, as a rule.

    A page may begin with what the one before has ended with: each version is there once.
    """
    once = {(one.key, one.version): one for one in objects}.values()
    groups = (reversed(list(group)) for _, group in groupby(once, attrgetter("key")))
    return [one for group in groups for one in sorted(group, key=attrgetter("is_current", "modified"))]


def _server(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("server", ""))
