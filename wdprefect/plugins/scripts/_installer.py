"""Making environments of Python, and filling them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.model.context import RunContext
from wdprefect.model.ports import Command, OnLine, Stream
from wdprefect.plugins.scripts._requirements import name_of
from wdprefect.workspace.process import ProcessRunner

# What pip is told by variables, and uv by others; the first is set where there is none.
_OF_PIP = {
    "PIP_INDEX_URL": ("UV_DEFAULT_INDEX", "UV_INDEX_URL"),
    "PIP_EXTRA_INDEX_URL": ("UV_INDEX", "UV_EXTRA_INDEX_URL"),
    "PIP_FIND_LINKS": ("UV_FIND_LINKS",),
    "PIP_CERT": ("SSL_CERT_FILE",),
    # Uv has an option for it, and no variable.
    "PIP_NO_INDEX": ("PIP_NO_INDEX",),
}
_LAST_LINES = 6
# Where an installer begins to say why.
_REASON = re.compile(r"error\b|\W*\N{MULTIPLICATION SIGN} ", re.IGNORECASE)


def index_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that say where packages come from: those of uv, and for the others what pip is told."""
    own = {name: value for name, value in environment.items() if name.startswith("UV_")}
    for pip, names in _OF_PIP.items():
        value = environment.get(pip)
        if value and not own.keys() & set(names):
            # Pip separates folders by white space.
            own[names[0]] = ",".join(value.split()) if pip == "PIP_FIND_LINKS" else value
    return own


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for pip itself."""
    return {name: value for name, value in environment.items() if name.startswith("PIP_")}


@dataclass(frozen=True, slots=True)
class Installer:
    """Uv and pip for one task; they end when the task is to end.

    scratch: for what they read. place: a folder of ours, from which uv looks for settings: not the working directory,
    where a repository may have brought some.
    """

    ctx: RunContext
    environment: Mapping[str, str]
    scratch: Path
    place: Path

    def make_environment(self, folder: Path, python: str) -> None:
        """Make a virtual environment, empty. Raises TaskFailed where there is no such Python."""
        status, words = self._uv("venv", "--quiet", "--allow-existing", f"--python={python}", str(folder))
        if status:
            hint = f" (write it in quotes: '{python}0' is another one)" if re.fullmatch(r"3\.[1-9]", python) else ""
            raise TaskFailed("\n    ".join([f"there is no Python '{python}' for 'pythonVersion'{hint}", *words]))

    def add_pip(self, python: Path) -> None:
        """Install pip for what the task itself may install, where it can be had; what is missing need not be missed."""
        self._uv("pip", "install", "--quiet", f"--python={python}", "pip")

    def install(self, requirements: Sequence[str], *where: str) -> None:
        """Install the requirements by uv. Raises TaskFailed with those that it speaks of, and its reason."""
        if requirements:
            _check(requirements, self._uv("pip", "install", *where, "-r", self._written(requirements)))

    def install_by_pip(self, requirements: Sequence[str], python: Path) -> None:
        """Install the requirements by a pip of the environment's own, as `install`."""
        self.install(["pip"], f"--python={python}")
        if requirements:
            # Isolated: a file of the working directory may have the name of one of pip's modules.
            pip = [str(python), "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
            command = [*pip, "--no-color", "--progress-bar=off", "-r", self._written(requirements)]
            _check(requirements, self._run(command))

    def _written(self, requirements: Sequence[str]) -> str:
        # Not as arguments: an address may hold a password, and arguments are seen by all.
        file = self.scratch / "dependencies.txt"
        self.scratch.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(requirements), encoding="utf-8")
        return str(file)

    def _uv(self, *arguments: str) -> tuple[int, list[str]]:
        program = [_find(), "--directory", str(self.place), "--color=never", "--no-progress"]
        without = self.environment.get("PIP_NO_INDEX", "").lower() in ("1", "true", "yes", "on")
        return self._run([*program, *arguments, *(["--no-index"] if without else [])])

    def _run(self, arguments: Sequence[str]) -> tuple[int, list[str]]:
        """The exit status, and the last words; all that is said is logged."""
        words: deque[str] = deque(maxlen=_LAST_LINES)

        def note(stream: Stream, line: str) -> None:
            del stream
            self.ctx.log.write("DEBUG", line)
            if _REASON.match(line):
                words.clear()
            if line.strip():
                words.append(line.rstrip())

        return run_program(self.ctx, arguments, self.environment, note), list(words)


def run_program(ctx: RunContext, arguments: Sequence[str], environment: Mapping[str, str], on_line: OnLine) -> int:
    """The exit status of a program that works for the task. Raises TaskFailed when the task is to end, as it does."""
    session = ProcessRunner().session(ctx.workspace, ctx.workspace.run_id)
    try:
        status = session.run(Command(tuple(arguments), environment, ctx.grace), on_line, ctx.stop)
    finally:
        session.close()
    if ctx.stop.requested:
        raise TaskFailed("stopped while the dependencies were installed")
    return status


def _check(requirements: Sequence[str], ended: tuple[int, Sequence[str]]) -> None:
    status, words = ended
    if status:
        said = " ".join(words)
        named = [line for line in requirements if _names(line, said)] or list(requirements)
        what = "the dependency" if len(named) == 1 else "the dependencies"
        shown = ", ".join(f"'{line}'" for line in named)
        raise TaskFailed("\n    ".join([f"cannot install {what} {shown}", *words]))


def _names(requirement: str, said: str) -> bool:
    return re.search(rf"(?<![\w.-]){re.escape(name_of(requirement))}(?![\w-])", said, re.IGNORECASE) is not None


def _find() -> str:
    try:
        import uv  # most tasks install nothing

        return str(uv.find_uv_bin())
    except (ImportError, FileNotFoundError) as error:
        raise TaskFailed("uv is not installed beside wdprefect (pip install uv)") from error
