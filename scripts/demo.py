"""Run two real flows on Prefect and say where to look: `make demo`.

*pip* installs requirements and runs a script with them; *orders* takes a messy CSV, clones a repository and cleans the
file with a program from it. Everything is real and made here: the file, the repository, the server, the environment.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FLOWS = ROOT / "deployments" / "flows"
ROWS = 5000
NAMES = ["ada lovelace", "  Grace  Hopper", "ALAN TURING", "Barbara   Liskov ", "edsger dijkstra"]


def main() -> int:
    """Run both flows; 0 when both succeed."""
    with tempfile.TemporaryDirectory(prefix="wdprefect-demo-") as folder:
        work = Path(folder)
        data, repository = write_orders(work / "data.csv"), make_repository(work / "repository")
        output = ROOT / "demo-output"
        shutil.rmtree(output, ignore_errors=True)
        pip = run("pip.yaml", "--output-dir", str(output / "pip"))
        inputs = ["-i", f"data={data}", "-i", f"repository={repository.as_uri()}"]
        orders = run("orders.yaml", *inputs, "--output-dir", str(output / "orders"))
    print(f"\nThe files of both runs are in {output}")
    print("Where to look, and how to end it:")
    subprocess.run([sys.executable, "-m", "wdprefect", "server", "status"], check=False)
    print(f"{Path(sys.executable).parent / 'wdprefect'} server stop")
    return pip or orders


def run(flow: str, *arguments: str) -> int:
    """One `wdprefect run`, as a person types it; its exit code."""
    print(f"\n$ wdprefect run deployments/flows/{flow} {' '.join(arguments)}", flush=True)
    command = [sys.executable, "-m", "wdprefect", "run", str(FLOWS / flow), *arguments]
    return subprocess.run(command, check=False).returncode


def write_orders(path: Path) -> Path:
    """A messy CSV, the same each time."""
    dice = random.Random(7)  # noqa: S311  no secret is made of it
    path.write_text("\n".join(["order_id,customer,country,amount", *orders(dice)]) + "\n", encoding="utf-8")
    return path


def orders(dice: random.Random) -> Iterator[str]:
    """Rows as people and systems leave them: doubled, without amounts, with currencies and blanks."""
    for number in range(ROWS):
        order = dice.randrange(number + 1) if dice.random() < 0.1 else number  # noqa: PLR2004  one in ten is there already
        amount = dice.choice(["{:.2f}", "€ {:.2f}", "{:.2f} EUR", "n/a", ""]).format(dice.uniform(1, 500))
        country = dice.choice(["de", "FR ", " us", "Gb", ""])
        yield f"{dice.choice(['', '#'])}{order},{dice.choice(NAMES)},{country},{amount}"


def make_repository(path: Path) -> Path:
    """A real git repository with the program in it."""
    shutil.copytree(ROOT / "scripts" / "demo_repository", path)
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        ["-c", "user.name=demo", "-c", "user.email=demo@example.org", "commit", "--quiet", "-m", "Clean orders"],
    ):
        subprocess.run(["git", "-C", str(path), *command], check=True)
    return path


if __name__ == "__main__":
    sys.exit(main())
