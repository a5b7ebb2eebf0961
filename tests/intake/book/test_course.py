"""The steps of a batch, and who may take them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.intake.book.notebook import KEY, LEASE, Notebook, seen
from wdprefect.intake.book import LeaseLost
from wdprefect.intake.objects import Batch

HOUR = timedelta(hours=1)


def test_direct(notebook: Notebook) -> None:
    """Claimed, staged, started, succeeded, moved: the batch says so after each step, and so does the book."""
    book, batch = notebook.book, notebook.claimed("a", "b")
    ids = [claimed.id for claimed in batch.objects]
    staged = notebook.stage(batch)
    started = book.started(staged, "me", "run-1")
    succeeded = book.ended(started, "me", succeeded=True, has_action=True)
    first = book.moved(succeeded, "me", ids[:1])
    moved = book.moved(first, "me", ids[1:])

    assert [f"kestra:///{id_}" for id_ in ids] == [claimed.uri for claimed in staged.objects]
    steps = [batch, staged, started, succeeded, first, moved]
    assert ["claimed", "staged", "started", "succeeded", "succeeded", "moved"] == [step.status for step in steps]
    assert [False, True] == sorted(claimed.has_moved for claimed in first.objects)
    assert {"a": "moved", "b": "moved"} == notebook.statuses()
    assert moved == book.find_batch(batch.id)
    assert ([], 0) == (book.following("me"), book.running(KEY))


def test_what_a_step_gives(notebook: Notebook) -> None:
    """A batch that a step gives is the one that the book has."""
    book, batch = notebook.book, notebook.claimed("a", "b")
    steps: list[Callable[[Batch], Batch]] = [
        notebook.stage,
        lambda batch: book.announced(batch, "me"),
        lambda batch: book.withdrawn(batch, "me"),
        lambda batch: book.started(batch, "me", "run-1"),
        lambda batch: book.anew(batch, "me", "crashed"),
    ]
    for step in steps:
        batch = step(batch)
        assert batch == book.find_batch(batch.id)


def test_no_action(notebook: Notebook) -> None:
    """Without an action a batch is at its end with its run, and its owner has done with it."""
    batch = notebook.book.ended(notebook.started("a"), "me", succeeded=True)
    assert ("succeeded", []) == (batch.status, notebook.book.following("me"))
    assert [] == notebook.book.unfinished_actions("other", LEASE, [KEY])


def test_failed(notebook: Notebook) -> None:
    """A batch that failed stays failed, with the reason, also when its objects were moved."""
    batch = notebook.book.ended(notebook.started("a"), "me", succeeded=False, error="exit 1", has_action=True)
    batch = notebook.book.moved(batch, "me", [batch.objects[0].id])
    (booked,) = notebook.book.objects(KEY)
    assert ("failed", "failed", "exit 1", True) == (batch.status, booked.status, booked.error, booked.has_moved)
    assert [] == notebook.book.following("me")


def test_action_before_the_run(notebook: Notebook) -> None:
    """Where the action comes before the run, success is the end, and nothing is left to do."""
    batch = notebook.staged("a")
    batch = notebook.book.moved(batch, "me", [batch.objects[0].id])
    assert "staged" == batch.status
    batch = notebook.book.started(batch, "me", "run-1")
    batch = notebook.book.ended(batch, "me", succeeded=True, has_action=True)
    assert ("moved", {"a": "moved"}, []) == (batch.status, notebook.statuses(), notebook.book.following("me"))


def test_repeated_steps(notebook: Notebook) -> None:
    """Staging may be repeated, and so may the word that the same run was started; another run is refused."""
    batch = notebook.stage(notebook.staged("a"))
    started = notebook.book.started(batch, "me", "run-1")
    assert started == notebook.book.started(batch, "me", "run-1")
    with pytest.raises(LeaseLost):
        notebook.book.started(batch, "me", "run-2")


STEPS: dict[str, Callable[[Notebook, Batch, str], object]] = {
    "staged": lambda notebook, batch, owner: notebook.stage(batch, owner),
    "announced": lambda notebook, batch, owner: notebook.book.announced(batch, owner),
    "started": lambda notebook, batch, owner: notebook.book.started(batch, owner, "run-1"),
    "succeeded": lambda notebook, batch, owner: notebook.book.ended(batch, owner, succeeded=True),
    "to move": lambda notebook, batch, owner: notebook.book.ended(batch, owner, succeeded=True, has_action=True),
    "failed": lambda notebook, batch, owner: notebook.book.ended(batch, owner, succeeded=False),
    "anew": lambda notebook, batch, owner: notebook.book.anew(batch, owner, "crashed"),
    "withdrawn": lambda notebook, batch, owner: notebook.book.withdrawn(batch, owner),
    "moved": lambda notebook, batch, owner: notebook.book.moved(batch, owner, [batch.objects[0].id]),
    "action failed": lambda notebook, batch, owner: notebook.book.action_failed(batch, owner, "no"),
    "drop": lambda notebook, batch, owner: notebook.book.drop(batch, owner, batch.objects[0].id, "gone"),
    "postpone": lambda notebook, batch, owner: notebook.book.postpone(
        batch, owner, [batch.objects[0].id], "no", not_before=notebook.clock.now, max_tries=3
    ),
}
# Which steps lead on from where.
ALLOWED = {
    "claimed": {"staged", "failed", "moved", "drop", "postpone"},
    "staged": {"staged", "announced", "started", "failed", "moved"},
    "announced": {"announced", "withdrawn", "failed", "moved"},
    "started": {"started", "succeeded", "to move", "failed", "anew", "moved"},
    "succeeded": {"moved", "action failed"},
}


def _at(notebook: Notebook, status: str) -> Batch:
    batch = notebook.claimed("a")
    ways = {"claimed": [], "staged": ["staged"], "announced": ["staged", "announced"], "started": ["staged", "started"]}
    ways["succeeded"] = [*ways["started"], "to move"]
    for step in ways[status]:
        found = STEPS[step](notebook, batch, "me")
        assert isinstance(found, Batch)
        batch = found
    return batch


@pytest.mark.parametrize("status", ALLOWED)
def test_order(open_notebook: Callable[[], Notebook], status: str) -> None:
    """A step is taken from where it begins alone; from elsewhere nothing changes."""
    notebook = open_notebook()
    batch = _at(notebook, status)
    for name in STEPS.keys() - ALLOWED[status]:
        with pytest.raises(LeaseLost, match=r"^the batch '\w+' has been taken over, or is further by now$"):
            STEPS[name](notebook, batch, "me")
        assert batch == notebook.book.find_batch(batch.id)


@pytest.mark.parametrize(("status", "step"), [(status, step) for status in ALLOWED for step in sorted(ALLOWED[status])])
def test_a_lost_lease(notebook: Notebook, status: str, step: str) -> None:
    """Who has lost a batch to another one changes nothing of it, and the other one goes on."""
    batch = _at(notebook, status)
    notebook.clock.advance(60)
    take = notebook.book.unfinished_actions if status == "succeeded" else notebook.book.take_over
    assert [batch] == take("other", LEASE, [KEY])
    with pytest.raises(LeaseLost):
        STEPS[step](notebook, batch, "me")
    assert batch == notebook.book.find_batch(batch.id)
    STEPS[step](notebook, batch, "other")


def test_anew(notebook: Notebook) -> None:
    """After a crash the batch is started again as another run; what is said of the old one is too late."""
    old = notebook.started("a")
    new = notebook.book.anew(old, "me", "the run has crashed")
    assert (f"{old.id}/2", "staged", None, old.objects) == (new.key, new.status, new.run_id, new.objects)
    with pytest.raises(LeaseLost):
        notebook.book.ended(old, "me", succeeded=True)
    notebook.book.started(new, "me", "run-2")


def test_begin(notebook: Notebook) -> None:
    """Of the runs that automations start one has the batch, and may ask again; the others are too many."""
    book, batch = notebook.book, notebook.staged("a")
    assert not book.begin(batch.id, 1, "run-1"), "nothing was announced"
    book.announced(batch, "me")
    assert [True, False, True] == [book.begin(batch.id, 1, run) for run in ("run-1", "run-2", "run-1")]
    (followed,) = book.following("me")
    assert ("started", "run-1") == (followed.status, followed.run_id)
    assert not book.begin("unknown", 1, "run-1")
    book.anew(followed, "me", "crashed")
    assert not book.begin(batch.id, 1, "run-1"), "another attempt is under way"


def test_begin_at_once(open_notebook: Callable[[], Notebook]) -> None:
    """One of many runs that begin at once has the batch."""
    notebooks = [open_notebook() for _ in range(3)]
    batch = notebooks[0].book.announced(notebooks[0].staged("a"), "me")
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda n: notebooks[n % 3].book.begin(batch.id, 1, f"run-{n}"), range(12)))
    assert 1 == sum(found)


def test_unstarted(notebook: Notebook) -> None:
    """What no automation has started in time is taken back, and then no automation gets it."""
    book = notebook.book
    batch = book.announced(notebook.staged("a"), "me")
    notebook.clock.advance(59)
    assert [] == book.unstarted("me", timedelta(minutes=1))
    notebook.clock.advance(1)
    assert [batch] == book.unstarted("me", timedelta(minutes=1))
    batch = book.withdrawn(batch, "me")
    assert not book.begin(batch.id, 1, "run-2")
    with pytest.raises(LeaseLost):
        book.announced(batch, "me")
    assert batch.is_direct
    book.started(batch, "me", "run-1")
    assert [] == book.unstarted("me", timedelta(minutes=1))


def test_too_late_to_withdraw(notebook: Notebook) -> None:
    """A run that has begun keeps the batch."""
    batch = notebook.book.announced(notebook.staged("a"), "me")
    assert notebook.book.begin(batch.id, 1, "run-1")
    with pytest.raises(LeaseLost):
        notebook.book.withdrawn(batch, "me")


def test_begin_objects(notebook: Notebook) -> None:
    """A run that something else started with an object gets it, if no other run has it; others follow that run."""
    book, told = notebook.book, seen("a")
    batch = book.begin_objects(KEY, "CREATE", [told], "run-1", size=1)
    assert batch is not None
    assert ("started", "run-1", told) == (batch.status, batch.run_id, batch.objects[0].seen)
    assert batch == book.begin_objects(KEY, "CREATE", [told], "run-1", size=1)
    assert book.begin_objects(KEY, "CREATE", [told], "run-2", size=1) is None
    assert [] == notebook.claim()
    assert [batch] == book.take_over("me", LEASE, [KEY])
    book.ended(batch, "me", succeeded=True)
    assert book.begin_objects(KEY, "CREATE", [told], "run-3", size=1) is None


def test_begin_several_objects(notebook: Notebook) -> None:
    """Of the objects that an event tells of a run gets as many as it may have, without those that others have."""
    book = notebook.book
    notebook.observe(seen("claimed"))
    notebook.claim()
    told = [seen(key) for key in ("a", "claimed", "b", "c")]
    batch = book.begin_objects(KEY, "CREATE", told, "run-1", size=2)
    assert batch is not None
    assert ["a", "b"] == [one.seen.key for one in batch.objects]
    assert batch == book.begin_objects(KEY, "CREATE", told, "run-1", size=2)
    (waiting,) = notebook.claim()
    assert ["c"] == [one.seen.key for one in waiting.objects]
    assert book.begin_objects(KEY, "CREATE", told, "run-2", size=2) is None


def test_begin_a_waiting_object(notebook: Notebook) -> None:
    """An object that waits can be begun; one that is claimed, or not wanted, cannot."""
    book = notebook.book
    notebook.observe(seen("waits"), seen("claimed"))
    assert book.begin_objects(KEY, "CREATE", [seen("waits")], "run-1", size=1)
    notebook.claim()
    assert book.begin_objects(KEY, "CREATE", [seen("claimed")], "run-1", size=1) is None
    assert book.begin_objects(KEY, "UPDATE", [seen("created")], "run-1", size=1) is None


def test_a_begun_object_anew(notebook: Notebook) -> None:
    """An object that was begun by its run has not been staged: after a crash that comes first."""
    assert notebook.book.begin_objects(KEY, "CREATE", [seen("a")], "run-1", size=1)
    (batch,) = notebook.book.take_over("me", LEASE, [KEY])
    assert "claimed" == notebook.book.anew(batch, "me", "crashed").status


def test_drop(notebook: Notebook) -> None:
    """An object that cannot be had is lost, the others go on; without any the batch is gone."""
    batch = notebook.claimed("a", "b")
    first, second = (claimed.id for claimed in batch.objects)
    left = notebook.book.drop(batch, "me", first, "it was overwritten")
    assert left is not None
    assert [second] == [claimed.id for claimed in left.objects]
    assert notebook.book.drop(left, "me", second, "it is gone") is None
    assert {"a": "lost", "b": "lost"} == notebook.statuses()
    assert (0, []) == (notebook.book.running(KEY), notebook.book.following("me"))


def test_postpone(notebook: Notebook) -> None:
    """An object that cannot be staged waits until its time, and after some tries has failed; others go on."""
    book, clock = notebook.book, notebook.clock
    batch: Batch | None = notebook.claimed("bad", "good")
    assert batch is not None
    bad = next(claimed.id for claimed in batch.objects if claimed.seen.key == "bad")
    for tries in (1, 2, 3):
        later = clock.now + timedelta(seconds=10)
        left = book.postpone(batch, "me", [bad], f"403 ({tries})", not_before=later, max_tries=3)
        assert (tries == 1) == (left is not None)
        assert [] == notebook.claim(), "it is not time"
        clock.advance(10)
        if tries < 3:
            (batch,) = notebook.claim()
            assert tries == batch.objects[0].tries
    assert [] == notebook.claim()
    assert {"bad": "failed", "good": "claimed"} == notebook.statuses()
    assert "403 (3)" == next(booked for booked in book.objects(KEY) if booked.id == bad).error


def test_a_poisoned_lane(notebook: Notebook) -> None:
    """What waits for later does not hold up what comes after it, in its folder or in others."""
    notebook.observe(seen("a/bad"))
    (batch,) = notebook.claim()
    notebook.book.postpone(batch, "me", [batch.objects[0].id], "403", not_before=notebook.clock.now + HOUR, max_tries=3)
    notebook.observe(seen("a/good"), seen("b/good"))
    found = [notebook.claim(runs=1, size=1)[0].objects[0].seen.key for _ in range(2)]
    assert ["a/good", "b/good"] == sorted(found)


def test_unfinished_actions(notebook: Notebook) -> None:
    """An action that failed is due again later, each time after a longer while; then one owner gets it."""
    book, clock = notebook.book, notebook.clock
    batch = book.ended(notebook.started("a"), "me", succeeded=True, has_action=True)
    assert [] == book.unfinished_actions("other", LEASE, [KEY]), "its owner is at it"
    for tries, seconds in enumerate((5, 10, 20), start=1):
        book.action_failed(batch, "me", "no permission to delete")
        clock.advance(seconds - 1)
        assert [] == book.unfinished_actions("me", LEASE, [KEY])
        clock.advance(1)
        (batch,) = book.unfinished_actions("me", LEASE, [KEY])
        assert tries == batch.action_tries
        assert [] == book.unfinished_actions("other", LEASE, [KEY])
    assert [] == book.take_over("other", LEASE, [KEY]), "it is not at work"
    book.moved(batch, "me", [batch.objects[0].id])
    clock.advance(3600)
    assert [] == book.unfinished_actions("me", LEASE, [KEY])


def test_an_action_left_by_the_dead(notebook: Notebook) -> None:
    """Who dies between the end of a run and its action leaves it to others."""
    batch = notebook.book.ended(notebook.started("a"), "me", succeeded=True, has_action=True)
    notebook.clock.advance(31)
    assert [batch] == notebook.book.unfinished_actions("other", LEASE, [KEY])
    with pytest.raises(LeaseLost):
        notebook.book.moved(batch, "me", [batch.objects[0].id])
