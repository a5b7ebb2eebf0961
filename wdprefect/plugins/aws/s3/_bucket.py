"""What the tasks and the trigger of S3 have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from wdprefect.model.context import RunContext
from wdprefect.model.node import Text
from wdprefect.model.task import Leaf
from wdprefect.plugins.aws._connection import Connection, client_of

if TYPE_CHECKING:
    from botocore.client import BaseClient


class S3Task(Connection, Leaf):
    """The base of the tasks of S3."""

    unsupported: ClassVar[Mapping[str, str]] = {
        "assets": "leave it out: what the task delivers is in its outputs",
        "taskCache": "leave it out: every run works anew",
        "workerGroup": "choose a work pool or queue for the deployment of the flow",
        "workerSelector": "choose a work pool or queue for the deployment of the flow",
    }

    def client(self, ctx: RunContext) -> BaseClient:
        """The client of the task's connection."""
        return client_of(self, block=ctx.block)


class InBucket(Connection):
    """A bucket: a mix-in."""

    bucket: Text = Field(min_length=1)
    request_payer: Literal["requester"] | None = None


def given(**parameters: Any) -> dict[str, Any]:
    """The parameters of a request, without those that are None."""
    return {name: value for name, value in parameters.items() if value is not None}
