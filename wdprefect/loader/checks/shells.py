"""Values from outside that become part of a script, where whoever gives them can run commands."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.parsing import printed
from wdprefect.expressions.references import Call, Reference, Uses
from wdprefect.loader.checks.known import Known
from wdprefect.loader.checks.outputs import literal_values
from wdprefect.loader.checks.texts import Template, texts_in
from wdprefect.loader.shape import Findings
from wdprefect.loader.spellings.scripts import runs_scripts
from wdprefect.model.task import Task, TaskSpec

_PACKAGES = "dependencies"
_LINES = frozenset({"commands", "beforeCommands", "script", _PACKAGES})
# Filters and functions whose result holds nothing that a shell understands, whatever they are given.
_HARMLESS = frozenset(
    {
        *("abs", "base64encode", "length", "md5", "number", "sha1", "sha256", "sha512", "slugify"),
        *("timestamp", "timestampMicro", "timestampMilli", "timestampNano"),
        *("dayOfMonth", "dayOfWeek", "fileExists", "fileSize", "hourOfDay", "isFileEmpty", "isWeekend", "monthOfYear"),
    }
)
_FREE = frozenset({"STRING", "SECRET", "URI", "EMAIL", "JSON", "YAML", "ARRAY", "SELECT", "ENUM", "MULTISELECT"})
_FREE_ITEMS = frozenset({"STRING", "SECRET", "URI", "EMAIL", "JSON", "YAML"})
# What a schedule and the end of another flow give.
_OF_KESTRA = frozenset({"date", "next", "previous", "executionId", "flowId", "flowRevision", "namespace", "state"})
# Addresses of stored files: in a command, the path of a copy takes their place.
_FILES = frozenset({"outputFiles", "uri", "uris", "files"})
_NUMBERS = (bool, int, float)
# Variables that mean something to a shell or to programs.
_TAKEN = frozenset(
    {
        *("BASH_ENV", "ENV", "HOME", "HOSTNAME", "IFS", "LANG", "OUTPUT_DIR", "PATH", "PWD", "PYTHONPATH", "SHELL"),
        *("TERM", "TMPDIR", "UID", "USER", "WORKING_DIR"),
    }
)


def check_shells(template: Template, used: Uses, known: Known, findings: Findings) -> None:
    """Triggers, free text and outputs of tasks in the lines of a script; an environment variable is only read there."""
    spec = template.task
    if spec is None or template.is_variable or template.name not in _LINES:
        return
    if not runs_scripts(str(spec.data.get("type"))):
        return
    seen: set[str] = set()
    for reference in used.references:
        if reference.is_shown and not _is_made_harmless(reference, template) and _is_foreign(reference, spec, known):
            expression = printed(template.text, reference.offsets[0]) or ".".join(reference.path)
            if expression not in seen:
                seen.add(expression)
                message = f"'{expression}' becomes {_role(template)}: who gives its value can run commands"
                at = template.at(findings, reference.offsets[0])
                findings.warn_at(at, "WD326", message, _hint(expression, reference, template))


def _role(template: Template) -> str:
    if template.name == _PACKAGES:
        return "a package that is installed"
    return f"part of the {'program' if _is_python(template) else 'script'}"


def _is_made_harmless(reference: Reference, template: Template) -> bool:
    return any(_is_harmless(call, template) for call in reference.through)


def _is_harmless(call: Call, template: Template) -> bool:
    # JSON is a literal of Python; the names true, false and null are there.
    if _is_python(template) and call.kind == "filter" and call.name in ("toJson", "json"):
        return True
    return call.name in _HARMLESS or (call.name == "escapeChar" and call.first == "shell")


def _is_python(template: Template) -> bool:
    return template.name == "script" and ".python." in str(template.task and template.task.data.get("type"))


def _is_foreign(reference: Reference, spec: TaskSpec, known: Known) -> bool:
    """Whether somebody else than the flow's author may decide what the value is."""
    match reference.kind:
        case "trigger":
            return len(reference.path) < 2 or reference.path[1] not in _OF_KESTRA  # noqa: PLR2004  a name and a field
        case "input":
            return _is_free_input(reference.path[1:], known)
        case "output":
            return _is_free_output(reference, known)
        case "iteration":
            return reference.path == ("taskrun", "value") and _is_foreign_value(spec, known)
        case "variable":
            return any(_uses_foreign(text, spec, known) for _, text in known.rendered_by(reference))
    return False


def _uses_foreign(text: str, spec: TaskSpec, known: Known) -> bool:
    with suppress(ExpressionError):
        return any(each.is_shown and _is_foreign(each, spec, known) for each in known.uses(text).references)
    return False


def _is_free_input(rest: tuple[str, ...], known: Known) -> bool:
    found = [item for name, item in known.inputs.items() if rest[: name.count(".") + 1] == tuple(name.split("."))]
    return any(_is_free(item) for item in found)


def _is_free(item: Mapping[str, Any]) -> bool:
    """Whether an input takes any text; a `validator` is the author's own care."""
    kind = item.get("type")
    if kind not in _FREE or item.get("validator") is not None:
        return False
    if kind == "ARRAY":
        return item.get("itemType") in _FREE_ITEMS
    if kind in ("SELECT", "ENUM", "MULTISELECT"):
        is_fixed = bool(item.get("values") or item.get("options")) and not item.get("allowCustomValue")
        return not is_fixed
    return True


def _is_free_output(reference: Reference, known: Known) -> bool:
    steps = reference.steps[2:]
    if _FILES & set(steps):
        return False
    spec = known.tasks.get(reference.path[1]) if len(reference.path) > 1 else None
    loops = known.order.loops(spec) if spec else None
    if spec is None or spec.kind is Task or loops is None or len(steps) <= len(loops):
        return True
    fields = {field.alias or name: field for name, field in spec.kind.Outputs.model_fields.items()}
    field = fields.get(steps[len(loops)] or "")
    return field is None or field.annotation not in _NUMBERS


def _is_foreign_value(spec: TaskSpec, known: Known) -> bool:
    loops = known.order.loops(spec)
    if not loops or literal_values(loops[-1]) is not None:
        return False
    values = loops[-1].data.get("values", loops[-1].data.get("value"))
    return any(_uses_foreign(text, loops[-1], known) for _, text in texts_in(values, ()))


def _hint(expression: str, reference: Reference, template: Template) -> str:
    assert template.task is not None, "a script is a task"
    if template.name == _PACKAGES:
        return "name the packages in the flow"
    given = template.task.data.get("env")
    known = given if isinstance(given, Mapping) else {}
    value = f"{{{{ {expression} }}}}"
    same = [name for name, text in known.items() if isinstance(text, str) and _squeezed(text) == _squeezed(value)]
    name = same[0] if same else _variable(reference, known)
    if _is_python(template):
        use = f'os.environ["{name}"]'
    else:
        use = f'"${name}"' if template.name != "script" or ".shell." in template.task.type else f"the variable {name}"
    return f"write {use}" if same else f"write {use} and add: env: {{{name}: {_quoted(value)}}}"


def _variable(reference: Reference, taken: Collection[str]) -> str:
    root = {"input": "INPUT", "output": "OUTPUT", "trigger": "TRIGGER"}.get(reference.kind, "VALUE")
    rest = reference.path[1:] if reference.kind != "iteration" else ()
    name = re.sub(r"\W+", "_", "_".join(rest), flags=re.ASCII).strip("_").upper()
    if root == "TRIGGER" or not name or name in _TAKEN or name in taken or not name[0].isalpha():
        return "_".join(filter(None, (root, name)))
    return name


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def _quoted(value: str) -> str:
    """The value as YAML spells it in one line."""
    line = " ".join(value.split())
    if '"' not in line and "\\" not in line:
        return f'"{line}"'
    return "'" + line.replace("'", "''") + "'"
