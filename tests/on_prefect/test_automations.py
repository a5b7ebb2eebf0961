"""Runs that automations of Prefect start, and a listener that is a run of a deployment itself, on a process worker."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.events import emit_event

from tests.cli.commands import run_command
from tests.on_prefect.deploying import deploy, make_project, start, worker
from tests.on_prefect.seen import ENDED, Api
from tests.on_prefect.stopping import python
from tests.servers.credentials_block import aws_block, saved
from tests.servers.s3 import S3Server, s3_server
from tests.workspace.watching import wait_until
from wdprefect.intake.book import find_book
from wdprefect.loader import read_yaml

__all__ = ["s3_server"]

pytestmark = [pytest.mark.server, pytest.mark.s3, pytest.mark.slow]
BOUND_SECONDS = 90.0
FLOW = """\
id: {name}
namespace: company.intake
tasks:
  - id: mark
    type: io.kestra.plugin.scripts.shell.Commands
    env:
      KEYS: "{{{{ trigger.objects | jq('.[].key') | join(' ') }}}}"
      FIRST: "{{{{ read(trigger.objects[0].uri) }}}}"
    commands: ['echo "$KEYS $FIRST" >> {marks}; case "$KEYS" in *slow*) sleep 600;; esac']
triggers:
  - id: arrived
    type: io.kestra.plugin.aws.s3.Trigger
    interval: {interval}
    bucket: {bucket}
    prefix: {name}/
    filter: FILES
    action: MOVE
    moveTo: {{key: archive/{name}/}}
    startBy: {start_by}
"""
KEYS = """\
    endpointOverride: {endpoint}
    accessKeyId: testkey
    secretKeyId: "{{{{ secret('INTAKE_KEY') }}}}"
    region: us-east-1
"""
BLOCK = """\
    credentialsBlock: {block}
"""
TOKEN = "token-of-the-store"


@dataclass
class Site:
    """A project that is deployed, with its worker, its bucket and its book."""

    api: Api
    project: Path
    client: Any
    bucket: str
    book: str

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body)

    def marks(self, key: str) -> list[str]:
        """What the flow's runs have written of an object."""
        path = self.project / "marks"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.split()[0] == key]

    def runs(self, flow: str, count: int) -> list[dict[str, Any]]:
        """All runs of a flow, as soon as there are so many and all have ended."""

        def ended() -> list[dict[str, Any]]:
            return self.api.flow_runs(f"company.intake.{flow}")

        found: list[dict[str, Any]] = self.api.until(
            ended, lambda runs: len(runs) >= count and all(run["state_type"] in ENDED for run in runs)
        )
        return found

    def said(self, flow_run_id: str, pattern: str) -> re.Match[str]:
        """What a run has said that has this pattern, as soon as it has."""

        def found(logs: list[dict[str, Any]]) -> re.Match[str] | None:
            return next(filter(None, (re.search(pattern, log["message"]) for log in logs)), None)

        match = found(self.api.logs(flow_run_id, lambda logs: found(logs) is not None))
        assert match
        return match

    def status(self, key: str) -> str | None:
        book = find_book(self.book)
        if book is None:
            return None
        with closing(book):
            found = [one for trigger in book.triggers() for one in book.objects(trigger.state_key, key=key)]
        return found[0].status if found else None


@pytest.fixture(scope="module")
def site(api: Api, s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two flows: the automation of one is what `trigger show --automation` prints, another one forwards any event."""
    folder = tmp_path_factory.mktemp("intake")
    bucket = f"auto-{uuid.uuid4().hex[:12]}"
    own = {"bucket": bucket, "endpoint": s3_server.endpoint, "marks": folder / "marks"}
    own["block"] = saved(aws_block(s3_server), "intake")
    kinds = {
        "auto": ("automation", "PT1S", KEYS),
        "fwd": ("direct", "PT1S", BLOCK),
        "deployed": ("direct", "PT1S", BLOCK),
        "posted": ("direct", "PT1H", KEYS),
    }
    flows = {
        f"{name}.yaml": (FLOW + connection).format(name=name, start_by=start_by, interval=interval, **own)
        for name, (start_by, interval, connection) in kinds.items()
    }
    variables = {
        "WDPREFECT_BOOK": f"sqlite:///{folder / 'book.db'}",
        "SECRET_INTAKE_KEY": s3_server.secret_key,
        "WDPREFECT_WEBHOOK_TOKEN": TOKEN,
    }
    (folder / "auto.yaml").write_text(flows["auto.yaml"])
    printed = run_command("trigger", "show", folder / "auto.yaml", "--automation", env=variables)
    assert 0 == printed.code, printed.err
    triggers: Any = read_yaml(printed.out.encode())
    forwarding = {
        "type": "event",
        "match": {"prefect.resource.id": f"store.{bucket}"},
        "expect": ["store.posted"],
        "posture": "Reactive",
        "threshold": 1,
        "within": 0,
        "parameters": {"wdprefect_trigger": "{{ event.payload | tojson }}"},
    }
    made = make_project(
        folder,
        flows,
        [
            {"name": "by-event", "entrypoint": "flows.py:company_intake_auto", **triggers},
            {"name": "by-event", "entrypoint": "flows.py:company_intake_fwd", "triggers": [forwarding]},
            {"name": "direct", "entrypoint": "flows.py:company_intake_deployed"},
            {"name": "direct", "entrypoint": "flows.py:company_intake_posted"},
            {"name": "listen", "entrypoint": "wdprefect.on_prefect.listen_flow.listen_flow"},
        ],
    )
    with s3_server.client() as client, worker(api, made, variables=variables):
        client.create_bucket(Bucket=bucket)
        done = deploy(api, made)
        assert 0 == done.returncode, done.stdout + done.stderr
        os.environ["SECRET_INTAKE_KEY"] = variables["SECRET_INTAKE_KEY"]
        yield Site(api, made, client, bucket, variables["WDPREFECT_BOOK"])
        del os.environ["SECRET_INTAKE_KEY"]


def test_a_run_by_an_automation(site: Site) -> None:
    """An object's event starts one run, which has the object; further events of it start runs that are skipped."""
    listening = ["-m", "wdprefect", "listen", "flows/auto.yaml", "--book", site.book]
    with python(site.api, site.project, *listening, WDPREFECT_BOOK=site.book):
        site.put("auto/x.csv", b"one")
        wait_until(lambda: site.status("auto/x.csv") == "moved", BOUND_SECONDS)
        (run,) = site.runs("auto", 1)
        assert ("COMPLETED", "AUTOMATION") == (run["state_type"], run["created_by"]["type"])
        payload = {"wdprefect_trigger": run["parameters"]["wdprefect_trigger"]}
        resource = {
            "prefect.resource.id": f"s3://{site.bucket}/auto/x.csv",
            "wdprefect.trigger": "company.intake.auto/arrived",
        }
        for _ in range(2):
            emit_event("wdprefect.s3.object.created", resource, payload=payload, id=uuid.uuid4())
        runs = site.runs("auto", 3)
    assert ["Completed", "Skipped", "Skipped"] == sorted(run["state_name"] for run in runs)
    assert ["auto/x.csv one"] == site.marks("auto/x.csv")


def test_events_that_somebody_forwards(site: Site) -> None:
    """A store's own event starts a run with its object, staged; the same event once more starts one that is skipped."""
    site.put("fwd/a b.csv", b"two")
    record = {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": site.bucket}, "object": {"key": "fwd/a+b.csv"}},
    }
    for _ in range(2):
        emit_event("store.posted", {"prefect.resource.id": f"store.{site.bucket}"}, payload={"Records": [record]})
    runs = site.runs("fwd", 2)
    assert ["Completed", "Skipped"] == sorted(run["state_name"] for run in runs)
    assert ["fwd/a b.csv two"] == site.marks("fwd/a")


def test_a_deployed_listener(site: Site) -> None:
    """A listener that is a run of a deployment starts the runs of its flows, until it is cancelled."""
    parameters = {"flows": ["flows/deployed.yaml"], "health": "127.0.0.1:0", "runs": 2, "deployment": "direct"}
    listener = start(site.api, "wdprefect-listen", "listen", parameters)
    url = site.said(listener, r"whether all is well is said at (http://\S+)$")[1]
    assert httpx.codes.OK == httpx.get(url).status_code
    site.put("deployed/x.csv", b"three")
    wait_until(lambda: site.status("deployed/x.csv") == "moved", BOUND_SECONDS)
    assert ["deployed/x.csv three"] == site.marks("deployed/x.csv")
    page = site.api.until(lambda: pages(site.api), bool)
    assert "- objects: " in page
    site.api.cancel(listener)
    assert "CANCELLED" == site.api.end_state(listener)


def test_a_deployed_listener_with_a_webhook(site: Site) -> None:
    """It hears posts of stores that have the worker's token, and executes runs itself, which end with it."""
    parameters = {"flows": ["flows/posted.yaml"], "webhook": "127.0.0.1:0", "warm": True, "runner": "process"}
    listener = start(site.api, "wdprefect-listen", "listen", parameters)
    url = site.said(listener, r"stores may post to (http://.*)/$")[1]
    site.said(listener, "objects? there already")

    def post(name: str, **headers: str) -> int:
        object_ = {"key": f"posted%2F{name}"}
        record = {"eventSource": "minio:s3", "eventName": "s3:ObjectCreated:Put"}
        own = {"s3": {"bucket": {"name": site.bucket}, "object": object_}}
        return httpx.post(url, json={"Records": [{**record, **own}]}, headers=headers).status_code

    site.put("posted/x.csv", b"four")
    assert httpx.codes.UNAUTHORIZED == post("x.csv")
    assert httpx.codes.OK == post("x.csv", Authorization=f"Bearer {TOKEN}")
    wait_until(lambda: site.status("posted/x.csv") == "moved", BOUND_SECONDS)
    assert ["posted/x.csv four"] == site.marks("posted/x.csv")
    (run,) = site.runs("posted", 1)
    assert ["wdprefect-warm"] == run["tags"]
    assert httpx.codes.OK == httpx.get(f"{url}/health").status_code
    site.put("posted/slow", b"five")
    assert httpx.codes.OK == post("slow", Authorization=f"Bearer {TOKEN}")
    wait_until(lambda: site.marks("posted/slow") == ["posted/slow five"], BOUND_SECONDS)
    site.api.cancel(listener)
    assert "CANCELLED" == site.api.end_state(listener)
    assert ["COMPLETED", "CRASHED"] == sorted(run["state_type"] for run in site.runs("posted", 2))
    print(site.api.flow_run(listener)["state"])
    assert not any(TOKEN in log["message"] for log in site.api.logs(listener, bool))


def pages(api: Api) -> str:
    """The page of the trigger in the UI."""
    where = {"artifacts": {"key": {"like_": "company-intake-deployed-trigger-arrived%"}}}
    found = api.post("/artifacts/filter", where)
    return str(found[0]["data"]) if found else ""
