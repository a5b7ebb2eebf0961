"""What the book says of objects that it is told of."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import event

from tests.intake.book.notebook import KEY, START, Notebook, seen
from wdprefect.errors import UsageError
from wdprefect.intake.objects import Enrolled, Observed, Wanted

DAY = timedelta(days=1)


def test_enroll(notebook: Notebook) -> None:
    """A trigger is new until its baseline was taken, and known since it was enrolled first; its names may change."""
    notebook.clock.advance(5)
    assert Enrolled(is_new=True, since=START) == notebook.book.enroll(KEY, "company.team.flow", "trigger")
    notebook.book.baseline_taken(KEY)
    assert Enrolled(is_new=False, since=START) == notebook.book.enroll(KEY, "company.team.renamed", "trigger")
    assert "company.team.renamed" == notebook.book.triggers()[0].flow


def test_a_new_object(notebook: Notebook) -> None:
    """What is seen first waits; told again, in one call or another, it is the same row."""
    first, again = notebook.observe(seen("a"), seen("a"))
    assert Observed(first.id, "seen", is_new=True) == first
    assert Observed(first.id, "seen", is_new=False) == again
    assert [again] == notebook.observe(seen("a"))
    assert [] == notebook.observe()


@pytest.mark.parametrize(
    ("wanted", "statuses"),
    [
        pytest.param("CREATE_OR_UPDATE", ["seen", "seen"], id="both"),
        pytest.param("CREATE", ["seen", "ignored"], id="creations"),
        pytest.param("UPDATE", ["ignored", "seen"], id="updates"),
    ],
)
def test_wanted(notebook: Notebook, wanted: Wanted, statuses: list[str]) -> None:
    """The first version of a key is its creation, another one an update; a change that is not wanted is ignored."""
    found = [notebook.observe(seen("a", version), wanted=wanted)[0].status for version in ("v1", "v2")]
    assert statuses == found
    assert ["UPDATE", "CREATE"] == [booked.change for booked in notebook.book.objects(KEY)]


def test_versions_of_one_page(notebook: Notebook) -> None:
    """Of two versions that are both new the older one is the creation, in whatever order they are told."""
    notebook.observe(seen("a", "late", minutes=-1), seen("a", "early", minutes=-2))
    assert {"early": "CREATE", "late": "UPDATE"} == {o.seen.version: o.change for o in notebook.book.objects(KEY)}


def test_triggers_are_apart(notebook: Notebook) -> None:
    """An object is taken in once for each state key."""
    notebook.book.enroll("other", "company.team.other", "trigger")
    notebook.observe(seen("a"))
    (observed,) = notebook.book.observe("other", "CREATE", [seen("a")], source="poll")
    assert observed.is_new


def test_buckets_are_apart(notebook: Notebook) -> None:
    """The same key in another bucket is another object, and its first version a creation."""
    notebook.observe(seen("a"))
    (observed,) = notebook.observe(replace(seen("a"), bucket="other"), wanted="CREATE")
    assert Observed(observed.id, "seen", is_new=True) == observed


def test_baseline(notebook: Notebook) -> None:
    """What was there before is ignored, and its next version is an update."""
    (observed,) = notebook.book.observe(KEY, "CREATE_OR_UPDATE", [seen("a")], source="poll", baseline=True)
    assert "ignored" == observed.status
    assert "seen" == notebook.observe(seen("a", "v2"), wanted="UPDATE")[0].status


@pytest.mark.parametrize(
    "key",
    [
        pytest.param("folder/ä ö.csv", id="letters"),
        pytest.param("a\x00b", id="NUL"),
        pytest.param("a\x1a0000b", id="what stands for NUL"),
        pytest.param("a\ud800b", id="half a surrogate pair"),
        pytest.param("'; DROP TABLE intake_objects; --%_\\?:x", id="what means something to databases"),
        pytest.param("\U0001f600" * 256, id="longest"),
        pytest.param("\x00" * 1024, id="longest of NUL"),
        pytest.param(" ", id="blank"),
    ],
)
def test_any_key(notebook: Notebook, key: str) -> None:
    """An object can have any key: it is taken in, found again and told from others, and its details come back."""
    told = replace(seen(key), details={"owner": {"displayName": key}}, version=key)
    notebook.observe(told, seen("a\x1a0000b"), seen("ab"))
    assert [False] == [observed.is_new for observed in notebook.observe(told)]
    (batch,) = notebook.claim()
    assert told in [claimed.seen for claimed in batch.objects]


def test_many(notebook: Notebook) -> None:
    """More objects than fit into one statement are all told of, each with its own row."""
    told = [seen(f"{n:05}") for n in range(2500)]
    first = notebook.observe(*told)
    assert 2500 == len({observed.id for observed in first})
    assert [observed.id for observed in first] == [observed.id for observed in notebook.observe(*told)]


def test_nothing_new_writes_nothing(notebook: Notebook) -> None:
    """A page of known objects is at most four selects, and one transaction that reads."""
    told = [seen(f"{n:05}") for n in range(1000)]
    notebook.observe(*told)
    statements: list[str] = []
    event.listen(notebook.book._engine, "before_cursor_execute", lambda *given: statements.append(given[2].split()[0]))
    notebook.observe(*told)
    assert {"BEGIN", "WITH", "SELECT"} >= set(statements)
    assert 5 >= len(statements)


def test_at_once(open_notebook: Callable[[], Notebook]) -> None:
    """Whoever tells of an object, and however many at once: it is new for one of them, and one row."""
    notebooks = [open_notebook() for _ in range(3)]
    told = [seen(f"{n:03}") for n in range(200)]
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda notebook: notebook.observe(*told), notebooks))
    assert 1 == len({tuple(observed.id for observed in each) for each in found})
    assert 200 == sum(observed.is_new for each in found for observed in each)


def test_forget(notebook: Notebook) -> None:
    """What was not sighted for the time to live is forgotten, and fires again; what is in work stays."""
    busy = notebook.started("busy")
    waits, ends = seen("waits"), seen("ends")
    done = notebook.started("ends")
    notebook.book.ended(done, "me", succeeded=True)
    notebook.observe(waits)
    notebook.clock.advance(86_400 + 1)
    assert 1 == notebook.book.forget(KEY, DAY)
    assert {"busy": "started", "waits": "seen"} == notebook.statuses()
    assert [True, False] == [notebook.book.find_batch(batch.id) is None for batch in (done, busy)]
    assert [True] == [observed.is_new for observed in notebook.observe(ends)]
    assert 1 == len(notebook.book.following("me")[0].objects), busy


def test_an_action_keeps_its_objects(notebook: Notebook) -> None:
    """Objects whose action is still to be done are not forgotten."""
    batch = notebook.book.ended(notebook.started("a"), "me", succeeded=True, has_action=True)
    notebook.clock.advance(2 * 86_400)
    assert 0 == notebook.book.forget(KEY, DAY)
    notebook.book.moved(batch, "me", [batch.objects[0].id])
    assert 1 == notebook.book.forget(KEY, DAY)


def test_sightings(notebook: Notebook) -> None:
    """What is told of again is remembered, though that is written down only now and then."""
    notebook.book.observe(KEY, "CREATE", [seen("stays"), seen("goes")], source="poll", baseline=True)
    for _ in range(30):
        notebook.clock.advance(3600)
        notebook.book.observe(KEY, "CREATE", [seen("stays")], source="poll", ttl=DAY)
    assert 1 == notebook.book.forget(KEY, DAY)
    assert {"stays": "ignored"} == notebook.statuses()


def test_an_unknown_trigger(notebook: Notebook) -> None:
    """Nothing can be told of a trigger that was not enrolled."""
    with pytest.raises(UsageError, match=r"^no trigger with the state key 'x' is in the book '"):
        notebook.book.observe("x", "CREATE", [seen("a")], source="poll")


def test_health(notebook: Notebook) -> None:
    """Errors in a row are counted, and the last one is kept when it works again."""
    book, clock = notebook.book, notebook.clock
    assert 0 == book.report(KEY)
    clock.advance(1)
    assert [1, 2] == [book.report(KEY, "AccessDenied", text) for text in ("first", "second\x00")]
    clock.advance(1)
    assert 0 == book.report(KEY)
    health = book.triggers()[0].health
    assert (0, "AccessDenied", "second\x00") == (health.errors, health.code, health.text)
    assert (START + timedelta(seconds=2), START + timedelta(seconds=1)) == (health.last_ok, health.last_error)
