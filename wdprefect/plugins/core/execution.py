"""`io.kestra.plugin.core.execution`."""

from __future__ import annotations

from wdprefect.errors import TaskFailed
from wdprefect.expressions import is_true
from wdprefect.model.context import RunContext
from wdprefect.model.node import Text
from wdprefect.model.task import Leaf, TaskOutputs


class Fail(Leaf):
    """Fail, always or when a condition holds.

    ```yaml
    id: guarded
    namespace: company.team
    tasks:
      - id: guard
        type: io.kestra.plugin.core.execution.Fail
        condition: "{{ flow.namespace == 'company.forbidden' }}"
        errorMessage: flows of this namespace must not run
    ```
    """

    condition: Text | None = None
    error_message: Text = "Task failure"

    def run(self, ctx: RunContext) -> TaskOutputs | None:  # noqa: ARG002  nothing is needed but the condition
        if self.condition is None or is_true(self.condition):
            raise TaskFailed(self.error_message)
        return None
