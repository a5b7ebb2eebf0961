"""The lines by which a program tells us more than its exit status: `::{"outputs": {"rows": 3}}::`.

The line is exactly that, on stdout or stderr: text before or after makes it an ordinary line. The keys are `outputs`
(an object), `metrics` (a list of `{name, type, value, tags}`; type counter, timer or gauge; a timer in seconds or as
`PT1.5S`) and `logs` (a list of `{level, message}`); others are ignored. Kestra drops a line with one broken entry
whole; here the entry is left out and the rest counts.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, TypeVar, get_args

from wdprefect.model.ports import Level

T = TypeVar("T")
# Of what a program wrote amiss, this much is repeated.
_LONGEST_SHOWN = 80
MetricType = Literal["counter", "timer", "gauge"]


@dataclass(frozen=True, slots=True)
class Metric:
    """A number that a program reports; a timer's `value` is in seconds."""

    name: str
    type: MetricType
    value: float
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Message:
    """What one protocol line says. problems: what of it is not understood, each worth a warning."""

    outputs: Mapping[str, Any]
    metrics: tuple[Metric, ...] = ()
    logs: tuple[tuple[Level, str], ...] = ()
    problems: tuple[str, ...] = ()


def parse(line: str) -> Message | None:
    """The message of a protocol line; None for an ordinary line."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    text = match[1]
    try:
        payload, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError) as error:
        return Message({}, problems=(f"invalid JSON: {error}",))
    rest = text[end:]
    # The mark tells that a text was cut, also whoever hides secrets.
    shown = rest if len(rest) <= _LONGEST_SHOWN else f"{rest[: _LONGEST_SHOWN - 1]}…"
    problems = [f"only the first object is read, not '{shown}'"] if rest else []
    outputs = payload.get("outputs") or {}
    if not isinstance(outputs, dict):
        problems.append("'outputs' is no object")
        outputs = {}
    metrics = _entries(payload, "metrics", _parse_metric, problems)
    logs = _entries(payload, "logs", _parse_log, problems)
    return Message(outputs, tuple(metrics), tuple(logs), tuple(problems))


class Collector:
    """What the protocol lines of one command add up to."""

    def __init__(self) -> None:
        self._outputs: dict[str, Any] = {}
        self._metrics: dict[tuple[object, ...], Metric] = {}

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of all messages, merged at the top level only: a later key replaces an earlier one."""
        return dict(self._outputs)

    @property
    def metrics(self) -> list[Metric]:
        """One metric for each name, type and tags, in the order they came first."""
        return list(self._metrics.values())

    def add(self, message: Message) -> None:
        """Take a message in: counters and timers of the same name and tags add up, of a gauge the last one counts."""
        self._outputs.update(message.outputs)
        for metric in message.metrics:
            key = (metric.name, metric.type, frozenset(metric.tags.items()))
            earlier = self._metrics.get(key)
            total = metric.value + earlier.value if earlier and metric.type != "gauge" else metric.value
            self._metrics[key] = Metric(metric.name, metric.type, total, metric.tags)


class _Broken(Exception):
    """An entry of a message is not understood."""


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")


_LINE = re.compile(r"::(\{.*\})::")
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_DURATION = re.compile(
    r"([-+]?)P(?:([-+]?\d+)D)?(?:T(?=[-+\d])(?:([-+]?\d+)H)?(?:([-+]?\d+)M)?(?:([-+]?\d+(?:[.,]\d{0,9})?)S)?)?",
    re.IGNORECASE | re.ASCII,
)


def _entries(payload: Mapping[str, Any], key: str, parse_one: Callable[[Any], T], problems: list[str]) -> Iterable[T]:
    values = payload.get(key) or []
    if not isinstance(values, list):
        problems.append(f"'{key}' is no list")
        return []
    found = []
    for value in values:
        try:
            found.append(parse_one(value))
        except _Broken as error:
            problems.append(str(error))
    return found


def _parse_metric(entry: Any) -> Metric:
    if not isinstance(entry, dict) or not isinstance(name := entry.get("name"), str) or not name:
        raise _Broken("a metric has no name")
    kind: MetricType | None = _choose(entry.get("type"), get_args(MetricType))
    if kind is None:
        raise _Broken(f"the metric '{name}' has the unknown type '{entry.get('type')}' (counter, timer or gauge)")
    tags = entry.get("tags") or {}
    if not isinstance(tags, dict):
        raise _Broken(f"the tags of the metric '{name}' are no object")
    value = _parse_number(entry.get("value"), is_timer=kind == "timer")
    if value is None:
        raise _Broken(f"the metric '{name}' has the value {json.dumps(entry.get('value'))}, which is no number")
    return Metric(
        name, kind, value, {key: tag if isinstance(tag, str) else json.dumps(tag) for key, tag in tags.items()}
    )


def _parse_number(value: Any, *, is_timer: bool) -> float | None:
    if isinstance(value, str):
        return _parse_duration(value) if is_timer and "P" in value.upper() else _parse_float(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isinf(value):
        return None
    return value


def _parse_float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _parse_duration(text: str) -> float | None:
    match = _DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        return None
    sign, *parts = match.groups()
    numbers = [float((part or "0").replace(",", ".")) for part in parts]
    seconds = math.fsum(number * unit for number, unit in zip(numbers, (86400, 3600, 60, 1), strict=True))
    return -seconds if sign == "-" else seconds


def _parse_log(entry: Any) -> tuple[Level, str]:
    if not isinstance(entry, dict):
        raise _Broken("a log entry is no object")
    level: Level | None = _choose(entry.get("level"), get_args(Level))
    if level is None:
        raise _Broken(f"the log level '{entry.get('level')}' is unknown ({', '.join(get_args(Level))})")
    message = entry.get("message")
    if message is None:
        return level, ""
    return level, message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)


def _choose(value: object, choices: tuple[Any, ...]) -> Any:
    return next((choice for choice in choices if choice == value), None)
