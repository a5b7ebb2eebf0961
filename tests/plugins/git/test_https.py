"""Whom a clone over https trusts, and which way it goes: what a task says about that is for its clone alone."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place
from tests.plugins.git.origin import Origin
from tests.running import run_tasks
from tests.servers.git_http import GitServer, serving
from tests.servers.needed import is_missing
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import CloneOptions


@pytest.fixture(autouse=True)
def _plain_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith("GIT_SSL_"):
            monkeypatch.delenv(name)


def _make_certificate(folder: Path, name: str) -> Path:
    """A key with a certificate for this machine's loopback, which nobody but itself has signed."""
    if not shutil.which("openssl"):
        is_missing("openssl is not installed")
    made = folder / f"{name}.pem"
    subject = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(made))
    subprocess.run(["openssl", "req", "-x509", *new, *subject, "-out", f"{made}.crt"], check=True, capture_output=True)
    made.write_text(made.read_text() + Path(f"{made}.crt").read_text())
    return made


def test_trusted(place: Place, origin: Origin, served: Path, tmp_path: Path) -> None:
    """A host whose authority only the task knows is trusted by its clone, and by no other."""
    certificate = _make_certificate(tmp_path, "own")
    with serving(GitServer(served, certificate=certificate)) as server:
        url = f"{server.url}/project.git"
        place.clone(CloneOptions(url, trusted_certificates=Path(f"{certificate}.crt")))
        assert "five\n" == place.files()["README.md"]
        with pytest.raises(TaskFailed) as caught:
            place.clone(CloneOptions(url))
    name = f"127.0.0.1:{server.port}"
    expected = f"the TLS certificate of '{name}' is not trusted (name its authority's with 'trustedCaPemPath')"
    assert expected == str(caught.value)


def test_trusted_before(
    place: Place, origin: Origin, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the worker trusts is trusted with a task's certificates, too."""
    of_the_worker, of_the_task = _make_certificate(tmp_path, "worker"), _make_certificate(tmp_path, "task")
    monkeypatch.setenv("GIT_SSL_CAINFO", f"{of_the_worker}.crt")
    with serving(GitServer(served, certificate=of_the_worker)) as server:
        place.clone(CloneOptions(f"{server.url}/project.git", trusted_certificates=of_the_task))
    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(None, "there is no file '{file}', which 'trustedCaPemPath' names", id="missing"),
        pytest.param("s3cret", "'{file}' of 'trustedCaPemPath' holds no certificate in PEM (it has", id="text"),
        pytest.param(
            "-----BEGIN CERTIFICATE-----\ns3cret\n-----END CERTIFICATE-----", "'{file}' of 'trusted", id="damaged"
        ),
    ],
)
def test_no_certificate(place: Place, origin: Origin, tmp_path: Path, text: str | None, message: str) -> None:
    """A file without a certificate is refused, and nothing of it is shown."""
    file = tmp_path / "ca.pem"
    if text:
        file.write_text(text)

    with pytest.raises(TaskFailed) as caught:
        place.clone(CloneOptions(origin.url, trusted_certificates=file))

    assert str(caught.value).startswith(message.format(file=file))
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("no_proxy", [pytest.param(True, id="passed by"), pytest.param(False, id="used")])
def test_proxy(place: Place, origin: Origin, served: Path, monkeypatch: pytest.MonkeyPatch, *, no_proxy: bool) -> None:
    """A clone goes by the worker's proxy, unless the task says that it shall not."""
    with serving(GitServer(served)) as server, serving(GitServer(served, answer=(502, b""))) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        options = CloneOptions(f"{server.url}/project.git", no_proxy=no_proxy)
        if no_proxy:
            place.clone(options)
        else:
            with pytest.raises(TaskFailed, match="returned error: 502"):
                place.clone(options)
    assert (no_proxy, not no_proxy) == (bool(server.seen), bool(proxy.seen))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("{outside}", "", id="of the worker"),
        pytest.param("ca.pem", "", id="of the directory"),
        pytest.param("../ca.pem", "must be a relative path inside the current working directory", id="leads out"),
    ],
)
def test_flow(
    origin: Origin, served: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str
) -> None:
    """A flow names a file of the worker by its whole path, or one of the working directory, which it cannot leave."""
    certificate = _make_certificate(tmp_path, "own")
    outside = Path(f"{certificate}.crt")
    with serving(GitServer(served, certificate=certificate)) as server:
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        tasks = f"""
          - id: directory
            type: io.kestra.plugin.core.flow.WorkingDirectory
            tasks:
              - id: put
                type: io.kestra.plugin.scripts.shell.Commands
                commands: ["cp {outside} ca.pem"]
              - id: code
                type: io.kestra.plugin.git.Clone
                url: "{server.url}/project.git"
                trustedCaPemPath: "{path.format(outside=outside)}"
                noProxy: true
        """
        execution = run_tasks(tasks)
    assert ("FAILED" if message else "SUCCESS") == execution.state
    assert message in str(execution.error or "")
