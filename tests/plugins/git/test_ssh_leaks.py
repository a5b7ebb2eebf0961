"""A key and its passphrase are seen by nobody else on the machine, and are gone when the clone is, however it ended."""

from __future__ import annotations

import base64
import os
import shutil
import threading
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place, write_program
from tests.plugins.git.origin import Origin
from tests.plugins.git.test_killed import commands, running, silent
from tests.servers.sshd import SshServer, make_key, ssh_server
from tests.workspace.watching import is_dead, wait_until, written
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import CloneOptions
from wdprefect.plugins.git._ssh import SshOptions

__all__ = ["silent", "ssh_server"]  # fixtures of the tests below

PASSPHRASE = "the-passphrase-of-the-leak-test"

FLOW = """\
id: cloning
namespace: company.team
tasks:
  - id: clone
    type: io.kestra.plugin.git.Clone
    url: {url}
    privateKey: "{{{{ secret('KEY') }}}}"
    passphrase: "{{{{ secret('PASSPHRASE') }}}}"
"""


@pytest.fixture(autouse=True)
def _plain_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_SSH", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)


def test_seen_while_it_runs(
    place: Place, origin: Origin, ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a clone runs no process has the key or the passphrase in its arguments or its environment.

    The key lies in one file that its owner alone may read, the passphrase in none.
    """
    if not Path("/proc/self/environ").exists():
        pytest.skip("needs /proc")
    key = make_key(tmp_path / "key", passphrase=PASSPHRASE)
    ssh_server.let_in(key)
    for name in ("ssh", "ssh-keygen"):
        _spy(tmp_path, name, place.scratch)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    options = SshOptions(key.read_text(), PASSPHRASE, ssh_server.known_as())

    place.clone(CloneOptions(ssh_server.url(origin.bare), ssh=options))

    secrets = [line for line in key.read_text().splitlines() if "-----" not in line]
    for name in ("ssh", "ssh-keygen"):
        processes = (tmp_path / f"{name}.processes").read_text(errors="replace")
        assert "IdentityFile" in processes or name == "ssh-keygen"
        for secret in [PASSPHRASE, *secrets]:
            assert secret not in processes
        files = {file.name: file for file in (tmp_path / f"{name}.files").rglob("*") if file.is_file()}
        assert "PRIVATE KEY" in files["key"].read_text()
        assert 0o600 == files["key"].stat().st_mode & 0o777
        assert [] == [file for file in files.values() if PASSPHRASE in file.read_bytes().decode("latin-1")]
    for file in place.target.rglob("*"):
        if file.is_file():
            assert not any(secret in file.read_bytes().decode("latin-1") for secret in [PASSPHRASE, *secrets])
    assert not any(secret in str(place.lines) for secret in [PASSPHRASE, *secrets])


def _spy(folder: Path, name: str, scratch: Path) -> None:
    """Have a program write down what all processes show and what lies in the scratch directory, before it runs."""
    write_program(
        folder / "bin" / name,
        f"cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' >>{folder}/{name}.processes\n"
        f"cp -a {scratch} {folder}/{name}.files\n"
        f'exec {shutil.which(name)} "$@"',
    )


def test_stopped(place: Place, silent: str, tmp_path: Path) -> None:
    """A clone that is stopped while the host keeps silent leaves no key."""
    options = CloneOptions(f"ssh://git@{silent}/x.git", ssh=SshOptions(make_key(tmp_path / "key").read_text()))
    stopper = threading.Thread(target=_stop_with_key, args=(place, silent))
    stopper.start()

    with pytest.raises(TaskFailed, match="was stopped"):
        place.clone(options)

    stopper.join()
    wait_until(lambda: not commands(f"IdentityFile={place.scratch}"))


def _stop_with_key(place: Place, silent: str) -> None:
    port = silent.partition(":")[2]
    wait_until(lambda: any("IdentityFile" in line and port in line for line in commands(str(place.scratch))))
    place.stop.request()


def test_stopped_while_the_key_is_opened(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop ends the program that opens the key, too."""
    key = make_key(tmp_path / "key").read_text()
    started = tmp_path / "started"
    write_program(tmp_path / "bin/ssh-keygen", f"echo $$ >{started}; exec sleep 600")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    stopper = threading.Thread(target=_stop_when_written, args=(place, started))
    stopper.start()

    with pytest.raises(TaskFailed, match="opening 'privateKey' was stopped"):
        place.clone(CloneOptions("git@example.org:x.git", ssh=SshOptions(key)))

    stopper.join()
    assert is_dead(int(started.read_text()))


def _stop_when_written(place: Place, file: Path) -> None:
    wait_until(written(file))
    place.stop.request()


def test_killed(tmp_path: Path, silent: str) -> None:
    """When the process of a run is killed, its key is gone soon."""
    key = make_key(tmp_path / "key", passphrase=PASSPHRASE)
    secrets = {
        "SECRET_KEY": base64.b64encode(key.read_bytes()).decode(),
        "SECRET_PASSPHRASE": base64.b64encode(PASSPHRASE.encode()).decode(),
    }
    with running(tmp_path, f"ssh://git@{silent}/x.git", flow=FLOW, **secrets) as process:
        wait_until(lambda: any("IdentityFile" in line for line in commands(str(tmp_path / "root"))), seconds=30)
        assert [0o600] == [file.stat().st_mode & 0o777 for file in (tmp_path / "root").rglob("key")]
        process.kill()
        process.wait()

    wait_until(lambda: not list((tmp_path / "root").iterdir()))
