"""Triggers and objects of the book by the names that people give them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wdprefect.errors import UsageError
from wdprefect.intake.book import Book
from wdprefect.intake.book_views import BookedObject, TriggerSummary
from wdprefect.intake.objects import Status

_AT_ONCE = 500


def trigger_named(book: Book, name: str) -> TriggerSummary:
    """The trigger with this state key or full name, or with this id where it is the only one. Raises UsageError."""
    known = book.triggers()
    for names in (lambda one: one.state_key, full_name, lambda one: one.trigger_id):
        found = [one for one in known if names(one) == name]
        if len(found) == 1:
            return found[0]
        if found:
            several = ", ".join(f"{full_name(one)} with the state key '{one.state_key}'" for one in found)
            raise UsageError(f"'{name}' may be any of these: {several}")
    there = ", ".join(map(full_name, known)) or "none, which `wdprefect listen` changes"
    raise UsageError(f"there is no trigger '{name}' in the book {book.name}; there are: {there}")


def full_name(summary: TriggerSummary) -> str:
    """How a trigger is called among all."""
    return f"{summary.flow}/{summary.trigger_id}"


def objects_named(book: Book, trigger: TriggerSummary, name: str) -> list[BookedObject]:
    """The object with this id, else all versions of the object with this key. Raises UsageError where there is none."""
    found = book.objects(trigger.state_key, ids=[int(name)]) if is_id(name) else []
    found = found or book.objects(trigger.state_key, key=name)
    if not found:
        look = f"wdprefect trigger show {full_name(trigger)}"
        raise UsageError(f"the trigger has no object with the id or key '{name}': `{look}` lists them")
    return found


def objects_with(book: Book, trigger: TriggerSummary, status: Status) -> Iterator[BookedObject]:
    """All objects of this status, those that came last first."""
    before: int | None = None
    while page := book.objects(trigger.state_key, statuses=[status], limit=_AT_ONCE, before_id=before):
        yield from page
        before = page[-1].id


def ids_of(book: Book, trigger: TriggerSummary, names: Sequence[str]) -> list[int]:
    """The ids that people have written, each of an object of the trigger. Raises UsageError."""
    for name in names:
        if not is_id(name):
            raise UsageError(f"'{name}' is no object's id: `wdprefect trigger show` says the ids, which are numbers")
    return [objects_named(book, trigger, name)[0].id for name in dict.fromkeys(names)]


def is_id(name: str) -> bool:
    # Longer ones are none that a book gives, and no database takes them.
    return name.isascii() and name.isdecimal() and len(name) <= 18  # noqa: PLR2004  digits of 64 bits
