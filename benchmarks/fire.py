"""Exactly once under fire: `python -m benchmarks.fire [--small] [--database sqlite|postgresql]`.

Three listeners, poll and queue at once, a third of the messages twice and out of order; listeners and the Prefect
server are killed meanwhile, and one request in twenty to S3 or the queue goes wrong. Each version of each object must
be in exactly one run that succeeded. Prints a table.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.databases import DATABASES, Database, databases, installed
from tests.fire import Outcome, Scenario, under_fire
from tests.servers.ministack import running

SCENARIOS = (
    Scenario("20 objects a run", 2000, batch=20, kills=20, server_kills=3, seconds=1800),
    Scenario("a run for each", 200, kills=20, server_kills=3, seconds=1800),
    Scenario("overwritten, versions kept", 50, overwrites=4, kills=12, server_kills=2, seconds=1800),
    Scenario("started by an automation", 200, start_by="automation", kills=12, server_kills=3, seconds=3000),
)
HEADER = "| objects | versions | lost | doubled | runs | listeners killed | server killed | requests failed | seconds |"


def main() -> int:
    """Run the scenarios; 0 when nothing was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="a tenth of the objects, and fewer kills")
    usual = installed()[-1]
    parser.add_argument("--database", choices=DATABASES, default=usual, help="where Prefect and the book keep things")
    parser.add_argument("--only", metavar="TEXT", default="", help="scenarios with this text in their name")
    args = parser.parse_args()
    print(f"{HEADER}\n|--|--|--|--|--|--|--|--|--|", flush=True)
    failed = False
    for scenario in SCENARIOS:
        if args.only not in scenario.name:
            continue
        outcome = _run(_small(scenario) if args.small else scenario, args.database)
        failed = failed or bool(outcome.lost or outcome.doubled)
        print(_row(scenario, outcome), flush=True)
    return int(failed)


def _run(scenario: Scenario, database: Database) -> Outcome:
    folder = Path(tempfile.mkdtemp(prefix="wdprefect-fire-"))
    with running(folder / "ministack") as server, databases(database, folder) as urls:
        if server is None:
            sys.exit("the S3 server did not start: run scripts/test-servers.sh")
        return under_fire(scenario, server, folder, urls.book, urls.prefect)


def _small(scenario: Scenario) -> Scenario:
    return replace(scenario, objects=scenario.objects // 10, kills=3, server_kills=1)


def _row(scenario: Scenario, outcome: Outcome) -> str:
    states = ", ".join(f"{count} {name}" for name, count in sorted(outcome.states.items()))
    cells = [scenario.name, outcome.versions, outcome.lost, outcome.doubled, states, outcome.kills]
    cells += [outcome.server_kills, outcome.faults, round(outcome.seconds)]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    sys.exit(main())
