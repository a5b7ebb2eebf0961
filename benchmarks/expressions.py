"""Templates against the same in plain Jinja2, and the time that a flow of 500 templates takes to load.

All cases run side by side, in turn; the figures are medians of ROUNDS. No ratio where Jinja2 has no like template.
`python benchmarks/expressions.py [ROUNDS]`
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from jinja2 import Environment

from wdprefect.expressions import Expressions
from wdprefect.expressions.compiler import compiled
from wdprefect.loader import load_text

VARIABLES: dict[str, Any] = {
    "name": "Ada",
    "count": 7,
    "place": "London",
    "day": "2026-11-23T10:00:00Z",
    "vars": {"greeting": "hello {{ name }}"},
    "rows": [{"id": n, "name": f"row {n}", "size": n * 10} for n in range(20)],
}
LOOP = "{% for row in rows %}{{ row.id }}: {{ row.name }} ({{ row.size }})\n{% endfor %}"
CHOICE = "{{ count > 3 and place == 'London' ? count * 2 + 1 : 0 }}"
LIKE_CHOICE = "{{ count * 2 + 1 if count > 3 and place == 'London' else 0 }}"
# A millisecond or so for each figure, so that the clock does not matter.
RENDERS, COMPILES = 200, 10
FLOW_TEMPLATES = 500
LOG = "io.kestra.plugin.core.log.Log"


@dataclass(frozen=True)
class Case:
    """A template here, and the like one of Jinja2 where it has one."""

    name: str
    ours: str
    stock: str | None


CASES = (
    Case("text with a brace", "a { in some text", "a { in some text"),
    Case("one variable", "{{ name }}", "{{ name }}"),
    Case("text and three", *["Dear {{ name }}, {{ count }} in {{ place }}."] * 2),
    Case("a choice", CHOICE, LIKE_CHOICE),
    Case("one filter", *["{{ name | upper }}"] * 2),
    Case("?? and dateAdd", "{{ missing ?? (day | dateAdd(1, 'DAYS')) }}", None),
    Case("render", "{{ render(vars.greeting) | upper }}", None),
    Case("loop of 20", LOOP, LOOP),
)


def main() -> None:
    """Print a row per template, the ratios on the whole, and the load of a large flow."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    work = dict(actions())
    found: dict[tuple[str, str], list[float]] = {key: [] for key in work}
    gc.disable()
    for _ in range(rounds):
        for key, (action, times) in work.items():
            found[key].append(seconds_of(action, times))
    gc.enable()
    figures = {key: median(values) * 1e6 for key, values in found.items()}
    print(f"{'microseconds':20}{'compile':>9}{'Jinja2':>9}{'ratio':>7}{'render':>9}{'Jinja2':>9}{'ratio':>7}")
    for case in CASES:
        print(f"{case.name:20}{columns(figures, case, 'compile')}{columns(figures, case, 'render')}")
    print(f"{'on the whole':20}{whole(figures, 'compile'):25.2f}{whole(figures, 'render'):25.2f}")
    print(f"a flow of {FLOW_TEMPLATES} templates loads in {median(load_seconds() for _ in range(5)):.3f} s")


def actions() -> dict[tuple[str, str], tuple[Callable[[], object], int]]:
    """What is measured, and how many times in a round: {(case, column): …}."""
    result: dict[tuple[str, str], tuple[Callable[[], object], int]] = {}
    environment, expressions = Environment(), Expressions()  # noqa: S701  # the texts are no HTML
    for case in CASES:
        result[case.name, "compile"] = partial(compiled.__wrapped__, case.ours), COMPILES
        result[case.name, "render"] = partial(expressions.render, case.ours, VARIABLES), RENDERS
        if case.stock is not None:
            template = environment.from_string(case.stock)
            assert expressions.render(case.ours, VARIABLES) == template.render(VARIABLES), case.name
            result[case.name, "stock compile"] = partial(environment.from_string, case.stock), COMPILES
            result[case.name, "stock render"] = partial(template.render, VARIABLES), RENDERS
    return result


def seconds_of(action: Callable[[], object], times: int) -> float:
    """The seconds of one call, from many."""
    began = perf_counter()
    for _ in range(times):
        action()
    return (perf_counter() - began) / times


def columns(figures: dict[tuple[str, str], float], case: Case, column: str) -> str:
    """One template's own time, Jinja2's, and the ratio."""
    ours = figures[case.name, column]
    if case.stock is None:
        return f"{ours:9.1f}{'':16}"
    stock = figures[case.name, f"stock {column}"]
    return f"{ours:9.1f}{stock:9.1f}{ours / stock:7.2f}"


def whole(figures: dict[tuple[str, str], float], column: str) -> float:
    """The ratio of the sums over all templates that Jinja2 has as well."""
    like = [case.name for case in CASES if case.stock is not None]
    return sum(figures[name, column] for name in like) / sum(figures[name, f"stock {column}"] for name in like)


def load_seconds() -> float:
    """The seconds to load and check a flow in which each of many tasks has a template of its own."""
    compiled.cache_clear()
    tasks = "".join(
        f"  - {{id: t{n}, type: {LOG}, message: 'row {n}: {{{{ inputs.a ?? {n} | upper }}}}'}}\n"
        for n in range(FLOW_TEMPLATES)
    )
    text = f"id: many\nnamespace: benchmark\ninputs:\n  - {{id: a, type: STRING}}\ntasks:\n{tasks}"
    began = perf_counter()
    load_text(text)
    return perf_counter() - began


if __name__ == "__main__":
    main()
