"""`wdprefect listen [FLOW…]`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from wdprefect.errors import EXIT_INTERRUPTED
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
    parser.add_argument("--webhook", metavar="HOST:PORT", help="where stores may post what was made")
    parser.add_argument(
        "--webhook-token-file",
        metavar="FILE",
        help="holds the token that posts must have (default: the variable WDPREFECT_WEBHOOK_TOKEN)",
    )
    parser.add_argument(
        "--sns-topic", action="append", default=[], metavar="ARN", help="a topic of Amazon SNS that may post"
    )
    parser.add_argument(
        "--health", metavar="HOST:PORT", help="where GET /health says whether all is well; a webhook does so itself"
    )


def execute(args: argparse.Namespace) -> int:
    """Listen until SIGTERM or Ctrl-C. A line for all that happens goes to standard error."""
    from wdprefect.intake.chosen import chosen_flows  # saves loading the types of S3 for other commands
    from wdprefect.intake.listen_options import ListenOptions  # saves loading a web server

    how = ListenOptions(
        begin=args.begin,
        warm=args.warm,
        runs=args.runs,
        deployment=args.deployment,
        storage=args.storage,
        runner=args.runner,
        book=args.book,
        webhook=args.webhook,
        webhook_token_file=args.webhook_token_file,
        sns_topics=args.sns_topic,
        health=args.health,
    ).listening()
    flows = chosen_flows(args.flows or [DEFAULT])
    from wdprefect.on_prefect.listening import listen  # importing Prefect takes a second
    from wdprefect.on_prefect.local_api import quiet_console, use_api

    quiet_console()
    server = use_api()
    if server and server.started:
        _say("INFO", f"started a local Prefect server: {server.ui_url} ('wdprefect server stop' ends it)")
    files = {flow.name: path for path, flow in flows.items()}
    with _stopping() as stop:
        listen(files, list(flows.values()), how, stop, _say)
    return 0


@contextmanager
def _stopping() -> Iterator[Stop]:
    """A stop that SIGTERM and Ctrl-C request; Ctrl-C after that ends the process at once."""
    stop = Stop()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  the signature of a handler
        if number == signal.SIGINT and stop.requested:
            # No clearing up, which is what takes too long. Warm runs see that nobody owns them any more; others take
            # the objects over when the leases are over.
            os.write(2, b"wdprefect: interrupted again, ended at once\n")
            os._exit(EXIT_INTERRUPTED)
        stop.request()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(level: str, text: str) -> None:
    print(text if level == "INFO" else f"{level} {text}", file=sys.stderr, flush=True)
