"""What tasks and triggers have of Prefect's blocks, which only one room can load."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wdprefect.errors import TaskFailed

# What a Prefect block gives, by `<type>/<name>`. Raises TaskFailed where there is none, or Unavailable where trying
# again may help.
FindBlock = Callable[[str], Any]


def no_blocks(name: str) -> Any:
    """Raises TaskFailed: where nothing of Prefect's is at hand."""
    raise TaskFailed(f"the Prefect block '{name}' cannot be had here: blocks are kept by a Prefect server")


@dataclass(frozen=True, slots=True)
class AwsAccount:
    """What a block says of who one is to AWS, or to a server like it, and of how to ask there.

    block: its name, `<type>/<name>`. facts: all that it holds, as text: accounts with the same facts are one. secrets:
    what nobody may see of it. session: makes a boto3 session with its keys, in the region that is given or its own.
    parameters: makes those of boto3's `Session.client`. role: those of AssumeRole where it names a role, else nothing.
    """

    block: str
    facts: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False, compare=False)
    session: Callable[[str | None], Any] = field(repr=False, compare=False)
    parameters: Callable[[], dict[str, Any]] = field(repr=False, compare=False)
    role: Mapping[str, Any] = field(repr=False, compare=False)
