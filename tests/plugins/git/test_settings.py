"""Settings of the machine and of the user would make git run programs; a clone uses none of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place, write_program
from tests.plugins.git.origin import Origin
from wdprefect.plugins.git._clone import CloneOptions

Environment = dict[str, str]


def _of_the_user(folder: Path) -> tuple[Path, Environment]:
    return folder / ".gitconfig", {"HOME": str(folder)}


def _of_the_user_elsewhere(folder: Path) -> tuple[Path, Environment]:
    return folder / "git" / "config", {"XDG_CONFIG_HOME": str(folder), "HOME": str(folder / "none")}


def _of_the_machine(folder: Path) -> tuple[Path, Environment]:
    # What git itself calls the system's file, which only root may write at its place.
    return folder / "gitconfig", {"GIT_CONFIG_SYSTEM": str(folder / "gitconfig")}


def _of_the_environment(folder: Path) -> tuple[Path, Environment]:
    path = folder / "more"
    return path, {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "include.path", "GIT_CONFIG_VALUE_0": str(path)}


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """What the program of a test leaves behind when it runs."""
    return tmp_path / "mark"


@pytest.fixture
def filtered(served: Path) -> Origin:
    """A repository whose files go through a filter where one of that name is known."""
    made = Origin(served)
    made.commit({"a.txt": "a\n", ".gitattributes": "*.txt filter=trap\n"})
    return made


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param("[init]\n\ttemplateDir = {folder}/template\n", id="hooks of a template"),
        pytest.param("[core]\n\thooksPath = {folder}/template/hooks\n", id="hooks of a folder"),
        pytest.param('[filter "trap"]\n\tsmudge = {program}\n\trequired = true\n', id="a filter"),
        pytest.param('[filter "trap"]\n\tprocess = {program}\n', id="a filter that stays"),
        pytest.param(
            '[url "ext::{program} "]\n\tinsteadOf = file://\n[protocol]\n\tallow = always\n', id="another url"
        ),
    ],
)
@pytest.mark.parametrize("where", [_of_the_user, _of_the_user_elsewhere, _of_the_machine, _of_the_environment])
def test_settings_around_a_clone(
    place: Place,
    filtered: Origin,
    mark: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: Callable[[Path], tuple[Path, Environment]],
    settings: str,
) -> None:
    """Whatever program they name, git runs it when it is called by itself, and not when a clone calls it."""
    folder = mark.parent / "settings"
    program = write_program(folder / "program", f"touch {mark}; exit 1")
    write_program(folder / "template" / "hooks" / "post-checkout", f"touch {mark}")
    path, environment = where(folder)
    path.parent.mkdir(exist_ok=True)
    path.write_text(settings.format(folder=folder, program=program))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    command = ["git", "clone", "--quiet", filtered.url, str(mark.parent / "by-itself")]
    subprocess.run(command, env=os.environ, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=60)
    assert mark.exists(), "the settings do run the program"
    mark.unlink()

    place.clone(CloneOptions(filtered.url))
    assert {"a.txt": "a\n"} == {name: text for name, text in place.files().items() if name == "a.txt"}
    assert not mark.exists()
    assert not (place.target / ".git" / "hooks").exists()
