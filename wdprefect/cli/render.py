"""`wdprefect render TEMPLATE`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from typing import Any

from wdprefect.api import load, open_run_storage
from wdprefect.cli.given import map_of_file, pairs
from wdprefect.errors import EXIT_FAILED, ExpressionError
from wdprefect.execution.configuration import read_configuration
from wdprefect.execution.inputs import nested, resolve_inputs
from wdprefect.execution.logbook import LogBook
from wdprefect.execution.run import visible_environment
from wdprefect.execution.services import RunServices
from wdprefect.expressions import Expressions, to_json
from wdprefect.expressions.explaining import Step
from wdprefect.expressions.lexer import line_and_column
from wdprefect.expressions.references import uses
from wdprefect.expressions.values import LISTS
from wdprefect.loader.checks.calls import wrong_call
from wdprefect.masking import MASK, Masker
from wdprefect.model.flow import Flow
from wdprefect.storage.namespaces import open_namespaces
from wdprefect.storage.reader import Reader

# What is shown of a value, and of a line with an error.
_MOST_CHARACTERS = 100
_MOST_STEPS = 200
# The first that fits: a boolean is a number in Python, a moment a date.
_KINDS: tuple[tuple[type, str], ...] = (
    (type(None), "null"),
    (bool, "boolean"),
    (str, "text"),
    (int, "whole number"),
    (float, "decimal number"),
    (datetime, "moment"),
    (date, "date"),
    (time, "time of day"),
    (timedelta, "length of time"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("template", metavar="TEMPLATE", help="a text with expressions; - reads standard input")
    parser.add_argument("--flow", metavar="FLOW", help="show what tasks of this flow see: flow, vars, inputs' defaults")
    parser.add_argument("--context", metavar="FILE", help="more names, from a YAML or JSON file")
    parser.add_argument("-i", "--input", action="append", default=[], metavar="NAME=VALUE", help="an input")
    parser.add_argument("--explain", action="store_true", help="show the value after each step of each expression")


def execute(args: argparse.Namespace) -> int:
    """Print the text on standard output, and its type, the steps and errors on standard error.

    Secrets are read as in a run without a server, and hidden in all that is printed.
    """
    # The last line end is the shell's, not the template's.
    template = sys.stdin.read().removesuffix("\n") if args.template == "-" else args.template
    masker = Masker()
    context = merged(_names(args, masker), map_of_file(args.context, "names"))
    storage = open_run_storage(None)
    reader = Reader(storage, open_namespaces(read_configuration().namespace_files, storage), "")
    services = RunServices(masker, reader, LogBook(masker))
    steps: list[Step] = []
    try:
        text, value = Expressions().explain(template, masker.guarded(context), services, steps.append)
    except ExpressionError as error:
        _explain(steps if args.explain else [], masker)
        print("\n".join(_error_lines(error, template, masker)), file=sys.stderr)
        return EXIT_FAILED
    _explain(steps if args.explain else [], masker)
    print(masker.hide(text))
    sys.stdout.flush()
    print(f"type: {kind_of(value)}", file=sys.stderr)
    return 0


def _names(args: argparse.Namespace, masker: Masker) -> dict[str, Any]:
    given = pairs(args.input, "-i")
    names: dict[str, Any] = {"envs": visible_environment(os.environ), "globals": {}}
    if args.flow is None:
        return {**names, "inputs": nested(given)}
    flow = load(args.flow)
    seen = {"id": flow.id, "namespace": flow.namespace, "revision": flow.revision or 1}
    names |= {"flow": seen, "labels": flow.labels, "vars": flow.variables}
    return {**names, "inputs": _inputs(flow, given, masker)}


def _inputs(flow: Flow, given: Mapping[str, Any], masker: Masker) -> dict[str, Any]:
    """The inputs as a run would have them, those that are missing left out."""
    relaxed = [item if item.id in given else item.model_copy(update={"required": False}) for item in flow.inputs]
    known = flow.model_copy(update={"inputs": relaxed})
    values = resolve_inputs(known, given, take_file=lambda _, value: str(value), masker=masker)
    return _without_none(values)


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    cleaned = {name: _without_none(value) if isinstance(value, dict) else value for name, value in values.items()}
    return {name: value for name, value in cleaned.items() if value is not None}


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both maps as one, and the maps in them; where both have something else, the second one's."""
    result = dict(under)
    for name, value in over.items():
        before = result.get(name)
        both = isinstance(before, Mapping) and isinstance(value, Mapping)
        result[name] = merged(before, value) if both else value  # type: ignore[arg-type]  # asked on the line before
    return result


def _explain(steps: Sequence[Step], masker: Masker) -> None:
    width = max((len(_line(step.source)) for step in steps), default=0)
    before: tuple[str, int] | None = None
    for step in steps[:_MOST_STEPS]:
        if (step.element, step.offset) != before:
            before = step.element, step.offset
            print(masker.hide(_line(step.element)), file=sys.stderr)
        value = MASK if step.is_secret else _cut(masker.hide(to_json(step.value)))
        source = masker.hide(_line(step.source))
        print(f"    {source:<{min(width, _MOST_CHARACTERS)}}  {value}  ({kind_of(step.value)})", file=sys.stderr)
    if len(steps) > _MOST_STEPS:
        print(f"    and {len(steps) - _MOST_STEPS} more steps", file=sys.stderr)


def _line(source: str) -> str:
    return _cut(" ".join(source.split()))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 1] + "…"


def _error_lines(error: ExpressionError, template: str, masker: Masker) -> list[str]:
    """The message with its place, the line of the template, and a caret below the place."""
    lines = template.splitlines() or [""]
    line = lines[min(error.line, len(lines)) - 1]
    start = max(error.column - _MOST_CHARACTERS // 2, 0) if len(line) > _MOST_CHARACTERS else 0
    shown = line[start : start + _MOST_CHARACTERS]
    # Tabs stay, so that the caret stands where the eye expects it.
    blank = "".join("\t" if character == "\t" else " " for character in line[start : error.column - 1])
    hint = _hint(error, template)
    message = f"<template>:{error.line}:{error.column}: {error}" + (f" ({hint})" if hint else "")
    return [masker.hide(message), masker.hide(f"  {shown}"), f"  {blank}^"]


def _hint(error: ExpressionError, template: str) -> str | None:
    """What is meant, where the error is at a filter, function or test that is written wrongly."""
    with suppress(ExpressionError):
        for call in uses(template).calls:
            if line_and_column(template, call.offset) == (error.line, error.column):
                return next((hint for _, _, hint in wrong_call(call)), None)
    return None


def kind_of(value: Any) -> str:
    """What kind of value it is, in words."""
    if isinstance(value, Mapping):
        return f"map of {len(value)}"
    if isinstance(value, LISTS):
        return f"list of {len(value)}"
    return next((word for kind, word in _KINDS if isinstance(value, kind)), type(value).__name__)
