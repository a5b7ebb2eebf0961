"""How triggers fare: what is told to people, line by line, and what nobody may miss."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Literal

from wdprefect.errors import WdprefectError
from wdprefect.intake.book import Book
from wdprefect.intake.duty import Duty
from wdprefect.intake.runs import Runs
from wdprefect.intake.sources.outcomes import Outcome

Level = Literal["INFO", "WARN", "ERROR"]
Say = Callable[[Level, str], None]
# So many errors in a row are an event for everybody.
ALARM = 3


class Health:
    """Hears of what happens to triggers. Implements Reports; safe to use from several threads.

    say: gets each line for people, in which secrets have been hidden.
    """

    def __init__(self, book: Book, runs: Runs, say: Say) -> None:
        self._book, self._runs, self._say = book, runs, say
        self._errors: Counter[str] = Counter()
        self._lock = threading.Lock()

    def line(self, duty: Duty, text: str) -> None:
        self._say("INFO", f"{duty.name}: {text}")

    def everywhere(self, text: str) -> None:
        """Something is wrong with all of it."""
        self._say("ERROR", text)

    def trouble(self, duty: Duty, error: WdprefectError) -> None:
        with self._lock:
            self._errors[duty.name] += 1
            count = self._errors[duty.name]
        self._failed(duty, count, type(error).__name__, str(error))

    def well(self, duty: Duty) -> None:
        with self._lock:
            self._errors.pop(duty.name, None)

    def source(self, duty: Duty, outcome: Outcome) -> None:
        """What a source says of a round of it."""
        fault = outcome.fault
        if fault is None:
            self._book.report(duty.state_key)
            return
        try:
            count = self._book.report(duty.state_key, fault.code, fault.text)
        except WdprefectError:
            # It is the book that fails; its error is told below.
            count = outcome.failures
        self._failed(duty, count, fault.code, fault.text)

    def _failed(self, duty: Duty, count: int, code: str, text: str) -> None:
        self._say("WARN" if count < ALARM else "ERROR", f"{duty.name}: {text}")
        if count == ALARM:
            self._say("ERROR", f"{duty.name}: {count} errors in a row; it is tried again and again")
            self._runs.alarm(duty.name, code, text)
