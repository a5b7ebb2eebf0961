"""What the book would say of objects, without their being shown to it; and objects by key and id."""

from __future__ import annotations

from tests.intake.book.notebook import KEY, Notebook, seen


def test_foretell(notebook: Notebook) -> None:
    """It is what `observe` then says; nothing is written, and a trigger that was never enrolled knows nothing."""
    book = notebook.book
    notebook.observe(seen("a"))
    shown = [seen("a"), seen("b"), seen("a", "w", minutes=-59), seen("b")]
    foretold = book.foretell(KEY, "UPDATE", shown)
    assert [(1, "seen", None), (None, "ignored", "CREATE"), (None, "seen", "UPDATE"), (None, "ignored", "CREATE")] == [
        (one.id, one.status, one.change) for one in foretold
    ]
    assert ["a"] == [one.seen.key for one in book.objects(KEY)]
    assert [one.status for one in foretold] == [one.status for one in book.observe(KEY, "UPDATE", shown, source="poll")]
    assert ["ignored"] == [one.status for one in book.foretell(KEY, "CREATE", [seen("c")], baseline=True)]
    assert ["seen"] == [one.status for one in book.foretell("never", "CREATE", [seen("a")])]


def test_objects_by_key_and_id(notebook: Notebook) -> None:
    """All versions of one key, and those with these ids."""
    book = notebook.book
    notebook.observe(seen("a"), seen("ab"), seen("a", "w"))
    assert ["a", "a"] == [one.seen.key for one in book.objects(KEY, key="a")]
    ids = [one.id for one in book.objects(KEY)][:2]
    assert ids == [one.id for one in book.objects(KEY, ids=ids)]


def test_runs_that_go_on(notebook: Notebook) -> None:
    """A trigger's runs are its batches that have one and have not ended."""
    notebook.started("a", "b")
    notebook.claimed("c")
    notebook.book.ended(notebook.started("d"), "me", succeeded=True)
    assert [1] == [trigger.runs for trigger in notebook.book.triggers()]
