"""Where a script runs: the old `runner` and `docker` of script tasks as `taskRunner` and `containerImage`.

`runner` wins over everything, and with it an output directory is made unless the task says otherwise. `docker`
replaces the options of a Docker task runner, and counts for nothing with another task runner; its image wins over
`containerImage`. Source: Kestra's CommandsWrapper.
"""

from __future__ import annotations

from typing import Any

from wdprefect.loader.places import Path
from wdprefect.loader.spellings.edit import Edit
from wdprefect.loader.spellings.names import canonical_type

DOCKER = "io.kestra.plugin.scripts.runner.docker.Docker"
PROCESS = "io.kestra.plugin.core.runner.Process"
_RUNNERS = {"DOCKER": DOCKER, "PROCESS": PROCESS}
_PACKAGES = ("io.kestra.plugin.scripts.", "io.kestra.plugin.dbt.cli.", "io.kestra.plugin.aws.cli.")


def runs_scripts(type_name: str) -> bool:
    """Whether tasks of the type, or of the package of types, had these properties."""
    return f"{type_name.rstrip('.')}.".startswith(_PACKAGES)


def choose_runner(edit: Edit) -> None:
    """Say in today's way where the script runs; what is not understood is left for the validation."""
    edit.move(("dockerOptions",), ("docker",))
    runner, options = edit.data.get("runner"), edit.data.get("docker")
    if not (options is None or isinstance(options, dict)):
        return
    if isinstance(runner, str) and runner in _RUNNERS:
        _by_runner(edit, _RUNNERS[runner], options)
    elif runner is None and isinstance(options, dict):
        _by_options(edit, options)


def _by_runner(edit: Edit, type_name: str, options: dict[str, Any] | None) -> None:
    edit.note(("runner",), "WD153", "'runner' is an old spelling", f"write 'taskRunner: {{type: {type_name}}}'")
    if type_name == PROCESS:
        _ignore(edit, type_name)
        _run_with(edit, type_name, None, ("runner",))
    else:
        _note_options(edit)
        _run_with(edit, type_name, options, ("runner",))
    if "outputDirectory" not in edit.data:
        edit.set(("outputDirectory",), value=True, came_from=("runner",))
    edit.remove(("runner",))
    if "docker" in edit.data:
        edit.remove(("docker",))


def _by_options(edit: Edit, options: dict[str, Any]) -> None:
    task_runner = edit.data.get("taskRunner", {"type": DOCKER})
    type_name = task_runner.get("type") if isinstance(task_runner, dict) else None
    if not isinstance(type_name, str):
        return
    if canonical_type(type_name) == DOCKER:
        _note_options(edit)
        _run_with(edit, DOCKER, options, ("docker",))
    else:
        _ignore(edit, type_name)
    edit.remove(("docker",))


def _note_options(edit: Edit) -> None:
    if "docker" in edit.data:
        hint = f"write 'containerImage', and the options below 'taskRunner' with the type '{DOCKER}'"
        edit.note(("docker",), "WD153", f"'{edit.name(('docker',))}' is an old spelling", hint)


def _ignore(edit: Edit, type_name: str) -> None:
    if "docker" in edit.data:
        edit.note(
            ("docker",),
            "WD154",
            f"'{edit.name(('docker',))}' has no effect with the task runner '{type_name}'",
            "remove it",
        )


def _run_with(edit: Edit, type_name: str, options: dict[str, Any] | None, came_from: Path) -> None:
    kept = {name: value for name, value in (options or {}).items() if name not in ("image", "type")}
    if type_name == DOCKER and "entryPoint" not in kept:
        kept["keepEntryPoint"] = True
    edit.set(("taskRunner",), {"type": type_name, **kept}, ("docker",) if kept else came_from)
    if options and options.get("image") is not None:
        edit.set(("containerImage",), options["image"], ("docker", "image"))
