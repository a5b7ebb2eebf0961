"""The examples in the docstrings of all types of tasks, which are their manual pages."""

from __future__ import annotations

import inspect
import re

from wdprefect.loader.types import all_types
from wdprefect.model.task import Task

_BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)


def _examples() -> dict[str, str]:
    """Each example by the type it is of, and its number from the second one on."""
    found = {}
    for name, kind in all_types(Task).items():
        for number, text in enumerate(_BLOCK.findall(inspect.getdoc(kind) or ""), 1):
            found[name if number == 1 else f"{name} {number}"] = text
    return found


EXAMPLES = _examples()
