"""What Prefect logs too much is left out, and nothing else."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.commands import run_command
from wdprefect.on_prefect.quiet import HasReader, quiet_attempts, quiet_exit

QUEUE, ATTEMPTS = "EventsWorker", "prefect.task_runs"
WAITING = "Still processing items: 3 items remaining..."
LOST = "Service %r queue is full (%d items), dropping item"
CONSOLE = """\
id: console
namespace: team
tasks:
  - {id: unwanted, type: io.kestra.plugin.core.log.Log, runIf: "false", message: never}
  - id: each
    type: io.kestra.plugin.core.flow.ForEach
    values: [x]
    tasks:
      - {id: say, type: io.kestra.plugin.core.log.Log, message: hello}
  - id: broken
    type: io.kestra.plugin.core.execution.Fail
    retry: {type: constant, interval: PT0.01S, maxAttempts: 2}
"""
SHOWN = """\
* unwanted: skipped
* each: started
* say[x]: started
  say[x] | hello
* say[x]: success
* each: success
* broken: started
  broken | ERROR FILE:10:5: task 'broken': Task failure
* broken: attempt 2 started
  broken | ERROR FILE:10:5: task 'broken': Task failure
* broken: failed
look at it: ADDRESS
"""
REPEATED = "Task run failed with state: Failed(message='x', type=FAILED, result=None)"


@pytest.fixture(autouse=True)
def _filters() -> Iterator[None]:
    """The loggers have our filters as in a process that has just begun, and afterwards those that they had."""
    before = {name: list(logging.getLogger(name).filters) for name in (QUEUE, ATTEMPTS)}
    logging.getLogger(QUEUE).filters.clear()
    quiet_exit()
    quiet_attempts()
    yield
    for name, filters in before.items():
        logging.getLogger(name).filters[:] = filters


@pytest.mark.parametrize(
    ("name", "messages", "expected"),
    [
        pytest.param(QUEUE, [WAITING], [], id="something is left at the exit"),
        pytest.param(QUEUE, [WAITING, WAITING], [WAITING], id="the exit takes long"),
        pytest.param(QUEUE, [LOST, WAITING, LOST], [LOST, LOST], id="events are lost"),
        pytest.param("APILogWorker", [WAITING], [WAITING], id="another queue"),
        pytest.param(ATTEMPTS, [REPEATED], [REPEATED], id="a task that is not ours"),
        pytest.param(ATTEMPTS, ["Crash detected!"], ["Crash detected!"], id="another error"),
    ],
)
def test_what_is_left_out(name: str, messages: list[str], expected: list[str]) -> None:
    """The first word of the queue of events is left out; what follows it, and all else, stays."""
    logger = logging.getLogger(name)
    records = [logger.makeRecord(name, logging.WARNING, __file__, 1, message, (), None) for message in messages]
    assert expected == [record.msg for record in records if logger.filter(record)]


RECORD = logging.makeLogRecord({"msg": "hello"})


@pytest.fixture
def pipe() -> Iterator[tuple[int, io.TextIOBase]]:
    """The end of a pipe to read from, whose owner closes it, and the other as a stream."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield reading, stream


def test_reader(pipe: tuple[int, io.TextIOBase]) -> None:
    """What is logged passes as long as somebody reads the pipe, from many threads at once too."""
    reading, stream = pipe
    reader = HasReader(stream)
    with ThreadPoolExecutor(8) as pool:
        assert {True} == set(pool.map(lambda _: reader.filter(RECORD), range(5000)))
    os.close(reading)
    assert not reader.filter(RECORD)


@pytest.mark.parametrize("stream", [pytest.param(io.StringIO(), id="no file"), pytest.param(None, id="no stream")])
def test_stream_without_another_end(stream: object) -> None:
    """What goes to no pipe passes."""
    assert HasReader(stream).filter(RECORD)


@pytest.mark.server
def test_the_console(prefect_api: str, tmp_path: Path) -> None:
    """In a pipe there is a line for each that starts and ends, its log between, and nothing of Prefect's own."""
    file = tmp_path / "console.yaml"
    file.write_text(CONSOLE)
    said = run_command("run", file, env={"PREFECT_API_URL": prefect_api})
    shown = re.sub(r", took .* s$", "", said.err, flags=re.MULTILINE)
    shown = re.sub(r"(?<=look at it: )http://\S+/runs/flow-run/\S+$", "ADDRESS", shown, flags=re.MULTILINE)
    assert (1, SHOWN.replace("FILE", str(file))) == (said.code, shown)
