"""A loaded flow."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Protocol

from pydantic import BeforeValidator, Field, PrivateAttr

from wdprefect.errors import ExpressionError, Position, Problem
from wdprefect.model.inputs import Input
from wdprefect.model.node import Bool, Int, Late, Node, Text
from wdprefect.model.retry import Retry
from wdprefect.model.task import Path, Tasks
from wdprefect.model.trigger import TriggerSpec


class Places(Protocol):
    """Where things lie in the file."""

    def at(self, path: Path) -> Position: ...
    def at_template(self, path: Path, text: str, line: int, column: int) -> Position | None:
        """A place inside the template with this text in the task or output at the path; None where there is none."""


class Output(Node):
    """A value that the flow delivers when it ends."""

    id: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$")
    value: Late[Any]
    type: str | None = None
    item_type: str | None = None
    description: str | None = None
    display_name: str | None = None
    required: Bool = True


class Concurrency(Node):
    """How many executions of the flow may run at a time, and what happens to one too many."""

    limit: Int = Field(ge=1)
    behavior: Literal["QUEUE", "CANCEL", "FAIL"] = "QUEUE"


def _labels(value: object) -> object:
    """A list of key and value says the same as a mapping; the first of equal keys wins."""
    if isinstance(value, list) and all(isinstance(i, dict) and set(i) == {"key", "value"} for i in value):
        return {str(item["key"]): item["value"] for item in reversed(value)}
    return value


class Flow(Node):
    """A checked flow: `wdprefect.load` makes it, `wdprefect.run` and `wdprefect.to_prefect` take it.

    `digest` names what would run: equal for texts that differ in comments or layout only. `notes` are findings that did
    not keep the flow from loading.
    """

    id: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$", max_length=100)
    namespace: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=150)
    description: str | None = None
    disabled: Bool = False
    labels: Annotated[dict[str, Text], BeforeValidator(_labels)] = Field(default={})
    inputs: list[Input] = Field(default=[])
    outputs: list[Output] = Field(default=[])
    variables: dict[str, Any] = Field(default={})
    tasks: Tasks = Field(min_length=1)
    errors: Tasks = Field(default=[])
    finally_: Tasks = Field(default=[])
    after_execution: Tasks = Field(default=[])
    triggers: list[TriggerSpec] = Field(default=[])
    concurrency: Concurrency | None = None
    retry: Retry | None = None
    revision: Int | None = None

    _places: Places | None = PrivateAttr(default=None)
    _digest: str = PrivateAttr(default="")
    _notes: tuple[Problem, ...] = PrivateAttr(default=())

    @property
    def name(self) -> str:
        """Namespace and id, which is what the flow is called in Prefect."""
        return f"{self.namespace}.{self.id}"

    @property
    def digest(self) -> str:
        return self._digest

    @property
    def notes(self) -> tuple[Problem, ...]:
        return self._notes

    def at(self, path: Path) -> Position:
        """Where a part of the flow stands in its file."""
        return self._places.at(path) if self._places else Position("<flow>", 1, 1)

    def at_error(self, path: Path, error: Exception) -> Position:
        """Where an error of the task or output at the path stands: in its template, if it is one of a template."""
        if not isinstance(error, ExpressionError):
            return self.at(path)
        found = error.at
        if found is None and error.template is not None and self._places:
            found = self._places.at_template(path, error.template, error.line, error.column)
        return found or self.at(path)
