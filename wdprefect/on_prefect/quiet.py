"""Lines that Prefect adds and that tell nobody anything, kept out of its log and off the console."""

from __future__ import annotations

import logging
import select
from contextlib import suppress
from functools import cache
from typing import Any

import prefect
from prefect.context import TaskRunContext
from prefect.logging.handlers import PrefectConsoleHandler


class AttemptTask(prefect.Task[Any, Any]):
    """One attempt as a Prefect task, by which its lines are known."""


def quiet_attempts() -> None:
    """Leave out what Prefect says of each failed attempt of ours, between the error and `Finished in state`.

    It repeats the error as the `repr` of a state, with `NoneType: None` for a traceback. May be called twice.
    """
    # A filter of a logger sees what is logged to that logger, and nothing of those below it.
    logging.getLogger("prefect.task_runs").addFilter(_is_no_repetition)


def quiet_exit() -> None:
    """Leave out the first word of Prefect's event queue that it is still at work when the process exits.

    It comes at once, whatever is left in the queue. The ones behind it come every four seconds, and say why it takes so
    long; those and all others of the queue stay.
    """
    logging.getLogger("EventsWorker").addFilter(_FirstWord())


@cache
def quiet_console_without_reader() -> None:
    """Write nothing to a console that nobody reads any more, because the worker that did was killed.

    Prefect's console ends the process then, and with it a run that goes well. The API gets all lines as before.
    """
    loggers = [logging.getLogger(name) for name in ("prefect", *logging.root.manager.loggerDict)]
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if isinstance(handler, PrefectConsoleHandler):
            handler.addFilter(HasReader(handler.stream))


def _is_no_repetition(record: logging.LogRecord) -> bool:
    if not str(record.msg).startswith("Task run failed with state"):
        return True
    context = TaskRunContext.get()
    return context is None or not isinstance(context.task, AttemptTask)


class _FirstWord(logging.Filter):
    """Lets all pass but the first record of its kind."""

    def __init__(self) -> None:
        super().__init__()
        self._was_heard = False

    def filter(self, record: logging.LogRecord) -> bool:
        if self._was_heard or not str(record.msg).startswith("Still processing items"):
            return True
        self._was_heard = True
        return False


class HasReader(logging.Filter):
    """Lets records pass as long as the other end of the stream's pipe is open."""

    def __init__(self, stream: Any) -> None:
        super().__init__()
        self._stream = stream

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002  all or none
        # Made anew each time: threads log side by side, and one such object serves one of them at a time.
        poll = select.poll()
        # A stream that is no file has no other end.
        with suppress(OSError, ValueError, AttributeError):
            poll.register(self._stream.fileno(), 0)
        return not any(event & (select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))
