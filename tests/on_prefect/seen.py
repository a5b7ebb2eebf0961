"""What the API of a Prefect server shows: runs, task runs, log lines, artifacts. It hears of them with a delay."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

# A loaded machine; what is waited for usually comes within a second.
BOUND_SECONDS = 60.0
ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


class Api:
    """Questions to one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        # The loopback needs no certificates, which take 40 ms to load.
        self._client = httpx.Client(base_url=url, timeout=30, verify=False)  # noqa: S501  see above

    def close(self) -> None:
        self._client.close()

    def get(self, path: str) -> Any:
        return self._answer("GET", path)

    def post(self, path: str, content: Mapping[str, Any]) -> Any:
        return self._answer("POST", path, content)

    def delete(self, path: str) -> None:
        self._answer("DELETE", path)

    def flow_run(self, flow_run_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/flow_runs/{flow_run_id}")
        return found

    def flow_runs(self, flow_name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post("/flow_runs/filter", {"flows": {"name": {"any_": [flow_name]}}})
        return found

    def state(self, flow_run_id: str) -> str:
        return str(self.flow_run(flow_run_id)["state_type"])

    def end_state(self, flow_run_id: str) -> str:
        """The type of the state in which the run ends."""
        return str(self.until(lambda: self.state(flow_run_id), lambda state: state in ENDED))

    def task_runs(self, flow_run_id: str) -> dict[str, dict[str, Any]]:
        """By name, as soon as there are any and none of them runs any more."""
        found = self.until(lambda: self.task_runs_so_far(flow_run_id), lambda runs: runs and all(map(_is_over, runs)))
        assert len(found) == len({run["name"] for run in found})
        return {run["name"]: run for run in found}

    def logs(self, flow_run_id: str, is_complete: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The records of a run in the order of their times, as soon as they are complete."""
        found: list[dict[str, Any]] = self.until(lambda: self._logs(flow_run_id), is_complete)
        return found

    def artifacts(self, flow_run_id: str) -> list[dict[str, Any]]:
        where = {"artifacts": {"flow_run_id": {"any_": [flow_run_id]}}}
        found: list[dict[str, Any]] = self.post("/artifacts/filter", where)
        return found

    def cancel(self, flow_run_id: str) -> None:
        """What the button in the UI does."""
        state = {"type": "CANCELLING", "name": "Cancelling"}
        self.set_state(flow_run_id, state)

    def set_state(self, flow_run_id: str, state: Mapping[str, str]) -> None:
        self.post(f"/flow_runs/{flow_run_id}/set_state", {"state": state, "force": False})

    def until(self, ask: Callable[[], Any], is_wanted: Callable[[Any], bool]) -> Any:
        """The first answer that is wanted. Fails with the last one when none is in time."""
        end = time.monotonic() + BOUND_SECONDS
        while True:
            answer = ask()
            if is_wanted(answer):
                return answer
            assert time.monotonic() < end, f"it did not happen in time: {answer}"
            time.sleep(0.1)

    def _answer(self, method: str, path: str, content: Any = None) -> Any:
        def ask() -> httpx.Response:
            return self._client.request(method, path, json=content)

        # A busy SQLite refuses what may be asked again.
        response = self.until(ask, lambda response: response.status_code != httpx.codes.SERVICE_UNAVAILABLE)
        assert response.is_success, response.text
        return response.json() if response.content else None

    def task_runs_so_far(self, flow_run_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post("/task_runs/filter", {"flow_runs": {"id": {"any_": [flow_run_id]}}})
        return found

    def _logs(self, flow_run_id: str) -> list[dict[str, Any]]:
        where = {"logs": {"flow_run_id": {"any_": [flow_run_id]}}, "sort": "TIMESTAMP_ASC"}
        found: list[dict[str, Any]] = []
        while page := self.post("/logs/filter", {**where, "offset": len(found), "limit": 200}):
            found += page
        return found


def _is_over(task_run: Mapping[str, Any]) -> bool:
    return task_run["state_type"] in ENDED
