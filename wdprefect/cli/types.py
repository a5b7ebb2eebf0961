"""`wdprefect types`."""

from __future__ import annotations

import argparse
import inspect

from wdprefect.loader.types import all_types
from wdprefect.model.node import Node
from wdprefect.model.task import Task
from wdprefect.model.task_runner import TaskRunner
from wdprefect.model.trigger import Trigger

_KINDS: dict[str, type[Node]] = {"tasks": Task, "triggers": Trigger, "task runners": TaskRunner}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("word", nargs="?", default="", metavar="WORD", help="only types whose name contains it")


def execute(args: argparse.Namespace) -> int:
    """Print each type with the first line of its description."""
    for title, kind in _KINDS.items():
        found = {name: cls for name, cls in all_types(kind).items() if args.word.lower() in name.lower()}
        if found:
            print(f"{title}:")
        for name, cls in found.items():
            text = (inspect.getdoc(cls) or "").partition("\n")[0]
            print(f"  {name:<52} {text}")
    return 0
