"""Where commands run, as a flow says it: `taskRunner: {type: …}`."""

from __future__ import annotations

from abc import abstractmethod

from wdprefect.model.node import Node
from wdprefect.model.ports import Runner


class TaskRunner(Node):
    """The base of all task runner types."""

    type: str

    @property
    def unavailable(self) -> str | None:
        """Why nothing can run here, or None. Asked before a run starts."""
        return None

    @abstractmethod
    def open(self) -> Runner:
        """The runner that these settings describe."""
