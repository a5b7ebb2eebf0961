"""Threads that must not end: the first one that does so by an exception ends all of the work."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from wdprefect.errors import WdprefectError
from wdprefect.model.stop import Stop

Work = Callable[[Stop], None]
# How threads of ours are named; those of libraries look after themselves.
OURS = ("wdprefect-", "sqs-")


class Broken(WdprefectError):
    """A thread has ended by an exception that nobody expects. trace: where that was, as Python prints it."""

    def __init__(self, text: str, trace: str) -> None:
        self.trace = trace
        super().__init__(text)

    @classmethod
    def by(cls, name: str, error: BaseException) -> Broken:
        """What is to be said of a thread with this name."""
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        text = f"'{name}' has ended by a mistake, and with it all that listens: {said}"
        return cls(text, "".join(traceback.format_exception(error)).rstrip())

    def hidden(self, hide: Callable[[str], str]) -> Broken:
        """The same without secrets."""
        return Broken(hide(str(self)), hide(self.trace))

    def __reduce__(self) -> tuple[type[Broken], tuple[str, str]]:
        return type(self), (str(self), self.trace)


class Guarded:
    """Runs works in threads. When one breaks, all of them are asked to stop, and `check` raises why."""

    def __init__(self) -> None:
        self.stop = Stop()
        self._broken: Broken | None = None
        self._lock = threading.Lock()

    def start(self, name: str, work: Work, stop: Stop | None = None) -> threading.Thread:
        """A thread that does the work until the stop, by default that of all."""

        def guarded() -> None:
            try:
                work(stop or self.stop)
            except BaseException as error:  # noqa: BLE001  `check` raises it
                self.broken(name, error)

        thread = threading.Thread(target=guarded, name=f"wdprefect-{name}", daemon=True)
        thread.start()
        return thread

    def broken(self, name: str, error: BaseException) -> None:
        """Note that something has broken, and stop everything."""
        with self._lock:
            self._broken = self._broken or Broken.by(name, error)
        self.stop.request()

    def run(self, works: Mapping[str, Work], stop: Stop) -> None:
        """Do all the works until the request to stop. Raises Broken."""
        with stop.calling(self.stop.request), self._hearing():
            threads = [self.start(name, work) for name, work in works.items()]
            for thread in threads:
                # Not without end: a signal is handled only between waits.
                while thread.is_alive():
                    thread.join(1.0)
        self.check()

    @contextmanager
    def _hearing(self) -> Iterator[None]:
        """While the block runs, threads that a work has started itself are heard of as well."""
        before = threading.excepthook

        def hook(args: threading.ExceptHookArgs) -> None:
            if args.thread and args.exc_value and args.thread.name.startswith(OURS):
                self.broken(args.thread.name, args.exc_value)
            else:
                before(args)

        threading.excepthook = hook
        try:
            yield
        finally:
            threading.excepthook = before

    def check(self) -> None:
        """Raises Broken when something has broken."""
        if self._broken:
            raise self._broken
