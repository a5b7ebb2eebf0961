"""What a run that died left behind, and who clears it up."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow_async

import wdprefect
from tests.on_prefect import stopping
from tests.on_prefect.seen import Api
from tests.workspace.watching import wait_until
from wdprefect.loader import load_text
from wdprefect.on_prefect.owned import owner_files

pytestmark = pytest.mark.server


@pytest.fixture
def died(api: Api, tmp_path: Path) -> Iterator[str]:
    """The id of a flow run whose process died together with its guard."""
    with started(api, tmp_path) as process:
        stopping.kill_with_guard(process)
    flow_run_id = stopping.run_of(api, tmp_path)
    yield flow_run_id
    (owner_files() / flow_run_id).unlink(missing_ok=True)


@contextmanager
def started(api: Api, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process whose run goes on until it is killed, as soon as the API shows its task."""
    with stopping.command_line(api, folder, stopping.SLEEP) as process:
        stopping.await_line(process, "* wait: started")
        stopping.running_task_run(api, folder)
        yield process


def next_start() -> None:
    """A run of the same flow in this process, which ends at once."""
    assert "SUCCESS" == wdprefect.run(load_text(stopping.SLEEP), inputs={"folder": "none"}).state


def states(api: Api, flow_run_id: str) -> tuple[str, str]:
    """Those of a run and of its task."""
    (found,) = api.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run_id]}}})
    return api.state(flow_run_id), found["state_type"]


def rewrite_owner(flow_run_id: str, content: bytes) -> None:
    (owner_files() / flow_run_id).write_bytes(content)


@pytest.mark.parametrize("is_lost", [False, True], ids=["as it was", "whose file lost its content"])
def test_a_run_of_a_dead_process(api: Api, died: str, *, is_lost: bool) -> None:
    """The next start closes a run whose process is gone, and its task runs; once."""
    assert ("RUNNING", "RUNNING") == states(api, died)
    if is_lost:
        rewrite_owner(died, b"")
    next_start()

    assert ("CRASHED", "CRASHED") == states(api, died)
    assert "the process that ran it has died" == api.flow_run(died)["state"]["message"]
    assert not (owner_files() / died).exists()


def test_a_cancelled_run_of_a_dead_process(api: Api, died: str) -> None:
    """A run that was being cancelled when its process died ends Cancelled."""
    api.cancel(died)
    next_start()

    assert ("CANCELLED", "CRASHED") == states(api, died)


def test_a_run_of_a_living_process(api: Api, tmp_path: Path) -> None:
    """A start leaves the runs of other processes alone as long as those live."""
    with started(api, tmp_path):
        next_start()
        found = states(api, stopping.run_of(api, tmp_path))

    assert ("RUNNING", "RUNNING") == found


def test_a_run_of_another_host(api: Api, died: str) -> None:
    """A start leaves the runs of other hosts alone, whose files a home of the network may hold."""
    rewrite_owner(died, json.dumps({"host": "elsewhere", "boot": "another", "pid": 1}).encode())
    next_start()

    assert ("RUNNING", "RUNNING") == states(api, died)
    assert (owner_files() / died).exists()


def test_a_run_of_another_api(api: Api) -> None:
    """The file of a run that this API does not know stays: its own may be used again."""
    file = owner_files() / str(uuid4())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"{}")
    (file.parent / "something else").touch()
    next_start()

    assert file.exists()
    file.unlink()


def test_a_run_that_ended(api: Api) -> None:
    """A run that has ended is nobody's: its file is gone with its end."""
    before = set(owner_files().glob("*"))
    execution = wdprefect.run(load_text(stopping.SLEEP), inputs={"folder": "none"})

    assert before == set(owner_files().glob("*"))
    assert "COMPLETED" == api.state(execution.id)


def test_task_runs_of_a_run_that_was_closed(api: Api, died: str) -> None:
    """The next start of a flow closes what still runs in its runs that ended badly, whoever noticed that they did."""
    (owner_files() / died).unlink()
    # What the worker of a run does when the process is gone.
    api.set_state(died, {"type": "CRASHED", "name": "Crashed"})
    next_start()

    assert ("CRASHED", "CRASHED") == states(api, died)


def test_task_runs_of_an_earlier_attempt(api: Api, died: str) -> None:
    """A run that crashed and is tried again, with the same id, closes what its earlier attempt left."""
    (owner_files() / died).unlink()
    api.set_state(died, {"type": "CRASHED", "name": "Crashed"})
    # What the button Retry does.
    api.set_state(died, {"type": "SCHEDULED", "name": "AwaitingRetry"})

    async def as_a_worker() -> None:
        async with get_client() as client:
            flow_run = await client.read_flow_run(UUID(died))
        flow = wdprefect.to_prefect(load_text(stopping.SLEEP))
        await run_flow_async(flow, flow_run, parameters={"folder": "none"}, return_type="state")

    asyncio.run(as_a_worker())

    assert "COMPLETED" == api.state(died)
    where = {"flow_runs": {"id": {"any_": [died]}}, "sort": "EXPECTED_START_TIME_ASC"}
    found = api.until(
        lambda: [run["state_type"] for run in api.post("/task_runs/filter", where)],
        lambda found: "RUNNING" not in found,
    )
    assert ["CRASHED", "COMPLETED"] == found


def test_directories_of_killed_runs(api: Api, tmp_path: Path) -> None:
    """A process that runs a flow removes the directories of runs that died, once."""
    root = tmp_path / "directories"
    (root / "wdprefect-dead" / "work").mkdir(parents=True)
    (root / "wdprefect-dead" / "owner").write_text('{"run": "dead", "pid": 0}')
    with stopping.command_line(api, tmp_path, stopping.SLEEP, WDPREFECT_DIRECTORY=str(root)):
        wait_until(lambda: not (root / "wdprefect-dead").exists(), seconds=60)
