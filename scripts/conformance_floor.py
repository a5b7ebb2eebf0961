"""Run the conformance suites and fail when one is below the figure that is kept in tests/conformance-floor.json.

python scripts/conformance_floor.py CONFORMANCE.PY
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FLOOR = ROOT / "tests" / "conformance-floor.json"
# Each entry of the floor: the suite, and how it is run.
RUNS: dict[str, list[str]] = {
    "yaml": ["yaml"],
    "expressions": ["expressions"],
    "corpus": ["corpus"],
    "flows local": ["flows", "--engine", "local"],
    "flows prefect": ["flows", "--engine", "prefect"],
}


def main() -> int:
    """Print a line for each suite, and what has fallen below its floor."""
    floor = json.loads(FLOOR.read_text())
    fallen = []
    for name, arguments in RUNS.items():
        report = measured(sys.argv[1], arguments)
        passed, total = report.get("passed", 0), report.get("total", 0)
        print(f"conformance {name}: {passed} of {total}, floor {floor[name]}", flush=True)
        if passed < floor[name]:
            fallen.append(f"{name}: {passed} is below {floor[name]}: {json.dumps(report, indent=1)[:4000]}")
    print("\n".join(fallen))
    return 1 if fallen else 0


def measured(script: str, arguments: list[str]) -> dict[str, Any]:
    """What the script found in one suite."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.json")
        command = [sys.executable, script, *arguments, "--most", "0", "--json", str(path)]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=1200)
        return dict(json.loads(path.read_text())[arguments[0]]) if path.exists() else {}


if __name__ == "__main__":
    sys.exit(main())
