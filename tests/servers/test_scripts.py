"""The scripts that provide a Docker engine and its images say what is wrong and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
ENGINE, IMAGES = str(SCRIPTS / "docker-engine.sh"), str(SCRIPTS / "test_images.py")


@pytest.mark.parametrize(
    ("command", "variables", "code", "expected"),
    [
        pytest.param([ENGINE, "begin"], {}, 2, "usage: scripts/docker-engine.sh [stop]", id="a wrong word"),
        pytest.param(
            [ENGINE],
            {"DOCKER_HOST": "unix:///nowhere"},
            3,
            "docker engine: none answers at DOCKER_HOST=unix:///nowhere: start it, or unset DOCKER_HOST",
            id="a host that does not answer",
        ),
        pytest.param(
            [ENGINE, "stop"],
            {"DOCKER_RUN": "/nowhere"},
            0,
            "docker engine: this script has started none that runs",
            id="nothing to stop",
        ),
        pytest.param(
            [sys.executable, IMAGES],
            {"DOCKER_HOST": "unix:///nowhere"},
            3,
            "the Docker engine fails, scripts/docker-engine.sh starts one: ",
            id="images without an engine",
        ),
        pytest.param(
            [sys.executable, IMAGES],
            {"PATH": "/nowhere"},
            3,
            "the images are made of a Debian machine's files: run the tests of containers on one",
            id="images on another system",
        ),
    ],
)
def test_what_is_said(command: list[str], variables: dict[str, str], code: int, expected: str) -> None:
    """A script that cannot do its work ends with its own code, and the last thing it says is what to do."""
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)

    assert (code, True) == (done.returncode, done.stderr.splitlines()[-1].startswith(expected)), done.stderr
