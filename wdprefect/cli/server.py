"""`wdprefect server status|stop`."""

from __future__ import annotations

import argparse

from wdprefect.errors import EXIT_SURROUNDINGS
from wdprefect.on_prefect.server import exports, find_server, installed_prefect, stop_server


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("action", choices=["status", "stop"], help="show it, or end it")


def execute(args: argparse.Namespace) -> int:
    """Show where the local server is and how other commands reach it, or end it."""
    if args.action == "stop":
        print("the local Prefect server has ended" if stop_server() else "no local Prefect server was running")
        return 0
    server = find_server()
    if server is None:
        print("no local Prefect server is running; 'wdprefect run' starts one")
        return EXIT_SURROUNDINGS
    print(f"running: {server.ui_url} (process {server.pid}, log {server.log})")
    if server.is_outdated:
        versions = f"it is Prefect {server.version}, installed is {installed_prefect()}"
        print(f"{versions}: end it with 'wdprefect server stop', the next 'wdprefect run' starts the other")
    print("for prefect deploy and workers:")
    print(exports(server))
    return 0
