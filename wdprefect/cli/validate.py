"""`wdprefect validate PATH…`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from wdprefect.errors import EXIT_FAILED, InvalidFlow, Problem, UsageError

# Not by the front door, which has what runs flows behind it: that takes a third longer.
from wdprefect.loader import load_file
from wdprefect.model.flow import Flow
from wdprefect.model.task import iter_tasks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a flow, or a folder that is searched for *.yaml and *.yml"
    )
    parser.add_argument("--runner", choices=["process", "docker"], help="as for 'run': where all commands are to run")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how problems are printed")


def execute(args: argparse.Namespace) -> int:
    """Print the problems and notes of all flows; nothing when there are none."""
    problems = [problem for path in _flows(args.paths) for problem in _problems(path, args.runner)]
    if args.format == "json":
        print(json.dumps([_facts(problem) for problem in problems], ensure_ascii=False, indent=2))
    else:
        for problem in problems:
            print(problem)
    return EXIT_FAILED if any(problem.severity == "error" for problem in problems) else 0


def _flows(paths: list[str]) -> Iterator[str]:
    for path in paths:
        if Path(path).is_dir():
            found = sorted(str(p) for p in Path(path).rglob("*.y*ml") if p.suffix in {".yaml", ".yml"})
            if not found:
                raise UsageError(f"there is no flow in the folder '{path}'")
            yield from found
        else:
            yield path


def _problems(path: str, runner: str | None) -> list[Problem]:
    try:
        flow = load_file(path)
    except InvalidFlow as error:
        return error.problems
    if _names_no_runner(flow):
        return list(flow.notes)
    # Deferred: it takes half as long as all of the loading, and few flows name a runner.
    from wdprefect.execution.runners import choose_options

    try:
        choose_options(flow, runner)
    except InvalidFlow as error:
        return [*flow.notes, *error.problems]
    return list(flow.notes)


def _names_no_runner(flow: Flow) -> bool:
    specs = iter_tasks([flow.tasks, flow.errors, flow.finally_, flow.after_execution])
    return not any({"taskRunner", "containerImage"} & spec.data.keys() for spec in specs)


def _facts(problem: Problem) -> dict[str, object]:
    return {
        "file": problem.at.file,
        "line": problem.at.line,
        "column": problem.at.column,
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "hint": problem.hint,
    }
