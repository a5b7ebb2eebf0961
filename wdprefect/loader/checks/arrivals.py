"""S3 triggers: runs that would start the next one, and objects that no task reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any, NamedTuple

from wdprefect.errors import ExpressionError
from wdprefect.expressions.parsing import printed
from wdprefect.expressions.references import Reference
from wdprefect.expressions.regexes import matches
from wdprefect.loader.checks.known import Known
from wdprefect.loader.checks.texts import Template, templates_of, texts_in
from wdprefect.loader.draft import Draft
from wdprefect.loader.shape import Findings, has_template
from wdprefect.model.keys import in_folder, is_shown
from wdprefect.model.task import Path, TaskSpec
from wdprefect.model.trigger import TriggerSpec

_S3 = "io.kestra.plugin.aws.s3."
# What a run gets at most where the trigger does not say it.
_MOST = {"maxKeys": 1000, "maxFiles": 25}
_OF_OBJECTS = ("trigger", "objects")
_TEMPLATE = re.compile(r"\{[{%]")


def check_arrivals(draft: Draft, findings: Findings) -> None:
    """What the flow writes where its trigger looks, and a flow that reads one of many objects."""
    watching = [spec for spec in draft.triggers() if spec.data.get("type") == f"{_S3}Trigger" and _is_on(spec.data)]
    for trigger in watching:
        for task in draft.tasks():
            for written in _written(task) if _is_on(task.data) else ():
                if _is_seen(written, task, trigger):
                    _add(written, draft, task, trigger, findings)
    _check_archives(watching, draft, findings)
    if watching:
        _check_reading(max(watching, key=_most), draft, findings)


class _Written(NamedTuple):
    """An object that a task writes, or a folder of them, and where the task says so. Triggers write, too."""

    bucket: Any
    key: Any
    where: Path
    is_folder: bool = False


def _written(task: TaskSpec) -> Iterator[_Written]:
    data = task.data
    match str(data.get("type")).removeprefix(_S3):
        case "Upload":
            source = data.get("from")
            is_several = isinstance(source, list | Mapping) and len(source) > 1
            yield _Written(data.get("bucket"), data.get("key"), ("key",), is_several)
        case "Copy":
            source, to = _map(data, "from"), _map(data, "to")
            bucket = to.get("bucket", source.get("bucket"))
            yield _Written(bucket, to.get("key", source.get("key")), ("to" if "key" in to else "from", "key"))
        case "Downloads" if data.get("action") == "MOVE":
            to = _map(data, "moveTo")
            yield _Written(to.get("bucket", data.get("bucket")), to.get("key"), ("moveTo", "key"), is_folder=True)


def _archived(trigger: TriggerSpec) -> Iterator[_Written]:
    data = trigger.data
    ways: list[tuple[Mapping[str, Any], Path]] = [(data, ())] if data.get("action") == "MOVE" else []
    for found, at in [*ways, (_map(data, "onFailure"), ("onFailure",))]:
        to = _map(found, "moveTo")
        yield _Written(to.get("bucket", data.get("bucket")), to.get("key"), (*at, "moveTo", "key"), is_folder=True)


def _check_archives(watching: list[TriggerSpec], draft: Draft, findings: Findings) -> None:
    """Triggers that move objects to where others look, from which they come back. A trigger alone checks itself."""
    moves = [
        (trigger, written, other)
        for trigger, other in permutations(watching, 2)
        for written in _archived(trigger)
        if _is_seen(written, trigger, other)
    ]
    for trigger, written, other in moves:
        reached, before = {other.id}, 0
        while len(reached) > before:
            before = len(reached)
            reached |= {to.id for one, _, to in moves if one.id in reached}
        if trigger.id in reached:
            message = f"'{written.key}' lies where the trigger '{other.id}' looks, from which objects come back again"
            hint = "move them to where no trigger of the flow looks"
            findings.add_at(findings.at(draft.origin(trigger, written.where)), "WD331", message, hint)


def _is_seen(written: _Written, writer: TaskSpec | TriggerSpec, trigger: TriggerSpec) -> bool:
    """Whether the trigger sees the object, as far as that is certain before it runs."""
    data = trigger.data
    prefix, delimiter, regexp = (data.get(name) for name in ("prefix", "delimiter", "regexp"))
    if not isinstance(written.bucket, str) or not isinstance(written.key, str) or data.get("filter") == "DIRECTORY":
        return False
    # The same template is taken for the same bucket.
    if written.bucket != data.get("bucket") or _server(writer.data) != _server(data):
        return False
    if has_template([prefix, delimiter, regexp]):
        return False
    is_whole = not has_template(written.key) and not written.is_folder
    if (regexp or delimiter) and not is_whole:
        return False
    begins = written.key if is_whole else _beginning(written)
    return is_shown(begins, prefix, delimiter) and (not regexp or _matches(regexp, begins))


def _server(data: Mapping[str, Any]) -> tuple[Any, Any]:
    """What says which server is asked: the block only where nothing wins over it."""
    endpoint = data.get("endpointOverride")
    return endpoint, None if endpoint else data.get("credentialsBlock")


def _beginning(written: _Written) -> str:
    """What the keys of the objects begin with."""
    if has_template(written.key):
        return _TEMPLATE.split(written.key, maxsplit=1)[0]
    return in_folder(written.key, "")


def _matches(regexp: str, key: str) -> bool:
    try:
        return matches(regexp, key)
    except ExpressionError:  # a problem of the trigger's own
        return False


def _add(written: _Written, draft: Draft, task: TaskSpec, trigger: TriggerSpec, findings: Findings) -> None:
    prefix = trigger.data.get("prefix")
    place = f"below the prefix '{prefix}' that" if prefix else "in the bucket that"
    message = f"'{written.key}' lies {place} the trigger '{trigger.id}' watches: each run would start the next one"
    hint = "store it beside the prefix, or in another bucket"
    at = findings.at(draft.origin(task, written.where))
    # What runs under a condition may come to an end.
    (findings.warn_at if "runIf" in task.data else findings.add_at)(at, "WD332", message, hint)


def _check_reading(trigger: TriggerSpec, draft: Draft, findings: Findings) -> None:
    """A flow that reads the first object of a run, and none of the others that the run may get."""
    most = _most(trigger)
    if most < 2:  # noqa: PLR2004  more than one
        return
    readings = list(_readings(draft, Known(draft)))
    if not all(_is_of_one(reference) for _, reference in readings):
        return
    for template, reference in readings:
        expression = printed(template.text, reference.offsets[0]) or ".".join(reference.path)
        message = f"'{expression}' is one object, and the trigger '{trigger.id}' gives up to {most} to a run"
        hint = "write 'maxKeys: 1' in the trigger, or loop over 'trigger.objects' with a ForEach"
        findings.warn_at(template.at(findings, reference.offsets[0]), "WD333", message, hint)


def _readings(draft: Draft, known: Known) -> Iterator[tuple[Template, Reference]]:
    """Where the objects are read, or all that the trigger knows."""
    templates = [*templates_of(draft)]
    templates += [Template(text, path) for path, text in texts_in(known.variables, ("variables",))]
    for template in templates:
        try:
            references = known.uses(template.text).references
        except ExpressionError:  # a problem of its own
            continue
        for reference in references:
            if reference.kind == "trigger" and reference.path[:2] in (_OF_OBJECTS, _OF_OBJECTS[:1]):
                yield template, reference


def _is_of_one(reference: Reference) -> bool:
    """Whether it reads one of the objects, be it by `[0]`, by `first`, or by a jq program."""
    if len(reference.steps) > len(_OF_OBJECTS):
        return (reference.steps[len(_OF_OBJECTS)] or "").isdecimal()
    for call in reversed(reference.through):
        program = str(call.first).replace(" ", "") if call.name == "jq" else ""
        if call.name in ("first", "last") or program.startswith(".[0]"):
            return True
        if not program.startswith(".[]"):
            return False
    return False


def _most(trigger: TriggerSpec) -> int:
    """How many objects a run gets at most; 0 where only a template knows."""
    if trigger.data.get("startBy") == "automation":
        return 1
    found = [trigger.data.get(name, most) for name, most in _MOST.items()]
    return min(found) if all(isinstance(number, int) for number in found) else 0


def _is_on(data: Mapping[str, Any]) -> bool:
    return data.get("disabled") is not True


def _map(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    return found if isinstance(found, Mapping) else {}
