"""`io.kestra.plugin.scripts.runner.docker`."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Collection, Iterator, Mapping
from math import isfinite, nan
from typing import Any, Literal

from pydantic import Field

from wdprefect.errors import TaskFailed
from wdprefect.model.node import Bool, Duration, Int, Many, Map, Node, Text
from wdprefect.model.ports import Runner
from wdprefect.model.task_runner import Refusal, RunnerScene, TaskRunner
from wdprefect.workspace.containers.engine import engine_at, why_unreachable
from wdprefect.workspace.containers.session import ContainerRunner
from wdprefect.workspace.containers.settings import ContainerSettings, Registry

# A block of Prefect's in place of an address or of credentials.
HOST_BLOCK, REGISTRY_BLOCK = "docker-host/", "docker-registry-credentials/"
PORT = re.compile(r"[0-9]+(/(tcp|udp|sctp))?")
SOCKETS = ("docker.sock", "podman.sock", "containerd.sock")


class Credentials(Node):
    """Who we are to a registry; without `registry` it is the one of the image."""

    registry: Text | None = None
    username: Text | None = Field(default=None, repr=False)
    password: Text | None = Field(default=None, repr=False)
    registry_token: Text | None = Field(default=None, repr=False)
    identity_token: Text | None = Field(default=None, repr=False)
    auth: Text | None = Field(default=None, repr=False)


class Cpu(Node):
    """How many processors the container may use, as a decimal number."""

    cpus: Text | float | None = None


class Memory(Node):
    """What memory the container may use; sizes as `512MB` or `2g`."""

    memory: Text | None = None
    memory_swap: Text | None = None
    memory_swappiness: Text | None = None
    memory_reservation: Text | None = None
    kernel_memory: Text | None = None
    oom_kill_disable: Bool | None = None


class DeviceRequest(Node):
    """Devices of a driver, such as GPUs."""

    driver: Text | None = None
    count: Int | None = None
    device_ids: Many[Text] | None = None
    capabilities: Many[list[Text]] | None = None
    options: Map[Text] | None = None


class Docker(TaskRunner):
    """Run commands in a container, by Docker or an engine with its API, such as Podman (docs/runners.md: what differs).

    The tasks of a WorkingDirectory that name the same image and settings share one container: what the first installs
    is there for the second. With `isolation: container`, an extension of ours, each task gets one of its own; so does
    one with an `entryPoint`. That of the image counts with `keepEntryPoint: true` only, which the old `docker` meant.

    The directory is mounted, and the commands run as the user who runs the flow, unless `user` names another. Where the
    engine does not see the directory, as on another machine, a volume carries the files that change.

    ```yaml
    id: in-a-container
    namespace: company.team
    tasks:
      - id: count
        type: io.kestra.plugin.scripts.shell.Commands
        containerImage: alpine
        taskRunner:
          type: io.kestra.plugin.scripts.runner.docker.Docker
          networkMode: none
          memory: {memory: 64MB}
          cpu: {cpus: 0.5}
        commands:
          - seq 3 | wc -l
    ```

    An image is pulled as `pullPolicy` says, five times where trying again may help. Who we are to its registry is the
    first that fits of `credentials`, a map or a Prefect block `docker-registry-credentials/<name>`; of `config`, the
    content of a `config.json`; of the project's configuration; of the worker's own `docker login`. No other registry
    gets it, and no file or container has it.

    `host` is an address, or a Prefect block `docker-host/<name>`; DOCKER_CERT_PATH and DOCKER_TLS_VERIFY count for
    addresses, as with Docker's own client. `host`, `volumes`, `privileged` and `networkMode: host` reach beyond the
    container: they are refused unless the project's configuration allows them. `portBindings` without an address listen
    on this machine only.

    With `delete: false` the container is kept, ended; with `wait: false` it goes on, and the task has succeeded once it
    runs. `killGracePeriod` replaces the grace that commands have when they are stopped. `resume` has no effect: a run
    that is taken up again starts its containers anew.
    """

    host: Text | None = None
    config: Map[Any] | str | None = Field(default=None, repr=False)
    credentials: Credentials | Text | None = Field(default=None, repr=False)
    image: Text | None = None
    user: Text | None = None
    entry_point: Many[Text] | None = None
    extra_hosts: Many[Text] | None = None
    network_mode: Text | None = None
    port_bindings: Many[Text] | None = None
    volumes: Many[Text] | None = None
    pull_policy: Literal["ALWAYS", "IF_NOT_PRESENT", "NEVER"] = "IF_NOT_PRESENT"
    device_requests: Many[DeviceRequest] | None = None
    cpu: Cpu | None = None
    memory: Memory | None = None
    shm_size: Text | None = None
    privileged: Bool | None = None
    file_handling_strategy: Literal["VOLUME", "MOUNT"] | None = None
    delete: Bool = True
    wait: Bool = True
    kill_grace_period: Duration | None = None
    resume: Bool = True
    isolation: Literal["directory", "container"] = "directory"
    keep_entry_point: Bool = False

    def refused(self, allowed: Collection[str]) -> Iterator[Refusal]:
        mode = self.network_mode or ""
        wishes = [
            ("host", "host", bool(self.host)),
            ("volumes", "volumes", bool(self.volumes)),
            ("volumes", "socket", any(name in volume for volume in self.volumes or () for name in SOCKETS)),
            ("privileged", "privileged", bool(self.privileged)),
            ("networkMode", "host-network", mode == "host" or mode.startswith("container:")),
        ]
        for name, word, is_wished in wishes:
            if is_wished and word not in allowed:
                yield Refusal(name, word)

    def unreachable(self, scene: RunnerScene) -> str | None:
        address = self.host or scene.host
        # Blocks are looked up in the API, which a flow that is only checked need not reach.
        return None if address and address.startswith(HOST_BLOCK) else why_unreachable(address)

    def open(self, scene: RunnerScene) -> Runner:
        for refusal in self.refused(scene.allowed):
            raise TaskFailed(str(refusal))
        image = self.image or scene.image
        if not image:
            # Kestra's words, for which flows may look.
            raise TaskFailed(
                "this task runner needs the `containerImage` property to be set, such as 'python:3.13-slim'"
            )
        address = self.host or scene.host
        entry_point = tuple(part for part in self.entry_point or () if part)
        settings = ContainerSettings(
            image=image,
            labels=scene.labels,
            user=self.user,
            entrypoint=None if self.keep_entry_point and not entry_point else entry_point,
            host=self._host(),
            ports=[tuple(port.split("/")) if "/" in port else (port, "tcp") for port in self._ports()],
            pull=self.pull_policy,
            registries=[*self._registries(scene), *(_registry_of_block(scene, name) for name in scene.registries)],
            files=self.file_handling_strategy,
            is_shared=self.isolation == "directory" and self.wait and not entry_point,
            is_removed=self.delete,
            is_awaited=self.wait,
            kill_grace=self.kill_grace_period,
            memory=self.memory.memory if self.memory else None,
        )
        if address and address.startswith(HOST_BLOCK):
            return ContainerRunner(settings, lambda: scene.block(address), scene.log)
        return ContainerRunner(settings, lambda: engine_at(address), scene.log)

    def _host(self) -> dict[str, Any]:
        """What is given, as arguments of the SDK's `create_host_config`."""
        memory = self.memory or Memory()
        given = {
            "extra_hosts": dict(_pair(entry, "extraHosts", "name:address") for entry in self.extra_hosts or ()),
            "network_mode": self.network_mode,
            "port_bindings": self._ports(),
            "binds": self.volumes,
            "nano_cpus": round(_number(self.cpu.cpus, "cpu.cpus") * 1e9) if self.cpu and self.cpu.cpus else None,
            "mem_limit": _size(memory.memory, "memory.memory"),
            "memswap_limit": _size(memory.memory_swap, "memory.memorySwap"),
            "mem_swappiness": _whole(memory.memory_swappiness, "memory.memorySwappiness"),
            "mem_reservation": _size(memory.memory_reservation, "memory.memoryReservation"),
            "kernel_memory": _size(memory.kernel_memory, "memory.kernelMemory"),
            "oom_kill_disable": memory.oom_kill_disable,
            "shm_size": _size(self.shm_size, "shmSize"),
            "privileged": self.privileged,
            "device_requests": [_device_request(request) for request in self.device_requests or ()],
        }
        # A zero counts: with the swappiness 0 a container does not swap.
        return {name: value for name, value in given.items() if value not in (None, [], {})}

    def _ports(self) -> dict[str, list[tuple[str, str]]]:
        """For each port inside the addresses and ports outside, of `8080:80` or `0.0.0.0:53:53/udp`."""
        found: dict[str, list[tuple[str, str]]] = {}
        for entry in self.port_bindings or ():
            outside, _, inside = entry.rpartition(":")
            address, _, port = outside.rpartition(":")
            if not PORT.fullmatch(inside) or not port.isdigit():
                raise TaskFailed(f"'portBindings': '{entry}' is not of the form host:container, such as 8080:80")
            found.setdefault(inside, []).append((address.strip("[]") or "127.0.0.1", port))
        return found

    def _registries(self, scene: RunnerScene) -> Iterator[Registry]:
        if isinstance(self.credentials, str):
            yield _registry_of_block(scene, self.credentials)
        elif self.credentials:
            yield Registry(self.credentials.registry, _auth(self.credentials, "credentials"))
        for address, entry in _auths(self.config).items():
            yield Registry(address, _auth(entry, "config"))


def _registry_of_block(scene: RunnerScene, name: str) -> Registry:
    if not name.startswith(REGISTRY_BLOCK):
        raise TaskFailed(f"'credentials': give a map, or a Prefect block as '{REGISTRY_BLOCK}<name>', not a text")
    found: Registry = scene.block(name)
    return found


def _auth(given: Credentials, name: str) -> dict[str, str]:
    """What the SDK calls an auth config."""
    username, password = _decoded(given.auth, name) if given.auth else (None, None)
    auth = {
        "username": given.username or username,
        "password": given.password or password,
        "registrytoken": given.registry_token,
        "identitytoken": given.identity_token,
    }
    return {key: value for key, value in auth.items() if value}


def _decoded(auth: str, name: str) -> tuple[str, str]:
    """The name and password of an entry `auth`, which the engine does not take apart."""
    try:
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except ValueError:
        username = colon = password = ""
    if not colon:
        # Like all that is said of credentials it does not say what they are.
        raise TaskFailed(f"'{name}': 'auth' must be the base64 of username:password")
    # Docker pads with zeros.
    return username, password.strip("\0")


def _auths(config: Mapping[str, Any] | str | None) -> dict[str, Credentials]:
    """The accounts of a client's configuration by their registries, as `~/.docker/config.json` has them."""
    try:
        found = json.loads(config) if isinstance(config, str) else config or {}
        entries = found.get("auths", {}).items()
        auths = {address: Credentials.model_validate(_known(entry)) for address, entry in entries}
        has_helpers = "credsStore" in found or "credHelpers" in found
    except (ValueError, AttributeError):
        # What it holds is secret, and so is what is wrong with it.
        raise TaskFailed(
            "'config' must be the content of a Docker configuration: a map with 'auths', or its JSON"
        ) from None
    if has_helpers:
        hint = "give 'auths', or leave it out: the worker's own ~/.docker/config.json may name them"
        raise TaskFailed(f"'config' names programs that know passwords, which are not run for a flow ({hint})")
    return auths


def _known(entry: Mapping[str, Any]) -> dict[str, Any]:
    names = {"identitytoken": "identityToken", "registrytoken": "registryToken"}
    known = ("auth", "username", "password", *names)
    return {names.get(name, name): value for name, value in entry.items() if name in known}


def _device_request(request: DeviceRequest) -> Any:
    from docker.types import DeviceRequest as Request  # 0.1 s, and few flows ask for devices

    return Request(
        driver=request.driver,
        count=request.count,
        device_ids=request.device_ids,
        capabilities=request.capabilities,
        options=request.options,
    )


def _pair(entry: str, name: str, form: str) -> tuple[str, str]:
    first, colon, second = entry.partition(":")
    if not (first and colon and second):
        raise TaskFailed(f"'{name}': '{entry}' is not of the form {form}")
    return first, second


def _number(value: str | float, name: str) -> float:
    try:
        found = float(value)
    except ValueError:
        found = nan
    if not isfinite(found):
        raise TaskFailed(f"'{name}': '{value}' is no number")
    return found


def _whole(value: str | None, name: str) -> int | None:
    return None if value is None else int(_number(value, name))


def _size(value: str | None, name: str) -> int | None:
    if value is None:
        return None
    from docker.errors import DockerException  # as above
    from docker.utils import parse_bytes

    try:
        # Kestra's sizes may have blanks, and the words of the SDK are those of units.
        found: int = parse_bytes(value.replace(" ", "").lower().replace("ib", "b"))
    except (DockerException, ValueError, OverflowError):
        raise TaskFailed(f"'{name}': '{value}' is no size such as 512MB or 2g") from None
    return found
