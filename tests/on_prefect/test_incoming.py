"""The flow of the demo that objects start: a file arrives in a bucket, is cleaned, and lies in the archive."""

from __future__ import annotations

import base64
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from scripts.demo import make_repository, write_orders
from tests.on_prefect.deploying import ROOT, deploy, environment, make_project, worker
from tests.on_prefect.seen import Api
from tests.servers.s3 import S3Server, s3_server
from tests.workspace.watching import wait_until
from wdprefect.loader import read_yaml
from wdprefect.storage import open_storage

__all__ = ["s3_server"]
FLOW = ROOT / "deployments" / "flows" / "incoming.yaml"
NAME = "company.team.incoming"


class Inbox:
    """A bucket into which orders come, the project that waits for them, and the storage of its runs."""

    def __init__(self, server: S3Server, client: Any, folder: Path, api: Api, flow: str) -> None:
        self.client, self.name = client, f"orders-{uuid.uuid4().hex[:8]}"
        for bucket in (self.name, f"{self.name}-files"):
            client.create_bucket(Bucket=bucket)
        self.storage = f"s3://{self.name}-files/runs"
        self.data = write_orders(folder / "data.csv")
        self.project = folder / "project"
        self.project.mkdir()
        secrets = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
        self.variables = {
            **server.environment,
            **{f"SECRET_{name}": base64.b64encode(value.encode()).decode() for name, value in secrets.items()},
            "ENV_ORDERS_BUCKET": self.name,
            "ENV_ORDERS_REPOSITORY": make_repository(folder / "repository").as_uri(),
            "ENV_S3_ENDPOINT": server.endpoint,
            "WDPREFECT_BOOK": f"sqlite:///{folder / 'book.db'}",
        }
        self.environment = environment(api, self.project, **self.variables)
        own = {"entrypoint": "flows.py:company_team_incoming", "name": "incoming"}
        if "startBy: automation" in flow:
            (folder / "incoming.yaml").write_text(flow)
            own |= self._automation(folder / "incoming.yaml")
        make_project(self.project, {"incoming.yaml": flow}, [own])

    def _automation(self, flow: Path) -> Any:
        """What the command prints for prefect.yaml."""
        command = [sys.executable, "-m", "wdprefect", "trigger", "show", str(flow), "--automation"]
        printed = subprocess.run(command, env=self.environment, capture_output=True, check=False)
        assert 0 == printed.returncode, printed.stderr
        return read_yaml(printed.stdout)

    @contextmanager
    def listening(self, *arguments: str) -> Iterator[list[str]]:
        """While the block runs, `wdprefect listen` does; what it wrote, afterwards."""
        command = [sys.executable, "-m", "wdprefect", "listen", "flows/incoming.yaml", *arguments]
        said: list[str] = []
        log = self.project / "listen.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, cwd=self.project, env=self.environment, stderr=output)
        try:
            wait_until(lambda: "there already" in log.read_text(), 120)
            yield said
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(60)
        finally:
            process.kill()
            process.wait()
            said += log.read_text().splitlines()

    def put(self, key: str) -> None:
        self.client.upload_file(str(self.data), self.name, key)

    def keys(self) -> list[str]:
        return [item["Key"] for item in self.client.list_objects_v2(Bucket=self.name).get("Contents", ())]


@pytest.fixture
def inbox(s3_server: S3Server, api: Api, tmp_path: Path) -> Iterator[Inbox]:
    """An inbox on the S3 server of the tests, for the flow as it is."""
    with s3_server.client() as client:
        yield Inbox(s3_server, client, tmp_path, api, FLOW.read_text())


@pytest.fixture
def automated(s3_server: S3Server, api: Api, tmp_path: Path) -> Iterator[Inbox]:
    """An inbox for the flow where an automation makes the runs."""
    flow = FLOW.read_text().replace("    prefix: raw/\n", "    prefix: raw/\n    startBy: automation\n")
    with s3_server.client() as client:
        yield Inbox(s3_server, client, tmp_path, api, flow)


@pytest.mark.server
def test_warm(inbox: Inbox, api: Api, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The listener runs it itself; files and artifacts are there, secrets are nowhere in what it says."""
    with inbox.listening("--warm", "--storage", inbox.storage) as said:
        inbox.put("raw/2024/may.csv")
        wait_until(lambda: inbox.keys() == ["archive/raw/2024/may.csv"], 120)
    run = api.flow_runs(NAME)[0]
    assert "COMPLETED" == run["state_type"]
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    (clean,) = (
        uri for uri in open_storage(inbox.storage).list("kestra:///company") if uri.endswith("clean_dataset.csv")
    )
    assert open_storage(inbox.storage).read(clean).startswith(b"order_id,customer")
    assert any((one["key"] or "").endswith("-files") for one in api.artifacts(run["id"]))
    assert f"{NAME}/arrived: raw/2024/may.csv: moved to s3://{inbox.name}/archive/raw/2024/may.csv" in said
    assert s3_server.secret_key not in "\n".join(said)


@pytest.mark.slow
@pytest.mark.server
def test_worker(inbox: Inbox, api: Api) -> None:
    """Runs of a deployment are left to its workers."""
    with worker(api, inbox.project, variables=inbox.variables):
        assert 0 == deploy(api, inbox.project).returncode
        with inbox.listening():
            inbox.put("raw/june.csv")
            wait_until(lambda: inbox.keys() == ["archive/raw/june.csv"], 180)


@pytest.mark.slow
@pytest.mark.server
def test_automation(automated: Inbox, api: Api) -> None:
    """An automation of Prefect makes the run, of the deployment to which the printed entry has been added."""
    before = {run["id"] for run in api.flow_runs(NAME)}
    with worker(api, automated.project, variables=automated.variables):
        deployed = deploy(api, automated.project)
        assert 0 == deployed.returncode, deployed.stdout + deployed.stderr
        with automated.listening():
            automated.put("raw/july.csv")
            wait_until(lambda: automated.keys() == ["archive/raw/july.csv"], 180)
    (run,) = (run for run in api.flow_runs(NAME) if run["id"] not in before)
    assert ("COMPLETED", "AUTOMATION") == (run["state_type"], run["created_by"]["type"])
    assert any((one["key"] or "").endswith("-files") for one in api.artifacts(run["id"]))
