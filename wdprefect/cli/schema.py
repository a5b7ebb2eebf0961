"""`wdprefect schema`."""

from __future__ import annotations

import argparse
import json

from wdprefect.loader.schema import flow_schema


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""


def execute(args: argparse.Namespace) -> int:  # noqa: ARG001  as above
    """Print the JSON Schema of flows."""
    print(json.dumps(flow_schema(), indent=2, ensure_ascii=False))
    return 0
