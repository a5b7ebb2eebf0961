"""The options of a listener, as people write them on a command line or in the parameters of a deployment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wdprefect.errors import UsageError
from wdprefect.intake.listener import Begin
from wdprefect.intake.sources.webhook import WebhookSettings

RunnerName = Literal["process", "docker"]
RUNS = 16
TOKEN = "WDPREFECT_WEBHOOK_TOKEN"  # noqa: S105  the name of a variable
_HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Listening:
    """How a process listens.

    begin: whether what is there at the first start is taken. is_warm: runs are executed beside this process instead of
    by workers. runs: how many of a trigger at a time, where its flow allows that. deployment: its name, where a flow
    has several. storage, runner: as in `wdprefect.run`. book: its URL, if not the configured one. webhook: where stores
    may post. health: host and port where `GET /health` is answered, where no webhook does.
    """

    begin: Begin = "beginning"
    is_warm: bool = False
    runs: int = RUNS
    deployment: str | None = None
    storage: str | None = None
    runner: RunnerName | None = None
    book: str | None = None
    webhook: WebhookSettings | None = None
    health: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """What `wdprefect listen` takes, by the names of its options."""

    begin: Begin
    warm: bool
    runs: int
    deployment: str | None
    storage: str | None
    runner: RunnerName | None
    book: str | None
    webhook: str | None
    webhook_token_file: str | None
    sns_topics: Sequence[str]
    health: str | None

    def listening(self) -> Listening:
        """How to listen. Raises UsageError, in the words of the command line, for what makes no sense."""
        if self.runs < 1:
            raise UsageError("--runs is a number from 1 on")
        if self.runner and not self.warm:
            raise UsageError("--runner is for --warm: workers are told where commands run by WDPREFECT_RUNNER")
        if self.health and self.webhook:
            raise UsageError("--health is for listeners without --webhook, which answers /health at its own address")
        return Listening(
            begin=self.begin,
            is_warm=self.warm,
            runs=self.runs,
            deployment=self.deployment,
            storage=self.storage,
            runner=self.runner,
            book=self.book,
            webhook=_webhook(self.webhook, self.webhook_token_file, self.sns_topics),
            health=_host_and_port(self.health, "--health") if self.health else None,
        )


def _webhook(address: str | None, token_file: str | None, topics: Sequence[str]) -> WebhookSettings | None:
    """The webhook at `HOST:PORT`, if there is one. Its token is in the file, else in WDPREFECT_WEBHOOK_TOKEN."""
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
    host, port = _host_and_port(address, "--webhook")
    token = _token_of(token_file) if token_file else os.environ.get(TOKEN)
    return WebhookSettings(host, port, token, tuple(topics))


def _host_and_port(address: str, option: str) -> tuple[str, int]:
    """The parts of `HOST:PORT`, also of `[::1]:80`."""
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
