"""`io.kestra.plugin.core.trigger`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from wdprefect.model.node import Bool, Late, Text
from wdprefect.model.trigger import Trigger


class Schedule(Trigger):
    """Start the flow at times that a cron expression gives.

    A deployment's schedule is what starts it: see `schedules` in prefect.yaml.
    """

    cron: Text
    timezone: str = "Etc/UTC"
    inputs: Late[dict[str, Any]] = Field(default={})
    labels: Late[dict[str, Any]] = Field(default={})
    with_seconds: Bool = False
