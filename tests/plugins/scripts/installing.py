"""Python scripts with dependencies: their executions, and the environments that are made for them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.plugins.scripts.test_python import python
from tests.running import messages, run_tasks
from wdprefect.execution.execution import Execution

IMPORT = "import acme_one, sys\nprint(acme_one.VERSION, sys.prefix)"


def installed(dependencies: object, more: str = "", script: str = IMPORT) -> Execution:
    """The execution of a script with these dependencies."""
    return run_tasks(python(script, f"dependencies: {json.dumps(dependencies)}\n{more}"))


def said(execution: Execution) -> list[str]:
    """What the script printed."""
    return [line for line in messages(execution, "a", "INFO") if not line.startswith("made the environment")]


def environments(wheels: Path) -> list[Path]:
    """The environments in the cache, those that were replaced included."""
    return [path.parent for path in wheels.parent.glob("cache/python/*/*/pyvenv.cfg")]


def metrics(execution: Execution) -> dict[str, float]:
    """The values of what was counted, by their names."""
    return {metric.name: metric.value for metric in execution.task_runs[0].metrics}
