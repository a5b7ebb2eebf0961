"""Runs of a warm runner: what they deliver, and how they end."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

from tests.on_prefect import stopping
from tests.on_prefect.seen import Api
from tests.on_prefect.warm.starting import Warm, create, warm
from wdprefect.errors import InvalidFlow, UsageError
from wdprefect.on_prefect.warm.process import Settings
from wdprefect.on_prefect.warm.runner import WarmRunner

pytestmark = pytest.mark.server

FLOW = """\
id: {name}
namespace: team.warm
inputs:
  - id: my-name
    type: STRING
    defaults: nobody
  - id: day
    type: DATE
    required: false
outputs:
  - id: said
    value: "{{{{ outputs.directory.vars.text }}}} {{{{ inputs.day | date('yyyy') }}}}"
tasks:
  - id: directory
    type: io.kestra.plugin.core.flow.WorkingDirectory
    outputFiles: [greeting.txt]
    tasks:
      - id: greet
        type: io.kestra.plugin.scripts.shell.Commands
        env:
          NAME: "{{{{ inputs['my-name'] }}}}"
        commands:
          - echo "hello $NAME" | tee greeting.txt
          - echo "::{{\\"outputs\\":{{\\"text\\":\\"hello $NAME\\"}}}}::"
  - id: random
    type: io.kestra.plugin.core.debug.Return
    format: "{{{{ randomInt(0, 1000000000) }}}}"
"""
NAME = "team.warm.greet"


@pytest.fixture(scope="module")
def greeting(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """A runner for the flow that greets, and for one that fails."""
    folder = tmp_path_factory.mktemp("flows")
    (folder / "greet.yaml").write_text(FLOW.format(name="greet"))
    (folder / "fail.yaml").write_text(
        "id: fail\nnamespace: team.warm\ntasks:\n"
        "  - {id: broken, type: io.kestra.plugin.core.execution.Fail, errorMessage: it is broken}\n"
    )
    with warm(api, folder / "greet.yaml", folder / "fail.yaml") as found:
        yield found


def test_a_run(api: Api, greeting: Warm) -> None:
    """A run has its typed parameters, its log, its artifacts and its outputs, and nothing is written to the console."""
    flow_run_id = greeting.run(NAME, {"my_name": "you", "day": "2026-11-29"})

    run = api.flow_run(flow_run_id)
    assert ("COMPLETED", 0) == (run["state_type"], greeting.ended.codes[flow_run_id])
    assert run["deployment_id"] == str(greeting.deployments[NAME])
    print(run)
