"""The trigger of S3: what it says, and what it refuses to say. Who follows it is tested with the intake."""

from __future__ import annotations

import inspect
import re
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import MemoryStorage
from tests.running import flow_of
from wdprefect.errors import InvalidFlow, InvalidTrigger
from wdprefect.execution.triggers import render_trigger
from wdprefect.loader import load_text
from wdprefect.masking import Masker
from wdprefect.plugins.aws._moves import MoveTo
from wdprefect.plugins.aws.s3 import Trigger

TASKS = "- {id: say, type: io.kestra.plugin.core.log.Log, message: '{{ trigger.objects }}'}"


def trigger(properties: str, action: str = "NONE") -> Trigger:
    """The typed trigger of a flow."""
    head = f"- id: watch\n  type: io.kestra.plugin.aws.s3.Trigger\n  bucket: box\n  action: {action}\n"
    lines = "".join(f"  {line}\n" for line in properties.splitlines())
    flow = flow_of(TASKS, triggers=head + lines, variables="{folder: raw, done: raw/done}")
    found = render_trigger(flow, flow.triggers[0], MemoryStorage(), Masker())
    assert isinstance(found, Trigger)
    return found


def test_defaults() -> None:
    """What is not said is as in Kestra, and our own properties are off."""
    found = trigger("")

    kestra = (timedelta(seconds=60), 1000, 25, "BOTH", "CREATE_OR_UPDATE", None, None)
    assert kestra == (
        found.interval,
        found.max_keys,
        found.max_files,
        found.filter,
        found.on,
        found.state_key,
        found.state_ttl,
    )
    assert (None, None, None, "direct") == (found.queue_url, found.on_failure, found.compat, found.start_by)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("", 25),
        ("maxKeys: 1", 1),
        ("maxFiles: 100", 100),
        ("maxKeys: 2\nmaxFiles: 3", 2),
        ("maxFiles: 5000", 1000),
        ("startBy: automation", 1),
    ],
)
def test_most(properties: str, expected: int) -> None:
    """The smaller one of the two limits is that of a run; one that an automation starts gets one object."""
    assert expected == trigger(properties).most


@pytest.mark.parametrize(("start_by", "expected"), [("direct", ["WD333"]), ("automation", [])])
def test_reading_one_object(start_by: str, expected: list[str]) -> None:
    """A flow that reads one of its objects is told so where a run may get more than that one."""
    task = "- {id: say, type: io.kestra.plugin.core.log.Log, message: '{{ trigger.objects | first }}'}"
    watching = f"- {{id: t, type: io.kestra.plugin.aws.s3.Trigger, bucket: b, action: NONE, startBy: {start_by}}}"
    assert expected == [note.code for note in flow_of(task, triggers=watching).notes]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param("prefix: raw/", "old/x/a.csv", id="its path below the prefix"),
        pytest.param("prefix: raw/\ncompat: kestra", "old/a.csv", id="its name alone"),
        pytest.param("", "old/raw/x/a.csv", id="all of it"),
    ],
)
def test_archived(properties: str, expected: str) -> None:
    """Where an object goes in an archive."""
    assert expected == trigger(properties).archived("raw/x/a.csv", MoveTo(key="old/"))


@pytest.mark.parametrize(
    ("properties", "action", "reason"),
    [
        pytest.param(
            'prefix: "{{ vars.folder }}/"\nmoveTo: {key: "{{ vars.done }}"}',
            "MOVE",
            "the archive 'raw/done' lies below the prefix that the trigger watches: what is moved there would start",
            id="an archive below the prefix",
        ),
        pytest.param("prefix: raw/", "\"{{ 'MOVE' }}\"", "'action: MOVE' needs 'moveTo'", id="no archive"),
        pytest.param(
            "startBy: automation\nmaxFiles: '{{ 2 + 3 }}'",
            "NONE",
            "'maxFiles: 5': with 'startBy: automation' each run gets one object",
            id="more than an automation gives",
        ),
        pytest.param("compat: \"{{ 'none' }}\"", "NONE", "'compat': 'none' is none of 'kestra'", id="no such order"),
    ],
)
def test_refused_when_rendered(properties: str, action: str, reason: str) -> None:
    """What only the rendered text shows is refused then."""
    with pytest.raises(InvalidTrigger) as raised:
        trigger(properties, action)
    assert f"trigger 'watch': {reason}" in str(raised.value)


def test_manual_page() -> None:
    """The example of the manual page is a flow of which nothing is to be said."""
    [text] = re.findall(r"```yaml\n(.*?)```", inspect.getdoc(Trigger) or "", re.DOTALL)

    flow = load_text(text)

    assert ([], Trigger) == (list(flow.notes), flow.triggers[0].kind)


@pytest.mark.parametrize("name", sorted(Trigger.unsupported))
def test_not_supported(name: str) -> None:
    """What cannot be followed is refused with what to do instead."""
    with pytest.raises(InvalidFlow) as raised:
        trigger(f"{name}: x")
    [problem] = raised.value.problems
    assert ("WD205", Trigger.unsupported[name]) == (problem.code, problem.hint)


def test_other_spellings() -> None:
    """What the YAML of Kestra's generations has is understood."""
    found: Any = trigger('"on": UPDATE\nstateTtl: P7D\ninterval: 5\nmaxKeys: "3"\nlabels: {from: s3}')

    expected = ("UPDATE", timedelta(days=7), timedelta(seconds=5), 3, {"from": "s3"})
    assert expected == (found.on, found.state_ttl, found.interval, found.max_keys, found.labels)
