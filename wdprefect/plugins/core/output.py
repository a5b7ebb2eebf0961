"""`io.kestra.plugin.core.output`."""

from __future__ import annotations

from typing import Any

from wdprefect.model.context import RunContext
from wdprefect.model.node import Map
from wdprefect.model.task import Leaf, TaskOutputs


class OutputValues(Leaf):
    """Deliver values under names of one's own, as `values`. What an expression gives is text; a YAML number stays one.

    ```yaml
    id: named
    namespace: company.team
    tasks:
      - id: facts
        type: io.kestra.plugin.core.output.OutputValues
        values:
          greeting: hello {{ flow.id }}
          answer: 42
    ```
    """

    values: Map[Any] | None = None

    class Outputs(TaskOutputs):
        """The rendered values by their names."""

        values: dict[str, Any] | None = None

    def run(self, ctx: RunContext) -> TaskOutputs:  # noqa: ARG002  nothing is needed but the values
        return self.Outputs(values=self.values)
