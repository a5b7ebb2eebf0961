"""How containers are made: what a flow, the project's configuration and the run say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

PullPolicy = Literal["ALWAYS", "IF_NOT_PRESENT", "NEVER"]
Files = Literal["MOUNT", "VOLUME"]


@dataclass(frozen=True, slots=True)
class Registry:
    """Who we are to a registry. address: None is that of whatever is pulled. auth: the SDK's auth config."""

    address: str | None
    auth: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ContainerSettings:
    """One kind of container.

    user: None is whoever owns the directory. entrypoint: None keeps the image's own, an empty one is none.
    host: arguments of the SDK's `create_host_config`; ports: those that are opened. files: how the directory gets into
    the container; None mounts it where the engine sees it. is_shared: several commands may run in one container.
    is_removed, is_awaited: whether it is removed when it has ended, and whether anybody waits for that.
    kill_grace: how long a container that is asked to end may take; None is the command's own grace.
    """

    image: str
    labels: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    entrypoint: Sequence[str] | None = ()
    host: Mapping[str, Any] = field(default_factory=dict)
    ports: Sequence[tuple[str, ...]] = ()
    pull: PullPolicy = "IF_NOT_PRESENT"
    registries: Sequence[Registry] = ()
    files: Files | None = None
    is_shared: bool = True
    is_removed: bool = True
    is_awaited: bool = True
    kill_grace: timedelta | None = None
    memory: str | None = None
