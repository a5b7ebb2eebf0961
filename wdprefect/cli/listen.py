"""`wdprefect listen [FLOW…]`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from wdprefect.api import load
from wdprefect.errors import InvalidFlow, Problem, UsageError
from wdprefect.model.flow import Flow
from wdprefect.model.stop import Stop

DEFAULT = "deployments/flows"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "flows", nargs="*", metavar="FLOW", help=f"YAML files of flows, or folders of them (default: {DEFAULT})"
    )
    parser.add_argument("--warm", action="store_true", help="execute the runs here, at once, instead of by workers")
    parser.add_argument(
        "--from",
        dest="begin",
        choices=["now", "beginning"],
        default="beginning",
        help="whether the first start takes what is there already (default: beginning)",
    )
    parser.add_argument(
        "--runs", type=int, default=16, metavar="N", help="how many runs of a trigger at a time (default: 16)"
    )
    parser.add_argument("--deployment", metavar="NAME", help="the deployment, where a flow has several")
    parser.add_argument("--storage", metavar="URL", help="file:///…, s3://bucket/prefix or s3-bucket/<Prefect block>")
    parser.add_argument("--runner", choices=["process", "docker"], help="where all commands run, with --warm")
    parser.add_argument("--book", metavar="URL", help="sqlite:///… or postgresql://…, if not the configured one")


def execute(args: argparse.Namespace) -> int:
    """Listen until SIGTERM or Ctrl-C. A line for all that happens goes to standard error."""
    if args.runs < 1:
        raise UsageError("--runs is a number from 1 on")
    flows = chosen_flows(args.flows or [DEFAULT])
    from wdprefect.on_prefect.listening import Listening, listen  # importing Prefect takes a second
    from wdprefect.on_prefect.local_api import quiet_console, use_api

    quiet_console()
    server = use_api()
    if server and server.started:
        _say("INFO", f"started a local Prefect server: {server.ui_url} ('wdprefect server stop' ends it)")
    how = Listening(
        begin=args.begin,
        is_warm=args.warm,
        runs=args.runs,
        deployment=args.deployment,
        storage=args.storage,
        runner=args.runner,
        book=args.book,
    )
    files = {flow.name: path for path, flow in flows.items()}
    with _stopping() as stop:
        listen(files, list(flows.values()), how, stop, _say)
    return 0


def chosen_flows(paths: Sequence[str]) -> dict[Path, Flow]:
    """The flows with S3 triggers in these files and folders, by file.

    Raises InvalidFlow with the problems of all, and UsageError where there is no such flow.
    """
    from wdprefect.intake.duties import s3_triggers  # saves loading the types of S3 for other commands

    flows, problems = {}, list[Problem]()
    for path in _files(paths):
        try:
            flow = load(path)
        except InvalidFlow as error:
            problems += error.problems
            continue
        if s3_triggers(flow):
            flows[path] = flow
        elif str(path) in paths:
            raise UsageError(f"{path}: the flow has no S3 trigger that could be listened for")
    if problems:
        raise InvalidFlow(problems)
    if not flows:
        raise UsageError(f"no flow in {', '.join(paths)} has an S3 trigger that could be listened for")
    return flows


def _files(paths: Sequence[str]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(found for found in path.rglob("*") if found.suffix in {".yaml", ".yml"})
        else:
            yield path


@contextmanager
def _stopping() -> Iterator[Stop]:
    """A stop that SIGTERM and Ctrl-C request; the second Ctrl-C ends the process at once."""
    stop = Stop()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  the signature of a handler
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        stop.request()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(level: str, text: str) -> None:
    print(text if level == "INFO" else f"{level} {text}", file=sys.stderr, flush=True)
