"""`make demo` in a checkout that was never used, with a home of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from scripts.demo import ROWS
from tests.on_prefect.deploying import ROOT
from tests.servers.packages import packages

__all__ = ["packages"]

pytestmark = [pytest.mark.server, pytest.mark.slow]

FILES = {"orders/wdir/clean_dataset.csv", "orders/wdir/data.csv", "pip/wdir/versions.txt"}


@dataclass(frozen=True, slots=True)
class Demo:
    """What the command did, in which checkout."""

    checkout: Path
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def demo(packages: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, run once; the server that it started has ended when the tests end."""
    checkout = copy_checkout(tmp_path_factory.mktemp("checkout"))
    variables = environment(tmp_path_factory.mktemp("home"), packages)
    # The environment is there: what makes it is not to work in this one.
    command = ["make", "--silent", "--assume-old=setup", "demo"]
    try:
        done = subprocess.run(
            command, cwd=checkout, env=variables, check=False, capture_output=True, text=True, timeout=120
        )
        yield Demo(checkout, done.returncode, done.stdout, done.stderr)
    finally:
        stop = [sys.executable, "-m", "wdprefect", "server", "stop"]
        subprocess.run(stop, env=variables, check=True, stdout=subprocess.DEVNULL)


def copy_checkout(folder: Path) -> Path:
    """What the demo is made of, and the environment that runs the tests."""
    for name in ("deployments", "scripts", "wdprefect"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", folder)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def environment(home: Path, packages: dict[str, str]) -> dict[str, str]:
    """A person who has never used Prefect: nothing is configured, nothing is there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT", "WDPREFECT", "XDG_"))}
    return {**kept, **packages, "HOME": str(home)}


def test_the_runs(demo: Demo) -> None:
    """Both flows succeed; the second says what it made of the rows."""
    assert 0 == demo.code, demo.out + demo.err
    ended = re.findall(r"^company\.team\.(\w+) (\w+) in", demo.out, re.MULTILINE)
    assert [("pip", "SUCCESS"), ("orders", "SUCCESS")] == ended
    outputs = {name: int(value) for name, value in re.findall(r"^  (rows|dropped): (\d+)$", demo.out, re.MULTILINE)}
    assert ROWS == outputs["rows"] + outputs["dropped"]


def test_the_files(demo: Demo) -> None:
    """What the flows delivered lies in the folder that is named, and is what they say it is."""
    folder = demo.checkout / "demo-output"
    assert f"The files of both runs are in {folder}" in demo.out.splitlines()
    assert FILES == {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    rows = int(re.findall(r"^  rows: (\d+)$", demo.out, re.MULTILINE)[0])
    assert rows + 1 == len((folder / "orders" / "wdir" / "clean_dataset.csv").read_text().splitlines())


def test_where_to_look(demo: Demo) -> None:
    """The last lines say where the server is and how to end it; the addresses of the runs are those of its pages."""
    where, running, _, export, stop = demo.out.splitlines()[-5:]
    assert "Where to look, and how to end it:" == where
    origin = running.split()[1]
    assert f"export PREFECT_API_URL={origin}/api" == export
    assert f"{demo.checkout / '.venv' / 'bin' / 'wdprefect'} server stop" == stop
    assert f"started a local Prefect server: {origin} ('wdprefect server stop' ends it)" in demo.err.splitlines()
    addresses = re.findall(rf"^look at it: {origin}/v2/runs/flow-run/(\S+)$", demo.err, re.MULTILINE)
    assert 2 == len(addresses)
    with urllib.request.urlopen(f"{origin}/api/flow_runs/{addresses[1]}", timeout=30) as answer:  # noqa: S310  our server
        assert "COMPLETED" == json.load(answer)["state_type"]
