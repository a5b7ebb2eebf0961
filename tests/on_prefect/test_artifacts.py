"""The files of a WorkingDirectory and of the tasks in it, as the Prefect UI shows them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import wdprefect
from tests.on_prefect.seen import Api
from tests.running import CORE, SCRIPTS
from wdprefect.cli import main
from wdprefect.execution.delivered import files_of_run
from wdprefect.loader import load_text
from wdprefect.on_prefect.artifacts import artifact_key
from wdprefect.storage import open_storage

pytestmark = pytest.mark.server

FILES = f"""\
id: files
namespace: company.team
tasks:
  - id: unit
    type: {CORE}.flow.WorkingDirectory
    outputFiles: [own.txt]
    tasks:
      - {{id: write, type: {SCRIPTS}.shell.Commands, commands: ["echo own > own.txt; echo 2 > more.csv"]}}
      - {{id: output, type: {CORE}.storage.LocalFiles, outputs: ["*.csv"]}}
      - id: outer
        type: {CORE}.flow.ForEach
        values: [a, b/c]
        tasks:
          - id: inner
            type: {CORE}.flow.ForEach
            values: [1]
            tasks:
              - {{id: make, type: {SCRIPTS}.shell.Commands, outputFiles: [x.txt], commands: ["echo x >> x.txt"]}}
      - id: flaky
        type: {SCRIPTS}.shell.Commands
        retry: {{type: constant, interval: PT0.01S, maxAttempts: 2}}
        outputFiles: [tried.txt]
        commands: ["echo once >> tried.txt; test $(wc -l < tried.txt) = 2"]
      - id: slow
        type: {SCRIPTS}.shell.Commands
        timeout: PT1S
        outputFiles: [half.txt]
        commands: ["echo half > half.txt; sleep 60"]
"""
NAMES = ["own.txt", "output/more.csv", "make[a][1]/x.txt", "make[b/c][1]/x.txt", "flaky/tried.txt", "slow/half.txt"]


def test_files_of_steps(api: Api, tmp_path: Path) -> None:
    """The table and the page of a directory name the files of its tasks, too, as `wdprefect files` gets them."""
    storage = tmp_path.as_uri()
    execution = wdprefect.run(load_text(FILES, "files.yaml"), storage=storage)
    assert "files.yaml:24:9: task 'slow': Timeout after 00:00:01.000" == execution.error
    key = artifact_key("company.team.files", "unit")
    found = {artifact["key"]: artifact for artifact in api.artifacts(execution.id)}
    table, page = found[f"{key}-files"], found[key]["data"]
    shown = {row["file"]: row["uri"] for row in json.loads(table["data"])}

    delivered = {f"{file.task}/{file.name}": file.uri for file in files_of_run(execution.id, open_storage(storage))}
    assert NAMES == [*shown]
    assert {"own.txt": delivered.pop("unit/own.txt"), **delivered} == shown
    assert [] == [name for name in NAMES if f"- `{name}`, " not in page]
    assert "### flaky/tried.txt\n\n```\nonce\nonce\n```" in page
    assert f"Get one: `wdprefect files {execution.id} get NAME`" == table["description"].splitlines()[-1]
    for name in NAMES:
        assert 0 == main(["files", execution.id, "get", name, "--storage", storage, "-o", str(tmp_path / "got")])
    assert "half\n" == (tmp_path / "got").read_text()
