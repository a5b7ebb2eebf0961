"""What the demo's flow *pip* installs: fetched once, as pip is set up on this machine, then had without a network."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.servers.needed import is_missing
from wdprefect.loader import read_yaml

PIP_FLOW = Path(__file__).parents[2] / "deployments" / "flows" / "pip.yaml"


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables that let any pip find the requirements of the flow, and nothing else."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "requirements.txt").write_text(_requirements())
    # The environment of the tests need not have pip; the flow's own comes from the same program.
    subprocess.run(["python3", "-m", "venv", folder / "venv"], check=True)
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip"]
    download = ["download", "--quiet", "--dest", "wheels", "-r", "requirements.txt"]
    done = subprocess.run([*pip, *download], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        is_missing(f"the packages of the flow pip cannot be had here: {done.stderr[-500:]}")
    return {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder / "wheels")}


def _requirements() -> str:
    flow = read_yaml(PIP_FLOW.read_bytes())
    assert isinstance(flow, dict)
    return str(flow["tasks"][0]["inputFiles"]["requirements.txt"])
