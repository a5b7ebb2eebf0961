"""What all script tasks have in common: files in, a shell, its output, files out."""

from __future__ import annotations

import json
import secrets
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from wdprefect.errors import TaskFailed
from wdprefect.expressions import to_text
from wdprefect.model.context import RunContext, Wanted
from wdprefect.model.node import RUNNER, Bool, Late, Text
from wdprefect.model.ports import Command, Session
from wdprefect.model.task import Leaf, State, TaskOutputs
from wdprefect.plugins.core._namespace_files import NamespaceFiles, bring_namespace_files
from wdprefect.plugins.core.storage import capture
from wdprefect.plugins.scripts._output import ScriptOutput
from wdprefect.plugins.scripts._storage_uris import with_local_files
from wdprefect.workspace.files import write_files
from wdprefect.workspace.globs import find_files

Lines = Late[list[Text] | str]


class ScriptOutputs(TaskOutputs):
    """What a script delivers: the values it sent, its exit code, the files captured (relative name to URI)."""

    vars: dict[str, Any] = Field(default_factory=dict)
    exit_code: int = 0
    output_files: dict[str, str] = Field(default_factory=dict)
    task_runner: dict[str, Any] = Field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        return {"vars": self.vars, "exitCode": self.exit_code, "outputFiles": self.output_files, "taskRunner": {}}


class WarnedOutputs(ScriptOutputs):
    """The outputs of a script that wrote to standard error and asked for a warning then."""

    def state(self, state: State) -> State:
        return "WARNING" if state == "SUCCESS" else state


class ScriptTask(Leaf):
    """The base of the script tasks of all languages.

    Files of `namespaceFiles`, then those of `inputFiles`, come first. Commands run in one shell, one after the other,
    in the working directory; with `failFast` the first that fails ends them. A line `::{"outputs": {…}}::` on their
    output delivers values as `outputs.<id>.vars`.
    """

    env: Late[dict[str, Text] | str | None] = None
    before_commands: Late[list[Text] | str | None] = None
    interpreter: list[Text] = Field(default=["/bin/sh", "-c"])
    fail_fast: Bool = True
    task_runner: Annotated[dict[str, Any] | None, RUNNER] = None
    container_image: Text | None = None
    target_os: Literal["AUTO", "LINUX", "WINDOWS"] = "AUTO"
    namespace_files: NamespaceFiles | None = None
    input_files: Late[dict[str, Any] | str | None] = None
    output_files: list[Text] | str | None = None
    output_directory: Bool = False
    warning_on_std_err: Bool | None = None

    # The image of a container that names none, as in Kestra.
    default_image: ClassVar[str]

    class Outputs(ScriptOutputs):
        """See ScriptOutputs."""

    def run(self, ctx: RunContext) -> TaskOutputs:
        image, default = self.container_image, self.default_image
        session = ctx.sessions.open(Wanted(self.task_runner, image, default, self.id, ctx.log))
        # Made by those who need it: a directory costs more than the shell that most tasks are. Another one for each
        # attempt, which may find the directory of the one before.
        scratch = ctx.workspace.scratch / secrets.token_hex(8)
        seen = self._seen(session, scratch)
        bring_namespace_files(ctx, self.namespace_files)
        if self.input_files is not None:
            files = ctx.render.data(self.input_files, seen)
            write_files(ctx.workspace, files, ctx.files.reader)
        output = ScriptOutput(ctx)
        command = Command(tuple(self._arguments(ctx, seen, scratch)), self._environment(ctx, seen, session), ctx.grace)
        status = session.run(command, output.line, ctx.stop)
        return self._delivered(ctx, output, status, scratch)

    @abstractmethod
    def lines(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> list[str]:
        """The shell lines that do the work, rendered."""

    def variables(self, session: Session) -> dict[str, str]:  # noqa: ARG002  most languages need none
        """Variables that the language needs; those of `env` win."""
        return {}

    def _seen(self, session: Session, scratch: Path) -> dict[str, Any]:
        seen: dict[str, Any] = {"workingDir": session.directory}
        if self.output_directory:
            seen["outputDir"] = str(scratch / "output")
            (scratch / "output").mkdir(parents=True)
        names = [name for name in self.output_files or () if not set(name) & set("*?[")]
        return {**seen, "outputFiles": {name: f"{session.directory}/{name}" for name in names}}

    def _arguments(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> Sequence[str]:
        before = rendered_lines(self.before_commands or [], ctx, seen)
        lines = [*before, *self.lines(ctx, seen, scratch)]
        local = [with_local_files(line, ctx.files.reader, scratch) for line in lines]
        if not self.interpreter and not before:
            return local
        return [*self.interpreter, "\n".join([*(["set -e"] if self.fail_fast else []), *local])]

    def _environment(self, ctx: RunContext, seen: dict[str, Any], session: Session) -> dict[str, str]:
        given = _variables(ctx.render.data(self.env or {}, seen))
        extra = {"OUTPUT_DIR": seen["outputDir"]} if "outputDir" in seen else {}
        return {**self.variables(session), **given, **extra}

    def _delivered(self, ctx: RunContext, output: ScriptOutput, status: int, scratch: Path) -> TaskOutputs:
        patterns = self.output_files if isinstance(self.output_files, list) else None
        files = self._captured_directory(ctx, scratch) | capture(ctx, patterns)
        kind = WarnedOutputs if self.warning_on_std_err and output.wrote_to_stderr else ScriptOutputs
        outputs = kind(vars=output.values(), exitCode=status, outputFiles=files)
        if status:
            reason = f"Command failed with exit code {status}"
            raise TaskFailed(reason, exit_status=status, outputs=outputs, last_lines=output.last_lines)
        return outputs

    def _captured_directory(self, ctx: RunContext, scratch: Path) -> dict[str, str]:
        if not self.output_directory:
            return {}
        found = find_files(scratch / "output", ["**"]).files
        return {name: ctx.files.put(name, path).uri for name, path in found.items()}


def rendered_lines(lines: list[str] | str, ctx: RunContext, seen: dict[str, Any]) -> list[str]:
    """Shell lines with their templates rendered; one text stands for the list whose JSON it renders to."""
    if isinstance(lines, str):
        found = _json(ctx.render.text(lines, seen))
        if not isinstance(found, list):
            raise TaskFailed(f"'{lines}' does not render to a list of commands")
        return [str(line) for line in found]
    return [ctx.render.text(line, seen) for line in lines]


def _variables(given: object) -> dict[str, str]:
    found = _json(given) if isinstance(given, str) else given
    if not isinstance(found, dict):
        raise TaskFailed("'env' does not render to a map of variables")
    return {str(name): value if isinstance(value, str) else to_text(value) for name, value in found.items()}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
