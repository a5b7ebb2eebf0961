"""`io.kestra.plugin.core.log`."""

from __future__ import annotations

from wdprefect.model.context import RunContext
from wdprefect.model.node import Text
from wdprefect.model.ports import Level
from wdprefect.model.task import Leaf, TaskOutputs


class Log(Leaf):
    """Write a message, or several, to the log.

    ```yaml
    id: hello
    namespace: company.team
    tasks:
      - id: greet
        type: io.kestra.plugin.core.log.Log
        message: Hello from {{ flow.id }}
    ```
    """

    message: Text | list[Text]
    level: Level = "INFO"

    def run(self, ctx: RunContext) -> TaskOutputs | None:
        for message in self.message if isinstance(self.message, list) else [self.message]:
            ctx.log.write(self.level, message)
        return None
