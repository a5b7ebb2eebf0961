"""Shell steps in containers: in one for all, in one each, and by hand.

All cases run in turn on one engine; the figures are medians of ROUNDS, of whole commands. The image must be there: an
`ubuntu` of yours, or the one that `scripts/test_images.py` makes.

`python benchmarks/containers.py [ROUNDS]`
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from wdprefect.on_prefect.server import ensure_server

IMAGE = "ubuntu"
STEPS = 20
LINES = 200_000
DOCKER = "io.kestra.plugin.scripts.runner.docker.Docker"
LOOP = "for step in $(seq {steps}); do {command}; done"
SAID = re.compile(r" SUCCESS in ([\d.]+) s")
PRINTING = "i=0; while [ $i -lt {lines} ]; do echo line $i; i=$((i+1)); done"


@dataclass(frozen=True)
class Case:
    """A command to time. before, after: what is there while it runs, and is not timed.

    is_run: the time of the run itself counts, as the command says it, without the start of Python and Prefect.
    """

    name: str
    command: list[str]
    before: list[str] | None = None
    after: list[str] | None = None
    is_run: bool = False


def main() -> None:
    """Print a row per case, then the ratios that matter."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_API_URL"] = ensure_server().api_url
        cases = list(make_cases(Path(folder)))
        found: dict[str, list[float]] = {case.name: [] for case in cases}
        for _ in range(rounds):
            for case in cases:
                found[case.name].append(seconds(case))
    figures = {name: median(times) for name, times in found.items()}
    for name, figure in figures.items():
        print(f"{name:<52} {figure:7.2f} s")
    ours = figures[f"{STEPS} steps, one container"]
    for name in list(figures)[1:5]:
        print(f"{name} takes {figures[name] / ours:.1f} times as long as one container")


def make_cases(folder: Path) -> Iterator[Case]:
    """The cases, each as the command that a person would type."""
    yield Case(f"{STEPS} steps, one container", run(flow(folder, "one", ["true"] * STEPS)))
    alone = flow(folder, "each", ["true"] * STEPS, isolation="container")
    yield Case(f"{STEPS} steps, a container each (isolation: container)", run(alone))
    by_hand = f"docker run --rm --pull never -v {folder}:/w -w /w {IMAGE} sh -c true"
    yield Case(f"{STEPS} x docker run, in a shell loop", ["sh", "-c", LOOP.format(steps=STEPS, command=by_hand)])
    start = ["docker", "run", "--detach", "--name", "wdprefect-bench", "--pull", "never", IMAGE, "sleep", "600"]
    loop = LOOP.format(steps=STEPS, command="docker exec wdprefect-bench sh -c true")
    end = ["docker", "rm", "--force", "wdprefect-bench"]
    yield Case(f"{STEPS} x docker exec, in a container already there", ["sh", "-c", loop], start, end)
    yield Case(f"{STEPS} steps as processes", run(flow(folder, "process", ["true"] * STEPS), "--runner", "process"))
    yield Case("1 step, one container", run(flow(folder, "single", ["true"])))
    printing = PRINTING.format(lines=LINES)
    yield Case(f"{LINES:,} lines from a container, local engine", run(flow(folder, "lines", [printing])), is_run=True)
    on_prefect = [*run(flow(folder, "lines", [printing]))[:-2], "--engine", "prefect"]
    yield Case(f"{LINES:,} lines from a container, on Prefect", on_prefect, is_run=True)


def flow(folder: Path, name: str, commands: list[str], **options: str) -> Path:
    """A file with a WorkingDirectory whose tasks run one command each."""
    more = "".join(f"\n          {key}: {value}" for key, value in options.items())
    tasks = "".join(
        f"""
      - id: step{number}
        type: io.kestra.plugin.scripts.shell.Commands
        containerImage: {IMAGE}
        taskRunner:
          type: {DOCKER}{more}
        commands:
          - {command}"""
        for number, command in enumerate(commands)
    )
    path = folder / f"{name}.yaml"
    head = f"id: {name}\nnamespace: bench\ntasks:\n  - id: directory"
    path.write_text(f"{head}\n    type: io.kestra.plugin.core.flow.WorkingDirectory\n    tasks:{tasks}\n")
    return path


def run(path: Path, *more: str) -> list[str]:
    """`wdprefect run`, without a server."""
    return [sys.executable, "-m", "wdprefect", "run", str(path), *more, "--engine", "local"]


def seconds(case: Case) -> float:
    """How long the command takes. Ends the program where it fails: there is nothing to measure then."""
    if case.before:
        subprocess.run(case.before, check=True, capture_output=True)
    began = perf_counter()
    done = subprocess.run(case.command, capture_output=True, text=True, check=False)
    took = perf_counter() - began
    if case.after:
        subprocess.run(case.after, check=True, capture_output=True)
    if done.returncode:
        sys.exit(f"{case.name}: {done.stderr[-2000:]}")
    return float(SAID.findall(done.stdout)[-1]) if case.is_run else took


if __name__ == "__main__":
    main()
