"""Bodies of events: all shapes become one, and nothing that anybody sends raises."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wdprefect.intake.events import LONGEST_BODY_BYTES, ObjectEvent, Reading, read_events

TIME = "2026-01-02T03:04:05.678Z"
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=timezone.utc)
TOPIC = "arn:aws:sns:eu-central-1:1:t"
KEY = "in/a b+é.csv"
ENCODED = "in/a+b%2B%C3%A9.csv"


def record(key: object = ENCODED, **changes: Any) -> dict[str, Any]:
    """A record as S3 sends it; the changes are of the record itself, or of its object where they begin with `o_`."""
    made = {"key": key, "size": 5, "eTag": "abc", "versionId": "v1", "sequencer": "00AB"}
    made |= {name[2:]: value for name, value in changes.items() if name.startswith("o_")}
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": TIME,
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "in", "arn": "arn:aws:s3:::in"}, "object": made},
        **{name: value for name, value in changes.items() if not name.startswith("o_")},
    }


def body(*records: Any, **more: Any) -> str:
    return json.dumps({"Records": records, **more})


def sns(message: object, kind: str = "Notification") -> str:
    return json.dumps({"Type": kind, "TopicArn": TOPIC, "Message": message})


def event_bridge(key: str = KEY, detail_type: str = "Object Created") -> dict[str, Any]:
    made = {"key": key, "size": 5, "etag": "abc", "version-id": "v1", "sequencer": "00AB"}
    detail = {"version": "0", "bucket": {"name": "in"}, "object": made, "reason": "PutObject"}
    return {"version": "0", "detail-type": detail_type, "source": "aws.s3", "time": TIME, "detail": detail}


EVENT = ObjectEvent("in", KEY, ENCODED, "v1", "abc", 5, "00AB", MOMENT, "ObjectCreated:Put", "aws:s3")
PLAIN: dict[str, Any] = {
    "bucket": "in",
    "version_id": "v1",
    "etag": "abc",
    "size": 5,
    "sequencer": "00AB",
    "time": MOMENT,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(body(record()), [EVENT], id="S3"),
        pytest.param(sns(body(record())), [EVENT], id="S3 by SNS"),
        pytest.param(
            json.dumps(event_bridge()),
            [ObjectEvent(key=KEY, other_key="in/a b é.csv", name="ObjectCreated", source="aws.s3", **PLAIN)],
            id="EventBridge, whose keys are not encoded",
        ),
        pytest.param(
            sns(json.dumps(event_bridge("a"))),
            [ObjectEvent(key="a", name="ObjectCreated", source="aws.s3", **PLAIN)],
            id="EventBridge by SNS",
        ),
        pytest.param(
            body(
                record("in%2Fa+b%2B%C3%A9.csv", eventName="s3:ObjectCreated:Put", eventSource="minio:s3"),
                EventName="s3:ObjectCreated:Put",
                Key="in/in/a b+é.csv",
            ),
            [
                ObjectEvent(
                    key=KEY, other_key="in%2Fa+b%2B%C3%A9.csv", name="ObjectCreated:Put", source="minio:s3", **PLAIN
                )
            ],
            id="MinIO, which encodes slashes, too",
        ),
        pytest.param(
            body(record(KEY, eventSource="ceph:s3", o_versionId="", eventTime="2026-01-02T03:04:05.678123Z")),
            [
                ObjectEvent(
                    key=KEY,
                    other_key="in/a b é.csv",
                    name="ObjectCreated:Put",
                    source="ceph:s3",
                    **{**PLAIN, "version_id": None, "time": MOMENT.replace(microsecond=678_123)},
                )
            ],
            id="Ceph, whose keys are not encoded",
        ),
        pytest.param(
            body(record("a"), record("b", eventName="ObjectRemoved:Delete"), record("c")),
            [
                ObjectEvent(key=key, name="ObjectCreated:Put", source="aws:s3", **PLAIN)
                for key in ("a", "c")
            ],
            id="several, without the deletions",
        ),
        pytest.param(
            body(
                {
                    "eventName": "ObjectCreated:CompleteMultipartUpload",
                    "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}},
                }
            ),
            [ObjectEvent("b", "k", name="ObjectCreated:CompleteMultipartUpload")],
            id="no more than is needed",
        ),
        pytest.param(
            body(record("a", o_size="5", o_sequencer=7, o_versionId="null", o_eTag='"abc"', eventTime="yesterday")),
            [ObjectEvent("in", "a", etag="abc", name="ObjectCreated:Put", source="aws:s3")],
            id="what is only said, and wrong, is left out",
        ),
        pytest.param(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "in"}), [], id="a trial"),
        pytest.param(sns(json.dumps({"Event": "s3:TestEvent"})), [], id="a trial by SNS"),
        pytest.param(json.dumps(event_bridge(detail_type="Object Deleted")), [], id="a deletion by EventBridge"),
        pytest.param(body(), [], id="no records"),
    ],
)  # fmt: skip
def test_shapes(text: str, expected: list[ObjectEvent]) -> None:
    """Each sender's shape is read, as text and as bytes."""
    assert Reading(tuple(expected)) == read_events(text) == read_events(text.encode())


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("../../etc/passwd", id="dots"),
        pytest.param("a\nb\0c", id="control characters"),
        pytest.param("x" * 1024, id="as long as allowed"),
        pytest.param("é" * 512, id="as long as allowed in bytes"),
        pytest.param("日本/🚀", id="unicode"),
        pytest.param("50%/a+b%zz", id="percent signs"),
    ],
)
def test_keys(key: str) -> None:
    """Every key that S3 allows is a key, whatever it looks like."""
    (event,) = read_events(body(record(key, eventSource="ceph:s3"))).events
    assert key == event.key


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", "the body is no JSON: Expecting value: line 1 column 1 (char 0)", id="empty"),
        pytest.param(b"\xff{}", "the body is not UTF-8", id="bytes"),
        pytest.param("[1]", "the body is a list, and not an object with 'Records' or 'detail'", id="a list"),
        pytest.param("[" * 100_000, "the body is no JSON of ours: it is nested too deep", id="deep"),
        pytest.param("{}", "the body has no 'Records', 'detail' or SNS 'Message'; it has nothing", id="an object"),
        pytest.param(
            '{"b\\n": 1, "a": 2}',
            "the body has no 'Records', 'detail' or SNS 'Message'; it has 'a', 'b\\n'",
            id="another object",
        ),
        pytest.param(
            " " * LONGEST_BODY_BYTES + "1", "the body has 1048577 bytes; 1048576 are allowed", id="large"
        ),
        pytest.param(
            '{"Type": [], "TopicArn": {}}',
            "the body has no 'Records', 'detail' or SNS 'Message'; it has 'TopicArn', 'Type'",
            id="a type of another kind",
        ),
        pytest.param('{"Records": {}}', "'Records' is an object and no list", id="records"),
        pytest.param(body(*[1] * 1001), "'Records' has 1001 entries; 1000 are allowed", id="many records"),
        pytest.param(body(7), "record 0: it is a number and no object", id="a record"),
        pytest.param(body(record(eventName=None)), "record 0: 'eventName' is missing and no text", id="no name"),
        pytest.param(body(record(s3=[])), "record 0: 's3' is a list and no object", id="no s3"),
        pytest.param(body(record(True)), "record 0: 'key' is a boolean and no text", id="a key of another kind"),
        pytest.param(body(record("")), "record 0: '' is no key: a key has 1 to 1024 bytes of UTF-8", id="no key"),
        pytest.param(
            body(record("é" * 513, eventSource="ceph:s3")),
            "record 0: '" + "\\xe9" * 19 + "\\xe… is no key: a key has 1 to 1024 bytes of UTF-8",
            id="a long key",
        ),
        pytest.param(
            body(record("\ud800")),
            "record 0: '\\ud800' is no key: a key has 1 to 1024 bytes of UTF-8",
            id="half a character",
        ),
        pytest.param(
            body(record(s3={"bucket": {"name": "a\nb"}, "object": {"key": "k"}})),
            "record 0: 'a\\nb' is no name of a bucket",
            id="a bucket",
        ),
        pytest.param(
            body(record(o_versionId=5)),
            "record 0: 'versionId' is a number and no text of at most 1024 characters",
            id="a version",
        ),
        pytest.param(sns(5), "the Message of SNS is a number and no text", id="SNS without a text"),
        pytest.param(
            sns("x", "SubscriptionConfirmation"),
            f"the subscription to the topic '{TOPIC}' waits to be confirmed: visit its SubscribeURL",
            id="a subscription",
        ),
        pytest.param(
            sns("x", "UnsubscribeConfirmation"),
            f"the subscription to the topic '{TOPIC}' has been ended",
            id="no subscription any more",
        ),
        pytest.param(
            sns(sns(sns(sns(body())))), "the Message of SNS holds one of SNS, and so on", id="SNS in SNS in SNS"
        ),
        pytest.param('{"detail-type": 5}', "'detail-type' is a number and no text", id="EventBridge"),
    ],
)  # fmt: skip
def test_what_is_not_understood(text: str | bytes, expected: str) -> None:
    """What is no event is a text that says what is wrong with it, on one line."""
    reading = read_events(text)
    assert ((), (expected,)) == (reading.events, reading.problems)
    assert expected.isprintable()


def test_one_bad_record() -> None:
    """A record that cannot be read does not keep the others from being read, and is not passed over."""
    reading = read_events(body(record("a"), 7, record("b")))
    assert (["a", "b"], ("record 1: it is a number and no object",)) == (
        [event.key for event in reading.events],
        reading.problems,
    )


def test_a_key_that_cannot_be_decoded() -> None:
    """A key that is no encoded text is taken as it is written."""
    (event,) = read_events(body(record("a%FFb"))).events
    assert ("a%FFb",) == event.keys


NAMES = st.sampled_from(
    ["Records", "detail", "detail-type", "Type", "TopicArn", "Message", "s3", "object", "key", "bucket", "name",
     "eventName", "eventSource", "eventTime", "versionId", "size", "sequencer"]
)  # fmt: skip


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([KEY, "null", "s3:TestEvent"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | NAMES, inner, max_size=6),
    max_leaves=30,
)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good body in which one value was replaced by another one."""
    document = json.loads(draw(st.sampled_from([body(record()), json.dumps(event_bridge()), sns(body(record()))])))
    holder: Any = document
    while True:
        name = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        if not isinstance(holder[name], (dict, list)) or not holder[name] or draw(st.booleans()):
            break
        holder = holder[name]
    holder[name] = draw(JSON)
    return json.dumps(document)


@given(st.one_of(st.binary(), st.text(), JSON.map(json.dumps), st.dictionaries(NAMES, JSON).map(json.dumps), damaged()))
def test_anything(anything: bytes | str) -> None:
    """Whatever comes is read or is a problem, never an exception; what is read fits into S3."""
    reading = read_events(anything)
    for event in reading.events:
        assert 1 <= len(event.key.encode()) <= 1024
        assert event.time is None or event.time.tzinfo
    assert all(problem.isprintable() for problem in reading.problems)
