"""What all script tasks have in common: files in, a shell, its output, files out."""

from __future__ import annotations

import json
import os
import secrets
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from wdprefect.errors import TaskFailed
from wdprefect.expressions import to_text
from wdprefect.model.context import RunContext, Wanted
from wdprefect.model.node import RUNNER, Bool, Late, Many, Text
from wdprefect.model.ports import Command, Level, Session
from wdprefect.model.task import Leaf, State, TaskOutputs
from wdprefect.plugins.core._namespace_files import NamespaceFiles, bring_namespace_files
from wdprefect.plugins.core.storage import capture
from wdprefect.plugins.scripts._language import Language
from wdprefect.plugins.scripts._output import ScriptOutput
from wdprefect.plugins.scripts._shell_text import Surroundings, arguments, is_shell
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
        return self.model_dump(by_alias=True)


class WarnedOutputs(ScriptOutputs):
    """The outputs of a script that wrote to standard error and asked for a warning then."""

    def state(self, state: State) -> State:
        return "WARNING" if state == "SUCCESS" else state


def _no_windows(value: object) -> object:
    if value == "WINDOWS":
        msg = "commands run on Linux and macOS here; write AUTO, or leave it out"
        raise ValueError(msg)
    return value


class ScriptTask(Leaf):
    """The base of the script tasks of all languages.

    Files of `namespaceFiles`, then those of `inputFiles`, come first. Commands run in one shell, one after the other,
    in the working directory; with `failFast` the first that fails ends them. A line `::{"outputs": {…}}::` on their
    output delivers values as `outputs.<id>.vars`.
    """

    unsupported: ClassVar[Mapping[str, str]] = {
        "taskCache": "leave it out: every run works anew",
        "assets": "leave it out: files of 'outputFiles' are artifacts of the run",
        "workerGroup": "choose a work pool or queue for the deployment of the flow",
        "workerSelector": "choose a work pool or queue for the deployment of the flow",
    }

    env: Late[dict[str, Text] | str | None] = None
    before_commands: Late[list[Text] | str | None] = None
    interpreter: Many[Text] | None = None
    fail_fast: Bool = True
    task_runner: Annotated[dict[str, Any] | None, RUNNER] = None
    container_image: Text | None = None
    target_os: Annotated[Literal["AUTO", "LINUX"], BeforeValidator(_no_windows)] = Field("AUTO", alias="targetOS")
    namespace_files: NamespaceFiles | None = None
    input_files: Late[dict[str, Any] | str | None] = None
    output_files: Many[Text] | None = None
    output_directory: Bool = False
    warning_on_std_err: Bool | None = None
    std_err_level: Level = "ERROR"

    language: ClassVar[Language]

    class Outputs(ScriptOutputs):
        """See ScriptOutputs."""

    def run(self, ctx: RunContext) -> TaskOutputs:
        image, default = self.container_image, self.language.image
        session = ctx.sessions.open(Wanted(self.task_runner, image, default, self.id, ctx.log))
        # Made by those who need it: a directory costs more than the shell that most tasks are. Another one for each
        # attempt, which may find the directory of the one before.
        scratch = ctx.workspace.scratch / secrets.token_hex(8)
        seen = self._seen(session, scratch)
        bring_namespace_files(ctx, self.namespace_files)
        if self.input_files is not None:
            files = ctx.render.data(self.input_files, seen)
            write_files(ctx.workspace, files, ctx.files.reader)
        output = ScriptOutput(ctx, self.std_err_level, has_preparation=self._has_preparation())
        command = self._command(ctx, session, seen, scratch, output.mark)
        try:
            status = session.run(command, output.line, ctx.stop)
        except TaskFailed as error:
            if error.exit_status is None:
                raise
            # It had begun: what it delivered until then is kept.
            outputs = self._outputs(ctx, session, output, error.exit_status, scratch)
            raise _failed(str(error), error.exit_status, outputs, output) from error
        outputs = self._outputs(ctx, session, output, status, scratch)
        if status:
            raise _failed(f"Command failed with exit code {status}", status, outputs, output)
        return outputs

    @abstractmethod
    def lines(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> list[str]:
        """The shell lines that do the work, rendered."""

    def surroundings(self, ctx: RunContext, session: Session, env: Mapping[str, str], scratch: Path) -> Surroundings:  # noqa: ARG002  most languages need none of it
        """What the language brings to programs whose variables of the task are `env`."""
        return Surroundings(self.language.variables)

    def _has_preparation(self) -> bool:
        return bool(self.before_commands) and is_shell(self._interpreter())

    def _interpreter(self) -> list[str]:
        return list(self.language.interpreter) if self.interpreter is None else self.interpreter

    def _seen(self, session: Session, scratch: Path) -> dict[str, Any]:
        seen: dict[str, Any] = {"workingDir": session.directory}
        if self.output_directory:
            seen["outputDir"] = str(scratch / "output")
            (scratch / "output").mkdir(parents=True)
        names = [name for name in self.output_files or () if not set(name) & set("*?[")]
        return {**seen, "outputFiles": {name: f"{session.directory}/{name}" for name in names}}

    def _command(
        self, ctx: RunContext, session: Session, seen: dict[str, Any], scratch: Path, mark: str | None
    ) -> Command:
        def local(lines: list[str]) -> list[str]:
            return [with_local_files(line, ctx.files.reader, scratch) for line in lines]

        interpreter, env = self._interpreter(), _variables(ctx.render.data(self.env or {}, seen))
        extra = {"OUTPUT_DIR": seen["outputDir"]} if "outputDir" in seen else {}
        prepared = local(rendered_lines(self.before_commands or [], ctx, seen))
        if prepared and not interpreter:
            raise TaskFailed("'beforeCommands' need a shell: name it as 'interpreter', or leave that out")
        lines = local(self.lines(ctx, seen, scratch))
        around = self.surroundings(ctx, session, env, scratch)
        before = [self.language.fail_fast] if self.fail_fast and interpreter else []
        environment = {**around.variables, **env}
        if is_shell(interpreter):
            before += around.folder_lines()
        else:
            environment |= around.folder_variables({**({} if session.image else os.environ), **environment})
        given = tuple(arguments(interpreter, [*before, *prepared], lines, mark))
        return Command(given, {**environment, **extra}, ctx.grace)

    def _outputs(
        self, ctx: RunContext, session: Session, output: ScriptOutput, status: int, scratch: Path
    ) -> ScriptOutputs:
        files = self._captured_directory(ctx, scratch) | capture(ctx, self.output_files)
        kind = WarnedOutputs if self.warning_on_std_err and output.wrote_to_stderr else ScriptOutputs
        values, runner = output.values(), dict(session.details)
        return kind(vars=values, exitCode=status, outputFiles=files, taskRunner=runner)

    def _captured_directory(self, ctx: RunContext, scratch: Path) -> dict[str, str]:
        if not self.output_directory:
            return {}
        found = find_files(scratch / "output", ["**"]).files
        return {name: ctx.files.put(name, path).uri for name, path in found.items()}


def _failed(reason: str, status: int, outputs: ScriptOutputs, output: ScriptOutput) -> TaskFailed:
    return TaskFailed(reason, exit_status=status, outputs=outputs, last_lines=output.last_lines)


class CommandsTask(ScriptTask):
    """The base of the tasks whose work is shell commands."""

    commands: Lines

    def lines(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> list[str]:  # noqa: ARG002  no file is needed
        return rendered_lines(self.commands, ctx, seen)


class SourceTask(ScriptTask):
    """The base of the tasks whose work is a text in their language."""

    script: Late[Text]

    def lines(self, ctx: RunContext, seen: dict[str, Any], scratch: Path) -> list[str]:
        text = with_local_files(ctx.render.text(self.script, seen), ctx.files.reader, scratch)
        return [self.language.start_line(text, seen["workingDir"], scratch) if self.language.program else text]


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
