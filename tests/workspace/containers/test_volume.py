"""The directory in a volume: what changes on one side is carried to the other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from docker.client import DockerClient

from tests.fakes import MemoryLog
from tests.servers.docker import OwnEngine
from tests.workspace.containers.conftest import BUSYBOX, DEBIAN, NO_SETSID, NO_SHELL, Open
from wdprefect.errors import TaskFailed
from wdprefect.workspace.containers.engine import Engine
from wdprefect.workspace.directory import Directory

pytestmark = pytest.mark.docker

# busybox has tools with fewer options, the third image has neither `find` nor `stat`: all of the volume is read there.
IMAGES = [
    pytest.param(DEBIAN, id="debian"),
    pytest.param(BUSYBOX, id="busybox"),
    pytest.param(NO_SETSID, id="few tools"),
]
KINDS = [pytest.param(True, id="shared"), pytest.param(False, id="alone")]


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("is_shared", KINDS)
def test_both_ways(image: str, is_shared: bool, shell_in: Open, directory: Directory) -> None:  # noqa: FBT001 (a row)
    """Files go in before a command and come back behind it: new, changed and removed ones, with modes and links."""
    work, scratch = directory.path, directory.scratch
    (work / "a").mkdir()
    for name in ("kept.txt", "changed.txt", "removed.txt", "a/deep é.txt"):
        (work / name).write_text(f"{name}\n")
    (scratch / "private.txt").write_text("private\n")
    shell = shell_in(image, files="VOLUME", is_shared=is_shared)
    text = f"cat kept.txt '{work}/a/deep é.txt' {scratch}/private.txt; echo more >> changed.txt; rm removed.txt"
    made = "mkdir -p b/c; echo new > 'b/c/two\nlines'; echo x > run.sh; chmod 755 run.sh; ln -s b link"

    assert 0 == shell.run(f"{text}; {made}; echo s > {scratch}/s"), shell.stderr
    assert ["kept.txt", "a/deep é.txt", "private"] == shell.stdout
    assert "changed.txt\nmore\n" == (work / "changed.txt").read_text()
    assert "new\n" == (work / "b" / "c" / "two\nlines").read_text()
    assert "s\n" == (scratch / "s").read_text()
    assert os.access(work / "run.sh", os.X_OK)
    assert "b" == str((work / "link").readlink())
    assert not (work / "removed.txt").exists()
    assert {os.getuid()} == {path.lstat().st_uid for path in work.rglob("*")}


@pytest.mark.parametrize("image", IMAGES)
def test_changes_between(image: str, shell_in: Open, directory: Directory) -> None:
    """What changes here between two commands is seen by the second one; what did not change is not written again."""
    work = directory.path
    (work / "same.txt").write_text("same\n")
    (work / "gone").mkdir()
    (work / "gone" / "file.txt").touch()
    (work / "turned").touch()
    shell = shell_in(image, files="VOLUME")
    shell.run(":")
    before = (work / "same.txt").stat()
    (work / "gone" / "file.txt").unlink()
    (work / "gone").rmdir()
    (work / "turned").unlink()
    (work / "turned").mkdir()
    (work / "turned" / "new.txt").write_text("new\n")
    shell.run("ls; cat turned/new.txt; rm -r turned; echo file > turned")

    assert ["same.txt", "turned", "new"] == shell.stdout
    assert "file\n" == (work / "turned").read_text()
    after = (work / "same.txt").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("is_shared", KINDS)
def test_link_that_leaves(
    image: str,
    is_shared: bool,  # noqa: FBT001  a row
    shell_in: Open,
    directory: Directory,
    log: MemoryLog,
    tmp_path: Path,
) -> None:
    """A link that leads out of the directory stays in the volume, said so, and nothing is written through it."""
    outside = tmp_path / "outside"
    outside.mkdir()
    shell = shell_in(image, files="VOLUME", is_shared=is_shared)

    links = f"ln -s {outside} out; ln -s ../../.. up; mkdir -p {outside}"
    assert 0 == shell.run(f"{links}; echo x > out/file; echo y > fine"), shell.stderr
    assert ["fine"] == _names(directory.path)
    assert [] == list(outside.iterdir())
    warned = sorted(message for level, message in log.lines if level == "WARN")
    assert ["'work/out' stays in the container: ", "'work/up' stays in the container: "] == [
        message[: message.index(": ") + 2] for message in warned
    ]
    if is_shared:
        shell.run("cat out/file")
        assert ["x"] == shell.stdout


def test_no_shell(shell_in: Open, directory: Directory) -> None:
    """A container without a shell gets the files, and gives them back as it has them."""
    (directory.path / "a.txt").write_text("content\n")
    shell = shell_in(NO_SHELL, files="VOLUME")

    assert 0 == shell.vector("/bin/cat", "a.txt")
    assert ["content"] == shell.stdout
    assert ["a.txt"] == _names(directory.path)


@pytest.mark.parametrize("program", ["sh", "tar"])
def test_output_that_is_lost(program: str, shell_in: Open, directory: Directory) -> None:
    """Where nothing comes of what is asked in the container, as an engine may lose it, the files come all the same."""
    (directory.path / "kept.txt").touch()
    shell = shell_in(DEBIAN, files="VOLUME")

    assert 0 == shell.run(f"ln -sf /bin/true $(command -v {program}); echo > made.txt"), shell.stderr
    assert ["kept.txt", "made.txt"] == _names(directory.path)


def test_volumes_go(shell_in: Open, docker_engine: DockerClient) -> None:
    """The volume is removed with the container."""
    shell = shell_in(files="VOLUME")
    shell.run(":")
    ours = {"label": f"wdprefect.directory={shell.directory.outer}"}
    assert 1 == len(docker_engine.volumes.list(filters=ours))
    shell.session.close()
    assert [] == docker_engine.volumes.list(filters=ours)


@pytest.mark.parametrize("is_shared", KINDS)
@pytest.mark.parametrize("is_there", [pytest.param(True, id="another of that path"), pytest.param(False, id="none")])
def test_engine_that_does_not_see_it(
    is_shared: bool,  # noqa: FBT001  a row
    is_there: bool,  # noqa: FBT001  a row
    own_engine: OwnEngine,
    docker_engine: DockerClient,
    shell_in: Open,
    directory: Directory,
    log: MemoryLog,
) -> None:
    """An engine that does not see the directories of this machine is found out, and a volume carries the files."""
    own_engine.stop()
    own_engine.start(hides=directory.root, shows=[directory.path, directory.scratch] if is_there else [])
    own_engine.take(BUSYBOX, docker_engine)
    (directory.path / "a.txt").write_text("content\n")
    with own_engine.client() as client:
        engine = Engine(client.api, own_engine.url)
        shell = shell_in(on=engine, is_shared=is_shared, host={"network_mode": "none"})
        assert 0 == shell.run("cat a.txt; echo back > b.txt"), shell.stderr
        blind = f"the engine at '{own_engine.url}' does not see the directories of this machine"
        assert [("INFO", f"{blind}: a volume carries the files")] == log.lines
        assert ["content"] == shell.stdout
        assert "back\n" == (directory.path / "b.txt").read_text()
        mounted = shell_in(on=Engine(client.api, own_engine.url), files="MOUNT", is_shared=is_shared)
        with pytest.raises(
            TaskFailed, match=rf"^{blind} \('fileHandlingStrategy' is MOUNT: leave it out, and a volume"
        ):
            mounted.run(":")
        shell.session.close()


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
