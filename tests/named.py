"""Tests by their names, for the pages and tables that say which test shows what."""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).parent


def is_test(name: str) -> bool:
    """Whether there is such a test: a function in a module of this folder (`x/test_y.py::test_z`), or a golden flow."""
    path, _, function = name.partition("::")
    if function:
        return function.startswith("test_") and function in _functions(HERE / path)
    return path.startswith("flows/") and (HERE / path).is_file()


@lru_cache
def _functions(module: Path) -> frozenset[str]:
    if not module.is_file():
        return frozenset()
    body = ast.parse(module.read_text(encoding="utf-8")).body
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef))
