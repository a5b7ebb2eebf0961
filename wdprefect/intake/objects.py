"""The words of the intake: what a source has seen, and what is claimed together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from wdprefect.errors import WdprefectError

# What has become of an object, in this order; a batch is called as its objects are.
# seen: known, nobody works on it. claimed: in a batch. staged: copied into the storage. announced: an event was sent,
# by which an automation may start the run. started: there is a run. succeeded, failed: how that ended. moved: and its
# action is done, if there is one. ignored: known and not wanted, such as what was there before the first start. lost:
# it was gone, or overwritten, before it could be staged. An object that could not be staged for too often is failed;
# one that failed stays so when its action is done.
Status = Literal["seen", "claimed", "staged", "announced", "started", "succeeded", "failed", "moved", "ignored", "lost"]
# The key, beside what `{{ trigger }}` shows, under which a run finds what it is to claim.
CLAIM = "claim"
ChangeType = Literal["CREATE", "UPDATE"]
Wanted = Literal["CREATE", "UPDATE", "CREATE_OR_UPDATE"]


@dataclass(frozen=True, slots=True)
class SeenObject:
    """One version of an object, as a listing or a HEAD shows it.

    version: what is claimed once, as `version_of` says. version_id: of a versioned bucket, by which it is read.
    etag: without quotes. size in bytes. details: what else `trigger.objects` shows of it, such as `owner`.
    is_current: False for what a listing of versions shows below a newer version or below a deletion.
    """

    bucket: str
    key: str
    version: str
    etag: str
    size: int
    modified: datetime
    version_id: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    is_current: bool = True


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What the book knows of a trigger. since: when it was first enrolled. is_new: its baseline is yet to be taken."""

    is_new: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """What the book says of an object after it was shown to it.

    id: its row. status: as above; `seen` means that it waits for its turn, `ignored` and all from `started` on that
    whoever told of it need not tell again. is_new: whether this is the first time.
    """

    id: int
    status: Status
    is_new: bool


@dataclass(frozen=True, slots=True)
class Foretold:
    """What the book would say of an object if it were shown.

    id: its row, where there is one. change: what it would be to its key, where it is new.
    """

    id: int | None
    status: Status
    change: ChangeType | None = None


@dataclass(frozen=True, slots=True)
class ClaimedObject:
    """An object of a batch.

    uri: where it is in the internal storage, once it is staged; when it is replayed, from the time before. tries: how
    often staging it has failed. has_moved: its action is done.
    """

    id: int
    seen: SeenObject
    change: ChangeType
    uri: str | None = None
    tries: int = 0
    has_moved: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects for one run. Only its owner works on it, as long as the lease lasts.

    id: unique for ever; `key` is what makes the run unique: it changes only when a run has crashed and another one is
    to take its place. run_id: the run, once it is there. is_direct: no automation has started it in time, so it is not
    announced again: a run may be there by now that only its key tells from a second. action_tries: how often its action
    has failed.
    """

    id: str
    state_key: str
    status: Status
    attempt: int
    objects: tuple[ClaimedObject, ...]
    run_id: str | None = None
    is_direct: bool = False
    action_tries: int = 0

    @property
    def key(self) -> str:
        """The idempotency key of its run."""
        return f"{self.id}/{self.attempt}"


class Taken(WdprefectError):
    """Another run has the objects, or had them."""

    def __init__(self) -> None:
        super().__init__("another run has these objects, or had them: `wdprefect trigger replay` runs with one again")
