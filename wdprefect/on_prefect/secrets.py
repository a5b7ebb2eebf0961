"""Secrets from Prefect's Secret blocks."""

from __future__ import annotations

import re
from typing import Any

from prefect.blocks.system import Secret

from wdprefect.execution.services import FindSecret, secret_of_environment


def secrets_of_blocks() -> FindSecret:
    """Finds a secret in the Secret block of its name, else in SECRET_<NAME>; each block is asked for once.

    A block's name has lower-case letters, digits and dashes only: `MY_TOKEN` is the block `my-token`.
    """
    known: dict[str, str | None] = {}

    def find(name: str) -> str | None:
        if name not in known:
            known[name] = _of_block(name)
        return known[name] if known[name] is not None else secret_of_environment(name)

    return find


def block_name(name: str) -> str:
    """The name of the block that holds a secret."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _of_block(name: str) -> str | None:
    try:
        value: Any = Secret.load(block_name(name), _sync=True).get()  # type: ignore[call-arg,union-attr]  # added by a decorator
    except ValueError:
        # There is no such block.
        return None
    return value if isinstance(value, str) else str(value)
