"""Engines that are reached over TCP, with TLS and without."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from docker.client import DockerClient

from tests.servers.certificates import Certificates, make_certificates
from tests.servers.docker import OwnEngine, running_engine
from tests.servers.relay import relay_to
from tests.workspace.containers.conftest import BUSYBOX, Open
from tests.workspace.watching import Shell, stopping_when, written
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.engine import CA_BUNDLES, Engine, engine_at, why_unreachable

pytestmark = pytest.mark.docker


@pytest.fixture(autouse=True)
def _no_bundle(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine trusts does not count."""
    for name in CA_BUNDLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def guarded(docker_engine: DockerClient, certificates: Certificates) -> Iterator[OwnEngine]:
    """An engine of one's own that lets in over TCP who has a certificate; it has an image."""
    with socket.create_server(("127.0.0.1", 0)) as listener, running_engine(listener, certificates) as engine:
        engine.take(f"{BUSYBOX}:latest", docker_engine)
        yield engine


@pytest.fixture(scope="module")
def guarded_address(guarded: OwnEngine) -> str:
    assert guarded.listener is not None
    return f"tcp://127.0.0.1:{guarded.listener.getsockname()[1]}"


@pytest.fixture
def fresh_address(guarded_address: str) -> Iterator[str]:
    """It, at an address that nobody has used yet: an engine that answered is asked no more who it is."""
    with relay_to(("127.0.0.1", int(guarded_address.rpartition(":")[2]))) as relay:
        yield f"tcp://127.0.0.1:{relay.port}"


@pytest.fixture(params=["tcp", "tls"])
def far(
    request: pytest.FixtureRequest, guarded: OwnEngine, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Engine]:
    """The engine, reached over TCP without and with TLS."""
    if request.param == "tls":
        monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates.folder))
        monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
        yield engine_at(request.getfixturevalue("guarded_address"))
    else:
        with relay_to(guarded.url.removeprefix("unix://")) as relay:
            yield engine_at(f"tcp://127.0.0.1:{relay.port}")


def test_shell(far: Engine, shell_in: Open) -> None:
    """Commands run one after the other in one container, with their files, variables and codes."""
    shell = shell_in(on=far)
    first = shell.run("echo out; echo err >&2; echo made > made.txt; exit 7", {"X": "1"})
    second = shell.run('cat made.txt; echo "$X"', {"X": "it's"})

    assert (7, 0) == (first, second)
    assert (["out", "made", "it's"], ["err"]) == (shell.stdout, shell.stderr)


def test_much_output(far: Engine, shell_in: Open) -> None:
    """Much output on both streams at once arrives whole, each stream in its order."""
    shell, count = shell_in(on=far), 30_000
    text = f"i=0; while [ $i -lt {count} ]; do echo $i; echo $i >&2; i=$((i+1)); done"

    assert 0 == shell.run(text)
    assert [str(number) for number in range(count)] == shell.stdout == shell.stderr


@pytest.mark.parametrize("settings", [pytest.param({}, id="shared"), pytest.param({"is_shared": False}, id="alone")])
@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        pytest.param("trap 'echo bye; exit 5' TERM; echo >begun; sleep 60 & wait", 5, ["bye"], id="tidies up"),
        pytest.param("trap '' TERM; echo >begun; while :; do sleep 0.1; done", 137, [], id="killed"),
    ],
)
def test_stop(text: str, status: int, said: list[str], settings: dict[str, bool], far: Engine, shell_in: Open) -> None:
    """A command is asked to end, and killed when it does not."""
    shell, stop = shell_in(on=far, kill_grace=timedelta(seconds=0.5), **settings), Stop()
    with stopping_when(written(shell.directory.path / "begun"), stop):
        ended = shell.run(text, stop=stop)

    assert (status, said) == (ended, shell.stdout)


def test_side_by_side(far: Engine, shell_in: Open) -> None:
    """Commands that run at the same time have shells of their own."""
    shell = shell_in(on=far)
    other = Shell(shell.session, shell.directory)
    stop = Stop()
    with stopping_when(written(shell.directory.path / "seen"), stop):
        thread = threading.Thread(target=other.run, args=("echo >begun; sleep 60",), kwargs={"stop": stop})
        thread.start()
        shell.run("while [ ! -e begun ]; do sleep 0.05; done; echo both; echo >seen")
        thread.join()

    assert ["both"] == shell.stdout


def test_files_in_a_volume(far: Engine, shell_in: Open) -> None:
    """Files are carried to a volume and back."""
    shell = shell_in(on=far, files="VOLUME")
    (shell.directory.path / "given.txt").write_text("x" * 100_000)
    shell.run("cat given.txt given.txt > made.txt; rm given.txt")

    assert {"made.txt": 200_000} == {path.name: path.stat().st_size for path in shell.directory.path.iterdir()}


@pytest.mark.parametrize(
    ("verify", "path", "reason"),
    [
        pytest.param(None, None, "400 Client Error", id="no TLS"),
        pytest.param("1", "other", "certificate verify failed", id="a certificate of somebody else"),
    ],
)
def test_not_let_in(
    verify: str | None,
    path: str | None,
    reason: str,
    fresh_address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An engine that wants TLS, and one that is not whom we trust, are said not to answer, and why."""
    if path:
        monkeypatch.setenv("DOCKER_CERT_PATH", str(make_certificates(tmp_path).folder))
    if verify:
        monkeypatch.setenv("DOCKER_TLS_VERIFY", verify)
    said = why_unreachable(fresh_address)

    assert said is not None
    assert said.startswith(f"no container engine answers at '{fresh_address}': ")
    assert reason in said


def test_wrong_client(
    fresh_address: str, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine lets nobody in whose certificate it does not know."""
    stranger = make_certificates(tmp_path).folder
    (stranger / "ca.pem").write_bytes((certificates.folder / "ca.pem").read_bytes())
    monkeypatch.setenv("DOCKER_CERT_PATH", str(stranger))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    said = why_unreachable(fresh_address)

    assert said is not None
    assert "bad certificate" in said or "unknown ca" in said


def test_bundle_of_the_environment(
    fresh_address: str, certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that replaces the engine's authority by others is named."""
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates.folder))
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(make_certificates(tmp_path).folder / "ca.pem"))
    said = why_unreachable(fresh_address)

    words = "REQUESTS_CA_BUNDLE counts instead of the engine's own authority: unset it, or add that one to its file"
    assert said is not None
    assert said.endswith(f"; {words}")
