"""The properties that had other names, or other values, in earlier generations of Kestra: one row for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wdprefect.loader.places import Path
from wdprefect.loader.spellings.edit import Edit


@dataclass(frozen=True, slots=True)
class Rename:
    """A property that is called otherwise today; dots lead into mappings. `also` is what has to be said with it."""

    old: str
    new: str
    also: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """A property that was set with `true`, and is a value of another property today; it won over that one."""

    old: str
    new: str
    value: str


@dataclass(frozen=True, slots=True)
class Word:
    """A value that is spelled otherwise today."""

    property: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Outdated:
    """What Kestra wants to be written otherwise, but which works as it is: said, not changed."""

    property: str
    hint: str


Row = Rename | Switch | Word | Outdated

_RETRY = Rename("retry.maxAttempt", "retry.maxAttempts")

FLOW: tuple[Row, ...] = (
    Rename("taskDefaults", "pluginDefaults"),
    _RETRY,
    Outdated("listeners", "use a flow with a trigger of the type 'io.kestra.plugin.core.trigger.Flow'"),
)
INPUT: tuple[Row, ...] = (
    Rename("name", "id"),
    Word("type", "BOOLEAN", "BOOL"),
    Word("type", "ENUM", "SELECT"),
)
TYPED: tuple[Row, ...] = (_RETRY,)

_HTTP = (
    Rename("allowFailed", "options.allowFailed"),
    Rename("sslOptions", "options.ssl"),
    Rename("options.connectTimeout", "options.timeout.connectTimeout"),
    Rename("options.readIdleTimeout", "options.timeout.readIdleTimeout"),
    # Source: Kestra's HttpConfiguration, which takes the one for the other.
    Rename("options.readTimeout", "options.timeout.readIdleTimeout"),
    Rename("options.proxyType", "options.proxy.type"),
    Rename("options.proxyAddress", "options.proxy.address"),
    Rename("options.proxyPort", "options.proxy.port"),
    Rename("options.proxyUsername", "options.proxy.username"),
    Rename("options.proxyPassword", "options.proxy.password"),
    Rename("options.basicAuthUser", "options.auth.username", also=("options.auth.type", "BASIC")),
    Rename("options.basicAuthPassword", "options.auth.password", also=("options.auth.type", "BASIC")),
)
# Where several are true, the last row wins. Source: Kestra's AbstractJdbcBaseQuery.
_FETCH = (
    Switch("store", "fetchType", "STORE"),
    Switch("fetchOne", "fetchType", "FETCH_ONE"),
    Switch("fetch", "fetchType", "FETCH"),
)
_WARNING = Outdated("warningOnStdErr", "Kestra ignores it today, here 'true' still makes a warning of it")
_OLD_SCRIPT = (Rename("outputsFiles", "outputFiles"), Rename("files", "outputFiles"), _WARNING)
_NO_LOOP = "use 'io.kestra.plugin.core.flow.ForEach' with 'concurrencyLimit: {}'"

# By the type, or the package of the types, that has the property.
BY_TYPE: Mapping[str, tuple[Row, ...]] = {
    "io.kestra.core.tasks.scripts": _OLD_SCRIPT,
    "io.kestra.plugin.core.debug.Echo": (Outdated("type", "use 'io.kestra.plugin.core.log.Log'"),),
    "io.kestra.plugin.core.flow.EachParallel": (Outdated("type", _NO_LOOP.format(0)),),
    "io.kestra.plugin.core.flow.EachSequential": (Outdated("type", _NO_LOOP.format(1)),),
    "io.kestra.plugin.core.flow.Pause": (
        Rename("delay", "pauseDuration"),
        Outdated("tasks", "put the tasks behind the Pause"),
    ),
    "io.kestra.plugin.core.flow.Subflow": (Outdated("outputs", "declare the outputs in the flow that is called"),),
    "io.kestra.plugin.core.flow.Template": (Outdated("type", "use 'io.kestra.plugin.core.flow.Subflow'"),),
    "io.kestra.plugin.core.http": _HTTP,
    "io.kestra.plugin.core.storage.LocalFiles": (
        Outdated("type", "use 'inputFiles' and 'outputFiles' of the tasks or of the WorkingDirectory"),
    ),
    "io.kestra.plugin.core.trigger.Schedule": (
        Rename("scheduleConditions", "conditions"),
        Outdated("backfill", "start backfills by hand"),
    ),
    "io.kestra.plugin.docker.cli.Run": (_WARNING,),
    "io.kestra.plugin.fs.ssh.Command": (_WARNING,),
    "io.kestra.plugin.git.Push": (
        Outdated("type", "use 'io.kestra.plugin.git.PushFlows' or 'io.kestra.plugin.git.PushNamespaceFiles'"),
    ),
    "io.kestra.plugin.git.Sync": (
        Outdated("type", "use 'io.kestra.plugin.git.SyncFlows' or 'io.kestra.plugin.git.SyncNamespaceFiles'"),
    ),
    "io.kestra.plugin.jdbc": _FETCH,
    "io.kestra.plugin.scripts": (_WARNING,),
}


def rows_of(type_name: str) -> list[Row]:
    """The rows for a type, or for a package of types with or without a dot at its end."""
    name = f"{type_name.rstrip('.')}."
    return [*TYPED, *(row for owner, rows in BY_TYPE.items() if name.startswith(f"{owner}.") for row in rows)]


def apply(row: Row, edit: Edit) -> None:
    """Change what the row says, where it stands in the mapping, and note it."""
    match row:
        case Rename():
            _rename(row, edit)
        case Switch():
            _switch(row, edit)
        case Word():
            if edit.get((row.property,)) == row.old:
                edit.note_value((row.property,), "WD152", f"'{row.old}' is an old spelling", f"write '{row.new}'")
                edit.data[row.property] = row.new
        case Outdated():
            if row.property in edit.data:
                name = edit.data["type"] if row.property == "type" else row.property
                note = edit.note_value if row.property == "type" else edit.note
                note((row.property,), "WD154", f"'{name}' is outdated", row.hint)


def _rename(row: Rename, edit: Edit) -> None:
    old, new = _path(row.old), _path(row.new)
    if row.also and edit.get(_path(row.also[0])) not in (None, row.also[1]):
        return
    if not edit.move(old, new):
        return
    edit.note(new, "WD152", f"'{row.old}' is an old spelling", f"write '{row.new}'")
    if row.also:
        edit.set(_path(row.also[0]), row.also[1], old)


def _switch(row: Switch, edit: Edit) -> None:
    value = edit.data.get(row.old)
    if not isinstance(value, bool):
        return
    hint = f"write '{row.new}: {row.value}'" if value else "remove it"
    edit.note((row.old,), "WD152", f"'{row.old}' is an old spelling", hint)
    if value:
        edit.set((row.new,), row.value, (row.old,))
    del edit.data[row.old]


def _path(dotted: str) -> Path:
    return tuple(dotted.split("."))
