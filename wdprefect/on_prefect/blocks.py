"""The Prefect blocks that flows and the project name: a FindBlock."""

from __future__ import annotations

from typing import Any

from wdprefect.on_prefect.accounts import ACCOUNTS, aws_account
from wdprefect.on_prefect.containers import container_block


def prefect_block(name: str) -> Any:
    """What the block `<type>/<name>` gives: credentials of AWS or of a registry, or a container engine.

    Raises TaskFailed where there is no such block or it cannot be followed, Unavailable where the API cannot be asked.
    """
    return aws_account(name) if name.startswith(ACCOUNTS) else container_block(name)
