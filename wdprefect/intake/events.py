"""What stores say when an object was made, in all the shapes in which it comes, as one ObjectEvent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import unquote_plus

# As long as a message of SQS can be; those who post to us are held to it, too.
LONGEST_BODY_BYTES = 1024 * 1024
LONGEST_KEY_BYTES = 1024
_LONGEST_BUCKET = 255
# Stores send one at a time, and each costs a request.
_MOST_RECORDS = 1000
_LONGEST_TEXT = 1024
# SNS puts a body into a text; EventBridge may have done so before.
_DEEPEST = 3
_SHOWN = 80
# A tuple, for what is looked for in it may be of any kind.
_SNS_TYPES = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")
# These write keys as they are. All others encode them as a form does, a space as `+`.
_RAW_KEYS = frozenset({"ceph:s3"})

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """An object was made, or so somebody says who may be wrong or lie: look before believing.

    key: anything of 1 to 1024 bytes in UTF-8, also with newlines or `..`. other_key: how the key reads if the store
    does not encode keys as is known of it, or does so; None where both are the same.
    size, etag, time: as said, None where that is not of its kind. sequencer: orders the events of one key, as text.
    name: such as `ObjectCreated:Put`. source: such as `aws:s3`.
    """

    bucket: str
    key: str
    other_key: str | None = None
    version_id: str | None = None
    etag: str | None = None
    size: int | None = None
    sequencer: str | None = None
    time: datetime | None = None
    name: str = ""
    source: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The key, and what it may be instead."""
        return (self.key,) if self.other_key is None else (self.key, self.other_key)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a body says: objects that were made, and what in it could not be understood.

    Both are empty for what is no concern of ours, such as a deletion or a trial message.
    """

    events: tuple[ObjectEvent, ...] = ()
    problems: tuple[str, ...] = ()


class _Unknown(Exception):
    """A part of a body cannot be understood; its text says which."""


def read_events(body: bytes | str) -> Reading:
    """The events of a body, whatever it is. Never raises."""
    events: list[ObjectEvent] = []
    problems: list[str] = []
    try:
        for part in _parts(_parsed(body), _DEEPEST):
            if isinstance(part, ObjectEvent):
                events.append(part)
            else:
                problems.append(part)
    except _Unknown as unknown:
        problems.append(str(unknown))
    return Reading(tuple(events), tuple(problems))


def _parsed(body: bytes | str) -> Any:
    size = len(body) if isinstance(body, bytes) else len(body.encode(errors="surrogatepass"))
    if size > LONGEST_BODY_BYTES:
        raise _Unknown(f"the body has {size} bytes; {LONGEST_BODY_BYTES} are allowed")
    try:
        return json.loads(body.decode("utf-8-sig") if isinstance(body, bytes) else body)
    except UnicodeDecodeError:
        raise _Unknown("the body is not UTF-8") from None
    except ValueError as error:
        raise _Unknown(f"the body is no JSON: {error}") from None
    except RecursionError:
        raise _Unknown("the body is no JSON of ours: it is nested too deep") from None


def _parts(document: Any, deepest: int) -> Iterator[ObjectEvent | str]:
    """The events, and the problems as texts."""
    if not isinstance(document, dict):
        raise _Unknown(f"the body is {_kind(document)}, and not an object with 'Records' or 'detail'")
    if "Records" in document:
        yield from _records(document["Records"])
    elif "detail-type" in document or "detail" in document:
        yield from _attempt(_from_event_bridge, document)
    elif document.get("Type") in _SNS_TYPES and "TopicArn" in document:
        yield from _from_sns(document, deepest)
    elif document.get("Event") != "s3:TestEvent":
        names = ", ".join(sorted(map(_quoted, document))[:5])
        raise _Unknown(f"the body has no 'Records', 'detail' or SNS 'Message'; it has {names or 'nothing'}")


def _from_sns(document: Json, deepest: int) -> Iterator[ObjectEvent | str]:
    topic = _quoted(document["TopicArn"])
    if document["Type"] == "SubscriptionConfirmation":
        raise _Unknown(f"the subscription to the topic {topic} waits to be confirmed: visit its SubscribeURL")
    if document["Type"] == "UnsubscribeConfirmation":
        raise _Unknown(f"the subscription to the topic {topic} has been ended")
    message = document.get("Message")
    if not isinstance(message, str):
        raise _Unknown(f"the Message of SNS is {_kind(message)} and no text")
    if not deepest:
        raise _Unknown("the Message of SNS holds one of SNS, and so on")
    yield from _parts(_parsed(message), deepest - 1)


def _records(records: Any) -> Iterator[ObjectEvent | str]:
    if not isinstance(records, list):
        raise _Unknown(f"'Records' is {_kind(records)} and no list")
    if len(records) > _MOST_RECORDS:
        raise _Unknown(f"'Records' has {len(records)} entries; {_MOST_RECORDS} are allowed")
    for number, record in enumerate(records):
        yield from _attempt(_from_record, record, f"record {number}: ")


def _attempt(read: Any, part: Any, where: str = "") -> Iterator[ObjectEvent | str]:
    """What is wrong with one record does not keep the others from being read."""
    try:
        event = read(part)
    except _Unknown as unknown:
        yield f"{where}{unknown}"
    else:
        if event:
            yield event


def _from_record(record: Any) -> ObjectEvent | None:
    """A record of S3, MinIO, Ceph and others; None for what tells of no new object."""
    if not isinstance(record, dict):
        raise _Unknown(f"it is {_kind(record)} and no object")
    name = _text(record, "eventName").removeprefix("s3:")
    if not name.startswith("ObjectCreated:"):
        return None
    source = _text(record, "eventSource") if "eventSource" in record else ""
    s3 = _object(record, "s3")
    made = _object(s3, "object")
    keys = _keys(_text(made, "key"), is_raw=source in _RAW_KEYS)
    return _event(s3, made, keys, names=("versionId", "eTag"), said=(name, source, record.get("eventTime")))


def _from_event_bridge(document: Json) -> ObjectEvent | None:
    if _text(document, "detail-type") != "Object Created":
        return None
    source = _text(document, "source") if "source" in document else ""
    detail = _object(document, "detail")
    made = _object(detail, "object")
    # EventBridge gets keys as they are.
    keys = _keys(_text(made, "key"), is_raw=True)
    said = ("ObjectCreated", source, document.get("time"))
    return _event(detail, made, keys, names=("version-id", "etag"), said=said)


def _keys(written: str, *, is_raw: bool) -> tuple[str, str | None]:
    """The key, and how else the text could be read."""
    try:
        decoded = unquote_plus(written, errors="strict")
    except UnicodeDecodeError:
        return written, None
    return (written, decoded) if is_raw else (decoded, written)


def _event(
    place: Json,
    made: Json,
    keys: tuple[str, str | None],
    *,
    names: tuple[str, str],
    said: tuple[str, str, Any],
) -> ObjectEvent:
    """names: of the version id and the ETag. said: the event's name, its source and its time."""
    key, other = _checked_key(keys[0]), keys[1]
    version_id, etag = (_optional(made, name) for name in names)
    return ObjectEvent(
        bucket=_bucket(_object(place, "bucket")),
        key=key,
        other_key=other if other != key and _is_key(other) else None,
        version_id=version_id if version_id and version_id != "null" else None,
        etag=etag and etag.strip('"'),
        size=_size(made.get("size")),
        sequencer=_optional(made, "sequencer", strict=False),
        time=_time(said[2]),
        name=said[0],
        source=said[1],
    )


def _bucket(bucket: Json) -> str:
    name = _text(bucket, "name")
    if not 1 <= len(name) <= _LONGEST_BUCKET or not name.isprintable():
        raise _Unknown(f"{_quoted(name)} is no name of a bucket")
    return name


def _checked_key(key: str) -> str:
    if not _is_key(key):
        raise _Unknown(f"{_quoted(key)} is no key: a key has 1 to {LONGEST_KEY_BYTES} bytes of UTF-8")
    return key


def _is_key(key: str | None) -> bool:
    try:
        return key is not None and 1 <= len(key.encode()) <= LONGEST_KEY_BYTES
    except UnicodeEncodeError:
        return False


def _object(holder: Json, name: str) -> Json:
    value = holder.get(name)
    if not isinstance(value, dict):
        raise _Unknown(f"'{name}' is {_kind(value)} and no object")
    return value


def _text(holder: Json, name: str) -> str:
    value = holder.get(name)
    if not isinstance(value, str):
        raise _Unknown(f"'{name}' is {_kind(value)} and no text")
    return value


def _optional(holder: Json, name: str, *, strict: bool = True) -> str | None:
    """A text that may be missing; of another kind it is an error where something hangs on it."""
    value = holder.get(name)
    if value is None or (isinstance(value, str) and len(value) <= _LONGEST_TEXT and value.isprintable()):
        return value
    if strict:
        raise _Unknown(f"'{name}' is {_kind(value)} and no text of at most {_LONGEST_TEXT} characters")
    return None


def _size(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        return None
    try:
        # Python 3.10 knows neither `Z` nor fractions of any other length than three and six digits.
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
        return moment.astimezone(timezone.utc) if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    except (ValueError, OverflowError):
        return None


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", type(None): "missing"}
    return kinds.get(type(value), "a number")


def _quoted(value: object) -> str:
    """A value in a message: on one line, and not all of it. It comes from anywhere."""
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
