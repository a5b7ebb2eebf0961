"""What a project configures, and what is no configuration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wdprefect.errors import UsageError
from wdprefect.execution.configuration import Configuration, Docker, read_configuration

FULL = """\
[project]
name = "ours"
[tool.wdprefect]
runner = "docker"
namespace-files = "spaces"
book = "postgresql://intake@db/ours"
[tool.wdprefect.docker]
host = "docker-host/build"
credentials = ["docker-registry-credentials/ours"]
allow = ["volumes", "host"]
"""


def test_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that can be configured, read from the first pyproject.toml above that has the table."""
    (tmp_path / "pyproject.toml").write_text(FULL)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    (below / "pyproject.toml").write_text('[project]\nname = "wdprefect-flows"\n[tool.other]\nwdprefect = 1\n')
    monkeypatch.chdir(below)

    docker = Docker("docker-host/build", ("docker-registry-credentials/ours",), frozenset({"volumes", "host"}))
    expected = Configuration("docker", tmp_path / "spaces", docker, "postgresql://intake@db/ours")
    assert expected == read_configuration()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('[tool]\nwdprefect.runner = "docker"\n', id="dotted"),
        pytest.param('[ tool . "wdprefect" ]\nrunner = "docker"\n', id="spaced and quoted"),
        pytest.param('tool.wdprefect = {runner = "docker"}\n', id="inline"),
    ],
)
def test_spellings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Every way in which TOML can write the table is understood."""
    (tmp_path / "pyproject.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    assert Configuration("docker") == read_configuration()


def test_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WDPREFECT_CONFIG names the file, and the folders in it are relative to it."""
    text = '[tool.wdprefect]\nnamespace-files = "x"\nbook = "sqlite:///y/intake.db"\n'
    (tmp_path / "other.toml").write_text(text)
    monkeypatch.setenv("WDPREFECT_CONFIG", str(tmp_path / "other.toml"))
    expected = Configuration(namespace_files=tmp_path / "x", book=f"sqlite:///{tmp_path}/y/intake.db")
    assert expected == read_configuration()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("runner = 'podman'", "'tool.wdprefect.runner': input should be 'process' or 'docker'", id="word"),
        pytest.param("runer = 'docker'", "'tool.wdprefect.runer': unexpected keyword argument", id="key"),
        pytest.param("docker = 1", "'tool.wdprefect.docker': input should be a dictionary or an instance", id="table"),
        pytest.param("docker.allow = ['all']", "'tool.wdprefect.docker.allow.0': input should be ", id="allow"),
        pytest.param("docker.hosts = 'x'", "'tool.wdprefect.docker.hosts': unexpected keyword ", id="inner key"),
        pytest.param("docker.credentials = ['x']", "'tool.wdprefect.docker.credentials.0': string should ", id="block"),
        pytest.param("runner = ", "is no TOML: ", id="TOML"),
    ],
)
def test_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, reason: str) -> None:
    """What is no configuration is told with the file, the key and what it may be."""
    file = tmp_path / "pyproject.toml"
    file.write_text(f"[tool.wdprefect]\n{text}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"{re.escape(str(file))}.*{re.escape(reason)}"):
        read_configuration()


def test_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named file that cannot be read is told; where nothing is configured, nothing is."""
    monkeypatch.chdir(tmp_path)
    assert Configuration() == read_configuration()
    monkeypatch.setenv("WDPREFECT_CONFIG", "none.toml")
    with pytest.raises(UsageError, match=r"^the configuration 'none.toml' cannot be read: No such file or directory$"):
        read_configuration()
