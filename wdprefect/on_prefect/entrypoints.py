"""YAML flows as names of a Python module, each built when it is asked for (PEP 562).

    # deployments/flows.py
    __getattr__ = wdprefect.on_prefect.entrypoints.lazy_flows(Path(__file__).parent / "flows")

`prefect deploy` and workers then find the flow `pip` of the namespace `company.team` at `flows.py:company_team_pip`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wdprefect.errors import InvalidFlow, Position, Problem
from wdprefect.execution.runners import choose_options
from wdprefect.loader import load_text, read_yaml
from wdprefect.on_prefect.blocks import prefect_block
from wdprefect.on_prefect.flow import make_prefect_flow
from wdprefect.on_prefect.names import entrypoint_name


def lazy_flows(
    folder: str | os.PathLike[str], *, storage: str | None = None, runner: str | None = None
) -> Callable[[str], Any]:
    """A module's `__getattr__` for the flows in a folder and the folders below it.

    storage, runner: as in `wdprefect.run`. A flow that does not load is reported on standard error with its problems,
    before the traceback in which Prefect shows them; then InvalidFlow is raised.
    """
    root = Path(folder)

    def __getattr__(name: str) -> Any:  # noqa: N807  what it is in the module
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return _built(flow_files(root), name, storage, runner)
        except InvalidFlow as error:
            print(error, file=sys.stderr)  # noqa: T201  see above
            raise

    return __getattr__


def flow_files(folder: Path) -> dict[str, Path]:
    """The flow files of a folder by the names of their entrypoints. Raises InvalidFlow when two would share one."""
    found: dict[str, Path] = {}
    clashes = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".yaml", ".yml"}):
        for name in _names(path):
            if name in found:
                message = f"the entrypoint '{name}' is taken by '{found[name]}'"
                clashes.append(Problem(Position(str(path), 1, 1), "WD421", message, "change an id or a namespace"))
            found[name] = path
    if clashes:
        raise InvalidFlow(clashes)
    return found


def _names(path: Path) -> Iterator[str]:
    try:
        data = read_yaml(path.read_bytes())
    except InvalidFlow:
        # It has no name; it will be reported when somebody validates it.
        return
    if isinstance(data, Mapping) and "id" in data and "namespace" in data:
        yield entrypoint_name(str(data["namespace"]), str(data["id"]))


def _built(files: Mapping[str, Path], name: str, storage: str | None, runner: str | None) -> Any:
    if name not in files:
        known = ", ".join(files) or "none"
        raise AttributeError(f"there is no flow '{name}'; there are: {known}")
    flow = load_text(files[name].read_bytes(), str(files[name]))
    return make_prefect_flow(flow, replace(choose_options(flow, runner), block=prefect_block), storage)
