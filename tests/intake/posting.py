"""A webhook at work, and what stores post to it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from wdprefect.intake.sources.outcomes import Outcome
from wdprefect.intake.sources.webhook import Webhook, WebhookSettings
from wdprefect.intake.watch import Watched
from wdprefect.model.stop import Stop

NAME = "posted"


@contextmanager
def running(*watches: Watched, outcomes: list[Outcome] | None = None, **settings: Any) -> Iterator[str]:
    """The URL of a webhook at work, which is stopped at the end."""
    report = (lambda _: None) if outcomes is None else outcomes.append
    webhook, stop = Webhook(watches, report, WebhookSettings(**settings)), Stop()
    url = webhook.listen()
    thread = threading.Thread(target=webhook.run, args=(stop,))
    thread.start()
    try:
        yield url
    finally:
        stop.request()
        thread.join(30)
    assert not thread.is_alive()


def body(key: str = "in/a+b%2B%C3%A9.csv", source: str = "aws:s3", name: str = "ObjectCreated:Put", **more: Any) -> Any:
    """What a store posts."""
    record = {"eventSource": source, "eventName": name, "s3": {"bucket": {"name": NAME}, "object": {"key": key}}}
    return {**more, "Records": [record]}


def counts(seen: int, shown: int, new: int) -> dict[str, int]:
    return {"seen": seen, "shown": shown, "new": new}
