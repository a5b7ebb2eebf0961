"""Where to listen for posts and for questions after the health, as people write it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from wdprefect.errors import UsageError
from wdprefect.intake.sources.webhook import WebhookSettings

TOKEN = "WDPREFECT_WEBHOOK_TOKEN"  # noqa: S105  the name of a variable
_HIGHEST_PORT = 65535


def webhook_settings(address: str | None, token_file: str | None, topics: Sequence[str]) -> WebhookSettings | None:
    """The webhook at `HOST:PORT`, if there is one. Its token is in the file, else in WDPREFECT_WEBHOOK_TOKEN.

    Raises UsageError for what fits nothing.
    """
    if address is None:
        for option, given in (("--webhook-token-file", token_file), ("--sns-topic", topics)):
            if given:
                raise UsageError(f"{option} is for --webhook HOST:PORT, which is not there")
        return None
    for topic in topics:
        if not (topic.startswith("arn:") and ":sns:" in topic):
            raise UsageError(
                f"--sns-topic takes the ARN of a topic, such as arn:aws:sns:REGION:ACCOUNT:NAME, not '{topic}'"
            )
    host, port = host_and_port(address, "--webhook")
    token = _token_of(token_file) if token_file else os.environ.get(TOKEN)
    return WebhookSettings(host, port, token, tuple(topics))


def host_and_port(address: str, option: str) -> tuple[str, int]:
    """The parts of `HOST:PORT`, also of `[::1]:80`. Raises UsageError."""
    host, sign, port = address.rpartition(":")
    if not sign or not host or not port.isdecimal() or int(port) > _HIGHEST_PORT:
        raise UsageError(f"{option} takes HOST:PORT, such as 127.0.0.1:8080, not '{address}'")
    return host, int(port)


def _token_of(path: str) -> str:
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageError(f"the file of the token '{path}' cannot be read: {reason}") from None
    if not token:
        raise UsageError(f"the file of the token '{path}' is empty: write a token into it that is hard to guess")
    return token
