"""What starts a flow by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import Field

from wdprefect.model.node import Bool, Node
from wdprefect.model.spec import Spec
from wdprefect.model.task import Path


class Trigger(Node):
    """The base of all trigger types."""

    id: str = Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$")
    type: str
    description: str | None = None
    disabled: Bool = False


@dataclass(frozen=True, slots=True)
class TriggerSpec(Spec):
    """A checked trigger whose templates are not rendered yet."""

    id: str
    kind: type[Trigger]
    data: Mapping[str, Any]
    path: Path

    schema_name: ClassVar[str] = "trigger"
