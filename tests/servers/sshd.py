"""OpenSSH's server on the loopback, for this user alone."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.needed import is_missing

STARTS = 3
PATIENCE_SECONDS = 20.0


@dataclass(frozen=True)
class SshServer:
    """A running server; `folder` holds its keys, and those of the one user whom it lets in."""

    folder: Path
    port: int

    @property
    def key(self) -> Path:
        """The private key of the user."""
        return self.folder / "user"

    def url(self, path: Path, host: str = "127.0.0.1") -> str:
        return f"ssh://{getpass.getuser()}@{host}:{self.port}{path}"

    def known_as(self, host_key: Path | None = None, host: str = "127.0.0.1") -> str:
        """The line of `known_hosts` for the server's own key, or for another one in its place."""
        public = (host_key or self.folder / "host").with_suffix(".pub").read_text()
        return f"[{host}]:{self.port} {' '.join(public.split()[:2])}\n"

    def let_in(self, key: Path) -> None:
        """From now on the user may come with this key, too."""
        with (self.folder / "authorized").open("a") as authorized:
            authorized.write(key.with_suffix(".pub").read_text())


def make_key(path: Path, kind: str = "ed25519", *, passphrase: str = "", form: str = "RFC4716") -> Path:
    """A new key pair at the path and beside it; RFC4716 is what ssh-keygen calls OpenSSH's own form."""
    if shutil.which("ssh-keygen") is None:
        is_missing("ssh-keygen is not installed: run scripts/system-packages.sh, or install openssh-client")
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-m", form, "-N", passphrase, "-f", path], check=True)
    return path


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    """A running server, one for each process of the tests."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        is_missing("sshd is not installed: run scripts/system-packages.sh, or install openssh-server")
    if os.geteuid() == 0:
        # Its place for separated privileges, which the system's service makes when it starts.
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    folder = tmp_path_factory.mktemp("sshd")
    make_key(folder / "host")
    shutil.copy(make_key(folder / "user").with_suffix(".pub"), folder / "authorized")
    for _ in range(STARTS):
        # Between the choice of the port and the start somebody else may take it.
        server = SshServer(folder, _free_port())
        process = _start(program, server)
        if _answers(server, process):
            break
    else:
        pytest.fail(f"sshd does not start: {(folder / 'log').read_text()[-500:]}")
    yield server
    process.terminate()
    process.wait()


def _start(program: str, server: SshServer) -> subprocess.Popen[bytes]:
    options = {
        "ListenAddress": "127.0.0.1",
        "Port": server.port,
        "HostKey": server.folder / "host",
        "AuthorizedKeysFile": server.folder / "authorized",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
    }
    arguments = [f"-o{name}={value}" for name, value in options.items()]
    with (server.folder / "log").open("wb") as log:
        return subprocess.Popen(
            [program, "-D", "-e", "-f", os.devnull, *arguments], stdin=subprocess.DEVNULL, stderr=log
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(server: SshServer, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
                return connection.recv(4) == b"SSH-"
        except OSError:
            time.sleep(0.05)
    return False
