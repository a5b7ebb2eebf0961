"""`wdprefect trigger ls|show|replay|test`."""

from __future__ import annotations

import argparse
import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, get_args

from wdprefect.cli.table import iso, print_json, print_table, printable, shown_time
from wdprefect.cli.trying import automation, trial
from wdprefect.errors import UsageError
from wdprefect.intake.book import Book, book_url, find_book
from wdprefect.intake.book_views import BookedObject, TriggerSummary
from wdprefect.intake.chosen import chosen_flows
from wdprefect.intake.naming import full_name, ids_of, objects_named, objects_with, trigger_named
from wdprefect.intake.objects import Status

_NAMED = "the state key, <namespace>.<flow>/<trigger>, or the trigger's id where it is the only one"
_OBJECT = ("id", "key", "version", "status", "run", "error")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(name: str, text: str) -> argparse.ArgumentParser:
        added = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        added.add_argument("--book", metavar="URL", help="sqlite:///… or postgresql://…, if not the configured one")
        added.add_argument("--format", choices=["text", "json"], default="text", help="how the result is printed")
        return added

    ls = action("ls", "list the triggers that were listened for, and how they do")
    ls.add_argument(
        "flows", nargs="*", metavar="FLOW", help="<namespace>.<flow>, or YAML files and folders: their triggers alone"
    )
    show = action("show", "show what became of each object, or the whole history of one")
    show.add_argument("trigger", metavar="TRIGGER", help=f"{_NAMED}; with --automation a flow's YAML file")
    show.add_argument("object", nargs="?", metavar="OBJECT", help="the id or the key of an object")
    show.add_argument("--status", choices=get_args(Status), action="append", default=[], help="such objects alone")
    show.add_argument("--prefix", default="", help="objects whose key begins so")
    show.add_argument("--limit", type=int, default=100, metavar="N", help="the last N objects (default: 100)")
    show.add_argument(
        "--automation", action="store_true", help="print what prefect.yaml needs where an automation starts the runs"
    )
    replay = action("replay", "let a run be made with objects again")
    replay.add_argument("trigger", metavar="TRIGGER", help=_NAMED)
    replay.add_argument("objects", nargs="*", metavar="OBJECT-ID", help="as `show` lists them")
    replay.add_argument("--failed", action="store_true", help="all objects whose run has failed")
    test = action("test", "list what a trigger would take now, without taking anything")
    test.add_argument("flow", metavar="FLOW", help="the YAML file of the flow")
    test.add_argument("--trigger", metavar="ID", help="this trigger alone")
    test.add_argument("--storage", metavar="URL", help="the storage of the runs, if not the default one")
    test.add_argument(
        "--from",
        dest="begin",
        choices=["now", "beginning"],
        default="beginning",
        help="as `listen` would be started the first time",
    )


def execute(args: argparse.Namespace) -> int:
    """Do what is asked for; the result on standard output, its number on standard error."""
    if args.action == "test":
        return trial(args)
    if args.action == "show" and args.automation:
        return automation(args)
    with _book(args.book) as book:
        return {"ls": _ls, "show": _show, "replay": _replay}[args.action](args, book)


@contextmanager
def _book(url: str | None) -> Iterator[Book]:
    book = find_book(url)
    if book is None:
        place = (url or book_url()).removeprefix("sqlite:///")
        raise UsageError(f"there is no book '{place}' yet: `wdprefect listen` makes it, and --book names another one")
    with closing(book):
        yield book


def _ls(args: argparse.Namespace, book: Book) -> int:
    wanted = [name for given in args.flows for name in _flow_names(given)]
    found = [one for one in book.triggers() if not wanted or one.flow in wanted]
    for name in wanted:
        if name not in {one.flow for one in found}:
            print(f"no trigger of '{name}' was ever listened for", file=sys.stderr)
    if args.format == "json":
        print_json([_summary_facts(one) for one in found])
    elif found:
        head = ["trigger", "objects", "runs", "last success", "last failure", "since", "health"]
        print_table([head, *map(_summary_row, found)], indent="")
    return 0


def _flow_names(given: str) -> list[str]:
    return [flow.name for flow in chosen_flows([given]).values()] if Path(given).exists() else [given]


def _summary_row(summary: TriggerSummary) -> list[str]:
    counts = ", ".join(f"{count} {status}" for status, count in sorted(summary.counts.items())) or "none"
    times = [shown_time(moment) for moment in (summary.last_success, summary.last_failure, summary.since)]
    return [printable(full_name(summary)), counts, str(summary.runs), *times, _health(summary)]


def _health(summary: TriggerSummary) -> str:
    health = summary.health
    if not health.errors:
        return "ok" if health.last_ok else "not looked yet"
    last = f"worked last {shown_time(health.last_ok)}" if health.last_ok else "never worked"
    return f"{health.code}, {health.errors} in a row, {last}: {printable(health.text or '')}"


def _summary_facts(summary: TriggerSummary) -> dict[str, Any]:
    health = summary.health
    return {
        "trigger": full_name(summary),
        "stateKey": summary.state_key,
        "since": iso(summary.since),
        "objects": dict(sorted(summary.counts.items())),
        "runs": summary.runs,
        "lastSuccess": iso(summary.last_success),
        "lastFailure": iso(summary.last_failure),
        "health": {
            "ok": not health.errors,
            "errorsInARow": health.errors,
            "code": health.code if health.errors else None,
            "message": health.text if health.errors else None,
            "lastOk": iso(health.last_ok),
            "lastError": iso(health.last_error),
        },
    }


def _show(args: argparse.Namespace, book: Book) -> int:
    if args.limit < 1:
        raise UsageError("--limit is a number from 1 on")
    trigger = trigger_named(book, args.trigger)
    if args.object:
        return _show_history(args, book, objects_named(book, trigger, args.object))
    found = book.objects(trigger.state_key, statuses=args.status, prefix=args.prefix, limit=args.limit)
    if args.format == "json":
        print_json([_object_facts(one) for one in found])
    elif found:
        print_table([_OBJECT, *map(_object_row, found)], indent="")
    print(f"{len(found)} object{'' if len(found) == 1 else 's'}", file=sys.stderr)
    return 0


def _object_row(one: BookedObject) -> list[str]:
    error = printable(one.error) if one.error else ""
    return [str(one.id), printable(one.seen.key), printable(one.seen.version), one.status, one.run_id or "-", error]


def _object_facts(one: BookedObject) -> dict[str, Any]:
    return {
        "id": one.id,
        "bucket": one.seen.bucket,
        "key": one.seen.key,
        "version": one.seen.version,
        "size": one.seen.size,
        "change": one.change,
        "status": one.status,
        "source": one.source,
        "noted": iso(one.noted),
        "run": one.run_id,
        "uri": one.uri,
        "error": one.error,
    }


def _show_history(args: argparse.Namespace, book: Book, objects: Sequence[BookedObject]) -> int:
    histories = [(one, book.history(one.id)) for one in objects]
    if args.format == "json":
        lines = [
            {
                **_object_facts(one),
                "history": [
                    {"at": iso(line.at), "status": line.status, "who": line.who, "note": line.note} for line in history
                ],
            }
            for one, history in histories
        ]
        print_json(lines)
        return 0
    for one, history in histories:
        print_table([_object_row(one)], indent="")
        print_table([shown_time(line.at), line.status, line.who or "-", printable(line.note or "")] for line in history)
    return 0


def _replay(args: argparse.Namespace, book: Book) -> int:
    if bool(args.objects) == args.failed:
        raise UsageError("name the objects by their ids, or all that failed by --failed")
    trigger = trigger_named(book, args.trigger)
    chosen = (
        list(objects_with(book, trigger, "failed"))
        if args.failed
        else [one for id_ in ids_of(book, trigger, args.objects) for one in book.objects(trigger.state_key, ids=[id_])]
    )
    book.replay([one.id for one in chosen], f"{getpass.getuser()} by `wdprefect trigger replay`")
    if args.format == "json":
        print_json([{"id": one.id, "key": one.seen.key, "was": one.status} for one in chosen])
    else:
        for one in chosen:
            print(f"{one.id}  {printable(one.seen.key)}: waits for a run again, was {one.status}")
    what = "1 object waits" if len(chosen) == 1 else f"{len(chosen)} objects wait"
    print(f"{what} for a listener of {full_name(trigger)}" if chosen else "nothing has failed", file=sys.stderr)
    return 0
