"""A run whose storage is out of order: it waits and says so, or ends with the cause."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

import wdprefect
from tests.running import CORE, SCRIPTS
from tests.servers.s3 import S3Server
from tests.servers.unruly import Fault, Unruly, unruly_in_front_of
from wdprefect.errors import Unavailable
from wdprefect.execution.execution import Execution

pytestmark = pytest.mark.s3

FLOW = f"""\
id: waits
namespace: company.team
tasks:
  - id: wdir
    type: {CORE}.flow.WorkingDirectory
    outputFiles: ["*.txt"]
    tasks:
      - id: write
        type: {SCRIPTS}.shell.Commands
        commands: [echo here > a.txt]
"""


@pytest.fixture
def proxy(s3_server: S3Server, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Unruly]:
    """A proxy in front of the server, which the environment names."""
    monkeypatch.setattr("wdprefect.storage.patience.FIRST_PAUSE_SECONDS", 0.01)
    with unruly_in_front_of(s3_server.endpoint) as found:
        for name, value in dataclasses.replace(s3_server, endpoint=found.endpoint).environment.items():
            monkeypatch.setenv(name, value)
        yield found


def run(tmp_path: Path) -> Execution:
    """The flow, run with a storage in the bucket."""
    (tmp_path / "flow.yaml").write_text(FLOW)
    flow = wdprefect.load(tmp_path / "flow.yaml")
    return wdprefect.run(flow, engine="local", storage=f"s3://runs/{tmp_path.name}")


@pytest.mark.parametrize(
    ("request_", "task"),
    [
        pytest.param(r"^PUT .*a\.txt", "wdir", id="a file"),
        pytest.param(r"^PUT .*/_runs/", None, id="the run"),
        pytest.param(r"^PUT .*/ledger/", None, id="the ledger"),
    ],
)
def test_it_waits(proxy: Unruly, tmp_path: Path, request_: str, task: str | None) -> None:
    """A run waits for a server that sends it away, and its log says so, once, where it happened."""
    # More often than boto3 itself tries.
    proxy.faults.append(Fault("answer", request_, times=7))
    execution = run(tmp_path)
    assert "SUCCESS" == execution.state
    said = [record for record in execution.logs if "waiting for the storage" in record.message]
    assert [("WARN", task)] == [(record.level, record.task_id) for record in said]
    assert "the server has too much to do (SlowDown, bucket 'runs'" in said[0].message


def test_it_fails_with_the_cause(proxy: Unruly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time is over the task fails, and says why."""
    monkeypatch.setenv("WDPREFECT_STORAGE_WAIT", "0.1")
    proxy.faults.append(Fault("answer", r"^PUT .*a\.txt", times=1000))
    execution = run(tmp_path)
    assert "FAILED" == execution.state
    assert "the server has too much to do (SlowDown" in str(execution.error)


def test_the_run_itself(proxy: Unruly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing at all can be kept the run ends with what is around it."""
    monkeypatch.setenv("WDPREFECT_STORAGE_WAIT", "0.1")
    proxy.faults.append(Fault("answer", r"^PUT ", times=1000))
    with pytest.raises(Unavailable, match="the server has too much to do"):
        run(tmp_path)
