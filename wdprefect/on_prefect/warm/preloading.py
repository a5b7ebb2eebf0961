"""What runs import and build when they first need it, before they are forked."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.actions import ArtifactCreate, FlowRunUpdate, LogCreate
from prefect.client.schemas.objects import FlowRun, ServerDefaultResultStorage
from prefect.client.schemas.responses import OrchestrationResult
from prefect.events.schemas.events import Event
from pydantic import BaseModel

from wdprefect.expressions import Expressions

# What Prefect sends and reads in each run. Such models are built at their first use, in some milliseconds each.
_MODELS: tuple[type[BaseModel], ...] = (
    ArtifactCreate,
    Event,
    FlowRun,
    FlowRunUpdate,
    LogCreate,
    OrchestrationResult[Any],
    ServerDefaultResultStorage,
)


def preload() -> None:
    """Import and build what a run of almost any flow needs: a third of what a run takes otherwise."""
    for model in _MODELS:
        model.model_rebuild()
    Expressions().render("{{ 'a' | upper }}", {})
