"""Functions of the run: what is visible in it, its task runs, its time and its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import dates
from wdprefect.expressions.arguments import items, text
from wdprefect.expressions.values import describe, to_json, to_text

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope


def render(scope: Scope, to_render: Any, recursive: Any = True) -> Any:  # noqa: FBT002  # the template gives it by name or place
    """The text, or the texts of a list or map, rendered until nothing changes; other values as they are."""
    return _rendered(scope, to_render, once=recursive is False)


def render_once(scope: Scope, to_render: Any) -> Any:
    """The text, or the texts of a list or map, rendered once."""
    return _rendered(scope, to_render, once=True)


def _rendered(scope: Scope, data: Any, *, once: bool) -> Any:
    if scope.nested is None:
        raise ExpressionError("does not exist where everything is rendered recursively")
    return scope.nested(scope, data, once=once)


def block(scope: Scope, name: Any) -> str:
    """What the block of this name prints, again; nothing where there is none."""
    body = scope.template.blocks.get(text(name, "name"))
    return scope.captured(body) if body else ""


def now(
    scope: Scope, format_: Any = "iso", time_zone: Any = None, existing_format: Any = None, locale: Any = None
) -> str:
    """The current time in a named format or by a pattern."""
    del existing_format
    dates.english(locale)
    zone = None if time_zone is None else text(time_zone, "timeZone")
    return dates.to_format(dates.to_moment(scope.service("now")(), zone), text(format_, "format"))


def error_logs(scope: Scope) -> list[Any]:
    """The error messages of this run so far."""
    return list(scope.service("error_logs")())


def current_each_output(scope: Scope, outputs: Any) -> Any:
    """The entry of a task's outputs that belongs to the current value of the loops around, outermost first."""
    found = _map(outputs, "outputs")
    parents = scope.variable("parents") or []
    values = [parent["taskrun"]["value"] for parent in reversed(parents) if "value" in (parent.get("taskrun") or {})]
    for value in (*values, scope.variable("taskrun", "value")):
        if value is not None:
            found = _map(found.get(to_text(value)), f"outputs of '{to_text(value)}'")
    return found


def loop_outputs(outputs: Any, name: Any) -> list[Any]:
    """The output of this name of each iteration, null where it has none."""
    key = text(name, "name")
    rounds = [_map(_map(each, "iteration").get("outputs") or {}, "outputs") for each in items(outputs, "outputs")]
    return [each.get(key) for each in rounds]


def tasks_with_state(scope: Scope, state: Any) -> list[dict[str, Any]]:
    """The task runs in a state: `taskId`, `state` and, in loops, `value`."""
    wanted = text(state, "state").upper()
    found: list[dict[str, Any]] = []
    for task_id, entry in (scope.variable("tasks") or {}).items():
        if not isinstance(entry.get("state"), Mapping) and "state" in entry:
            found.append({"taskId": task_id, "state": entry["state"]})
        else:
            found += ({"taskId": task_id, "state": run.get("state"), "value": value} for value, run in entry.items())
    return [each for each in found if each["state"] == wanted]


def env(scope: Scope, name: Any, default: Any = None) -> Any:
    """An entry of `envs`; another value where it is missing, null or empty."""
    return scope.variable("envs", text(name, "name")) or default


def fetch_context(scope: Scope) -> dict[str, Any]:
    """Everything that is visible."""
    return scope.visible()


def print_context(scope: Scope) -> str:
    """Everything that is visible, as JSON."""
    return to_json(scope.visible())


def _map(value: Any, what: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise ExpressionError(f"{what} is {describe(value)}, not a map")
