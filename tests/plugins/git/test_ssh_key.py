"""Cloning with the task's own ssh key, from OpenSSH's own server by its own client."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place, write_program
from tests.plugins.git.origin import Origin
from tests.running import messages, run_tasks
from tests.servers.sshd import SshServer, make_key, ssh_server
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import CloneOptions
from wdprefect.plugins.git._ssh import SshOptions

__all__ = ["ssh_server"]  # a fixture of the tests below

PASSPHRASE = " correct horse 'b§ttery\" "


@pytest.fixture(autouse=True)
def _plain_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_SSH", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def agent(ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent of the worker's user that holds a key which the server lets in."""
    socket = tmp_path / "agent"
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            # Where it listens: that is said once it does.
            assert str(socket) in process.stdout.readline().decode()
            monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
            subprocess.run(["ssh-add", "-q", str(ssh_server.key)], check=True)
            yield
        finally:
            process.terminate()


def _options(server: SshServer, origin: Origin, key: Path | str | None, passphrase: str | None = None) -> CloneOptions:
    text = key.read_text() if isinstance(key, Path) else key
    return CloneOptions(
        server.url(origin.bare), ssh=SshOptions(text, passphrase=passphrase, known_hosts=server.known_as())
    )


@pytest.mark.parametrize(
    ("kind", "form"),
    [
        pytest.param("ed25519", "RFC4716", id="ed25519"),
        pytest.param("rsa", "RFC4716", id="rsa"),
        pytest.param("ecdsa", "RFC4716", id="ecdsa"),
        pytest.param("rsa", "PEM", id="rsa pem"),
        pytest.param("ecdsa", "PEM", id="ecdsa pem"),
        pytest.param("rsa", "PKCS8", id="rsa pkcs8"),
        pytest.param("ecdsa", "PKCS8", id="ecdsa pkcs8"),
    ],
)
@pytest.mark.parametrize("passphrase", [pytest.param("", id="open"), pytest.param(PASSPHRASE, id="with a passphrase")])
def test_kinds(
    place: Place, origin: Origin, ssh_server: SshServer, tmp_path: Path, kind: str, form: str, passphrase: str
) -> None:
    """Keys of every kind and form open the repository, with their passphrase where they have one."""
    key = make_key(tmp_path / "key", kind, passphrase=passphrase, form=form)
    ssh_server.let_in(key)

    place.clone(_options(ssh_server, origin, key, f"{passphrase}\n"))

    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize("passphrase", [pytest.param(" \n", id="blank"), pytest.param("unused", id="not needed")])
def test_pasted(place: Place, origin: Origin, ssh_server: SshServer, passphrase: str) -> None:
    """A key of one line, as secrets often are, is a key; a passphrase that it has not is of no matter."""
    pasted = ssh_server.key.read_text().replace("\n", "\\n")

    place.clone(_options(ssh_server, origin, pasted, passphrase))

    assert "five\n" == place.files()["README.md"]


@pytest.fixture
def keys(ssh_server: SshServer, tmp_path: Path) -> Path:
    """A folder of keys that open nothing: of somebody else, with a passphrase, and with half of its lines."""
    make_key(tmp_path / "other")
    make_key(tmp_path / "locked", passphrase=PASSPHRASE)
    (tmp_path / "damaged").write_text("".join(ssh_server.key.read_text().splitlines(keepends=True)[::2]))
    return tmp_path


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param(("other", None), "refuses the key of 'privateKey' (may its public half", id="wrong key"),
        pytest.param(("locked", None), "'privateKey' is locked with a passphrase (set 'passphrase')", id="locked"),
        pytest.param(("locked", "wr0ng"), "'passphrase' does not open 'privateKey' (is it the one", id="passphrase"),
        pytest.param(("locked", "wr0ng\nx"), "'passphrase' holds a line break", id="two lines"),
        pytest.param((None, "wr0ng"), "'passphrase' opens a 'privateKey', which is not set (set it", id="no key"),
        pytest.param(("damaged", None), "ssh cannot read 'privateKey': ", id="damaged"),
    ],
)
@pytest.mark.usefixtures("agent")
def test_not_let_in(
    place: Place,
    origin: Origin,
    ssh_server: SshServer,
    keys: Path,
    capfd: pytest.CaptureFixture[str],
    given: tuple[str | None, str | None],
    message: str,
) -> None:
    """Each way of being locked out is told apart; other keys of the worker's user do not help, and none is shown."""
    name, passphrase = given

    with pytest.raises(TaskFailed) as caught:
        place.clone(_options(ssh_server, origin, keys / name if name else None, passphrase))

    assert message in str(caught.value)
    assert [] == list(place.target.iterdir())
    captured = capfd.readouterr()
    for shown in (str(caught.value), repr(caught.value.__cause__), captured.out, captured.err, str(place.lines)):
        assert "wr0ng" not in shown
        assert "PRIVATE KEY" not in shown


def test_no_key(place: Place, origin: Origin, ssh_server: SshServer) -> None:
    """A text that is no key fails the clone before a host is asked."""
    with pytest.raises(TaskFailed, match=r"'privateKey' is a path \(give the key's text"):
        place.clone(_options(ssh_server, origin, str(ssh_server.key)))


@pytest.mark.usefixtures("agent")
def test_known_hosts_alone(place: Place, origin: Origin, ssh_server: SshServer) -> None:
    """Without a key of its own a task may say which host it expects, and the worker's user has the key."""
    place.clone(_options(ssh_server, origin, None))

    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        pytest.param("# none yet", "is not in 'knownHosts' (add its line, which begins with '{name}')", id="unknown"),
        pytest.param("{changed}", "is not the one in 'knownHosts' (compare both", id="changed"),
        pytest.param("@revoked {known}", "is revoked in 'knownHosts' (ask the host's owner", id="revoked"),
    ],
)
def test_host_key(place: Place, origin: Origin, ssh_server: SshServer, tmp_path: Path, line: str, message: str) -> None:
    """A host is who the task says it is; an unknown, another and a revoked key are told apart."""
    changed = ssh_server.known_as(make_key(tmp_path / "changed"))
    lines = line.format(known=ssh_server.known_as(), changed=changed)
    options = SshOptions(ssh_server.key.read_text(), known_hosts=lines)

    with pytest.raises(TaskFailed) as caught:
        place.clone(CloneOptions(ssh_server.url(origin.bare), ssh=options))

    name = f"127.0.0.1:{ssh_server.port}"
    expected = message.format(name=f"[127.0.0.1]:{ssh_server.port}")
    assert str(caught.value).startswith(f"the ssh host key of '{name}' {expected}")


@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param("# ours\n\n  {known}", id="a comment and blanks"),
        pytest.param("# ours\r\n{known}\r\n", id="windows"),
        pytest.param("# ours\\n{known}\\n", id="line ends written out"),
        pytest.param("other.example.org,{known}", id="one of several hosts"),
    ],
)
def test_known_hosts_as_pasted(place: Place, origin: Origin, ssh_server: SshServer, pasted: str) -> None:
    """Known hosts are read as they were pasted."""
    lines = pasted.format(known=ssh_server.known_as().rstrip())

    place.clone(
        CloneOptions(ssh_server.url(origin.bare), ssh=SshOptions(ssh_server.key.read_text(), known_hosts=lines))
    )

    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize(
    ("known_hosts", "message"),
    [
        pytest.param("\nSHA256:jDhustCKtR05d9pFm", "line 1 of 'knownHosts' is no line of known_hosts", id="hash"),
        pytest.param("{known}ssh-ed25519 AAAAC3Nz me", "line 2 of 'knownHosts' is no line", id="no host"),
        pytest.param("/etc/ssh/ssh_known_hosts", "line 1 of 'knownHosts' is no line", id="path"),
    ],
)
def test_no_known_hosts(place: Place, origin: Origin, ssh_server: SshServer, known_hosts: str, message: str) -> None:
    """Lines that ssh would pass over are refused, with their number and their form."""
    options = SshOptions(ssh_server.key.read_text(), known_hosts=known_hosts.format(known=ssh_server.known_as()))

    with pytest.raises(TaskFailed) as caught:
        place.clone(CloneOptions(ssh_server.url(origin.bare), ssh=options))

    assert str(caught.value).startswith(message)
    assert str(caught.value).endswith("(write HOST TYPE KEY, as ssh-keyscan HOST prints it)")


def test_unchecked(place: Place, origin: Origin, ssh_server: SshServer) -> None:
    """A task may believe any host, which the log says."""
    options = SshOptions(ssh_server.key.read_text(), checks_host_key=False)

    place.clone(CloneOptions(ssh_server.url(origin.bare), ssh=options))

    assert "five\n" == place.files()["README.md"]
    warning = (
        f"the ssh host key of '127.0.0.1:{ssh_server.port}' is not checked: whoever answers in its place is believed"
    )
    assert ("WARN", warning) in place.lines


def test_unchecked_with_known_hosts(place: Place, origin: Origin, ssh_server: SshServer) -> None:
    """A task that names the hosts it expects cannot believe any."""
    options = SshOptions(ssh_server.key.read_text(), known_hosts=ssh_server.known_as(), checks_host_key=False)

    with pytest.raises(TaskFailed, match="'knownHosts' cannot be used with 'strictHostKeyChecking: false'"):
        place.clone(CloneOptions(ssh_server.url(origin.bare), ssh=options))


@pytest.mark.parametrize("is_known", [pytest.param(True, id="known"), pytest.param(False, id="unknown")])
def test_hosts_of_the_worker(
    place: Place,
    origin: Origin,
    ssh_server: SshServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_known: bool,
) -> None:
    """Where the task names no hosts, those count that the worker's user knows, also with a key of the task's."""
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(ssh_server.known_as() if is_known else "")
    # In place of the user's file, which ssh finds by the user's entry in the system.
    files = f"-oUserKnownHostsFile={known_hosts} -oGlobalKnownHostsFile=/dev/null"
    write_program(tmp_path / "bin/ssh", f'PATH={os.environ["PATH"]} exec ssh {files} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    options = CloneOptions(ssh_server.url(origin.bare), ssh=SshOptions(ssh_server.key.read_text()))

    if is_known:
        place.clone(options)
        assert "five\n" == place.files()["README.md"]
    else:
        with pytest.raises(TaskFailed, match=r"is not known \(add it to known_hosts of the worker's user, or set"):
            place.clone(options)


def test_configuration_of_the_worker(
    place: Place, origin: Origin, ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a key of the task's the ssh configuration of the worker's user is not read."""
    mark = tmp_path / "mark"
    (tmp_path / "config").write_text(f"ProxyCommand touch {mark}\nIdentityFile {ssh_server.key}\n")
    write_program(tmp_path / "bin/ssh", f'PATH={os.environ["PATH"]} exec ssh -F {tmp_path / "config"} "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    with pytest.raises(TaskFailed):
        place.clone(_options(ssh_server, origin, None))
    assert mark.exists(), "without one it is"
    mark.unlink()
    place.clone(_options(ssh_server, origin, ssh_server.key))

    assert not mark.exists()
    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize("name", ["GIT_SSH_COMMAND", "GIT_SSH"])
def test_command_of_the_worker(
    place: Place, origin: Origin, ssh_server: SshServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """An ssh command that the worker names is used, with the task's key and hosts: so a proxy stays possible."""
    (tmp_path / "config").write_text(f"Host alias\nHostName 127.0.0.1\nHostKeyAlias [127.0.0.1]:{ssh_server.port}\n")
    program = write_program(tmp_path / "my ssh", f'exec ssh -F {tmp_path / "config"} "$@"')
    monkeypatch.setenv(name, str(program) if name == "GIT_SSH" else f"'{program}'")
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    options = _options(ssh_server, origin, ssh_server.key)

    place.clone(CloneOptions(ssh_server.url(origin.bare, "alias"), ssh=options.ssh))

    assert "five\n" == place.files()["README.md"]


def test_place_with_odd_name(place: Place, origin: Origin, ssh_server: SshServer, tmp_path: Path) -> None:
    """The scratch directory may lie below a folder with blanks and signs that mean something to ssh or the shell."""
    scratch = tmp_path / "a %h 'b' $HOME"
    scratch.mkdir()

    Place(place.target, scratch).clone(_options(ssh_server, origin, ssh_server.key))

    assert "five\n" == place.files()["README.md"]


def test_another_protocol(place: Place, origin: Origin) -> None:
    """A key for a repository that is not reached by ssh is not used, which the log says."""
    place.clone(CloneOptions(origin.url, ssh=SshOptions("whatever")))

    assert ("WARN", f"'privateKey' is not used: '{origin.url}' is no url of ssh") in place.lines


def test_no_ssh_keygen(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where OpenSSH is missing the message says so, and what to do."""
    key = make_key(tmp_path / "key").read_text()
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(TaskFailed, match=r"ssh-keygen is not installed on the worker \(install OpenSSH's client\)"):
        place.clone(CloneOptions("git@example.org:x.git", ssh=SshOptions(key)))


def test_ssh_keygen_that_fails(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps ssh-keygen from its work is said, and not that the key were wrong."""
    key = make_key(tmp_path / "key").read_text()
    write_program(tmp_path / "bin/ssh-keygen", "echo 'No user exists for uid 4711' >&2; exit 255")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")

    with pytest.raises(TaskFailed) as caught:
        place.clone(CloneOptions("git@example.org:x.git", ssh=SshOptions(key)))

    assert "ssh-keygen does not work on the worker: No user exists for uid 4711" == str(caught.value)


def test_flow(origin: Origin, ssh_server: SshServer, tmp_path: Path) -> None:
    """A flow takes key and passphrase from its secrets; its log shows neither."""
    key = make_key(tmp_path / "key", passphrase=PASSPHRASE)
    ssh_server.let_in(key)
    tasks = f"""
      - id: directory
        type: io.kestra.plugin.core.flow.WorkingDirectory
        tasks:
          - id: code
            type: io.kestra.plugin.git.Clone
            url: "{ssh_server.url(origin.bare)}"
            privateKey: "{{{{ secret('KEY') }}}}"
            passphrase: "{{{{ secret('PASSPHRASE') }}}}"
            knownHosts: |
              {ssh_server.known_as()}
          - id: again
            type: io.kestra.plugin.git.Clone
            url: "{ssh_server.url(origin.bare)}"
            directory: again
            privateKey: "{{{{ secret('KEY') }}}}"
            passphrase: "{{{{ secret('PASSPHRASE') }}}}"
            strictHostKeyChecking: false
          - id: look
            type: io.kestra.plugin.scripts.shell.Commands
            commands:
              - cat README.md again/README.md
    """

    execution = run_tasks(tasks, secrets={"KEY": key.read_text(), "PASSPHRASE": PASSPHRASE})

    assert "SUCCESS" == execution.state
    assert ["five", "five"] == messages(execution, "look", "INFO")[-2:]
    for line in messages(execution):
        assert PASSPHRASE.strip() not in line
        assert "PRIVATE KEY" not in line
