"""What runs import when they first need it, imported before they are forked."""

from __future__ import annotations

from wdprefect.expressions import Expressions


def preload() -> None:
    """Import what a run of almost any flow needs."""
    Expressions().render("{{ 'a' | upper }}", {})
