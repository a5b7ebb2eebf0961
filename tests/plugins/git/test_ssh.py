"""Cloning over ssh, from OpenSSH's own server by its own client."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place, write_program
from tests.plugins.git.origin import Origin
from tests.servers.sshd import SshServer, make_key, ssh_server
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import CloneOptions

__all__ = ["ssh_server"]  # a fixture of the tests below


@dataclass(frozen=True)
class Client:
    """What the worker's user has in `~/.ssh`, at another place: ssh finds that by the user's entry in the system."""

    known_hosts: Path
    key: Path


@pytest.fixture
def client(ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client(tmp_path / "known_hosts", tmp_path / "key")
    made.key.write_bytes(ssh_server.key.read_bytes())
    made.key.chmod(0o600)
    (tmp_path / "config").write_text(
        f"IdentityFile {made.key}\nIdentitiesOnly yes\nIdentityAgent none\n"
        f"UserKnownHostsFile {made.known_hosts}\nGlobalKnownHostsFile /dev/null\n"
    )
    write_program(tmp_path / "bin/ssh", f'PATH={os.environ["PATH"]} exec ssh -F {tmp_path / "config"} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    return made


def test_known_host(place: Place, origin: Origin, ssh_server: SshServer, client: Client) -> None:
    """A repository is cloned from a host whose key is known, with the key of the worker's user."""
    client.known_hosts.write_text(ssh_server.known_as())

    place.clone(CloneOptions(ssh_server.url(origin.bare)))

    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize(
    ("is_known", "message"),
    [
        pytest.param(
            False, "is not known (add it to known_hosts of the worker's user, or set 'knownHosts')", id="unknown"
        ),
        pytest.param(True, "is not the one in known_hosts (compare both", id="another one"),
    ],
)
def test_host_key(
    place: Place, origin: Origin, ssh_server: SshServer, client: Client, *, is_known: bool, message: str
) -> None:
    """From a host whose key is not known, or is another one, nothing is cloned; the key is not taken over."""
    before = ssh_server.known_as(make_key(client.key.with_name("other"))) if is_known else ""
    client.known_hosts.write_text(before)

    with pytest.raises(TaskFailed) as caught:
        place.clone(CloneOptions(ssh_server.url(origin.bare)))

    assert str(caught.value).startswith(f"the ssh host key of '127.0.0.1:{ssh_server.port}' {message}")
    assert (before, {}) == (client.known_hosts.read_text(), place.files())


def test_key_that_is_not_let_in(place: Place, origin: Origin, ssh_server: SshServer, client: Client) -> None:
    """A key that the server does not know is refused, without a question on the terminal."""
    client.known_hosts.write_text(ssh_server.known_as())
    client.key.unlink()
    make_key(client.key)

    with pytest.raises(TaskFailed, match=r"refuses the ssh key \(is it known to the server"):
        place.clone(CloneOptions(ssh_server.url(origin.bare)))
