"""Filters, functions and tests that do not exist, and arguments that they do not take."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from wdprefect.errors import ExpressionError
from wdprefect.expressions.references import Call, Uses
from wdprefect.loader.checks.known import Known
from wdprefect.loader.checks.texts import Template
from wdprefect.loader.shape import Findings
from wdprefect.loader.wording import did_you_mean

if TYPE_CHECKING:
    from wdprefect.expressions.binding import Callee


def check_calls(template: Template, used: Uses, known: Known, findings: Findings) -> None:  # noqa: ARG001  as all checks
    """What a template calls. Kestra finds it when the expression is reached."""
    for call in used.calls:
        if call.kind == "function" and call.name in used.macros:
            continue
        for code, message, hint in wrong_call(call):
            findings.add_at(template.at(findings, call.offset), code, message, hint)


def wrong_call(call: Call) -> list[tuple[str, str, str | None]]:
    """What is wrong with a call: a code, a message and a hint; nothing where it fits."""
    if call.kind == "test" and call.name == "defined":
        return []
    table = _tables()[call.kind]
    callee = table.get(call.name)
    if callee is None:
        others = {"test": "function", "function": "filter", "filter": "function"}
        hint = did_you_mean(call.name, list(table))
        if hint is None and call.name in _tables()[others[call.kind]]:
            hint = f"it is a {others[call.kind]}"
        return [("WD321", f"unknown {call.kind} '{call.name}'", hint)]
    if call.kind == "function" and call.name in _refusals():
        return [("WD321", f"function '{call.name}' {_refusals()[call.name]}", None)]
    try:
        # Binding looks at names and numbers alone.
        callee.bind([True] * call.given, dict.fromkeys(call.named, True))
    except ExpressionError as error:
        wrong = [did_you_mean(name, callee.arguments) for name in call.named if name not in callee.arguments]
        return [("WD322", f"{call.kind} '{call.name}': {error}", next(iter(wrong), None))]
    return []


@cache
def _tables() -> Mapping[str, Mapping[str, Callee]]:
    # Deferred: a flow without filters and functions does without what they are made of.
    from wdprefect.expressions.filters import FILTERS
    from wdprefect.expressions.functions import FUNCTIONS
    from wdprefect.expressions.predicates import TESTS

    return {"filter": FILTERS, "function": FUNCTIONS, "test": TESTS}


@cache
def _refusals() -> Mapping[str, str]:
    from wdprefect.expressions.functions.refused import REFUSALS  # as above

    return REFUSALS
