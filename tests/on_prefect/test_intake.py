"""Runs that a listener makes through a real Prefect API: one for each claim, of the right deployment, or why not."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun

from tests.fakes import MemoryStorage
from tests.on_prefect.seen import Api
from tests.running import flow_of
from wdprefect.errors import UsageError
from wdprefect.execution.flow_run import Start
from wdprefect.intake.means import Means
from wdprefect.intake.runs import RunLook, RunOrder, RunRefused
from wdprefect.masking import Masker
from wdprefect.on_prefect.claiming import claimed
from wdprefect.on_prefect.intake import PrefectRuns

LOG = "- {id: say, type: io.kestra.plugin.core.log.Log, message: hello}"
pytestmark = pytest.mark.server


class Idle:
    """Executes nothing: `asked` are the runs that it was given, which seem to run while they are `alive`."""

    def __init__(self) -> None:
        self.asked: list[UUID] = []
        self.alive: set[UUID] = set()

    def execute(self, flow_run_id: UUID, flow: str) -> None:
        self.asked.append(flow_run_id)
        self.alive.add(flow_run_id)

    def running(self) -> frozenset[UUID]:
        return frozenset(self.alive)


@pytest.fixture
def flow_name(api: Api) -> str:
    """A flow of the API's that nobody has deployed."""
    name = f"team.{uuid.uuid4().hex[:12]}"
    api.post("/flows/", {"name": name})
    return name


@pytest.fixture
def idle() -> Idle:
    return Idle()


@pytest.fixture
def warm(api: Api, idle: Idle) -> Iterator[PrefectRuns]:
    with closing(PrefectRuns(idle)) as runs:
        yield runs


def deploy(api: Api, flow_name: str, name: str, **more: Any) -> str:
    """Make a deployment; its id."""
    flow = api.post("/flows/", {"name": flow_name})
    return str(api.post("/deployments/", {"name": name, "flow_id": flow["id"], **more})["id"])


def order(flow_name: str, key: str = "batch/1") -> RunOrder:
    return RunOrder(key, flow_name, {"objects": [], "claim": {}}, {"team": "a"})


def test_one_run_for_a_key(api: Api, warm: PrefectRuns, idle: Idle, flow_name: str) -> None:
    """Asked twice, the API has one run, which nobody but us takes; another key is another run."""
    first, again, other = (warm.start(order(flow_name, key)) for key in ("batch/1", "batch/1", "batch/2"))
    assert first == again != other
    run = api.flow_run(first)
    assert ("PENDING", {"objects": [], "claim": {}}) == (
        run["state_type"],
        json.loads(run["parameters"]["wdprefect_trigger"]),
    )
    assert warm.carry_out(first, flow_name, is_orphan=False)
    assert [UUID(first)] == idle.asked


def test_left_to_workers(api: Api, flow_name: str) -> None:
    """Without a runner of one's own the run of the only deployment waits for a worker."""
    with closing(PrefectRuns()) as runs:
        with pytest.raises(UsageError) as refused:
            runs.start(order(flow_name))
        step = "run `prefect deploy --all`, or listen with --warm"
        assert f"there is no deployment of '{flow_name}': {step}" == str(refused.value)
        deployment = deploy(api, flow_name, "here")
        run = api.flow_run(runs.start(order(flow_name)))
    assert (deployment, "SCHEDULED") == (run["deployment_id"], run["state_type"])


def test_several_deployments(api: Api, flow_name: str) -> None:
    """Of several deployments one has to be named; the one that a listener has made counts for none."""
    for name in ("listen", "a", "b"):
        deploy(api, flow_name, name)
    with closing(PrefectRuns()) as runs, pytest.raises(UsageError) as refused:
        runs.deployment_of(flow_name)
    assert f"'{flow_name}' has several deployments (a, b): choose one with --deployment NAME" == str(refused.value)
    with closing(PrefectRuns(deployment="b")) as runs:
        assert "b" == api.get(f"/deployments/{runs.deployment_of(flow_name)}")["name"]


def test_refused(api: Api, warm: PrefectRuns, flow_name: str) -> None:
    """A run that the deployment's schema refuses is a refusal of this run, with the API's reason."""
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    deploy(api, flow_name, "strict", parameter_openapi_schema=schema, enforce_parameter_schema=True)
    with pytest.raises(RunRefused, match=f"the Prefect API refuses a run of '{flow_name}': 409 .*'x' is a required"):
        warm.start(order(flow_name))


def test_deleted_run(api: Api, warm: PrefectRuns, idle: Idle, flow_name: str) -> None:
    """A run that somebody has deleted is said to be missing, and holds nobody up."""
    run_id = warm.start(order(flow_name))
    api.delete(f"/flow_runs/{run_id}")
    assert warm.carry_out(run_id, flow_name, is_orphan=True)
    assert ([], {run_id: RunLook("missing", "the run was deleted")}) == (idle.asked, warm.look([run_id]))


def test_process_that_has_died(api: Api, warm: PrefectRuns, idle: Idle, flow_name: str) -> None:
    """A run whose process has ended without a word is closed, and then is known to have crashed."""
    run_id = warm.start(order(flow_name))
    warm.carry_out(run_id, flow_name, is_orphan=False)
    assert "waiting" == warm.look([run_id])[run_id].state
    idle.alive.clear()
    warm.look([run_id])
    assert "crashed" == warm.look([run_id])[run_id].state
    assert "CRASHED" == api.flow_run(run_id)["state_type"]


def test_limit_of_a_deployment(api: Api, warm: PrefectRuns, idle: Idle, flow_name: str) -> None:
    """Where a deployment limits its runs, one waits until the other has ended."""
    deploy(api, flow_name, "limited", concurrency_limit=1)
    first, second = (warm.start(order(flow_name, key)) for key in ("batch/1", "batch/2"))
    assert [True, False] == [warm.carry_out(run_id, flow_name, is_orphan=False) for run_id in (first, second)]
    assert [UUID(first)] == idle.asked


def test_start_of_a_listeners_run() -> None:
    """Such a run sees its objects, without the claim, and has the labels of its trigger; it asks no book."""
    claim = {"batch": "b", "attempt": 1, "labels": {"team": "a"}}
    run = FlowRun(flow_id=uuid.uuid4(), idempotency_key="b/1")
    given = Start({}, {"objects": [1], "claim": claim})
    start = claimed(given, flow_of(LOG), run, Means(MemoryStorage(), Masker()))
    assert ({"objects": [1]}, {"team": "a"}) == (start.trigger, start.labels)


@pytest.mark.parametrize("trigger", [None, {}, {"date": "today"}, {"Records": [], "objects": []}])
def test_start_that_claims_nothing(trigger: dict[str, Any] | None) -> None:
    """What other triggers know, and what is given by hand, stays as it is."""
    run = FlowRun(flow_id=uuid.uuid4())
    assert Start({}, trigger) == claimed(Start({}, trigger), flow_of(LOG), run, Means(MemoryStorage(), Masker()))
