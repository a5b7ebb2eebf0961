"""Listeners under fire: objects arrive, listeners and server are killed, S3 misbehaves, and each object is taken once.

Used by a test with a few objects, and by `benchmarks/fire.py` with many.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.on_prefect.deploying import POOL, deploy, make_project, worker
from tests.on_prefect.seen import Api
from tests.servers.ministack import Ministack, NotifiedBucket
from tests.servers.unruly import Fault, unruly_in_front_of

FLOW = """\
id: fire
namespace: team
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: "{{{{ trigger.objects | length }}}}"}}
triggers:
  - id: arrived
    type: io.kestra.plugin.aws.s3.Trigger
    bucket: {bucket}
    prefix: raw/
    interval: PT3S
    maxFiles: {batch}
    action: {action}
    allowConcurrent: true
    queueUrl: {queue}
    endpointOverride: {endpoint}
    accessKeyId: test
    secretKeyId: test
    region: us-east-1
    startBy: {start_by}
"""
WARM_UP_SECONDS = 120.0
# Between two shots.
PAUSE_SECONDS = 2.0, 6.0
# How long is watched whether something comes twice, after all is done.
QUIET_SECONDS = 15.0
DICE = random.Random()  # noqa: S311  no secret is made of it


@dataclass(frozen=True)
class Scenario:
    """What happens. overwrites: how often each key is stored; versions are kept where that is more than once.

    kills, server_kills: how often a listener, and the server, are killed, while objects arrive. duplicates: the share
    of messages that come again, in another order and between those of newer objects. faults: the share of requests to
    S3 and to the queue that go wrong.
    """

    name: str
    objects: int
    batch: int = 1
    overwrites: int = 1
    start_by: str = "direct"
    listeners: int = 3
    kills: int = 6
    server_kills: int = 1
    duplicates: float = 0.3
    faults: float = 0.05
    seconds: float = 600.0


@dataclass
class Outcome:
    """What came of it. runs: how many runs that succeeded each version was in. automated: how many runs an automation
    has made.
    """

    versions: int
    runs: Counter[tuple[str, str]]
    states: Counter[str]
    seconds: float
    kills: int = 0
    server_kills: int = 0
    faults: int = 0
    automated: int = 0
    said: list[str] = field(default_factory=list)

    @property
    def lost(self) -> int:
        return self.versions - len(self.runs)

    @property
    def doubled(self) -> int:
        return sum(count > 1 for count in self.runs.values())


class Server:
    """A Prefect server of its own that can be killed and comes back at the same address."""

    def __init__(self, home: Path, database: str | None = None) -> None:
        self._home, self._port = home, _free_port()
        self.url = f"http://127.0.0.1:{self._port}/api"
        self._environment = os.environ | {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
        self._environment.pop("PREFECT_API_URL", None)
        if database:
            self._environment["PREFECT_API_DATABASE_CONNECTION_URL"] = database
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self._port)]
        with (self._home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        end = time.monotonic() + WARM_UP_SECONDS
        while time.monotonic() < end:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return
            time.sleep(0.2)
        raise TimeoutError((self._home / "server.log").read_text()[-2000:])

    def kill(self) -> None:
        assert self._process
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Listeners:
    """Processes that listen, of which now and then one is killed and another one started."""

    def __init__(self, count: int, flow: Path, environment: dict[str, str], log: Path, *, is_warm: bool) -> None:
        self._flow, self._environment, self._log = flow, environment, log
        self._arguments = ["--runs", "6", *(["--warm"] if is_warm else [])]
        self._processes = [self._start() for _ in range(count)]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "wdprefect", "listen", str(self._flow), *self._arguments]
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                env=self._environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def kill_one(self) -> None:
        number = DICE.randrange(len(self._processes))
        self._processes[number].kill()
        self._processes[number].wait()
        self._processes[number] = self._start()

    def alive(self) -> int:
        return sum(process.poll() is None for process in self._processes)

    def end(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
            process.wait()


def under_fire(scenario: Scenario, server: Ministack, folder: Path, book: str, database: str | None = None) -> Outcome:
    """Let the objects arrive, kill what is to be killed, wait until all is done, and count."""
    start = time.monotonic()
    with ExitStack() as stack:
        bucket = stack.enter_context(server.notified(versioned=scenario.overwrites > 1))
        proxy = stack.enter_context(unruly_in_front_of(server.endpoint))
        proxy.faults += _faults(scenario.faults)
        prefect = Server(folder, database)
        prefect.start()
        stack.callback(prefect.kill)
        flow = folder / "flow.yaml"
        flow.write_text(
            FLOW.format(
                bucket=bucket.name,
                batch=scenario.batch,
                action="DELETE" if scenario.overwrites == 1 else "NONE",
                queue=bucket.url.replace(server.endpoint, proxy.endpoint),
                endpoint=proxy.endpoint,
                start_by=scenario.start_by,
            )
        )
        environment = _environment(folder, prefect.url, book)
        if scenario.start_by == "automation":
            stack.enter_context(_worker(folder, flow, prefect.url, bucket.name, environment))
        log, is_warm = folder / "listen.log", scenario.start_by == "direct"
        listeners = Listeners(scenario.listeners, flow, environment, log, is_warm=is_warm)
        stack.callback(listeners.end)
        # Of what was overwritten before the first start nothing is wanted.
        _wait_for_text(folder / "listen.log", "there already")
        sender = threading.Thread(target=_send, args=(scenario, bucket), daemon=True)
        sender.start()
        outcome = Outcome(scenario.objects * scenario.overwrites, Counter(), Counter(), 0.0)
        _fire(scenario, listeners, prefect, outcome)
        sender.join()
        _wait_for_all(scenario, prefect.url, outcome, start)
        outcome.seconds = time.monotonic() - start
        time.sleep(QUIET_SECONDS)
        outcome.runs, outcome.states = _counted(prefect.url)
        outcome.faults = proxy.failed
        made_by = Counter(run["created_by"]["type"] for run in _flow_runs(prefect.url) if run["created_by"])
        outcome.automated = made_by["AUTOMATION"]
    outcome.said = (folder / "listen.log").read_text(errors="replace").splitlines()
    return outcome


@contextmanager
def _worker(folder: Path, flow: Path, api: str, bucket: str, environment: dict[str, str]) -> Iterator[None]:
    """The flow deployed with an automation that starts it, and a worker for its runs."""
    project = folder / "project"
    project.mkdir()
    parameters = {"wdprefect_trigger": "{{ event.payload.wdprefect_trigger }}"}
    automation = {
        "type": "event",
        "name": "fire",
        "match": {"prefect.resource.id": f"s3://{bucket}/raw/*"},
        "expect": ["wdprefect.s3.object.created"],
        "posture": "Reactive",
        "threshold": 1,
        "within": 0,
        "parameters": parameters,
    }
    # Without this, each run is two processes.
    pool = {"name": POOL, "job_variables": {"command": f"{sys.executable} -m prefect.engine"}}
    deployment = {"entrypoint": "flows.py:team_fire", "name": "fire", "triggers": [automation], "work_pool": pool}
    make_project(project, {"fire.yaml": flow.read_text()}, [deployment])
    found = Api(api)
    with worker(found, project, variables=environment):
        deployed = deploy(found, project)
        assert deployed.returncode == 0, deployed.stdout + deployed.stderr
        yield
    found.close()


def _faults(share: float) -> list[Fault]:
    """What goes wrong, by chance, with any request."""
    ways = [Fault("answer", ""), Fault("answer", "", status=500, code="InternalError"), Fault("reset up", "")]
    ways += [Fault("reset down", ""), Fault("lose", "")]
    for fault in ways:
        fault.times, fault.share = sys.maxsize, share / len(ways)
    return ways


def _wait_for_text(file: Path, text: str) -> None:
    end = time.monotonic() + WARM_UP_SECONDS
    while time.monotonic() < end and text not in file.read_text(errors="replace"):
        time.sleep(0.2)


def _fire(scenario: Scenario, listeners: Listeners, prefect: Server, outcome: Outcome) -> None:
    shots = ["listener"] * scenario.kills + ["server"] * scenario.server_kills
    DICE.shuffle(shots)
    for shot in shots:
        time.sleep(DICE.uniform(*PAUSE_SECONDS))
        if shot == "listener":
            listeners.kill_one()
            outcome.kills += 1
        else:
            prefect.kill()
            time.sleep(DICE.uniform(0, 3))
            prefect.start()
            outcome.server_kills += 1


def _send(scenario: Scenario, bucket: NotifiedBucket) -> None:
    """Store the objects, as long as there is shooting; what some messages tell comes again behind newer ones."""
    # The server itself sends the first ones in the order of the objects.
    late: list[str] = []
    versions = [(number, turn) for turn in range(scenario.overwrites) for number in range(scenario.objects)]
    pause = (scenario.kills + scenario.server_kills) * sum(PAUSE_SECONDS) / 2 / len(versions)
    for number, turn in versions:
        key = f"raw/{number % 10}/{number}.txt"
        version = bucket.put(key, f"{number} {turn}".encode())
        if DICE.random() < scenario.duplicates:
            late.append(json.dumps({"Records": [_record(bucket, key, version)]}))
        if len(late) > 1 and DICE.random() < scenario.duplicates:
            bucket.send(late.pop(DICE.randrange(len(late) - 1)))
        time.sleep(DICE.uniform(0, 2 * pause))
    DICE.shuffle(late)
    for body in late:
        bucket.send(body)


def _record(bucket: NotifiedBucket, key: str, version: str | None) -> dict[str, Any]:
    told = {"bucket": {"name": bucket.name}, "object": {"key": key, **({"versionId": version} if version else {})}}
    return {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": told}


def _wait_for_all(scenario: Scenario, url: str, outcome: Outcome, start: float) -> None:
    while time.monotonic() < start + scenario.seconds:
        # On SQLite the server may stall for a minute.
        with suppress(httpx.HTTPError):
            outcome.runs, outcome.states = _counted(url)
        is_quiet = not {"RUNNING", "PENDING", "SCHEDULED"} & set(outcome.states)
        if len(outcome.runs) >= outcome.versions and is_quiet:
            return
        time.sleep(2)


def _counted(url: str) -> tuple[Counter[tuple[str, str]], Counter[str]]:
    """In how many runs that succeeded each version was, and how all runs are."""
    runs: Counter[tuple[str, str]] = Counter()
    states: Counter[str] = Counter()
    for run in _flow_runs(url):
        state = run["state"]
        states[state["name"] if state["type"] == "COMPLETED" else state["type"]] += 1
        if state["type"] == "COMPLETED" and state["name"] != "Skipped":
            trigger = json.loads(run["parameters"]["wdprefect_trigger"])
            runs.update((one["key"], one["etag"]) for one in trigger["objects"])
    return runs, states


def _flow_runs(url: str) -> Iterator[dict[str, Any]]:
    offset = 0
    while True:
        body = {"limit": 200, "offset": offset, "sort": "ID_DESC"}
        found: Sequence[dict[str, Any]] = httpx.post(f"{url}/flow_runs/filter", json=body, timeout=60).json()
        yield from found
        offset += len(found)
        if len(found) < 200:
            return


def _environment(folder: Path, api: str, book: str) -> dict[str, str]:
    return os.environ | {
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(folder / "home"),
        "WDPREFECT_HOME": str(folder / "wdprefect"),
        "WDPREFECT_BOOK": book,
        "PREFECT_LOCAL_STORAGE_PATH": str(folder / "storage"),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
