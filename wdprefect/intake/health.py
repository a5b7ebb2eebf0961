"""How triggers fare: what is told to people, line by line, and what nobody may miss."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from wdprefect.errors import WdprefectError
from wdprefect.intake.book import Book
from wdprefect.intake.duty import Duty
from wdprefect.intake.runs import Runs
from wdprefect.intake.sources.outcomes import Outcome
from wdprefect.storage.aws_failures import cause_code

Level = Literal["INFO", "WARN", "ERROR"]
Say = Callable[[Level, str], None]
# So many errors in a row are an event for everybody.
ALARM = 3


class Health:
    """Hears of what happens to triggers. Implements Reports; safe to use from several threads.

    A trigger has several parts (its poll, its queue, each kind of step of its desk), and is well when all of them are:
    that listing works does not hide that no run can be made.

    say: gets each line for people. hide: takes secrets out of what is said, kept in the book or sent.
    """

    def __init__(self, book: Book, runs: Runs, say: Say, hide: Callable[[str], str] = str) -> None:
        self._book, self._runs, self._say, self._hide = book, runs, say, hide
        # By trigger and part.
        self._faults: dict[str, dict[str, _Fault]] = {}
        # The triggers of which everybody was told that they fail.
        self._alarmed: set[str] = set()
        self._lock = threading.Lock()

    @property
    def failing(self) -> list[str]:
        """What has failed so often that nobody may miss it: the triggers, each with a code."""
        with self._lock:
            worst = {name: max(parts.values(), key=lambda one: one.count) for name, parts in self._faults.items()}
        return [f"{name} ({fault.code})" for name, fault in worst.items() if fault.count >= ALARM]

    def line(self, duty: Duty, text: str) -> None:
        self._tell("INFO", f"{duty.name}: {text}")

    def everywhere(self, text: str) -> None:
        """Something is wrong with all of it."""
        self._tell("ERROR", text)

    def trouble(self, duty: Duty, error: WdprefectError, part: str = "desk") -> None:
        self._failed(duty, part, cause_code(error), str(error))

    def well(self, duty: Duty, part: str = "desk") -> None:
        known = self._settled(duty, part)
        if known:
            errors = f"{known.count} error{'' if known.count == 1 else 's'}"
            self._tell("INFO", f"{duty.name}: works again, after {errors} ({known.code})")

    def given_up(self, duty: Duty, part: str = "desk") -> None:
        self._settled(duty, part)

    def _settled(self, duty: Duty, part: str) -> _Fault | None:
        """A part has nothing left that fails; what was the trigger's last fault, now that all its parts are well."""
        with self._lock:
            parts = self._faults.get(duty.name, {})
            known = parts.pop(part, None)
            if parts or known is None:
                return None
            del self._faults[duty.name]
            has_alarmed = duty.name in self._alarmed
            self._alarmed.discard(duty.name)
        self._note_well(duty)
        if has_alarmed:
            self._runs.recovered(duty.name)
        return known

    def source(self, duty: Duty, outcome: Outcome) -> None:
        """What a source says of a round of it."""
        fault = outcome.fault
        if fault is not None:
            self._failed(duty, outcome.source, fault.code, fault.text)
            return
        self.well(duty, outcome.source)
        with self._lock:
            is_failing = duty.name in self._faults
        if not is_failing:
            self._note_well(duty)

    def _note_well(self, duty: Duty) -> None:
        with suppress(WdprefectError):
            # Whoever needs the book says that it is not there.
            self._book.report(duty.state_key)

    def _failed(self, duty: Duty, part: str, code: str, text: str) -> None:
        text = self._hide(text)
        with self._lock:
            fault = self._faults.setdefault(duty.name, {}).setdefault(part, _Fault())
            fault.count, fault.code = fault.count + 1, code
            count, alarms = fault.count, fault.count == ALARM
            if alarms:
                self._alarmed.add(duty.name)
        with suppress(WdprefectError):
            # Where it is the book that fails, that is what is said below.
            self._book.report(duty.state_key, code, text)
        self._tell("WARN" if count < ALARM else "ERROR", f"{duty.name}: {text}")
        if alarms:
            self._tell("ERROR", f"{duty.name}: {count} errors in a row; it is tried again and again")
            self._runs.alarm(duty.name, code, text)

    def _tell(self, level: Level, text: str) -> None:
        self._say(level, self._hide(text))


@dataclass(slots=True)
class _Fault:
    """What is wrong with a part: how often in a row, and what it was last."""

    count: int = 0
    code: str = ""
