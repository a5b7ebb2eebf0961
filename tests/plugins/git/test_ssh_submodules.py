"""Submodules over ssh: the task's key is for the repository's own server, and nobody else gets another one."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place, write_program
from tests.plugins.git.origin import Origin
from tests.plugins.git.test_ssh_key import agent
from tests.plugins.git.test_submodules import library, using
from tests.servers.git_http import GitServer, serving
from tests.servers.sshd import SshServer, ssh_server
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import CloneOptions
from wdprefect.plugins.git._ssh import SshOptions

__all__ = ["agent", "library", "ssh_server"]  # fixtures of the tests below

EXPECTED = {"app.txt": "app", "deps/library/lib.txt": "lib"}


@pytest.fixture(autouse=True)
def _plain_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_SSH", "GIT_SSH_COMMAND"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def ssh(ssh_server: SshServer) -> SshOptions:
    """The key that the server lets in, and both names of its host."""
    return SshOptions(
        ssh_server.key.read_text(), known_hosts=ssh_server.known_as() + ssh_server.known_as(host="localhost")
    )


@pytest.mark.parametrize("depth", [pytest.param(None, id="whole history"), pytest.param(1, id="shallow")])
@pytest.mark.parametrize("is_relative", [pytest.param(True, id="relative"), pytest.param(False, id="by its url")])
def test_same_host(
    place: Place,
    served: Path,
    library: Origin,
    ssh_server: SshServer,
    ssh: SshOptions,
    *,
    depth: int | None,
    is_relative: bool,
) -> None:
    """A submodule on the repository's host is cloned with the same key, whatever its url looks like."""
    app = using(served, library, "../library.git" if is_relative else ssh_server.url(library.bare))

    place.clone(CloneOptions(ssh_server.url(app.bare), depth=depth, ssh=ssh, clone_submodules=True))

    assert EXPECTED == place.files()
    assert ("INFO", f"cloning the submodule 'deps/library' from '{ssh_server.url(library.bare)}'") in place.lines


def test_nested(place: Place, served: Path, library: Origin, ssh_server: SshServer, ssh: SshOptions) -> None:
    """The submodules of a submodule get the key, too."""
    using(served, library, "../library.git")
    top = Origin(served, "top")
    top.add_submodule((served / "app.git").as_uri(), "app")
    top.git("config", "--file=.gitmodules", "submodule.app.url", "../app.git")
    top.git("add", ".gitmodules")
    top.git("commit", "--quiet", "-m", "relative")

    place.clone(CloneOptions(ssh_server.url(top.bare), depth=1, ssh=ssh, clone_submodules=True))

    assert {f"app/{name}": text for name, text in EXPECTED.items()} == place.files()


def test_short_form(
    place: Place,
    served: Path,
    library: Origin,
    ssh_server: SshServer,
    ssh: SshOptions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """For `user@host:path` the same holds: a relative url stays on the host, and `ssh://` may name it, too."""
    app = using(served, library, "../library.git")
    top = Origin(served, "top")
    top.add_submodule(app.url, "app")
    top.git("config", "--file=.gitmodules", "submodule.app.url", f"ssh://{getpass.getuser()}@127.0.0.1:22{app.bare}")
    top.git("add", ".gitmodules")
    top.git("commit", "--quiet", "-m", "another form")
    # That form has no place for the port.
    write_program(
        served / "bin/ssh", f'PATH={os.environ["PATH"]} exec ssh -oPort={ssh_server.port} -oHostKeyAlias=it "$@"'
    )
    monkeypatch.setenv("PATH", f"{served / 'bin'}:{os.environ['PATH']}")
    known = ssh_server.known_as().replace(f"[127.0.0.1]:{ssh_server.port}", "it")
    options = SshOptions(ssh.private_key, known_hosts=known)

    place.clone(CloneOptions(f"{getpass.getuser()}@127.0.0.1:{top.bare}", ssh=options, clone_submodules=True, depth=1))

    assert {f"app/{name}": text for name, text in EXPECTED.items()} == place.files()


@pytest.mark.usefixtures("agent")
def test_another_host(
    place: Place,
    served: Path,
    library: Origin,
    ssh_server: SshServer,
    ssh: SshOptions,
) -> None:
    """A submodule on another host gets neither the task's key nor one of the worker's user, and the message says so."""
    app = using(served, library, ssh_server.url(library.bare, "localhost"))

    with pytest.raises(TaskFailed) as caught:
        place.clone(CloneOptions(ssh_server.url(app.bare), ssh=ssh, clone_submodules=True))

    url = ssh_server.url(library.bare, "localhost")
    expected = f"'{url}' asks for a key and gets none: 'privateKey' is for the repository's own host"
    assert f"submodule 'deps/library': {expected}" == str(caught.value)


@pytest.mark.usefixtures("agent")
def test_without_a_key(
    place: Place,
    served: Path,
    library: Origin,
    ssh_server: SshServer,
    ssh: SshOptions,
) -> None:
    """Where the task has no key the worker's user clones the submodules of all hosts."""
    app = using(served, library, ssh_server.url(library.bare, "localhost"))
    options = SshOptions(known_hosts=ssh.known_hosts)

    place.clone(CloneOptions(ssh_server.url(app.bare), ssh=options, clone_submodules=True))

    assert EXPECTED == place.files()


def test_unchecked(
    place: Place,
    served: Path,
    library: Origin,
    ssh_server: SshServer,
    ssh: SshOptions,
) -> None:
    """Whom the repository's host is believed to be says nothing of other hosts: theirs keys are checked."""
    app = using(served, library, ssh_server.url(library.bare, "localhost"))
    options = SshOptions(ssh.private_key, checks_host_key=False)

    with pytest.raises(TaskFailed, match=r"submodule 'deps/library': the ssh host key of 'localhost:\d+' is not known"):
        place.clone(CloneOptions(ssh_server.url(app.bare), ssh=options, clone_submodules=True))


def test_https_in_ssh(
    place: Place,
    served: Path,
    library: Origin,
    ssh_server: SshServer,
    ssh: SshOptions,
) -> None:
    """A submodule over http in a repository over ssh gets no password, though the task has one."""
    with serving(GitServer(served, ("user", "t0ken"))) as server:
        app = using(served, library, f"{server.url}/library.git")
        options = CloneOptions(
            ssh_server.url(app.bare), ssh=ssh, username="user", password="t0ken", clone_submodules=True
        )
        with pytest.raises(TaskFailed, match=rf"'{server.url}/library\.git' asks for a user name"):
            place.clone(options)
    assert server.seen
    assert {None} == {seen.authorization for seen in server.seen}


@pytest.mark.usefixtures("agent")
def test_ssh_in_https(
    place: Place,
    served: Path,
    library: Origin,
    ssh_server: SshServer,
    ssh: SshOptions,
) -> None:
    """A submodule over ssh in a repository over http gets no key, though the task has one."""
    app = using(served, library, ssh_server.url(library.bare))
    with serving(GitServer(served)) as server, pytest.raises(TaskFailed, match="asks for a key and gets none"):
        place.clone(CloneOptions(f"{server.url}/{app.bare.name}", ssh=ssh, clone_submodules=True))
