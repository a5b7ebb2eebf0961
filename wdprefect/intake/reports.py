"""Who is told what happens to objects and triggers."""

from __future__ import annotations

from typing import Protocol

from wdprefect.errors import WdprefectError
from wdprefect.intake.duty import Duty


class Reports(Protocol):
    """Hears of everything, from several threads."""

    def line(self, duty: Duty, text: str) -> None:
        """Something happened to objects."""

    def trouble(self, duty: Duty, error: WdprefectError, part: str) -> None:
        """Something cannot be done now; it is tried again. part: which kind of work it is."""

    def well(self, duty: Duty, part: str) -> None:
        """Work of this kind has been done."""

    def given_up(self, duty: Duty, part: str) -> None:
        """What could not be done is not tried any more, which `line` has said; other work of this kind may go on."""
