"""Container engines and registries from Prefect's Docker blocks."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import requests

from wdprefect.errors import TaskFailed
from wdprefect.workspace.containers.engine import PING_SECONDS, TIMEOUT_SECONDS, Engine, unreachable, usual_address
from wdprefect.workspace.containers.settings import Registry


@cache
def container_block(name: str) -> Engine | Registry:
    """The engine of `docker-host/<name>`, or the credentials of `docker-registry-credentials/<name>`.

    Raises TaskFailed where there is no such block, and where the engine does not answer.
    """
    # Deferred: the docker SDK takes 0.1 s.
    from prefect_docker.credentials import DockerRegistryCredentials
    from prefect_docker.host import DockerHost

    kind, _, block = name.partition("/")
    kinds: dict[str, Any] = {"docker-host": DockerHost, "docker-registry-credentials": DockerRegistryCredentials}
    if kind not in kinds or not block:
        forms = " or ".join(f"'{known}/<name>'" for known in kinds)
        raise TaskFailed(f"'{name}' names no Prefect block for containers: write {forms}")
    try:
        found: Any = kinds[kind].load(block, _sync=True)
    except ValueError:
        hint = f"make one in Prefect's UI, or with 'prefect block create {kind}'"
        raise TaskFailed(f"there is no Prefect block '{name}': {hint}") from None
    return _engine(found, name) if kind == "docker-host" else _registry(found)


def _engine(block: Any, name: str) -> Engine:
    import docker  # loaded already by prefect_docker

    address = block.base_url or usual_address()
    # Without an address the SDK takes DOCKER_HOST, with what belongs to it, or the one socket that it knows.
    base_url = None if os.environ.get("DOCKER_HOST") and not block.base_url else address
    settings = {**block.client_kwargs, "timeout": PING_SECONDS}
    try:
        if isinstance(settings.get("tls"), dict):
            # A block holds JSON: the arguments of the SDK's TLSConfig, paths of the worker.
            settings["tls"] = docker.tls.TLSConfig(**settings["tls"])
        client = block.model_copy(update={"base_url": base_url, "client_kwargs": settings}).get_client()
        client.ping()
    except TypeError as error:
        raise TaskFailed(f"the block '{name}': its client_kwargs cannot be followed: {error}") from None
    except (docker.errors.DockerException, requests.RequestException, ValueError) as error:
        raise TaskFailed(f"the block '{name}': {unreachable(address, error)}") from error
    # A healthy one answers soon when it is asked who it is; later it may have more to do.
    client.api.timeout = block.client_kwargs.get("timeout") or block.timeout or TIMEOUT_SECONDS
    return Engine(client.api, address)


def _registry(block: Any) -> Registry:
    auth = {"username": block.username, "password": block.password.get_secret_value()}
    # As with `docker login`, none is Docker Hub.
    return Registry(block.registry_url or "docker.io", auth)
