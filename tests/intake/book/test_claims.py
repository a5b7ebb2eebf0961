"""Who gets what, in which order, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.intake.book.notebook import KEY, LEASE, Notebook, keys, seen


def test_claim(notebook: Notebook) -> None:
    """Objects that wait are put together, oldest first; each is in one batch, with a key of its own."""
    notebook.observe(seen("young", minutes=-1), seen("old", minutes=-3), seen("middle", minutes=-2))
    first, second = notebook.claim(runs=2, size=2)
    assert [["old", "middle"], ["young"]] == keys([first, second])
    assert ("claimed", 1, None, KEY) == (first.status, first.attempt, first.run_id, first.state_key)
    assert f"{first.id}/1" == first.key != second.key
    assert [] == notebook.claim()


def test_what_is_claimed(notebook: Notebook) -> None:
    """A claimed object is as its source has told of it."""
    told = replace(seen("a"), version_id="3/L4k", details={"owner": {"id": "x"}})
    notebook.observe(told)
    (claimed,) = notebook.claim()[0].objects
    assert (told, "CREATE", None, 0, False) == (
        claimed.seen,
        claimed.change,
        claimed.uri,
        claimed.tries,
        claimed.has_moved,
    )


@pytest.mark.parametrize(
    ("runs", "size", "expected"),
    [
        pytest.param(1, 5, [["a/0", "a/1", "b/0", "b/1", "c/0"]], id="one of each, then the second, by age in a batch"),
        pytest.param(3, 2, [["a/0", "b/0"], ["a/1", "c/0"], ["a/2", "b/1"]], id="as many as are asked for"),
        pytest.param(7, 1, [["a/0"], ["b/0"], ["c/0"], ["a/1"], ["b/1"], ["a/2"], ["a/3"]], id="to the end"),
        pytest.param(0, 5, [], id="none"),
    ],
)
def test_lanes(notebook: Notebook, runs: int, size: int, expected: list[list[str]]) -> None:
    """The folders below the prefix take turns, so that a flood in one does not hold up the others."""
    folders = {"a": 4, "b": 2, "c": 1}
    told = [seen(f"in/{folder}/{n}") for folder, count in folders.items() for n in range(count)]
    notebook.observe(*told, prefix="in/")
    found = keys(notebook.claim(runs=runs, size=size))
    assert expected == [[key.removeprefix("in/") for key in batch] for batch in found]


def test_turns_go_on(notebook: Notebook) -> None:
    """The next claim begins with the lane after the one that was served last; what lies in no folder is a lane, too."""
    notebook.observe(*map(seen, ["a/1", "a/2", "b/1", "b/2", "c/1", "top1", "top2"]))
    found = [keys(notebook.claim(runs=1, size=1))[0][0] for _ in range(7)]
    assert ["a/1", "b/1", "c/1", "top1", "a/2", "b/2", "top2"] == found


def test_many_lanes(notebook: Notebook) -> None:
    """With more lanes than places every lane is served before one is served again."""
    notebook.observe(*[seen(f"{lane:02}/{n}") for lane in range(20) for n in range(2)])
    served = [key.partition("/")[0] for _ in range(4) for key in keys(notebook.claim(runs=1, size=5))[0]]
    assert [f"{lane:02}" for lane in range(20)] == served


def test_max_bytes(notebook: Notebook) -> None:
    """A batch is closed before its data become too large; one object that is larger has a batch of its own."""
    small, large = {"x": "1"}, {"x": "1" * 5000}
    told = [replace(seen(f"{n}"), details=large if n == 1 else small) for n in range(5)]
    notebook.observe(*told)
    assert [["0"], ["1"], ["2", "3"], ["4"]] == keys(notebook.claim(max_bytes=1200))


def test_a_claim_ends_with_its_bytes(notebook: Notebook) -> None:
    """What does not fit into the batches that were asked for waits on."""
    notebook.observe(*map(seen, "abcde"))
    assert [["a", "b"]] == keys(notebook.claim(runs=1, max_bytes=1200))
    assert [["c", "d"], ["e"]] == keys(notebook.claim(runs=2, max_bytes=1200))


def test_limit(notebook: Notebook) -> None:
    """With a limit no more batches are at work than that; one that has ended makes room."""
    notebook.observe(*map(seen, "abcd"))
    first, _ = notebook.claim(size=1, limit=2)
    assert 2 == notebook.book.running(KEY)
    assert [] == notebook.claim(size=1, limit=2)
    notebook.book.ended(first, "me", succeeded=False, error="no such flow")
    assert [["c"]] == keys(notebook.claim(size=1, limit=2))


def test_at_once(open_notebook: Callable[[], Notebook]) -> None:
    """Claims at once share the objects, and keep to the limit together."""
    notebooks = [open_notebook() for _ in range(3)]
    notebooks[0].observe(*[seen(f"{n:03}") for n in range(300)])
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda notebook: notebook.claim(runs=20, size=5, limit=45), notebooks))
    claimed = [key for batches in found for batch in keys(batches) for key in batch]
    assert 45 * 5 == len(claimed) == len(set(claimed))


def test_take_over(notebook: Notebook) -> None:
    """A batch is another's when its lease has ended, not before, and only one other's."""
    batch = notebook.staged("a")
    book, clock = notebook.book, notebook.clock
    clock.advance(30)
    assert [] == book.take_over("other", LEASE, [KEY])
    clock.advance(1)
    assert [batch] == book.take_over("other", LEASE, [KEY])
    assert [] == book.take_over("third", LEASE, [KEY])
    assert ([], [batch]) == (book.following("me"), book.following("other"))


def test_nobody_takes_from_himself(notebook: Notebook) -> None:
    """Who was too slow to renew goes on with his batches, if nobody else has them."""
    notebook.staged("a")
    notebook.clock.advance(60)
    assert [] == notebook.book.take_over("me", LEASE, [KEY])
    assert 1 == notebook.book.renew("me", LEASE)
    assert [] == notebook.book.take_over("other", LEASE, [KEY])


def test_renew(notebook: Notebook) -> None:
    """A lease that is renewed does not end."""
    notebook.staged("a")
    for _ in range(5):
        notebook.clock.advance(20)
        assert 1 == notebook.book.renew("me", LEASE)
        assert [] == notebook.book.take_over("other", LEASE, [KEY])


def test_release(notebook: Notebook) -> None:
    """What its owner lets go of is another's at once."""
    batch = notebook.started("a")
    assert 1 == notebook.book.release("me")
    assert [batch] == notebook.book.take_over("other", LEASE, [KEY])


def test_other_triggers(notebook: Notebook) -> None:
    """Only batches of triggers that one serves are taken over."""
    notebook.book.enroll("other", "company.team.other", "trigger")
    notebook.staged("a")
    notebook.book.release("me")
    assert [] == notebook.book.take_over("me", LEASE, ["other"])
    assert [] == notebook.book.take_over("me", LEASE, [])


def test_take_over_at_once(open_notebook: Callable[[], Notebook]) -> None:
    """What nobody works on is taken over once, however many come for it."""
    notebooks = [open_notebook() for _ in range(3)]
    notebooks[0].observe(*[seen(f"{n:03}") for n in range(60)])
    notebooks[0].claim(size=1)
    notebooks[0].book.release("me")
    with ThreadPoolExecutor(3) as threads:
        found = list(threads.map(lambda n: notebooks[n].book.take_over(f"owner {n}", LEASE, [KEY]), range(3)))
    taken = [batch.id for batches in found for batch in batches]
    assert 60 == len(taken) == len(set(taken))
