"""Who runs a flow for each object: a listener of ours, and an automation of Prefect with a process worker."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from tests.servers.ministack import Ministack

READY_SECONDS = 180.0
NAMESPACE = "benchmark"
# The first line of user code writes the time, into a file that is called as the object is.
FLOW = """\
id: {id}
namespace: benchmark
tasks:
  - id: first
    type: io.kestra.plugin.scripts.shell.Commands
    commands: ["date +%s.%N > '{out}/{{{{ trigger.objects[0].key }}}}'"]
triggers:
  - id: arrived
    type: io.kestra.plugin.aws.s3.Trigger
    bucket: {bucket}
    interval: {interval}
    maxFiles: 1
    action: NONE
    allowConcurrent: true
{queue}    endpointOverride: {endpoint}
    accessKeyId: test
    secretKeyId: test
    region: us-east-1
"""
BY_HAND = """\
import asyncio

import prefect


@prefect.task
async def first(key: str) -> None:
    process = await asyncio.create_subprocess_exec("/bin/sh", "-c", f"date +%s.%N > '{out}/{{key}}'")
    if await process.wait():
        raise RuntimeError(key)


@prefect.flow(name="{name}")
async def on_object(key: str) -> None:
    await first(key)
"""
DEPLOYMENT = """\
deployments:
  - name: by-hand
    entrypoint: by_hand.py:on_object
    pull:
      - prefect.deployments.steps.set_working_directory: {{directory: "{folder}"}}
    work_pool: {{name: {pool}{variables}}}
    triggers:
      - type: event
        match: {{prefect.resource.id: "s3://{pool}/*"}}
        expect: [s3.object.created]
        posture: Reactive
        threshold: 1
        within: 0
        parameters: {{key: "{{{{ event.payload.key }}}}"}}
"""
COMMAND = ', job_variables: {command: "python -m prefect.engine"}'


@dataclass(frozen=True)
class Place:
    """Where the sides work: a Prefect API, a book, a folder, and who has the objects."""

    folder: Path
    api: str
    book: str
    store: Ministack

    @property
    def environment(self) -> dict[str, str]:
        """Of all processes that are measured: what they write is the place's own."""
        # What a person has put on the PATH need not be the Python that this is.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return os.environ | {
            "PATH": path,
            "PREFECT_API_URL": self.api,
            "PREFECT_HOME": str(self.folder / "home"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "WDPREFECT_HOME": str(self.folder / "wdprefect"),
            "WDPREFECT_BOOK": self.book,
        }


@dataclass(frozen=True)
class Side:
    """One that is measured, while it works.

    flow: the name of its flow at the API. out: where the first line of user code writes. put: lets an object arrive.
    state_key: of its trigger in the book, if it has one.
    """

    flow: str
    out: Path
    put: Callable[[str], object]
    state_key: str | None = None


@dataclass(frozen=True)
class Kind:
    """What is measured. every: the seconds between two objects, so that it need not queue them."""

    name: str
    every: float
    open: Callable[[Place], AbstractContextManager[Side]]


def kinds() -> list[Kind]:
    """All; those that the others are compared with last."""
    return [
        Kind("listen --warm, SQS", 1.0, partial(_listener, name="queue")),
        Kind("listen --warm, poll PT1S", 1.0, partial(_listener, name="poll")),
        Kind("automation, worker as it is", 6.0, partial(_worker, name="usual", variables="", settings={})),
        Kind(
            "automation, worker tuned",
            6.0,
            partial(_worker, name="tuned", variables=COMMAND, settings={"PREFECT_WORKER_QUERY_SECONDS": "1"}),
        ),
    ]


@contextmanager
def _listener(place: Place, name: str) -> Iterator[Side]:
    is_queued = name == "queue"
    with ExitStack() as stack:
        bucket = stack.enter_context(place.store.notified())
        out = _folder(place, name)
        queue = f"    queueUrl: {bucket.url}\n" if is_queued else ""
        flow = place.folder / name / f"{name}.yaml"
        flow.write_text(
            FLOW.format(
                id=name,
                out=out,
                bucket=bucket.name,
                interval="PT1M" if is_queued else "PT1S",
                queue=queue,
                endpoint=place.store.endpoint,
            )
        )
        log = place.folder / name / "log"
        command = [sys.executable, "-m", "wdprefect", "listen", str(flow), "--warm"]
        started = stack.enter_context(process(command, place.environment, log))
        _wait_for(lambda: "there already" in log.read_text(), started, log)
        yield Side(f"{NAMESPACE}.{name}", out, bucket.put, f"{NAMESPACE}_{name}_arrived")


@contextmanager
def _worker(place: Place, name: str, variables: str, settings: dict[str, str]) -> Iterator[Side]:
    out, folder, environment = _folder(place, name), place.folder / name, place.environment | settings
    (folder / "by_hand.py").write_text(BY_HAND.format(out=out, name=f"by-hand-{name}"))
    (folder / "prefect.yaml").write_text(DEPLOYMENT.format(folder=folder, pool=name, variables=variables))
    prefect = [sys.executable, "-m", "prefect", "--no-prompt"]
    for command in (["work-pool", "create", name, "--type", "process"], ["deploy", "--all"]):
        done = subprocess.run(
            [*prefect, *command], cwd=folder, env=environment, check=False, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
    log = folder / "log"
    with process([*prefect, "worker", "start", "--pool", name], environment, log) as started:
        _wait_for(lambda: bool(ask(place, f"work_pools/{name}/workers/filter", {})), started, log)
        yield Side(f"by-hand-{name}", out, partial(_emit, place, name))


def _emit(place: Place, bucket: str, key: str) -> None:
    resource = {"prefect.resource.id": f"s3://{bucket}/{key}"}
    event = {
        "id": str(uuid.uuid4()),
        "occurred": datetime.now(timezone.utc).isoformat(),
        "event": "s3.object.created",
        "resource": resource,
        "payload": {"key": key},
    }
    httpx.post(f"{place.api}/events", json=[event], timeout=60).raise_for_status()


def ask(place: Place, path: str, body: dict[str, Any]) -> Any:
    """What the API answers to a POST."""
    answer = httpx.post(f"{place.api}/{path}", json=body, timeout=60)
    answer.raise_for_status()
    return answer.json()


@contextmanager
def process(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is ended with the block."""
    with log.open("ab") as file:
        started = subprocess.Popen(
            command, env=environment, stdout=file, stderr=file, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        yield started
    finally:
        started.terminate()
        with suppress(subprocess.TimeoutExpired):
            started.wait(30)
        started.kill()
        started.wait()


def _wait_for(is_there: Callable[[], bool], started: subprocess.Popen[bytes], log: Path) -> None:
    """Return when a process is ready. Raises TimeoutError with the end of its log."""
    end = time.monotonic() + READY_SECONDS
    while not is_there():
        if time.monotonic() > end or started.poll() is not None:
            raise TimeoutError(log.read_text()[-2000:])
        time.sleep(0.1)


def _folder(place: Place, name: str) -> Path:
    out = place.folder / name / "out"
    out.mkdir(parents=True)
    return out


def load() -> str:
    """How much the machine has to do, over the last minute."""
    return f"load {os.getloadavg()[0]:.1f}"
