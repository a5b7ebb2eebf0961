"""What people see of the book, and running with an object again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.intake.book.notebook import KEY, LEASE, START, Notebook, seen
from wdprefect.errors import UsageError


def test_triggers(notebook: Notebook) -> None:
    """A trigger with its counts, and when its runs last ended well and badly."""
    book, clock = notebook.book, notebook.clock
    book.ended(notebook.started("a"), "me", succeeded=True)
    clock.advance(1)
    batch = book.ended(notebook.started("b"), "me", succeeded=True, has_action=True)
    book.moved(batch, "me", [batch.objects[0].id])
    clock.advance(1)
    book.ended(notebook.started("c"), "me", succeeded=False, error="exit 1")
    notebook.observe(seen("d"), seen("e"))
    (found,) = book.triggers()
    assert {"succeeded": 1, "moved": 1, "failed": 1, "seen": 2} == found.counts
    assert (START + timedelta(seconds=1), START + timedelta(seconds=2)) == (found.last_success, found.last_failure)
    assert (KEY, "company.team.flow", "trigger", START) == (
        found.state_key,
        found.flow,
        found.trigger_id,
        found.since,
    )


def test_a_new_trigger(notebook: Notebook) -> None:
    """Of a trigger that has seen nothing nothing is said."""
    (found,) = notebook.book.triggers()
    assert ({}, None, None, 0, None) == (
        found.counts,
        found.last_success,
        found.last_failure,
        found.health.errors,
        found.health.last_ok,
    )


def test_objects(notebook: Notebook) -> None:
    """The objects that came last, by status or prefix, page by page."""
    book = notebook.book
    batch = notebook.started("in/a_b", "in/axb")
    notebook.observe(seen("out/c"))

    def found(**which: object) -> list[str]:
        return [booked.seen.key for booked in book.objects(KEY, **which)]  # type: ignore[arg-type]  # of a table

    assert ["out/c", "in/axb", "in/a_b"] == found()
    assert ["in/axb", "in/a_b"] == found(statuses=["started", "failed"])
    assert ["in/a_b"] == found(prefix="in/a_")
    first = book.objects(KEY, limit=2)
    assert ["in/a_b"] == found(before_id=first[-1].id)
    assert (batch.id, "run-1", "poll") == (first[1].batch_id, first[1].run_id, first[1].source)
    assert (first[0], None) == (book.find_object(first[0].id), book.find_object(-1))


def test_history(notebook: Notebook) -> None:
    """All that has happened to an object, also in batches that it has left; not what happened to those after."""
    book, clock = notebook.book, notebook.clock
    batch = notebook.claimed("a", "b")
    object_id = next(claimed.id for claimed in batch.objects if claimed.seen.key == "a")
    clock.advance(1)
    left = book.postpone(batch, "me", [object_id], "403", not_before=clock.now, max_tries=3)
    assert left is not None
    notebook.stage(left)
    book.release("me")
    (again,) = notebook.claim("other")
    again = book.announced(notebook.stage(again, "other"), "other")
    book.begin(again.id, 1, "run-7")
    (again,) = book.following("other")
    again = book.ended(again, "other", succeeded=True, has_action=True)
    book.action_failed(again, "other", "403")
    clock.advance(5)
    (again,) = book.unfinished_actions("third", LEASE, [KEY])
    book.moved(again, "third", [object_id], "to archive/a")
    happened = [(line.status, line.who, line.note, (line.at - START).seconds) for line in book.history(object_id)]
    assert [
        ("seen", "poll", None, 0),
        ("claimed", "me", None, 0),
        ("seen", "me", "403", 1),
        ("claimed", "other", None, 1),
        ("staged", "other", None, 1),
        ("announced", "other", None, 1),
        ("started", "an automation", "run run-7", 1),
        ("succeeded", "other", None, 1),
        ("succeeded", "other", "its action failed: 403", 1),
        ("succeeded", "third", "taken over", 6),
        ("moved", "third", "to archive/a", 6),
    ] == happened


def test_no_such_object(notebook: Notebook) -> None:
    """An object that is not there has no history, and cannot be run again."""
    with pytest.raises(UsageError, match=r"^there is no object 7 in the book '"):
        notebook.book.history(7)
    with pytest.raises(UsageError, match=r"^there is no object 7 in the book '"):
        notebook.book.replay([7], "anna")


def test_replay(notebook: Notebook) -> None:
    """What has ended waits again on request, and gets a batch of its own; that it was moved is not forgotten."""
    book = notebook.book
    first = book.ended(notebook.started("a"), "me", succeeded=True, has_action=True)
    object_id = first.objects[0].id
    book.moved(first, "me", [object_id])
    book.replay([object_id], "anna")
    assert {"a": "seen"} == notebook.statuses()
    assert [] == notebook.observe(seen("a"))[1:], "it is not new"
    (second,) = notebook.claim()
    assert first.id != second.id
    assert (f"kestra:///{object_id}", True) == (second.objects[0].uri, second.objects[0].has_moved)
    second = book.started(notebook.stage(second), "me", "run-2")
    assert "moved" == book.ended(second, "me", succeeded=True, has_action=True).status
    assert ("seen", "anna", "again, was moved") in [
        (line.status, line.who, line.note) for line in book.history(object_id)
    ]


def test_replay_of_others(notebook: Notebook) -> None:
    """What was ignored, lost or has failed can be run with, too."""
    book = notebook.book
    (ignored,) = book.observe(KEY, "CREATE", [seen("ignored")], source="poll", baseline=True)
    batch = notebook.claimed("lost")
    lost = batch.objects[0].id
    book.drop(batch, "me", lost, "gone")
    failed = book.ended(notebook.started("failed"), "me", succeeded=False, error="exit 1").objects[0].id
    book.replay([ignored.id, lost, failed], "anna")
    assert {"ignored": "seen", "lost": "seen", "failed": "seen"} == notebook.statuses()


def test_replay_before_the_action(notebook: Notebook) -> None:
    """An object that is run with again is moved after that, not by what was left of the first time."""
    batch = notebook.book.ended(notebook.started("a"), "me", succeeded=True, has_action=True)
    notebook.book.action_failed(batch, "me", "403")
    notebook.book.replay([batch.objects[0].id], "anna")
    notebook.clock.advance(3600)
    assert [] == notebook.book.unfinished_actions("me", LEASE, [KEY])


def test_no_replay_of_what_is_at_work(notebook: Notebook) -> None:
    """What waits or is in work cannot be run with again, and with it nothing that was asked for together."""
    book = notebook.book
    (ignored,) = book.observe(KEY, "CREATE", [seen("ignored")], source="poll", baseline=True)
    started = notebook.started("a").objects[0].id
    expected = rf"^the object {started} is 'started': only one whose course has ended can run again$"
    with pytest.raises(UsageError, match=expected):
        book.replay([ignored.id, started], "anna")
    assert {"ignored": "ignored", "a": "started"} == notebook.statuses()
