"""What a run is given → what `{{ inputs }}` shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from wdprefect.errors import ExpressionError, InvalidInput
from wdprefect.expressions import Expressions
from wdprefect.masking import MASK, Masker, secret_at
from wdprefect.model.flow import Flow
from wdprefect.model.inputs import FileInput, InputBase, SecretInput

TakeFile = Callable[[str, Any], str]


def resolve_inputs(flow: Flow, given: Mapping[str, Any], *, take_file: TakeFile, masker: Masker) -> Mapping[str, Any]:
    """The inputs by their names, dotted ones nested, each as its type says; secret ones notice that they are read.

    take_file gets the name and the value of a FILE input and returns the URI of its copy in the storage.
    Raises InvalidInput for the first that is missing or wrong. What is not declared is refused, with the nearest name.
    Source: Kestra's FlowInputOutput.
    """
    values = _flat(given, {item.id for item in flow.inputs})
    known: dict[str, Any] = {}
    enabled: dict[str, bool] = {}
    for item in _in_order(flow.inputs):
        enabled[item.id] = _is_enabled(item, enabled, known)
        if enabled[item.id]:
            known[item.id] = _resolved(item, values.get(item.id), take_file, masker)
    return _with_secrets(flow, nested({item.id: known[item.id] for item in flow.inputs if item.id in known}))


def unchecked_inputs(flow: Flow, given: Mapping[str, Any], masker: Masker) -> Mapping[str, Any]:
    """The inputs of a run that a trigger starts: what is given and fits is converted, all else is as it is."""
    known = dict(given)
    for item in flow.inputs:
        value = known.get(item.id, item.defaults)
        if value is not None:
            if isinstance(item, SecretInput):
                masker.register(str(value))
            known[item.id] = _converted_or_raw(item, value)
    return _with_secrets(flow, nested(known))


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Names with dots as maps in maps."""
    result: dict[str, Any] = {}
    for name, value in values.items():
        *path, last = name.split(".")
        target = result
        for part in path:
            target = target.setdefault(part, {})
        target[last] = value
    return result


def _with_secrets(flow: Flow, inputs: dict[str, Any]) -> Mapping[str, Any]:
    return secret_at(inputs, [item.id.split(".") for item in flow.inputs if isinstance(item, SecretInput)])


def _flat(given: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in given.items():
        if name in names:
            found[name] = value
        elif isinstance(value, Mapping) and any(other.startswith(f"{name}.") for other in names):
            found |= _flat({f"{name}.{key}": item for key, item in value.items()}, names)
        else:
            known = ", ".join(sorted(names)) or "none"
            raise InvalidInput(name, f"the flow has no such input; it has: {known}")
    return found


def _in_order(inputs: list[Any]) -> list[InputBase]:
    """Each input behind those it depends on; a circle keeps the order of the file."""
    by_id = {item.id: item for item in inputs}
    done: dict[str, InputBase] = {}

    def add(item: InputBase, above: frozenset[str]) -> None:
        for name in item.depends_on.inputs if item.depends_on else ():
            if name in by_id and name not in above:
                add(by_id[name], above | {item.id})
        done.setdefault(item.id, item)

    for item in inputs:
        add(item, frozenset({item.id}))
    return list(done.values())


def _is_enabled(item: InputBase, enabled: Mapping[str, bool], known: Mapping[str, Any]) -> bool:
    if item.depends_on is None:
        return True
    names = item.depends_on.inputs
    if not all(enabled.get(name, False) for name in names):
        return False
    if item.depends_on.condition is None:
        return True
    seen = {"inputs": nested({name: known[name] for name in names if name in known})}
    try:
        return Expressions().evaluate(item.depends_on.condition, seen) is True
    except ExpressionError:
        # A condition that cannot be rendered disables the input, as in Kestra.
        return False


def _resolved(item: InputBase, value: Any, take_file: TakeFile, masker: Masker) -> Any:
    if value is None:
        value = item.defaults
    if value is None:
        if item.required:
            raise InvalidInput(item.id, "missing required input")
        return None
    if isinstance(item, SecretInput):
        masker.register(str(value))
    try:
        if isinstance(item, FileInput):
            return take_file(item.id, value)
        return seen(item.convert(value))
    except ValueError as error:
        # However short a secret is.
        shown = MASK if isinstance(item, SecretInput) else masker.hide(str(value))
        reason = str(error).replace(str(value), shown) if isinstance(item, SecretInput) else str(error)
        raise InvalidInput(item.id, f"{masker.hide(reason)}, but received `{shown}`") from None


def seen(value: Any) -> Any:
    """What flows see of a value: a length of time is its seconds, as in Kestra."""
    return value.total_seconds() if isinstance(value, timedelta) else value


def _converted_or_raw(item: InputBase, value: Any) -> Any:
    try:
        return seen(item.convert(value))
    except ValueError:
        return value
