"""Listening for S3 triggers: flows, storage, book, API and warm runner put together."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from uuid import UUID

from wdprefect.execution.blocks import Blocks
from wdprefect.intake.book import open_book
from wdprefect.intake.desk import LEASE
from wdprefect.intake.duties import duties_of
from wdprefect.intake.duty import Duty
from wdprefect.intake.guarded import Broken, Work
from wdprefect.intake.health import Health, Level
from wdprefect.intake.listen_options import Listening
from wdprefect.intake.listener import Listener
from wdprefect.intake.means import Means
from wdprefect.intake.sources.health_server import HealthServer
from wdprefect.masking import Masker
from wdprefect.model.flow import Flow
from wdprefect.model.stop import Stop
from wdprefect.on_prefect.blocks import prefect_block
from wdprefect.on_prefect.intake import PrefectRuns
from wdprefect.on_prefect.secrets import secrets_of_blocks
from wdprefect.on_prefect.storage import storage_outside
from wdprefect.on_prefect.trigger_pages import TriggerPages
from wdprefect.on_prefect.warm.owner import Lease
from wdprefect.on_prefect.warm.process import Settings
from wdprefect.on_prefect.warm.runner import WarmRunner

Say = Callable[[Level, str], None]
GRACE_SECONDS = 10.0


def listen(files: Mapping[str, Path], flows: Sequence[Flow], how: Listening, stop: Stop, say: Say) -> None:
    """Listen for the S3 triggers of these flows until the request to stop.

    files: where each flow is, by its name. say: gets a line for all that happens, in which secrets are hidden.
    Raises InvalidTrigger and UsageError before anything is listened for, and Broken when a part of it has ended by a
    mistake.
    """
    masker = Masker()
    if how.webhook and how.webhook.token:
        masker.register(how.webhook.token)

    def tell(level: Level, text: str) -> None:
        say(level, masker.hide(text))

    storage = asyncio.run(storage_outside(how.storage))
    means = Means(storage, masker, secrets_of_blocks(), Blocks(prefect_block, masker))
    duties = [duty for flow in flows for duty in duties_of(flow, means, runs=how.runs)]
    with closing(open_book(how.book)) as book, ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wdprefect-listen-")))
        warm = _Warm(files, how, folder / "lease", tell) if how.is_warm else None
        runs = stack.enter_context(closing(PrefectRuns(warm.runner if warm else None, how.deployment)))
        _check_deployments(runs, duties, how)
        health = Health(book, runs, tell, masker.hide)
        listener = Listener(duties, book, runs, health, how.begin, warm.touch if warm else lambda: None, how.webhook)
        stack.enter_context(listener.leasing())
        address = listener.open()
        beside: dict[str, Work] = {"pages": TriggerPages(duties, book, runs).run}
        if how.health:
            server = HealthServer(*how.health, lambda: listener.troubles)
            beside["health"] = server.run
            tell("INFO", f"whether all is well is said at {server.address}")
        if warm:
            stack.enter_context(warm.running(listener))
        for duty in duties:
            tell("INFO", f"{duty.name}: listening to s3://{duty.watch.bucket}/{duty.watch.prefix}")
        if address:
            tell("INFO", f"stores may post to {address}/")
        try:
            listener.listen(stop, beside)
        except Broken as error:
            tell("ERROR", error.trace)
            raise error.hidden(masker.hide) from None


class _Warm:
    """The warm runner of a listener, whose lease its runs look at."""

    def __init__(self, files: Mapping[str, Path], how: Listening, lease: Path, say: Say) -> None:
        self._lease, self._say = lease, say
        self._listener: Listener | None = None
        self.touch()
        # They end before anybody else takes their objects.
        of_runs = Lease(lease, LEASE.total_seconds() * 0.7)
        settings = Settings(files, how.storage, how.runner, of_runs)
        self.runner = WarmRunner(settings, self._ended, self._wrote, on_broken=self._broken)

    def touch(self) -> None:
        """Say that what runs here is this process's own."""
        self._lease.touch()

    @contextmanager
    def running(self, listener: Listener) -> Iterator[None]:
        """While the block runs, runs can be executed; in the end they have some time, then they are made anew."""
        self._listener = listener
        self.runner.start()
        try:
            yield
        finally:
            self.runner.stop(GRACE_SECONDS)

    def _broken(self, error: BaseException) -> None:
        if self._listener:
            self._listener.broken("warm runs", error)

    def _ended(self, flow_run_id: UUID, code: int | None) -> None:  # noqa: ARG002  the API knows how
        if self._listener:
            self._listener.hurry()

    def _wrote(self, flow_run_id: UUID | None, line: str) -> None:
        # What a run writes beside its log; the log is in Prefect.
        if flow_run_id is None:
            self._say("WARN", line)


def _check_deployments(runs: PrefectRuns, duties: Sequence[Duty], how: Listening) -> None:
    """Before anything is listened for: without a deployment no run could be made."""
    if how.is_warm:
        return
    for flow in {duty.flow.name for duty in duties}:
        runs.deployment_of(flow)
