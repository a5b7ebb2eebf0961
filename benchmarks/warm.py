"""Runs of the warm runner: how soon they start, how many end in a second, what they cost.

`python benchmarks/warm.py [RUNS]`, on the Prefect API that is configured, or the local server. For comparison a few
runs are executed by a process each, as `command: python -m prefect.engine` does in a work pool; what the worker takes
to find them is not in these figures.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psutil
from prefect.client.orchestration import get_client
from prefect.states import Pending
from prefect.utilities.callables import parameter_schema

import wdprefect
from wdprefect.on_prefect.local_api import use_api
from wdprefect.on_prefect.warm.process import MODULE, Settings
from wdprefect.on_prefect.warm.runner import WarmRunner, warm_runner

NAME = "benchmark.warm.one"
FLOW = """\
id: one
namespace: benchmark.warm
inputs:
  - {id: file, type: STRING}
tasks:
  - id: command
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["date +%s.%N > {{ inputs.file }}"]
"""
FLOWS_PY = "from pathlib import Path\nfrom wdprefect.on_prefect.entrypoints import lazy_flows\n"
FLOWS_PY += "__getattr__ = lazy_flows(Path(__file__).parent)\n"
COLD_RUNS = 3
PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Times:
    """Seconds after the run was asked for."""

    running: float
    user_code: float
    ended: float


class Bench:
    """A deployed flow in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "one.yaml"
        self.file.write_text(FLOW)
        (folder / "flows.py").write_text(FLOWS_PY)
        self.deployment = asyncio.run(self._deploy())
        self.asked: dict[UUID, float] = {}

    async def _deploy(self) -> UUID:
        flow = wdprefect.to_prefect(wdprefect.load(self.file))
        schema = parameter_schema(flow).model_dump_for_openapi()
        async with get_client() as client:
            flow_id = await client.create_flow(flow)
            return await client.create_deployment(flow_id, "warm", parameter_openapi_schema=schema)

    def create(self, count: int) -> list[UUID]:
        """Pending runs."""

        async def ask() -> list[UUID]:
            async with get_client() as client:
                found = []
                for _ in range(count):
                    file = self.folder / str(time.time_ns())
                    state: Any = Pending()
                    made = await client.create_flow_run_from_deployment(
                        self.deployment, parameters={"file": str(file)}, state=state
                    )
                    found.append(made.id)
                return found

        return asyncio.run(ask())

    def times(self, flow_run_id: UUID) -> Times:
        """What the API and the command say of a run that has ended."""

        async def ask() -> Any:
            async with get_client() as client:
                return await client.read_flow_run(flow_run_id)

        run, asked = asyncio.run(ask()), self.asked[flow_run_id]
        assert run.state.is_completed(), run.state
        written = float(Path(run.parameters["file"]).read_text())
        return Times(run.start_time.timestamp() - asked, written - asked, run.end_time.timestamp() - asked)


def main() -> None:
    """Print the figures."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    use_api()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        with running(bench) as (runner, wait):
            show("warm, one after the other", singly(bench, runner, wait, count))
            at_once(bench, runner, wait, count)
        show("python -m prefect.engine", cold(bench))


@contextmanager
def running(bench: Bench) -> Iterator[tuple[WarmRunner, Callable[[], None]]]:
    """A runner, and what waits until it has nothing to do."""
    ended = threading.Semaphore(0)

    def wait() -> None:
        while runner.running():
            ended.acquire(timeout=0.1)

    with warm_runner(Settings({NAME: bench.file}), lambda *_: ended.release(), print) as runner:
        yield runner, wait


def singly(bench: Bench, runner: WarmRunner, wait: Callable[[], None], count: int) -> list[Times]:
    """Runs that have the machine to themselves."""
    runs = bench.create(count)
    for flow_run_id in runs:
        time.sleep(PAUSE_SECONDS)
        bench.asked[flow_run_id] = time.time()
        runner.execute(flow_run_id, NAME)
        wait()
    return [bench.times(flow_run_id) for flow_run_id in runs]


def at_once(bench: Bench, runner: WarmRunner, wait: Callable[[], None], count: int) -> None:
    """Runs that are asked for at once: how many end in a second, and what they cost."""
    runs = bench.create(count)
    template = template_process()
    before, began = cpu_of_children(template), time.perf_counter()
    most = [0.0]
    for flow_run_id in runs:
        runner.execute(flow_run_id, NAME)
    while runner.running():
        most.append(max((private_of(child) for child in template.children()), default=0.0))
        time.sleep(0.2)
    wait()
    took = time.perf_counter() - began
    cpu = (cpu_of_children(template) - before) / count
    figures = f"{count / took:.2f} runs/s, {cpu:.3f} s of CPU each, at most {max(most):.0f} MB of its own"
    print(f"{'warm, at once':<28} {figures}")


def cold(bench: Bench) -> list[Times]:
    """Runs in a Python process each."""
    runs = bench.create(COLD_RUNS)
    for flow_run_id in runs:
        own = {"PREFECT__FLOW_RUN_ID": str(flow_run_id), "PREFECT__FLOW_ENTRYPOINT": "flows.py:benchmark_warm_one"}
        bench.asked[flow_run_id] = time.time()
        subprocess.run(
            [sys.executable, "-m", "prefect.engine"],
            cwd=bench.folder,
            env=os.environ | own,
            capture_output=True,
            check=True,
        )
    return [bench.times(flow_run_id) for flow_run_id in runs]


def show(name: str, times: list[Times]) -> None:
    """Print medians and the worst."""
    parts = [
        f"{what} {median(values):.3f} (at most {max(values):.3f})"
        for what, values in (
            ("running", [each.running for each in times]),
            ("first line", [each.user_code for each in times]),
            ("ended", [each.ended for each in times]),
        )
    ]
    print(f"{name:<28} {', '.join(parts)} s")


def template_process() -> psutil.Process:
    """The process that the runs of this one are forked from."""
    (found,) = (child for child in psutil.Process().children() if MODULE in child.cmdline())
    return found


def cpu_of_children(process: psutil.Process) -> float:
    """Seconds of all its children that have ended."""
    times = process.cpu_times()
    return float(times.children_user + times.children_system)


def private_of(process: psutil.Process) -> float:
    """The megabytes that a process shares with nobody."""
    try:
        return float(process.memory_full_info().uss) / 1e6
    except psutil.Error:
        return 0.0


if __name__ == "__main__":
    main()
