"""Whose the files are, and who runs the commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from docker.client import DockerClient

from tests.servers.needed import is_missing
from tests.workspace.containers.conftest import BUSYBOX, NO_SETSID, Open
from wdprefect.workspace.directory import Directory

pytestmark = pytest.mark.docker
NOBODY = 65534

# A run of a user who is not root. It begins as root, because the interpreter of the tests may lie in root's home; all
# that is imported later is imported by a first session. Its arguments: a folder, the socket's group, image, settings.
RUN = """
import json, os, sys
from pathlib import Path
from wdprefect.model.ports import Command
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.engine import engine_at
from wdprefect.workspace.containers.session import ContainerRunner
from wdprefect.workspace.containers.settings import ContainerSettings
from wdprefect.workspace.directory import Directory

class Log:
    def write(self, level, message):
        print(level, message, file=sys.stderr)

def run(root, text, **settings):
    lines = []
    with Directory.create(Path(root), "run-1") as directory:
        (directory.path / "sub").mkdir()
        (directory.path / "sub" / "given").write_text("given")
        made = ContainerSettings(sys.argv[3], **settings)
        session = ContainerRunner(made, lambda: engine_at(None), Log()).session(directory, "run-1")
        status = session.run(Command(("/bin/sh", "-c", text), {}), lambda _, line: lines.append(line), Stop())
        owners = sorted({path.lstat().st_uid for path in directory.path.rglob("*")})
        text = (directory.path / "made").read_text()
        session.close()
    return {"status": status, "lines": lines, "owners": owners, "made": text, "left": os.listdir(root)}

settings = json.loads(sys.argv[4])
run(sys.argv[1] + "/warm", "echo > made", **settings)
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(65534)
text = "id -u; echo $HOME; touch $HOME/x; echo made > made; chmod 600 made; mkdir d; echo > sub/new; echo >> sub/given"
print(json.dumps(run(sys.argv[1] + "/own", text, **settings)))
"""


def run_as_nobody(folder: Path, image: str, **settings: Any) -> dict[str, Any]:
    """What a session of another user says: status, lines, owners of files, a file's text, what is left."""
    socket = Path("/var/run/docker.sock")
    if os.getuid() != 0 or not socket.exists():
        is_missing("only root can become somebody else, and the engine must be this machine's")
    # Directories above must let others through.
    folder.chmod(0o755)
    for above in folder.parents:
        if not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o001)
    for name in ("warm", "own"):
        (folder / name).mkdir()
    os.chown(folder / "own", NOBODY, socket.stat().st_gid)
    arguments = [str(folder), str(socket.stat().st_gid), image, json.dumps(settings)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    assert 0 == done.returncode, done.stderr
    assert "" == done.stderr, "nothing to warn of, and no volume is needed"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("files", [None, "VOLUME"])
def test_caller(docker_engine: DockerClient, tmp_path: Path, is_shared: bool, files: str | None) -> None:  # noqa: FBT001
    """Commands run as whoever runs the flow, with a home that can be written, and files are that user's."""
    said = run_as_nobody(tmp_path, BUSYBOX, is_shared=is_shared, files=files)
    assert (0, [NOBODY], "made\n", []) == (said["status"], said["owners"], said["made"], said["left"])
    user, home = said["lines"]
    assert str(NOBODY) == user
    assert home.startswith(str(tmp_path))


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("user", ["0", "1000:1000"])
def test_another_user(docker_engine: DockerClient, tmp_path: Path, is_shared: bool, user: str) -> None:  # noqa: FBT001
    """A user that the flow names can use the directory; what it makes is ours behind the command, and removed."""
    said = run_as_nobody(tmp_path, BUSYBOX, is_shared=is_shared, user=user)
    assert (0, [NOBODY], "made\n", []) == (said["status"], said["owners"], said["made"], said["left"])
    assert user.partition(":")[0] == said["lines"][0]


def test_of_root(shell_in: Open, directory: Directory) -> None:
    """Where root runs the flow, a user that it names can use the directory, and sees what was there."""
    (directory.path / "sub").mkdir(mode=0o700)
    (directory.path / "sub" / "private").write_text("private\n")
    (directory.path / "sub" / "private").chmod(0o600)
    shell = shell_in(NO_SETSID, user="1000")

    assert 0 == shell.run("cat sub/private; echo more >> sub/private; echo new > sub/new"), shell.stderr
    assert ["private"] == shell.stdout
    assert "private\nmore\n" == (directory.path / "sub" / "private").read_text()
    assert 1000 == (directory.path / "sub" / "new").stat().st_uid
