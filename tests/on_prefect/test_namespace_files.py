"""Namespace files of runs on Prefect: from its storage by way of the cache, and from the folder that is configured."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import wdprefect
from tests.servers.s3 import S3Server, s3_server
from tests.servers.s3_block import save_block
from wdprefect.cli import main
from wdprefect.loader import load_text
from wdprefect.model.flow import Flow

__all__ = ["s3_server"]

pytestmark = pytest.mark.server

FLOW = """\
id: with-files
namespace: company.team
tasks:
  - id: wdir
    type: io.kestra.plugin.core.flow.WorkingDirectory
    namespaceFiles: {}
    tasks:
      - id: imports
        type: io.kestra.plugin.scripts.python.Script
        script: |
          import helpers
          print(helpers.VALUE)
outputs:
  - {id: source, type: STRING, value: "{{ read('helpers.py') }}"}
"""


@pytest.fixture
def flow() -> Flow:
    """A flow that imports a namespace file and reads it."""
    return load_text(FLOW, "flow.yaml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the namespace."""
    (tmp_path / "namespaces" / "company.team").mkdir(parents=True)
    (tmp_path / "namespaces" / "company.team" / "helpers.py").write_text("VALUE = 7\n")
    return tmp_path / "namespaces"


@pytest.mark.s3
def test_from_a_bucket(flow: Flow, prefect_api: str, s3_server: S3Server, folder: Path, tmp_path: Path) -> None:
    """What was pushed into the bucket of a block is there in runs that keep their files in it, by way of the cache."""
    block = save_block(s3_server, "namespaces", "namespaces", "team")
    assert 0 == main(["namespace", "push", "company.team", str(folder / "company.team"), "--storage", block])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WDPREFECT_CACHE", str(tmp_path / "cache"))
        for _ in range(2):
            execution = wdprefect.run(flow, storage=block)
            assert ("SUCCESS", {"source": "VALUE = 7\n"}) == (execution.state, execution.outputs), execution.error
            assert "7" in [record.message for record in execution.logs]
    (kept,) = (path for path in (tmp_path / "cache" / "files").rglob("*") if path.is_file())
    assert "VALUE = 7\n" == kept.read_text()


def test_from_the_configured_folder(
    flow: Flow, prefect_api: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flow that is called, as a worker does it, has the folder that its project configures."""
    (folder.parent / "pyproject.toml").write_text('[tool.wdprefect]\nnamespace-files = "namespaces"\n')
    monkeypatch.chdir(folder.parent)
    called: Any = wdprefect.to_prefect(flow)()
    assert {"source": "VALUE = 7\n"} == asyncio.run(called)["outputs"]
