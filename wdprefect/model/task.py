"""A task as loaded and as run.

Loading gives a `TaskSpec`: class, plain data, place. The typed `Task` exists only after its templates are rendered, so
a task type declares `depth: int` and it is one in `run`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from wdprefect.model.node import CHILDREN, Bool, Duration, Late, Node, Text
from wdprefect.model.ports import Level
from wdprefect.model.retry import Retry
from wdprefect.model.spec import Spec

if TYPE_CHECKING:  # a context knows tasks, a task knows its context
    from wdprefect.model.context import FlowableContext, RunContext

Path = tuple[str | int, ...]
State = Literal["SUCCESS", "WARNING", "FAILED", "KILLED", "SKIPPED"]


@dataclass(frozen=True, slots=True)
class TaskSpec(Spec):
    """A checked task whose templates are not rendered yet.

    data: the properties by their names in YAML, as plain data; tasks inside are TaskSpecs again.
    settings: the properties that the engine reads before the task is built.
    path: where it lies in the flow's data.
    """

    id: str
    kind: type[Task]
    data: Mapping[str, Any]
    settings: Settings
    path: Path

    schema_name: ClassVar[str] = "task"

    @property
    def type(self) -> str:
        return str(self.data["type"])


def iter_tasks(value: object) -> Iterator[TaskSpec]:
    """Every task in a flow's list, in a task, or anywhere in its data, parents before children."""
    if isinstance(value, TaskSpec):
        yield value
        value = value.data
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from iter_tasks(item)


Tasks = Annotated[list[TaskSpec], CHILDREN]


class Settings(Node):
    """The properties of every task that the engine follows."""

    description: str | None = None
    disabled: Bool | Text = False
    run_if: Late[Text] = "true"
    timeout: Duration | None = None
    retry: Retry | None = None
    allow_failure: Bool = False
    allow_warning: Bool = False
    log_level: Level | None = None
    log_to_file: Bool = False


class TaskOutputs(Node):
    """What a task delivers: the names that `{{ outputs.<id>.<name> }}` may read. Values are plain data."""

    def dump(self) -> dict[str, Any]:
        """The outputs by their names in a flow; what is None is left out, as Kestra does."""
        return self.model_dump(by_alias=True, exclude_none=True)

    def state(self, state: State) -> State:
        """The state that a task which delivers this ends in, when nothing failed."""
        return state


class Task(Settings):
    """The base of all task types: subclass `Leaf` or `Flowable`."""

    id: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$")
    type: str

    # What stands in a WorkingDirectory must not need the orchestrator.
    inside_directory: ClassVar[bool] = True

    class Outputs(TaskOutputs):
        """Nothing."""


class Leaf(Task):
    """A task that works."""

    @abstractmethod
    def run(self, ctx: RunContext) -> TaskOutputs | None:
        """Do the work, synchronously, in a thread of its own.

        Raises TaskFailed with what went wrong; any other error of this package fails the task as well.
        """


class Flowable(Task):
    """A task that runs tasks."""

    errors: Tasks = Field(default=[])
    finally_: Tasks = Field(default=[])

    # Submitted as one unit that owns a result, like a leaf; its children run inside it.
    unit: ClassVar[bool] = False
    # A failure of its children makes it a warning.
    forgives: ClassVar[bool] = False

    @abstractmethod
    async def run(self, ctx: FlowableContext) -> TaskOutputs | None:
        """Run the children by the means of the context. Raises TaskFailed when it cannot choose what to run."""

    async def conclude(self, ctx: FlowableContext) -> TaskOutputs | None:  # noqa: ARG002  most have nothing to conclude
        """What is left to do when the children, `errors` and `finally` have run; it may add outputs."""
        return None
