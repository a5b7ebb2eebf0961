"""`wdprefect validate PATH…`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from wdprefect.errors import EXIT_FAILED, InvalidFlow, Problem, UsageError

# Not by the front door, which has what runs flows behind it: that takes a third longer.
from wdprefect.loader import load_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a flow, or a folder that is searched for *.yaml and *.yml"
    )
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how problems are printed")


def execute(args: argparse.Namespace) -> int:
    """Print the problems and notes of all flows; nothing when there are none."""
    problems = [problem for path in _flows(args.paths) for problem in _problems(path)]
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


def _problems(path: str) -> list[Problem]:
    try:
        return list(load_file(path).notes)
    except InvalidFlow as error:
        return error.problems


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
