"""Where commands run, as a flow says it: `taskRunner: {type: …}`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from wdprefect.model.blocks import FindBlock, no_blocks
from wdprefect.model.node import Node
from wdprefect.model.ports import Runner, TaskLog


class NoLog:
    """A TaskLog that keeps nothing."""

    def write(self, level: str, message: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class RunnerScene:
    """What a task runner is opened with beside its own settings.

    image: the container image to run in; a runner without containers ignores it. labels: what tells whose a container
    is, by name. allowed: what flows may ask for that reaches beyond a container, by the words of the project's
    configuration. host: the address of the container engine, or a block that has it; None for the usual one.
    registries: blocks with credentials of registries. block: finds them. log: where is said what happens before
    commands run.
    """

    image: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    allowed: Collection[str] = frozenset()
    host: str | None = None
    registries: Sequence[str] = ()
    block: FindBlock = no_blocks
    log: TaskLog = field(default_factory=NoLog)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A property that asks for what the project does not allow; `word` is what its configuration calls that."""

    name: str
    word: str

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})"

    @property
    def message(self) -> str:
        """What is wrong."""
        return f"'{self.name}' reaches beyond the container, which is not allowed here"

    @property
    def hint(self) -> str:
        """What to do."""
        return f"add \"{self.word}\" to 'allow' in [tool.wdprefect.docker] of pyproject.toml, or leave it out"


class TaskRunner(Node):
    """The base of all task runner types."""

    type: str

    def refused(self, allowed: Collection[str]) -> Iterable[Refusal]:  # noqa: ARG002  most ask for nothing
        """What these settings ask for and the project does not allow."""
        return ()

    def unreachable(self, scene: RunnerScene) -> str | None:  # noqa: ARG002  most reach for nothing
        """Why nothing can run now, or None. Asked before a run starts."""
        return None

    @abstractmethod
    def open(self, scene: RunnerScene) -> Runner:
        """The runner that these settings describe. Raises TaskFailed for settings that cannot be followed."""
