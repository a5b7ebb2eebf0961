"""Deployed flows whose runs nobody's worker takes, and a warm runner that executes them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.states import Pending
from prefect.utilities.callables import parameter_schema

import wdprefect
from tests.on_prefect.seen import Api
from wdprefect.loader import load_file
from wdprefect.on_prefect.warm.process import Settings
from wdprefect.on_prefect.warm.runner import WarmRunner, warm_runner

BOUND_SECONDS = 60.0


@dataclass
class Ended:
    """What a runner said of its runs."""

    codes: dict[str, int | None] = field(default_factory=dict)
    lines: list[tuple[str, str]] = field(default_factory=list)
    heard: threading.Condition = field(default_factory=threading.Condition)

    def on_exit(self, flow_run_id: UUID, code: int | None) -> None:
        with self.heard:
            self.codes[str(flow_run_id)] = code
            self.heard.notify_all()

    def on_line(self, flow_run_id: UUID | None, line: str) -> None:
        self.lines.append((str(flow_run_id or ""), line))

    def code(self, flow_run_id: str) -> int | None:
        """The exit code of a run, as soon as it has ended."""
        with self.heard:
            assert self.heard.wait_for(lambda: flow_run_id in self.codes, BOUND_SECONDS), self.lines
        return self.codes[flow_run_id]


@dataclass
class Warm:
    """A runner with its flows, and what it said."""

    runner: WarmRunner
    ended: Ended
    deployments: Mapping[str, UUID]

    def start(self, flow: str, parameters: Mapping[str, Any] | None = None) -> str:
        """Create a run and have it executed; its id."""
        flow_run_id = create(self.deployments[flow], parameters or {})
        self.runner.execute(flow_run_id, flow)
        return str(flow_run_id)

    def run(self, flow: str, parameters: Mapping[str, Any] | None = None) -> str:
        """As `start`, to its end."""
        flow_run_id = self.start(flow, parameters)
        self.ended.code(flow_run_id)
        return flow_run_id


@contextmanager
def warm(api: Api, *files: Path, **settings: Any) -> Iterator[Warm]:
    """A runner for the flows in files, each deployed on the server of the tests."""
    ended = Ended()
    flows = {load_file(file).name: file for file in files}
    most = settings.pop("most", 16)
    with warm_runner(Settings(flows, **settings), ended.on_exit, ended.on_line, most) as runner:
        yield Warm(runner, ended, {name: deploy(file) for name, file in flows.items()})


def deploy(file: Path, name: str = "warm", **more: Any) -> UUID:
    """A deployment of a flow, with its typed parameters."""
    flow = wdprefect.to_prefect(load_file(file))
    schema = parameter_schema(flow).model_dump_for_openapi()

    async def ask() -> UUID:
        async with get_client() as client:
            flow_id = await client.create_flow(flow)
            return await client.create_deployment(
                flow_id, name, parameter_openapi_schema=schema, enforce_parameter_schema=True, **more
            )

    return asyncio.run(ask())


def create(deployment_id: UUID, parameters: Mapping[str, Any], state: Any = None) -> UUID:
    """A run of a deployment, pending unless another state is given, as the intake creates it."""

    async def ask() -> UUID:
        async with get_client() as client:
            made = await client.create_flow_run_from_deployment(
                deployment_id, parameters=dict(parameters), state=state or Pending()
            )
            return made.id

    return asyncio.run(ask())
