"""Functions of the run: what is visible in it, its task runs, its time and its log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions import dates
from wdprefect.expressions.arguments import integer, items, text
from wdprefect.expressions.values import describe, to_json, to_text

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope


def render(scope: Scope, to_render: Any, recursive: Any = True) -> Any:  # noqa: FBT002  # the template gives it by name or place
    """The text, or the texts of a list or map, rendered until nothing changes; other values as they are.

    with: {"vars": {"greeting": "Dear {{ name }}"}, "name": "{{ first }}", "first": "Ada"}
    {{ render(vars.greeting) }} → Dear Ada
    {{ render([1, '{{ first }}']) }} → [1,"Ada"]
    """
    return _rendered(scope, to_render, once=recursive is False)


def render_once(scope: Scope, to_render: Any) -> Any:
    """The text, or the texts of a list or map, rendered once.

    with: {"greeting": "Dear {{ name }}", "name": "{{ first }}", "first": "Ada"}
    {{ renderOnce(greeting) }} → Dear {{ first }}
    """
    return _rendered(scope, to_render, once=True)


def _rendered(scope: Scope, data: Any, *, once: bool) -> Any:
    if scope.nested is None:
        raise ExpressionError("does not exist where everything is rendered recursively")
    return scope.nested(scope, data, once=once)


def block(scope: Scope, name: Any) -> str:
    """What the block of this name prints, again; nothing where there is none.

    {% block line %}--{% endblock %} and {{ block('line') }} → -- and --
    """
    body = None if name is None else scope.template.blocks.get(text(name, "name"))
    return scope.captured(body) if body else ""


def now(
    scope: Scope, format_: Any = "iso", time_zone: Any = None, existing_format: Any = None, locale: Any = None
) -> str:
    """The current time in a named format or by a pattern.

    {{ now() }} → 2026-11-23T10:30:00.000000Z
    {{ now('HH:mm', timeZone='Asia/Tokyo') }} → 19:30
    """
    del existing_format
    zone = None if time_zone is None else text(time_zone, "timeZone")
    language = None if locale is None else text(locale, "locale")
    return dates.to_format(dates.to_moment(scope.service("now")(), zone), text(format_, "format"), language)


def error_logs(scope: Scope) -> list[Any]:
    """The error messages of this run so far.

    {{ errorLogs() | first | toJson }} → {"taskId":"load","message":"no such file"}
    """
    return list(scope.service("error_logs")())


def current_each_output(scope: Scope, outputs: Any) -> Any:
    """The entry of a task's outputs that belongs to the current value of the loops around, outermost first.

    with: {"taskrun": {"value": "b"}, "outputs": {"load": {"a": {"rows": 1}, "b": {"rows": 2}}}}
    {{ currentEachOutput(outputs.load).rows }} → 2
    """
    found = _map(outputs, "outputs")
    for value in (*_values_around(scope), scope.variable("taskrun", "value")):
        if value is not None:
            found = _map(found.get(to_text(value)), f"outputs of '{to_text(value)}'")
    return found


def iteration_output(scope: Scope, task_id: Any = None, iteration: Any = None) -> Any:
    """The `value` that a task delivered in another round of the innermost loop; null where it delivered nothing.

    taskId: the current task unless given. iteration: the round, from 0; the one before this unless given.

    with: {"task": {"id": "sum"}, "taskrun": {"iteration": 1}, "outputs": {"sum": {"a": {"value": 5}}}}
    {{ iterationOutput() }} → 5
    {{ iterationOutput('sum', iteration=0) }} → 5
    """
    current = scope.variable("taskrun", "iteration")
    if current is None:
        raise ExpressionError("works inside of loops only")
    name = scope.variable("task", "id") if task_id is None else text(task_id, "taskId")
    number = current - 1 if iteration is None else integer(iteration, "iteration")
    if number < 0:
        raise ExpressionError(f"there is no round {number}: they count from 0")
    found = scope.variable("outputs", name)
    for value in _values_around(scope):
        found = found.get(value) if isinstance(found, Mapping) else None
    if found is None:
        return None
    rounds = list(_map(found, f"outputs of '{name}'").values())
    if number >= len(rounds):
        raise ExpressionError(f"round {number} of '{name}' has no outputs yet (there are {len(rounds)} with outputs)")
    return _map(rounds[number], "the output").get("value")


def parent_output(scope: Scope, index: Any = None) -> Any:
    """The outputs of the task around, or of one further out; null where it has none.

    index: the number of an entry of `parents`, from the outermost, which is 0. The entry must have its `task`, as in
    Kestra 2.0.

    with: {"parent": {"task": {"id": "each"}}, "parents": [{"task": {"id": "each"}}], "outputs": {"each": {"rows": 1}}}
    {{ parentOutput().rows }} → 1
    {{ parentOutput(0).rows }} → 1
    """
    parents = scope.variable("parents") or []
    if index is not None and not 0 <= integer(index, "index") < len(parents):
        raise ExpressionError(f"there is no parent {index} (there are {len(parents)})")
    parent = scope.variable("parent") if index is None else parents[-1 - index]
    if not isinstance(parent, Mapping) or "task" not in parent:
        raise ExpressionError("the task around is not named here: 'parent' has no 'task'")
    found = scope.variable("outputs", parent["task"]["id"])
    value = (parent.get("taskrun") or {}).get("value")
    return found.get(value) if isinstance(found, Mapping) and value is not None else found


def loop_outputs(outputs: Any, name: Any) -> list[Any]:
    """The output of this name of each iteration, null where it has none.

    with: {"outputs": {"each": [{"outputs": {"rows": 1}}, {"outputs": {}}]}}
    {{ loopOutputs(outputs.each, 'rows') }} → [1,null]
    """
    key = text(name, "name")
    rounds = [_map(_map(each, "iteration").get("outputs") or {}, "outputs") for each in items(outputs, "outputs")]
    return [each.get(key) for each in rounds]


def tasks_with_state(scope: Scope, state: Any) -> list[dict[str, Any]]:
    """The task runs in a state: `taskId`, `state` and, in loops, `value`.

    with: {"tasks": {"load": {"state": "FAILED"}, "store": {"state": "SUCCESS"}}}
    {{ tasksWithState('FAILED') }} → [{"taskId":"load","state":"FAILED"}]
    """
    wanted = text(state, "state").upper()
    found: list[dict[str, Any]] = []
    for task_id, entry in (scope.variable("tasks") or {}).items():
        if not isinstance(entry.get("state"), Mapping) and "state" in entry:
            found.append({"taskId": task_id, "state": entry["state"]})
        else:
            found += ({"taskId": task_id, "state": run.get("state"), "value": value} for value, run in entry.items())
    return [each for each in found if each["state"] == wanted]


def env(scope: Scope, name: Any, default: Any = None) -> Any:
    """An entry of `envs`; another value where it is missing, null or empty.

    with: {"envs": {"mode": "test"}}
    {{ env('mode') }} → test
    {{ env('other', 'none') }} → none
    """
    return scope.variable("envs", text(name, "name")) or default


def fetch_context(scope: Scope) -> dict[str, Any]:
    """Everything that is visible.

    {{ fetchContext() | keys }} → ["flow"]
    """
    return scope.visible()


def print_context(scope: Scope) -> str:
    """Everything that is visible, as JSON, its secrets hidden.

    {{ printContext() }} → {"flow":{"id":"hello","namespace":"company.team"}}
    """
    visible = scope.visible()
    return to_json(scope.masker.hide_in(visible) if scope.masker else visible)


def _values_around(scope: Scope) -> list[Any]:
    """The values of the loops around the one that the task stands in, the outermost first."""
    parents = scope.variable("parents") or []
    return [parent["taskrun"]["value"] for parent in reversed(parents) if "value" in (parent.get("taskrun") or {})]


def _map(value: Any, what: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise ExpressionError(f"{what} is {describe(value)}, not a map")
