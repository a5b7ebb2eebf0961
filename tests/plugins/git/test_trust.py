"""Nothing that lies in the working directory, in the repository or around the worker makes git run a program."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place, write_program
from tests.plugins.git.origin import Origin, run_git
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import CloneOptions

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Trap:
    """A git directory that runs a program of its own in every way we know, and the mark that the program leaves."""

    git_dir: Path
    program: Path
    mark: Path


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    place = tmp_path / "trap"
    mark = tmp_path / "mark"
    program = write_program(tmp_path / "program", f"touch {mark}; cat")
    run_git(tmp_path, "init", "--quiet", "--initial-branch=main", str(place))
    hooks = ["post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc", "post-merge", "post-rewrite"]
    for hook in hooks:
        write_program(place / ".git/hooks" / hook, f"touch {mark}")
    (place / ".git/info").mkdir(exist_ok=True)
    (place / ".git/info/attributes").write_text("* filter=trap\n")
    (place / ".git/config").write_text(_settings(program))
    return Trap(place / ".git", program, mark)


def _settings(program: Path) -> str:
    return (
        f"[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {program}\n\tsshCommand = {program}\n"
        f"\tattributesFile = {program.parent / 'attributes'}\n\taskPass = {program}\n"
        f"[credential]\n\thelper = !{program}\n"
        f'[filter "trap"]\n\tsmudge = {program}\n\tclean = {program}\n\trequired = true\n'
        f'[remote "origin"]\n\turl = ext::{program}\n\tuploadpack = {program}\n'
        f'[url "ext::{program} "]\n\tinsteadOf = file://\n[protocol]\n\tallow = always\n'
    )


def test_the_trap_works(trap: Trap) -> None:
    """The trap of these tests does run its program, where git is not held back."""
    run_git(trap.git_dir.parent, "status")
    assert trap.mark.exists()


def _as_directory(trap: Trap, place: Path) -> None:
    shutil.copytree(trap.git_dir, place)


def _as_file(trap: Trap, place: Path) -> None:
    place.write_text(f"gitdir: {trap.git_dir}\n")


def _as_link(trap: Trap, place: Path) -> None:
    place.symlink_to(trap.git_dir)


def _as_dangling_link(trap: Trap, place: Path) -> None:
    place.symlink_to(trap.git_dir / "nothing")


@pytest.mark.parametrize("put", [_as_directory, _as_file, _as_link, _as_dangling_link])
def test_git_directory_that_was_there(place: Place, origin: Origin, trap: Trap, put: object) -> None:
    """A `.git` in the target, of whatever kind, is replaced and runs nothing; where it leads stays as it is."""
    before = sorted(trap.git_dir.rglob("*"))
    assert callable(put)
    put(trap, place.target / ".git")
    place.clone(CloneOptions(origin.url, depth=1))
    place.clone(CloneOptions(origin.url, branch="dev"))
    assert not trap.mark.exists()
    assert before == sorted(trap.git_dir.rglob("*"))
    assert not (place.target / ".git").is_symlink()
    assert origin.git("rev-parse", "dev") == place.git("rev-parse", "HEAD")


@pytest.mark.parametrize(
    "head",
    [
        pytest.param("ref: refs/heads/../../../secret", id="leads out"),
        pytest.param("ref: refs/heads/link", id="link"),
        pytest.param("--output=x", id="option"),
        pytest.param("\xff\xfe", id="no text"),
        pytest.param("f" * 40, id="unknown commit"),
    ],
)
def test_head_that_was_there(place: Place, origin: Origin, head: str) -> None:
    """Whatever the HEAD of an old `.git` says, local files of other content are a conflict."""
    place.put(".git/HEAD", head)
    place.put("README.md", "mine")
    place.target.parent.joinpath("secret").write_text(origin.git("rev-parse", "main~1"))
    (place.target / ".git/refs/heads").mkdir(parents=True)
    (place.target / ".git/refs/heads/link").symlink_to(place.target.parent / "secret")
    with pytest.raises(TaskFailed, match=r"'README\.md'"):
        place.clone(CloneOptions(origin.url))
    assert {"README.md": "mine"} == place.files()


def test_repository_with_filters_and_local_attributes(place: Place, served: Path, trap: Trap) -> None:
    """Attributes, from the repository or local, start no filter."""
    origin = Origin(served)
    origin.commit({"a.txt": "a", ".gitattributes": "* filter=trap\n"})
    place.put("sub/.gitattributes", "* filter=trap\n")
    place.clone(CloneOptions(origin.url))
    assert not trap.mark.exists()
    assert "a" == place.files()["a.txt"]


def test_settings_of_the_flow_start_nothing(place: Place, served: Path, trap: Trap) -> None:
    """Settings that name programs are written for later commands, and do not act on the clone."""
    origin = Origin(served)
    origin.commit({"a.txt": "a", ".gitattributes": "* filter=trap\n"})
    settings: dict[str, str | None] = {
        "filter.trap.smudge": str(trap.program),
        "core.fsmonitor": str(trap.program),
        "core.hooksPath": str(trap.git_dir / "hooks"),
    }
    place.clone(CloneOptions(origin.url, git_config=settings))
    assert not trap.mark.exists()
    assert settings["filter.trap.smudge"] == place.git("config", "filter.trap.smudge")


def test_settings_of_the_user(place: Place, origin: Origin, trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the user's nor the environment's git settings act on a clone."""
    home = trap.mark.parent / "home"
    home.mkdir()
    template = home / "template"
    shutil.copytree(trap.git_dir / "hooks", template / "hooks")
    (home / ".gitconfig").write_text(f"{_settings(trap.program)}[init]\n\ttemplateDir = {template}\n")
    monkeypatch.setenv("HOME", str(home))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(trap.git_dir))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", f"'core.fsmonitor'='{trap.program}'")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap.program))
    place.clone(CloneOptions(origin.url))
    assert not trap.mark.exists()
    assert not (place.target / ".git/hooks").exists()
    assert "five\n" == place.files()["README.md"]


def test_links_of_a_repository_stay_links(place: Place, served: Path, tmp_path: Path) -> None:
    """A symbolic link of the repository is written as such, and nothing through it."""
    origin = Origin(served)
    origin.commit({"a.txt": "a"})
    (served / "project-files" / "out").symlink_to(tmp_path)
    origin.commit({})
    place.clone(CloneOptions(origin.url))
    assert tmp_path == (place.target / "out").readlink()


def test_ssh(place: Place, origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker's ssh command is used, with the repository's path."""
    # In place of ssh: run the remote command here.
    ssh = write_program(tmp_path / "ssh", 'for last; do :; done; eval "$last"')
    monkeypatch.setenv("GIT_SSH_COMMAND", str(ssh))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    place.clone(CloneOptions(f"git@example.org:{origin.bare}"))
    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        pytest.param("Host key verification failed.", "the ssh host key of 'example.org' is not known", id="host key"),
        pytest.param("git@x: Permission denied (publickey).", "refuses the ssh key", id="key"),
        pytest.param(
            "ssh: Could not resolve hostname x: Name or service not known", "'example.org' is unknown", id="host"
        ),
        pytest.param("first; second", "failed: first; second; fatal: Could not read", id="something else"),
    ],
)
def test_ssh_fails(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, message: str) -> None:
    """What ssh says is told in a sentence; without a command of the worker ssh asks nothing."""
    write_program(tmp_path / "bin/ssh", f'case "$*" in *BatchMode=yes*) echo "{said}" >&2; esac; exit 255')
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(TaskFailed, match=message):
        place.clone(CloneOptions("git@example.org:x.git"))


def _python(code: str, path: Path) -> str:
    environment = {"PATH": str(path), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    return done.stdout


def test_git_is_missing(tmp_path: Path) -> None:
    """Where there is no git program the message says so, and what to do."""
    code = (
        "import pathlib, sys\n"
        "from wdprefect.model.stop import Stop\n"
        "from wdprefect.plugins.git._clone import CloneOptions, clone\n"
        "from wdprefect.workspace.directory import Directory\n"
        "class Log:\n"
        "    def write(self, level, message): pass\n"
        "try:\n"
        f"    with Directory.create(pathlib.Path({str(tmp_path)!r}), 'run-1') as place:\n"
        "        clone(CloneOptions('file:///x'), place.path, place, Log(), Stop())\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    expected = "TaskFailed git is not installed on the worker (install git, or put it on the PATH)\n"
    assert expected == _python(code, tmp_path / "empty")
    assert [] == list(tmp_path.iterdir())


def test_git_python_cannot_run_git(place: Place, tmp_path: Path) -> None:
    """A GitPython that is told to use a program that is none fails the clone with a hint at the setting."""
    code = (
        "import os, pathlib\n"
        "os.environ['GIT_PYTHON_GIT_EXECUTABLE'] = '/nothing'\n"
        "from wdprefect.plugins.git._program import _git_python\n"
        "try:\n"
        "    _git_python()\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    expected = "TaskFailed GitPython cannot run git (is GIT_PYTHON_GIT_EXECUTABLE set to a git program?)\n"
    assert expected == _python(code, Path("/usr/bin"))


def test_import_is_light() -> None:
    """The module does not import GitPython until something is cloned."""
    code = "import sys, wdprefect.plugins.git._clone; print('git' in sys.modules)"
    assert "False\n" == _python(code, Path("/usr/bin"))
