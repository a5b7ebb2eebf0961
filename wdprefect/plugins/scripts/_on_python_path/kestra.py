"""What a Python script tells its task: `from kestra import Kestra`.

Each call prints one line `::{…}::`. A package of the same name that is installed takes the place of this module. It
runs in whatever Python the script runs in, from 3.7 on, and needs nothing but its standard library.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Any

_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARN", "ERROR": "ERROR", "CRITICAL": "ERROR"}


class Kestra:
    """Values, metrics and lines of the log."""

    _logger: logging.Logger | None = None

    @staticmethod
    def format(map_: Mapping[str, Any]) -> str:
        """The line that says this."""
        return "::" + json.dumps(map_) + "::"

    @staticmethod
    def outputs(map_: Mapping[str, Any] | None) -> None:
        """Deliver values, as `outputs.<id>.vars`."""
        Kestra._send({"outputs": map_})

    @staticmethod
    def assets(map_: Mapping[str, Any]) -> None:
        """Tell of data assets, which Kestra keeps and nothing here does."""
        Kestra._send({"assets": map_})

    @staticmethod
    def counter(name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Add to a counter."""
        Kestra._metric(name, "counter", value, tags)

    @staticmethod
    def gauge(name: str, value: float, tags: Mapping[str, str] | None = None) -> None:
        """Report a value that replaces the one before."""
        Kestra._metric(name, "gauge", value, tags)

    @staticmethod
    def timer(name: str, duration: float | Callable[[], Any], tags: Mapping[str, str] | None = None) -> None:
        """Add seconds to a timer: those given, or those that the call of a function takes."""
        if callable(duration):
            begin = time.perf_counter()
            duration()
            duration = time.perf_counter() - begin
        Kestra._metric(name, "timer", duration, tags)

    @staticmethod
    def logger() -> logging.Logger:
        """A logger whose records become lines of the task's log, of their own levels."""
        if Kestra._logger is None:
            logger = logging.getLogger("Kestra")
            logger.setLevel(logging.DEBUG)
            logger.propagate = False
            logger.addHandler(_ProtocolHandler())
            Kestra._logger = logger
        return Kestra._logger

    @staticmethod
    def read(path: str) -> list[dict[str, Any]]:
        """The records of a file in Amazon Ion, timestamps as datetimes. Needs the package `amazon.ion`."""
        try:
            ion = import_module("amazon.ion.simpleion")
        except ImportError as error:
            raise ImportError("Kestra.read needs the package amazon.ion: add it to 'dependencies'") from error
        with Path(path).open("rb") as file:
            return [dict(record) for record in ion.load(file, single_value=False)]

    @staticmethod
    def _metric(name: str, kind: str, value: float, tags: Mapping[str, str] | None) -> None:
        Kestra._send({"metrics": [{"name": name, "type": kind, "value": value, "tags": tags or {}}]})

    @staticmethod
    def _send(map_: Mapping[str, Any]) -> None:
        print(Kestra.format(map_), flush=True)


class _ProtocolHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        moment = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        message = moment.replace("+00:00", "Z") + " - " + self.format(record)
        line = Kestra.format({"logs": [{"level": _LEVELS.get(record.levelname, "TRACE"), "message": message}]})
        print(line, file=sys.stderr if record.levelno >= logging.WARNING else sys.stdout, flush=True)


def __getattr__(name: str) -> Any:
    if name == "Flow":
        raise ImportError("Flow talks to a server of Kestra: add the package kestra to 'dependencies'")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _give_way() -> None:
    """Let another module of this name, if there is one behind us, take our place."""
    here = Path(__file__).resolve().parent
    spec = PathFinder.find_spec(__name__, [each for each in sys.path if Path(each).resolve() != here])
    if spec is not None and spec.loader is not None:
        sys.modules[__name__] = module = module_from_spec(spec)
        spec.loader.exec_module(module)


if __name__ == "kestra":
    _give_way()
