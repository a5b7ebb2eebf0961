"""The flows whose triggers are meant on a command line: files, and folders of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from wdprefect.errors import InvalidFlow, Problem, UsageError
from wdprefect.intake.duties import s3_triggers
from wdprefect.loader import load_file
from wdprefect.model.flow import Flow


def chosen_flows(paths: Sequence[str]) -> dict[Path, Flow]:
    """The flows with S3 triggers in these files and folders, by file.

    Raises InvalidFlow with the problems of all, and UsageError where there is no such flow.
    """
    flows, problems = {}, list[Problem]()
    for path in _files(paths):
        try:
            flow = load_file(path)
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
