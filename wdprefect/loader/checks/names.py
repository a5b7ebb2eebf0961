"""Names that expressions use and that exist nowhere: of the context, of inputs, of variables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from wdprefect.expressions.references import Reference, Uses
from wdprefect.loader.checks.known import Known
from wdprefect.loader.checks.texts import Template
from wdprefect.loader.shape import Findings
from wdprefect.loader.spellings.scripts import runs_scripts
from wdprefect.loader.types import PACKAGE
from wdprefect.loader.wording import did_you_mean

# What a run shows, or Kestra does; with the fields of those whose fields are always the same.
_FIELDS: Mapping[str, Collection[str]] = {
    "flow": ("id", "namespace", "revision", "tenantId"),
    "execution": ("id", "startDate", "endDate", "originalId", "state", "outputs"),
    "task": ("id", "type"),
    "taskrun": ("id", "startDate", "attemptsCount", "parentId", "value", "iteration"),
}
_IN_TASKS = frozenset({"task", "taskrun", "parent", "parents", "workerTaskrun"})
_OPEN = frozenset({"outputs", "tasks", "inputs", "vars", "trigger", "labels", "envs", "globals", "kestra", "namespace"})
_ELSEWHERE = frozenset({"files", "item", "locale", "response"})
_NAMES = frozenset(_FIELDS) | _IN_TASKS | _OPEN | _ELSEWHERE
# What a script sees besides.
_OF_SCRIPTS = frozenset({"workingDir", "outputDir", "outputFiles"})
_MOST_SHOWN = 8

# Step of the reference, message, hint, whether it is certain that nothing has the name.
Wrong = tuple[int, str, "str | None", bool]


def check_names(template: Template, used: Uses, known: Known, findings: Findings) -> None:
    """Names that can never be there. What may be missing, by a `??` or `is defined`, is no problem.

    A name of the context itself is a warning unless it is like one that exists: other versions of Kestra may show it.
    So is what is not read in every rendering.
    """
    for reference in used.references:
        if reference.is_optional or reference.kind in ("secret", "key") or _is_behind_dash(reference, template.text):
            continue
        for step, message, hint, is_certain in _wrong(reference, template, known):
            add = findings.doubt_at if is_certain and not reference.is_conditional else findings.warn_at
            add(template.at(findings, reference.offsets[step]), "WD323", message, hint)


def _is_behind_dash(reference: Reference, text: str) -> bool:
    """Whether it is the second half of `inputs.my-name`, of which the first half is reported."""
    before = text[max(reference.offsets[0] - 2, 0) : reference.offsets[0]]
    return before[1:] == "-" and (before[0].isalnum() or before[0] == "_")


def _wrong(reference: Reference, template: Template, known: Known) -> Iterator[Wrong]:
    root, *rest = reference.path
    if root not in _NAMES:
        if not _has_names_of_its_own(template, root):
            hint = _elsewhere(root, known) or did_you_mean(root, sorted(_NAMES))
            yield 0, f"unknown name '{root}'", hint, hint is not None
    elif template.task is None and root in _IN_TASKS:
        yield 0, f"'{root}' is there in tasks only", None, True
    elif rest and root in _FIELDS:
        yield from _wrong_field(root, rest[0], template, known)
    elif rest and root == "inputs":
        yield from _wrong_input(rest, known)
    elif rest and root == "vars" and not known.makes_variables:
        yield from _wrong_variable(rest, known)
    elif rest and root == "trigger" and known.shown_by_triggers and rest[0] not in known.shown_by_triggers:
        # Somebody may start the flow by hand, with another one.
        yield 1, f"'trigger' has no '{rest[0]}'", nearest(root, rest[0], known.shown_by_triggers), False


def _has_names_of_its_own(template: Template, name: str) -> bool:
    spec = template.task
    if spec is None or (name in _OF_SCRIPTS and runs_scripts(str(spec.data.get("type")))):
        return spec is not None
    return template.is_late and not spec.kind.__module__.startswith(f"{PACKAGE}.")


def _elsewhere(name: str, known: Known) -> str | None:
    """Where a name can be found that stands alone."""
    places = {"inputs": known.inputs, "vars": known.variables, "outputs": known.tasks}
    found = next((place for place, names in places.items() if name in names), None)
    return f"write {path_of(found, name)}" if found else None


def _wrong_field(root: str, name: str, template: Template, known: Known) -> Iterator[Wrong]:
    if name not in _FIELDS[root]:
        yield 1, f"'{root}' has no '{name}'", did_you_mean(name, list(_FIELDS[root])), False
    elif root == "taskrun" and name in ("value", "iteration"):
        assert template.task is not None, "outputs of the flow see no task run"
        if known.order.loops(template.task) == []:
            yield 1, f"'taskrun.{name}' is there in loops only, and '{template.task.id}' is in none", None, False


def _wrong_input(rest: list[str], known: Known) -> Iterator[Wrong]:
    # The input `a.b` is the value `b` inside `a`.
    paths = [name.split(".") for name in known.inputs]
    if any(path[: len(rest)] == rest[: len(path)] for path in paths):
        return
    if rest[0] not in {path[0] for path in paths}:
        yield 1, f"no input has the id '{rest[0]}'", nearest("inputs", rest[0], known.inputs), True
        return
    step = next(step for step in range(1, len(rest)) if rest[: step + 1] not in [path[: step + 1] for path in paths])
    owner, inside = ".".join(["inputs", *rest[:step]]), [path[step] for path in paths if path[:step] == rest[:step]]
    yield step + 1, f"'{owner}' has no '{rest[step]}'", nearest(owner, rest[step], inside), True


def _wrong_variable(rest: list[str], known: Known) -> Iterator[Wrong]:
    value = known.variables
    for step, name in enumerate(rest, 1):
        if name not in value:
            owner = ".".join(["vars", *rest[: step - 1]])
            message = f"no variable has the name '{name}'" if step == 1 else f"'{owner}' has no '{name}'"
            yield step, message, nearest(owner, name, value), True
            return
        if not isinstance(value[name], Mapping):
            return
        value = value[name]


def nearest(owner: str, name: str, known: Collection[str]) -> str | None:
    """The hint at the known name that is meant, or at all when they are few."""
    # `inputs.my-name` is a subtraction.
    dashed = [each for each in known if each.startswith(f"{name}-")]
    if dashed:
        return f"write {path_of(owner, dashed[0])}"
    names = list(known)
    few = ", ".join(names) if 0 < len(names) <= _MOST_SHOWN else None
    return did_you_mean(name, names) or (few and f"there are: {few}")


def path_of(owner: str, name: str) -> str:
    """How an expression spells a name inside of another."""
    return f"{owner}.{name}" if name.isidentifier() else f"{owner}[{name!r}]"
