"""`wdprefect run FLOW`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wdprefect.api import load, run
from wdprefect.cli.given import map_of_file, pairs
from wdprefect.cli.progress import make_progress
from wdprefect.cli.summary import print_summary
from wdprefect.cli.terminating import terminating
from wdprefect.errors import EXIT_FAILED, EXIT_INTERRUPTED, StorageError, Unavailable, UsageError
from wdprefect.execution.delivered import copy_files
from wdprefect.execution.execution import Execution


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("flow", metavar="FLOW", help="the YAML file of the flow")
    parser.add_argument(
        "-i", "--input", action="append", default=[], metavar="NAME=VALUE", help="an input; a FILE takes a path"
    )
    parser.add_argument("--inputs", metavar="FILE", help="inputs from a JSON or YAML file; -i wins over it")
    parser.add_argument("--label", action="append", default=[], metavar="NAME=VALUE", help="a label of the run")
    parser.add_argument("--engine", choices=["prefect", "local"], default="prefect", help="local needs no server")
    parser.add_argument("--storage", metavar="URL", help="file:///…, s3://bucket/prefix or s3-bucket/<Prefect block>")
    parser.add_argument(
        "--runner", choices=["process", "docker"], help="where all commands run, whatever their tasks ask for"
    )
    parser.add_argument(
        "--namespace-files", metavar="DIR", help="a folder with DIR/<namespace>/… files, before those of the storage"
    )
    parser.add_argument("--output-dir", metavar="DIR", help="copy the files that the tasks deliver into DIR/<task>/")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how the result is printed")


def execute(args: argparse.Namespace) -> int:
    """Run the flow, its progress on standard error and its result on standard output."""
    flow = load(args.flow)
    for note in flow.notes:
        print(note, file=sys.stderr)
    inputs = {**map_of_file(args.inputs, "inputs"), **pairs(args.input, "-i")}
    if args.output_dir:
        _make_folder(args.output_dir)
    if args.engine == "prefect":
        _choose_api()
    with terminating(), _keeping(), make_progress(flow.name) as progress:
        execution = run(
            flow,
            inputs=inputs,
            engine=args.engine,
            labels=pairs(args.label, "--label"),
            namespace_files=args.namespace_files,
            storage=args.storage,
            runner=args.runner,
            on_log=progress.log,
            on_task=progress.task,
        )
    if args.output_dir:
        copied = copy_files(execution.task_runs, execution.storage, Path(args.output_dir))
        print(f"{len(copied)} files in {args.output_dir}", file=sys.stderr)
    _print(execution, args.format)
    if args.engine == "prefect":
        _print_address(execution.id)
    return _exit_code(execution)


@contextmanager
def _keeping() -> Iterator[None]:
    """Say of a storage that refuses what is kept of the run itself that it is the surroundings, not the flow."""
    try:
        yield
    except StorageError as error:
        raise Unavailable(str(error)) from error


def _make_folder(path: str) -> None:
    """Before the run, which would be in vain."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the folder '{path}' cannot be made: {error.strerror}") from None


def _choose_api() -> None:
    from wdprefect.on_prefect.local_api import quiet_console, use_api  # importing Prefect takes a second

    quiet_console()
    server = use_api()
    if server and server.started:
        print(f"started a local Prefect server: {server.ui_url} ('wdprefect server stop' ends it)", file=sys.stderr)


def _print_address(execution_id: str) -> None:
    from wdprefect.on_prefect.local_api import run_address  # as above

    print(f"look at it: {run_address(execution_id)}", file=sys.stderr)


def _print(execution: Execution, form: str) -> None:
    if form == "json":
        print(json.dumps(execution.to_dict(), ensure_ascii=False, indent=2))
    else:
        print_summary(execution)


def _exit_code(execution: Execution) -> int:
    if execution.state in {"SUCCESS", "WARNING"}:
        return 0
    return EXIT_INTERRUPTED if execution.state == "KILLED" else EXIT_FAILED
