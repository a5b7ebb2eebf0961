from __future__ import annotations

from typing import Any

import pytest

from wdprefect.workspace.protocol import Collector, Message, Metric, parse


def read(line: str) -> Message:
    message = parse(line)
    assert message is not None
    return message


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("plain", id="plain"),
        pytest.param(' ::{"outputs":{"a":1}}::', id="a space before"),
        pytest.param('12:00 ::{"outputs":{"a":1}}::', id="a time before"),
        pytest.param('::{"outputs":{"a":1}}:: ', id="a space after"),
        pytest.param('::{"outputs":{"a":1}}:', id="one colon is missing"),
        pytest.param("::[1]::", id="no object"),
        pytest.param("", id="empty"),
    ],
)
def test_ordinary_lines(line: str) -> None:
    """Only a line that is nothing but the protocol is a message."""
    assert parse(line) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            '::{"outputs":{"s":"x","i":2,"b":true,"f":3.65,"n":null,"l":[1,null],"o":{"k":1}}}::',
            {"s": "x", "i": 2, "b": True, "f": 3.65, "n": None, "l": [1, None], "o": {"k": 1}},
            id="types are kept",
        ),
        pytest.param('::{"outputs":{}}::', {}, id="no output"),
        pytest.param('::{"outputs":null,"metrics":null,"logs":null}::', {}, id="null is nothing"),
        pytest.param('::{"assets":{"a":1},"whatever":2}::', {}, id="unknown keys are ignored"),
        pytest.param("::{}::", {}, id="empty"),
        pytest.param('::{"outputs":{"a":"}::{"}}::', {"a": "}::{"}, id="the marks inside a text"),
    ],
)
def test_outputs(line: str, expected: dict[str, Any]) -> None:
    """Outputs keep their JSON types."""
    assert Message(expected) == read(line)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param('{"name":"m","type":"counter","value":10}', Metric("m", "counter", 10, {}), id="counter"),
        pytest.param('{"name":"m","type":"counter","value":"2.5"}', Metric("m", "counter", 2.5, {}), id="as text"),
        pytest.param('{"name":"m","type":"gauge","value":-1.5}', Metric("m", "gauge", -1.5, {}), id="gauge"),
        pytest.param('{"name":"m","type":"timer","value":2.5}', Metric("m", "timer", 2.5, {}), id="seconds"),
        pytest.param('{"name":"m","type":"timer","value":"PT1M2.5S"}', Metric("m", "timer", 62.5, {}), id="ISO 8601"),
        pytest.param('{"name":"m","type":"timer","value":"P1DT1H"}', Metric("m", "timer", 90_000, {}), id="days"),
        pytest.param('{"name":"m","type":"timer","value":"-PT0.5S"}', Metric("m", "timer", -0.5, {}), id="negative"),
        pytest.param(
            '{"name":"m","type":"counter","value":1,"tags":{"t":"x","n":1}}',
            Metric("m", "counter", 1, {"t": "x", "n": "1"}),
            id="tags are texts",
        ),
    ],
)
def test_metrics(entry: str, expected: Metric) -> None:
    """A metric has a name, one of three types, a number and tags."""
    assert Message({}, metrics=(expected,)) == read(f'::{{"metrics":[{entry}]}}::')


def test_logs() -> None:
    """Log entries keep their level and order."""
    line = '::{"logs":[{"level":"TRACE","message":"t"},{"level":"ERROR","message":"e"},{"level":"INFO"}]}::'

    assert (("TRACE", "t"), ("ERROR", "e"), ("INFO", "")) == read(line).logs


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param('::{"outputs":{"a":1}::', "invalid JSON: ", id="broken JSON"),
        pytest.param('::{"outputs":{"a":NaN}}::', "invalid JSON: NaN is no number", id="NaN"),
        pytest.param("::{" + '"a":[' * 100_000 + "}::", "invalid JSON: ", id="nested without end"),
        pytest.param('::{"a":' + "1" * 5000 + "}::", "invalid JSON: ", id="a number without end"),
        pytest.param('::{"outputs":[1]}::', "'outputs' is no object", id="outputs"),
        pytest.param('::{"metrics":{"a":1}}::', "'metrics' is no list", id="metrics"),
        pytest.param('::{"metrics":[1]}::', "a metric has no name", id="metric"),
        pytest.param('::{"metrics":[{"name":"m","type":"x"}]}::', "unknown type 'x' (counter,", id="metric type"),
        pytest.param('::{"metrics":[{"name":"m","type":[]}]}::', "unknown type '[]'", id="metric type of no type"),
        pytest.param('::{"metrics":[{"name":"m","type":"timer","value":"PT"}]}::', 'the value "PT"', id="duration"),
        pytest.param('::{"metrics":[{"name":"m","type":"counter","value":true}]}::', "the value true", id="boolean"),
        pytest.param('::{"metrics":[{"name":"m","type":"counter"}]}::', "the value null", id="no value"),
        pytest.param('::{"metrics":[{"name":"m","type":"gauge","value":"inf"}]}::', "no number", id="infinite"),
        pytest.param('::{"metrics":[{"name":"m","type":"gauge","tags":[1]}]}::', "tags of the metric 'm'", id="tags"),
        pytest.param('::{"logs":[{"level":"info","message":"x"}]}::', "the log level 'info' is unknown", id="level"),
        pytest.param('::{"logs":["x"]}::', "a log entry is no object", id="log"),
    ],
)
def test_problems(line: str, expected: str) -> None:
    """What is not understood is said, as a reason for one warning."""
    message = read(line)

    assert [True] == [expected in problem for problem in message.problems]
    assert Message({}, problems=message.problems) == message


def test_the_rest_counts() -> None:
    """One broken entry does not take the others with it."""
    metrics = '[{"name":"m","type":"histogram","value":1},{"name":"n","type":"counter","value":1}]'
    message = read(f'::{{"outputs":{{"a":1}},"metrics":{metrics}}}::')

    assert {"a": 1} == message.outputs
    assert ["n"] == [metric.name for metric in message.metrics]
    assert 1 == len(message.problems)


def test_two_on_one_line() -> None:
    """Of two messages on one line the first counts, and the second is not lost silently."""
    message = read('::{"outputs":{"a":1}}::::{"outputs":{"b":2}}::')

    assert {"a": 1} == message.outputs
    assert ('only the first object is read, not \'::::{"outputs":{"b":2}}\'',) == message.problems


def collected(*lines: str) -> Collector:
    collector = Collector()
    for line in lines:
        collector.add(read(line))
    return collector


def test_outputs_merge_at_the_top() -> None:
    """A later output replaces an earlier one of its name as a whole."""
    collector = collected('::{"outputs":{"a":{"x":1},"b":1}}::', '::{"outputs":{"a":{"y":2}}}::')

    assert {"a": {"y": 2}, "b": 1} == collector.outputs


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param('"type":"counter","value":10', '"type":"counter","value":5', [15], id="counters add up"),
        pytest.param('"type":"timer","value":1.5', '"type":"timer","value":"PT1S"', [2.5], id="timers add up"),
        pytest.param('"type":"gauge","value":7', '"type":"gauge","value":3', [3], id="the last gauge"),
        pytest.param('"type":"counter","value":1', '"type":"gauge","value":2', [1, 2], id="types are apart"),
        pytest.param(
            '"type":"counter","value":1,"tags":{"a":"x","b":"y"}',
            '"type":"counter","value":2,"tags":{"b":"y","a":"x"}',
            [3],
            id="the same tags",
        ),
        pytest.param(
            '"type":"counter","value":1,"tags":{"a":"x"}', '"type":"counter","value":2', [1, 2], id="other tags"
        ),
    ],
)
def test_metrics_add_up(first: str, second: str, expected: list[float]) -> None:
    """Metrics of one name, type and tags are one metric."""
    lines = [f'::{{"metrics":[{{"name":"m",{entry}}}]}}::' for entry in (first, second)]

    assert expected == [metric.value for metric in collected(*lines).metrics]
