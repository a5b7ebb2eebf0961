"""`wdprefect files RUN [get NAME]`."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from wdprefect.api import open_run_storage
from wdprefect.errors import UsageError
from wdprefect.execution.delivered import Delivered, files_of_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("run", metavar="RUN", help="the id of a run")
    parser.add_argument(
        "action", nargs="?", choices=["ls", "get"], default="ls", help="list the files (default), or get one"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="a file's name, or task/name where several share it")
    parser.add_argument("-o", "--output", metavar="PATH", help="where to put it (default: its name, in this folder)")
    parser.add_argument("--storage", metavar="URL", help="where the run kept its files, if not in the default storage")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how the list is printed")


def execute(args: argparse.Namespace) -> int:
    """List the files of a run, or get one."""
    storage = open_run_storage(args.storage)
    files = files_of_run(args.run, storage)
    if args.action == "ls":
        _print(files, args.format)
        return 0
    if not args.name:
        raise UsageError("name the file: wdprefect files RUN get NAME")
    file = _named(files, args.name)
    target = Path(args.output or Path(file.name).name)
    storage.get(file.uri, target)
    print(target)
    return 0


def _print(files: list[Delivered], form: str) -> None:
    if form == "json":
        print(json.dumps([asdict(file) for file in files], ensure_ascii=False, indent=2))
        return
    for file in files:
        print(f"{file.size:>12}  {file.sha256[:12]}  {file.task}/{file.name}")


def _named(files: list[Delivered], name: str) -> Delivered:
    found = [file for file in files if name in {file.name, f"{file.task}/{file.name}", file.uri}]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"several tasks deliver '{name}': " + ", ".join(f"{file.task}/{file.name}" for file in found))
    known = ", ".join(f"{file.task}/{file.name}" for file in files) or "none"
    raise UsageError(f"the run has no file '{name}'; it has: {known}")
