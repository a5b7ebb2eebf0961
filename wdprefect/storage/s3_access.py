"""Requests to S3: answered, or an error of the storage; tried again as long as that may help."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from wdprefect.storage.aws_failures import Place, translating_aws_errors
from wdprefect.storage.patience import Patience

if TYPE_CHECKING:
    from botocore.client import BaseClient

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Access:
    """A client and the patience with its server. May be used from several threads."""

    client: BaseClient
    patience: Patience

    def ask(self, verb: str, place: Place, work: Callable[[BaseClient], T]) -> T:
        """What `work` comes to with the client. Raises StorageError, or Unavailable when the server stays away.

        work: is called again after a failure that may pass, so it must do the same each time.
        """

        def once() -> T:
            with translating_aws_errors(verb, place):
                return work(self.client)

        return self.patience.run(once)
