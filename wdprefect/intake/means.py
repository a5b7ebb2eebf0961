"""What triggers are rendered and connected with."""

from __future__ import annotations

from dataclasses import dataclass

from wdprefect.execution.services import FindSecret, secret_of_environment
from wdprefect.masking import Masker
from wdprefect.model.blocks import FindBlock, no_blocks
from wdprefect.model.ports import Storage


@dataclass(frozen=True, slots=True)
class Means:
    """What is at hand for the triggers of flows.

    storage: that of the runs. masker: gets the secrets that triggers read. block: finds the Prefect blocks that they
    name, and has their secrets hidden.
    """

    storage: Storage
    masker: Masker
    find_secret: FindSecret = secret_of_environment
    block: FindBlock = no_blocks
