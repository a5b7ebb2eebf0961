"""What stands in prefect.yaml so that an automation of Prefect starts the runs of a trigger."""

from __future__ import annotations

import json

from wdprefect.intake.duty import Duty

# Of the event of an object, and of its resource: which trigger it is for.
EVENT = "wdprefect.s3.object.created"
LABEL = "wdprefect.trigger"


def snippet(duty: Duty) -> str:
    """The entry for `triggers` of the deployment of the trigger's flow. JSON's texts are YAML's."""
    address = json.dumps(f"s3://{duty.watch.bucket}/{duty.watch.prefix}*", ensure_ascii=False)
    name = json.dumps(duty.name, ensure_ascii=False)
    return f"""\
# In prefect.yaml, below the deployment of {duty.flow.name}:
    triggers:
      - type: event
        name: {name}
        match:
          prefect.resource.id: {address}
          {LABEL}: {name}
        expect:
          - {EVENT}
        posture: Reactive
        threshold: 1
        within: 0
        parameters:
          wdprefect_trigger: "{{{{ event.payload.wdprefect_trigger }}}}"
"""
