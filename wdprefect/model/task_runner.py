"""Where commands run, as a flow says it: `taskRunner: {type: …}`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from wdprefect.model.node import Node
from wdprefect.model.ports import Runner


@dataclass(frozen=True, slots=True)
class RunnerScene:
    """What a task runner is opened with beside its own settings.

    image: the container image to run in; a runner without containers ignores it. labels: what tells whose a container
    is, by name. allowed: what flows may ask for that reaches beyond a container, by the words of the project's
    configuration. host: the address of the container engine, None for the usual one.
    """

    image: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    allowed: frozenset[str] = frozenset()
    host: str | None = None


class TaskRunner(Node):
    """The base of all task runner types."""

    type: str

    @property
    def unavailable(self) -> str | None:
        """Why nothing can run here, or None. Asked before a run starts."""
        return None

    @abstractmethod
    def open(self, scene: RunnerScene) -> Runner:
        """The runner that these settings describe."""
