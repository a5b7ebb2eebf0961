"""`io.kestra.plugin.scripts.runner.docker`."""

from __future__ import annotations

from typing import Any, Literal

from wdprefect.errors import TaskFailed
from wdprefect.model.node import Bool, Duration, Many, Map, Text
from wdprefect.model.ports import Runner
from wdprefect.model.task_runner import RunnerScene, TaskRunner


class Docker(TaskRunner):
    """Run commands in a container. Not there yet: such a task runs as a process when `--runner process` says so."""

    host: Text | None = None
    config: Map[Any] | str | None = None
    credentials: Map[Text] | None = None
    image: Text | None = None
    user: Text | None = None
    entry_point: Many[Text] | None = None
    extra_hosts: Many[Text] | None = None
    network_mode: Text | None = None
    port_bindings: Many[Text] | None = None
    volumes: Many[Text] | None = None
    pull_policy: Literal["ALWAYS", "IF_NOT_PRESENT", "NEVER"] = "IF_NOT_PRESENT"
    device_requests: Many[Any] | None = None
    cpu: Map[Any] | None = None
    memory: Map[Any] | None = None
    shm_size: Text | None = None
    privileged: Bool | None = None
    file_handling_strategy: Literal["VOLUME", "MOUNT"] = "VOLUME"
    delete: Bool = True
    wait: Bool = True
    kill_grace_period: Duration | None = None
    resume: Bool = True

    @property
    def unavailable(self) -> str | None:
        return "containers are not supported yet"

    def open(self, scene: RunnerScene) -> Runner:  # noqa: ARG002  none yet
        raise TaskFailed(f"{self.unavailable}; run the flow with --runner process")
