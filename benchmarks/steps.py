"""Steps in a WorkingDirectory against the same commands in a loop, and against a hand-written Prefect flow.

All cases run side by side, in turn, on one running server, with a rest between them; the figures are medians of ROUNDS.
`python benchmarks/steps.py [ROUNDS]`
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import psutil

from wdprefect.on_prefect.server import Server, ensure_server

HERE = Path(__file__).resolve().parent
FIBONACCI = "f=lambda n: n if n < 2 else f(n-1) + f(n-2); f(10)"
PYTHON_STEP = f'/usr/bin/python3 -c "{FIBONACCI}"'
LOOP = "import subprocess, sys, time\nbegan = time.perf_counter()\nfor _ in range(int(sys.argv[1])):\n"
LOOP += (
    "    subprocess.run(['/bin/sh', '-c', sys.argv[2]], check=True)\nprint(f'inside {time.perf_counter() - began:.3f}')"
)
REST_SECONDS = 3.0


@dataclass(frozen=True)
class Case:
    """A command to time; it prints `inside SECONDS` where that can be said."""

    name: str
    command: list[str]


@dataclass(frozen=True)
class Figure:
    """Seconds of the whole command, inside the process, and of the server's CPUs."""

    whole: float
    inside: float | None
    server: float


def main() -> None:
    """Print a row per case, then the ratios that matter."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    server = ensure_server()
    os.environ["PREFECT_API_URL"] = server.api_url
    # Byte code is written once on a person's machine, not compiled anew for each command.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory() as folder:
        cases = list(make_cases(Path(folder)))
        found: dict[str, list[Figure]] = {case.name: [] for case in cases}
        for _ in range(rounds):
            for case in cases:
                found[case.name].append(measured(case, server))
    medians = {name: middle(figures) for name, figures in found.items()}
    for name, figure in medians.items():
        inside = f"{figure.inside:7.3f}" if figure.inside is not None else "      -"
        print(f"{name:<34} whole {figure.whole:7.3f}  inside {inside}  server cpu {figure.server:6.2f}")
    print_ratios(medians)


def make_cases(folder: Path) -> Iterator[Case]:
    """The cases, with their flows written into a folder."""
    python, wdprefect = sys.executable, [sys.executable, "-m", "wdprefect"]
    flows = {
        "40 python": write_flow(folder / "python.yaml", [PYTHON_STEP] * 40),
        "100 true": write_flow(folder / "true.yaml", ["true"] * 100),
        "lines": write_flow(folder / "lines.yaml", ["seq 10000"]),
        "no lines": write_flow(folder / "quiet.yaml", ["seq 10000 > /dev/null"]),
    }
    for name, count, step in (("40 python", 40, PYTHON_STEP), ("100 true", 100, "true")):
        yield Case(f"{name}, loop (a)", [python, "-c", LOOP, str(count), step])
        yield Case(f"{name}, by hand (b)", [python, str(HERE / "handwritten.py"), str(count), step])
        yield Case(f"{name}, prefect engine", [python, str(HERE / "inside.py"), str(flows[name]), "prefect"])
        yield Case(f"{name}, local engine", [*wdprefect, "run", str(flows[name]), "--engine", "local"])
    for name in ("lines", "no lines"):
        yield Case(f"{name}, prefect engine", [python, str(HERE / "inside.py"), str(flows[name]), "prefect"])
    hello = HERE.parent / "deployments" / "flows" / "hello.yaml"
    yield Case("smallest, local engine", [*wdprefect, "run", str(hello), "--engine", "local"])
    yield Case("smallest, prefect engine", [*wdprefect, "run", str(hello)])
    yield Case("empty, by hand", [python, str(HERE / "handwritten.py"), "0"])
    yield Case("validate", [*wdprefect, "validate", str(hello)])


def write_flow(path: Path, commands: list[str]) -> Path:
    """A flow with one WorkingDirectory and a step for each command."""
    lines = ["id: steps", "namespace: company.bench", "tasks:", "  - id: wdir"]
    lines += ["    type: io.kestra.plugin.core.flow.WorkingDirectory", "    tasks:"]
    for i, command in enumerate(commands):
        lines += [f"      - id: step{i}", "        type: io.kestra.plugin.scripts.shell.Commands"]
        lines += ["        commands:", f"          - {command!r}" if '"' in command else f'          - "{command}"']
    path.write_text("\n".join(lines) + "\n")
    return path


def measured(case: Case, server: Server) -> Figure:
    """One run of a case, after a rest in which the server has caught up."""
    sleep(REST_SECONDS)
    process = psutil.Process(server.pid)
    before, began = process.cpu_times(), perf_counter()
    done = subprocess.run(case.command, capture_output=True, text=True, check=True)
    whole = perf_counter() - began
    sleep(REST_SECONDS)
    after = process.cpu_times()
    inside = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("inside ")]
    return Figure(whole, float(inside[0]) if inside else None, after.user + after.system - before.user - before.system)


def middle(figures: list[Figure]) -> Figure:
    """The median of each figure."""
    inside = [figure.inside for figure in figures if figure.inside is not None]
    return Figure(
        median(f.whole for f in figures), median(inside) if inside else None, median(f.server for f in figures)
    )


def print_ratios(found: dict[str, Figure]) -> None:
    """The ratios that the README repeats."""

    def inside(name: str) -> float:
        return found[name].inside or 0.0

    loop, hand, ours = (inside(f"40 python, {kind}") for kind in ("loop (a)", "by hand (b)", "prefect engine"))
    print(f"40 python steps, inside: {ours / loop:.2f} x the loop, by hand {hand / loop:.2f} x")
    loop, hand, ours = (inside(f"100 true, {kind}") for kind in ("loop (a)", "by hand (b)", "prefect engine"))
    print(f"100 shell steps, inside: {hand / ours:.2f} x faster than by hand")
    more = (found["100 true, local engine"].whole - found["smallest, local engine"].whole - loop) * 10
    print(f"one more shell step costs {more:.2f} ms above the loop's")
    whole = found["40 python, local engine"].whole - 0.3
    print(f"40 python steps, local engine, whole: {whole / found['40 python, loop (a)'].whole:.2f} x the loop + 0.3 s")
    print(f"10,000 lines cost {inside('lines, prefect engine') - inside('no lines, prefect engine'):.2f} s")
    print(f"smallest flow: {found['smallest, prefect engine'].whole / found['empty, by hand'].whole:.2f} x by hand")


if __name__ == "__main__":
    main()
