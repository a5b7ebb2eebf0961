"""`wdprefect namespace`: the files of a namespace in the storage and in a folder."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.cli.commands import Cli, Said, Write, result
from tests.running import CORE, SCRIPTS
from tests.servers.s3 import S3Server, s3_server

__all__ = ["s3_server"]

HOME = "company.team"
FILES = {"a.py": "a", "d/b.txt": "b", "d/e/c d.txt": ""}


def fill(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder that has these files as well."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def texts(folder: Path) -> dict[str, str]:
    """The text of each file of a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text() for path in files}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with files."""
    return fill(tmp_path / "folder", FILES)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3)])
def namespace(request: pytest.FixtureRequest, cli: Cli, tmp_path: Path) -> Cli:
    """`wdprefect namespace` with a new storage of each kind."""
    url = (tmp_path / "storage").as_uri()
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        bucket = f"ns-{uuid.uuid4()}"
        for name, value in server.environment.items():
            patch.setenv(name, value)
        with server.client() as client:
            client.create_bucket(Bucket=bucket)
        url = f"s3://{bucket}/below"
    return lambda *arguments: cli("namespace", *arguments, "--storage", url)


def test_round_trip(namespace: Cli, folder: Path, tmp_path: Path) -> None:
    """What is pushed is listed with size and time, and pulled into another folder it is the same."""
    said = namespace("push", HOME, folder)
    assert (0, "+ a.py\n+ d/b.txt\n+ d/e/c d.txt\n") == (said.code, said.out)
    assert "3 added, 0 changed, 0 removed, 0 unchanged\n" == said.err

    listed = namespace("ls", HOME)
    assert [["1", "a.py"], ["1", "d/b.txt"], ["0", "d/e/c d.txt"]] == [
        [line.split()[0], line.split("Z  ")[1]] for line in listed.out.splitlines()
    ]
    facts = json.loads(namespace("ls", HOME, "--format", "json").out)
    assert list(FILES) == [file["path"] for file in facts]
    assert {("path", "size", "modified")} == {tuple(file) for file in facts}

    pulled = namespace("pull", HOME, tmp_path / "new" / "other")
    assert (0, said.out, said.err) == (pulled.code, pulled.out, pulled.err)
    assert FILES == texts(tmp_path / "new" / "other")


def test_only_what_differs(namespace: Cli, folder: Path) -> None:
    """Only what differs is copied, also where the size is the same; what is gone is removed when that is asked for."""
    namespace("push", HOME, folder)
    assert (0, "", "0 added, 0 changed, 0 removed, 3 unchanged\n") == came_to(namespace("push", HOME, folder))
    fill(folder, {"a.py": "A", "new": "n"})
    (folder / "d" / "b.txt").unlink()

    expected = "+ new\n~ a.py\n- d/b.txt\n", "1 added, 1 changed, 1 removed, 1 unchanged\n"
    assert (1, *expected) == came_to(namespace("diff", HOME, folder))
    assert (0, *expected) == came_to(namespace("push", HOME, folder, "--delete", "--dry-run"))
    assert (1, *expected) == came_to(namespace("diff", HOME, folder))
    kept = "+ new\n~ a.py\n", "1 added, 1 changed, 0 removed, 1 unchanged\n"
    assert (0, *kept) == came_to(namespace("push", HOME, folder))
    assert (0, "- d/b.txt\n") == came_to(namespace("push", HOME, folder, "--delete"))[:2]
    assert (0, "") == came_to(namespace("diff", HOME, folder))[:2]


def came_to(said: Said) -> tuple[int, str, str]:
    """Code, standard output and standard error."""
    return said.code, said.out, said.err


def test_pull_removes(namespace: Cli, folder: Path, tmp_path: Path) -> None:
    """`pull --delete` makes the folder like the storage, and leaves alone what is no namespace file."""
    namespace("push", HOME, folder)
    other = fill(tmp_path / "other", {"a.py": "x", "gone/f": "", ".git/config": "git", "d/more": ""})

    said = namespace("pull", HOME, other, "--delete", "--format", "json")

    expected = {
        "added": ["d/b.txt", "d/e/c d.txt"],
        "changed": ["a.py"],
        "removed": ["d/more", "gone/f"],
        "unchanged": 0,
    }
    assert (0, expected) == (said.code, result(said))
    assert {**FILES, ".git/config": "git"} == texts(other)
    assert not (other / "gone").exists()


def test_a_folder_takes_the_place_of_a_file(namespace: Cli, folder: Path) -> None:
    """A folder may take the name that a file had, when what is gone is removed."""
    namespace("push", HOME, folder)
    (folder / "a.py").unlink()
    fill(folder, {"a.py/x": "x"})

    assert (0, "+ a.py/x\n- a.py\n") == came_to(namespace("push", HOME, folder, "--delete"))[:2]


def test_left_out(namespace: Cli, folder: Path) -> None:
    """Repositories and compiled modules are not pushed."""
    fill(folder, {".git/config": "x", "__pycache__/a.pyc": "x", "d/.DS_Store": "x", ".env": "x"})
    assert "+ .env\n+ a.py\n+ d/b.txt\n+ d/e/c d.txt\n" == namespace("push", HOME, folder).out


def test_links(namespace: Cli, folder: Path, tmp_path: Path) -> None:
    """A link that leads out of the folder is refused on both ways, before anything is copied."""
    (folder / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_text("secret")
    said = namespace("push", HOME, folder)
    reason = "leads out of the namespace's folder by a symbolic link; put a copy in its place"
    assert (1, "", True) == (said.code, said.out, f"the file 'link' in the folder '{folder}' {reason}" in said.err)
    assert "" == namespace("ls", HOME).out
    namespace("push", HOME, fill(tmp_path / "before", {"old": "x"}))
    assert 1 == namespace("push", HOME, folder, "--delete").code
    assert "old" in namespace("ls", HOME).out

    (folder / "link").unlink()
    namespace("push", HOME, folder)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "d").symlink_to(tmp_path)
    said = namespace("pull", HOME, tmp_path / "other")
    assert (1, True) == (said.code, "by a symbolic link" in said.err)
    assert ["d"] == [path.name for path in (tmp_path / "other").iterdir()]


def test_empty(namespace: Cli) -> None:
    """A namespace without files lists nothing, and says where it looked."""
    assert (0, "", f"no files in the storage, at kestra:///{HOME.replace('.', '/')}/_files\n") == came_to(
        namespace("ls", HOME)
    )


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        pytest.param(
            ["push", HOME], 2, "name the folder: wdprefect namespace push NAMESPACE FOLDER, or", id="no folder"
        ),
        pytest.param(["push", HOME, "no/such"], 2, "the folder 'no/such' does not exist: make it, or", id="missing"),
        pytest.param(["diff", HOME, "no/such"], 2, "the folder 'no/such' does not exist: make it, or", id="diff"),
        pytest.param(["ls", "../x"], 1, "'../x' is no name of a namespace: its parts are made of", id="no namespace"),
        pytest.param(["ls", HOME, "--storage", "x"], 2, "'x' names no storage; give", id="no storage"),
    ],
)
def test_refused(
    cli: Cli, arguments: list[str], code: int, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What cannot be done is one line that says why and what to do."""
    monkeypatch.chdir(tmp_path)
    said = cli("namespace", *arguments)
    assert (code, "", 1) == (said.code, said.out, said.err.count("\n"))
    assert said.err.startswith(f"wdprefect: {expected}")


def test_configured_folder(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder it is the one of the namespace below the folder that pyproject.toml names."""
    fill(tmp_path, {"pyproject.toml": '[tool.wdprefect]\nnamespace-files = "ns"\n', f"ns/{HOME}/a.py": "a"})
    monkeypatch.chdir(tmp_path)
    said = cli("namespace", "push", HOME, "--storage", (tmp_path / "storage").as_uri())
    assert (0, "+ a.py\n") == (said.code, said.out)


FLOW = f"""\
id: reads
namespace: {HOME}
tasks:
  - {{id: a, type: {SCRIPTS}.shell.Commands, namespaceFiles: {{}}, commands: [cat d/b.txt]}}
  - {{id: b, type: {CORE}.debug.Return, format: "{{{{ read('a.py') }}}}"}}
"""


def test_run_with_what_was_pushed(cli: Cli, local: Cli, write: Write, folder: Path, tmp_path: Path) -> None:
    """A run finds what was pushed to its storage, and in place of it what `--namespace-files` has."""
    storage = ("--storage", (tmp_path / "storage").as_uri(), "--format", "json")
    cli("namespace", "push", HOME, folder, *storage)
    fill(tmp_path / "ns" / HOME, {"a.py": "from a folder", "d/b.txt": ""})

    stored = result(local(write("f.yaml", FLOW), *storage))
    of_folder = result(local(write("f.yaml", FLOW), *storage, "--namespace-files", tmp_path / "ns"))

    assert ["a", "from a folder"] == [found["taskOutputs"]["b"]["value"] for found in (stored, of_folder)]


def test_render(cli: Cli, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`wdprefect render` reads the files of the configured folder."""
    fill(tmp_path, {"pyproject.toml": '[tool.wdprefect]\nnamespace-files = "ns"\n', f"ns/{HOME}/a.py": "a"})
    monkeypatch.chdir(tmp_path)
    said = cli("render", "{{ read('a.py') }}", "--flow", write("f.yaml", FLOW))
    assert (0, "a\n") == (said.code, said.out)
