"""`wdprefect namespace ls|push|pull|diff NAMESPACE [FOLDER]`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from wdprefect.api import open_run_storage
from wdprefect.errors import EXIT_FAILED, UsageError
from wdprefect.execution.configuration import read_configuration
from wdprefect.model.conversions import iso_moment
from wdprefect.storage.content_store import default_store
from wdprefect.storage.namespace_folder import NamespaceFolder
from wdprefect.storage.namespace_sync import Difference, difference, pull, push
from wdprefect.storage.namespaces import StoredNamespaces

_ACTIONS = {
    "ls": "list the files of a namespace in the storage",
    "push": "copy what differs from a folder into the storage",
    "pull": "copy what differs from the storage into a folder",
    "diff": "show what push would do; exit code 1 when there is something",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        action.add_argument("namespace", metavar="NAMESPACE", help="such as company.team")
        if name != "ls":
            action.add_argument(
                "folder", nargs="?", metavar="FOLDER", help="default: the one of the namespace below namespace-files"
            )
        if name in {"push", "pull"}:
            action.add_argument("--delete", action="store_true", help="also remove what is gone")
            action.add_argument("--dry-run", action="store_true", help="only show what would be done")
        action.add_argument("--storage", metavar="URL", help="the storage, if not the default one")
        action.add_argument("--format", choices=["text", "json"], default="text", help="how the result is printed")


def execute(args: argparse.Namespace) -> int:
    """Do what is asked for, the files on standard output and their number on standard error."""
    stored = StoredNamespaces(open_run_storage(args.storage), default_store())
    if args.action == "ls":
        return _list(args, stored)
    folder = NamespaceFolder(_folder(args), args.namespace)
    if args.action == "pull":
        found = difference(args.namespace, stored, folder)
    else:
        found = difference(args.namespace, folder, stored)
    if args.action == "diff":
        _print(found, args.format)
        return EXIT_FAILED if found else 0
    if not args.delete:
        found = Difference(found.added, found.changed, [], found.unchanged)
    if not args.dry_run:
        (push if args.action == "push" else pull)(folder, stored, found)
    _print(found, args.format)
    return 0


def _folder(args: argparse.Namespace) -> Path:
    configured = read_configuration().namespace_files
    if not args.folder and not configured:
        step = "or configure namespace-files in [tool.wdprefect]"
        raise UsageError(f"name the folder: wdprefect namespace {args.action} NAMESPACE FOLDER, {step}")
    folder = Path(args.folder) if args.folder else Path(f"{configured}/{args.namespace}")
    if not folder.is_dir() and args.action != "pull":
        raise UsageError(f"the folder '{folder}' does not exist: make it, or name another one")
    return folder


def _list(args: argparse.Namespace, stored: StoredNamespaces) -> int:
    files = [(file.path, file.size, file.modified.replace(microsecond=0)) for file in stored.entries(args.namespace)]
    if args.format == "json":
        facts = [{"path": path, "size": size, "modified": iso_moment(modified)} for path, size, modified in files]
        print(json.dumps(facts, ensure_ascii=False, indent=2))
        return 0
    for path, size, modified in files:
        print(f"{size:>12}  {iso_moment(modified)}  {path}")
    if not files:
        print(f"no files in {stored.place(args.namespace)}", file=sys.stderr)
    return 0


def _print(found: Difference, form: str) -> None:
    names = {
        "added": [file.path for file in found.added],
        "changed": [file.path for file in found.changed],
        "removed": [file.path for file in found.removed],
    }
    if form == "json":
        print(json.dumps({**names, "unchanged": found.unchanged}, ensure_ascii=False, indent=2))
        return
    for sign, paths in zip("+~-", names.values(), strict=True):
        for path in paths:
            print(f"{sign} {path}")
    counts = ", ".join(f"{len(paths)} {name}" for name, paths in names.items())
    print(f"{counts}, {found.unchanged} unchanged", file=sys.stderr)
