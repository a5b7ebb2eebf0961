"""`io.kestra.plugin.core.debug`."""

from __future__ import annotations

from wdprefect.model.context import RunContext
from wdprefect.model.node import Text
from wdprefect.model.ports import Level
from wdprefect.model.task import Leaf, TaskOutputs

_TAG_LENGTH = 64


class Return(Leaf):
    """Deliver a rendered text as `value`, mostly to look at what a template gives.

    ```yaml
    id: look
    namespace: company.team
    tasks:
      - id: value
        type: io.kestra.plugin.core.debug.Return
        format: "{{ flow.id }} of {{ flow.namespace }}"
    ```
    """

    format: Text | None = None

    class Outputs(TaskOutputs):
        """The rendered text."""

        value: str | None = None

    def run(self, ctx: RunContext) -> TaskOutputs:
        if self.format is not None:
            # The mark tells that a text was cut, also whoever hides secrets.
            begun = self.format if len(self.format) <= _TAG_LENGTH else f"{self.format[: _TAG_LENGTH - 1]}…"
            ctx.metrics.add("counter", "length", len(self.format), {"format": begun})
        return self.Outputs(value=self.format)


class Echo(Leaf):
    """Write a rendered text to the log. `core.log.Log` does the same and more.

    ```yaml
    id: say
    namespace: company.team
    tasks:
      - id: echo
        type: io.kestra.plugin.core.debug.Echo
        format: "hello from {{ flow.id }}"
    ```
    """

    format: Text
    level: Level = "INFO"

    def run(self, ctx: RunContext) -> TaskOutputs | None:
        ctx.log.write(self.level, self.format)
        return None
