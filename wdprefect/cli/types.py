"""`wdprefect types`."""

from __future__ import annotations

import argparse
import inspect

from wdprefect.cli.type_page import default_image, page
from wdprefect.loader.types import all_types, find_type
from wdprefect.model.node import Node
from wdprefect.model.task import Task
from wdprefect.model.task_runner import TaskRunner
from wdprefect.model.trigger import Trigger

_KINDS: dict[str, type[Node]] = {"tasks": Task, "triggers": Trigger, "task runners": TaskRunner}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    text = "only types whose name contains it; the full name of a type for its manual page"
    parser.add_argument("word", nargs="?", default="", metavar="WORD", help=text)


def execute(args: argparse.Namespace) -> int:
    """Print each type with the first line of its description, or the manual page of one."""
    for kind in _KINDS.values():
        if cls := find_type(args.word, kind):
            print(page(args.word, cls), end="")
            return 0
    for title, kind in _KINDS.items():
        found = {name: cls for name, cls in all_types(kind).items() if args.word.lower() in name.lower()}
        if found:
            print(f"{title}:")
        for name, cls in found.items():
            text = (inspect.getdoc(cls) or "").partition("\n")[0]
            image = default_image(cls)
            print(f"  {name:<52} {text}{f' Image: {image}' if image else ''}")
    return 0
