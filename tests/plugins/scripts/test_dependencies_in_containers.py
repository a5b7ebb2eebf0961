"""The dependencies of Python tasks in containers: made for the image, put where the container sees them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.plugins.scripts.installing import metrics, said
from tests.plugins.scripts.test_python import python
from tests.running import SCRIPTS, messages, run_tasks
from tests.servers.docker import docker_engine as docker_engine  # noqa: PLC0414  pytest finds it here
from tests.servers.wheels import make_source
from wdprefect.execution.execution import Execution
from wdprefect.plugins.scripts._dependencies import image_system, image_version

CONTAINER = "taskRunner: {{type: org.tests.scripts.contained.Contained}}\ncontainerImage: {0}\n"
VERSION = f"{sys.version_info[0]}.{sys.version_info[1]}"
IMAGE = f"python:{VERSION}-slim"


def in_container(script: str, more: str = "", image: str = IMAGE) -> Execution:
    """The execution of a script that is told to run in a container."""
    return run_tasks(python(script, CONTAINER.format(image) + more))


@pytest.mark.usefixtures("_contained")
def test_in_a_container(wheels: Path) -> None:
    """In a container the packages are a folder of the scratch directory, kept and copied, which comes first."""
    script = "import acme_two, os; print(acme_two.__file__, 'VIRTUAL_ENV' in os.environ)"

    executions = [in_container(script, "dependencies: [acme-two]") for _ in range(2)]

    assert ["SUCCESS", "SUCCESS"] == [each.state for each in executions]
    (line,) = said(executions[0])
    assert line.endswith("/packages/acme_two.py False")
    assert "scratch" in line
    assert ["deps.cache.miss", "deps.cache.hit"] == [next(iter(metrics(each))) for each in executions]


@pytest.mark.docker
@pytest.mark.usefixtures("docker_engine", "wheels")
@pytest.mark.parametrize("kind", ["Script", "Commands"])
def test_in_an_engine(kind: str) -> None:
    """A real container finds packages, the module kestra, and files of the working directory."""
    text = "import acme_two, near; from kestra import Kestra; Kestra.outputs({'x': near.X})"
    how = f'script: "{text}"' if kind == "Script" else f'commands: ["python -c \\"{text}\\""]'
    execution = run_tasks(f"""
        - id: a
          type: {SCRIPTS}.python.{kind}
          containerImage: wdprefect-test/python:{VERSION}
          dependencies: [acme-two]
          inputFiles: {{near.py: X = 1}}
          beforeCommands: [echo prepared]
          {how}
        """)

    assert ("SUCCESS", {"x": 1}) == (execution.state, execution.task_outputs["a"]["vars"])
    assert ([], "prepared") == (said(execution), messages(execution, "a", "DEBUG")[-1])


@pytest.mark.usefixtures("_contained")
def test_no_wheel(wheels: Path) -> None:
    """What would have to be built is refused: this machine need not be like the container."""
    make_source(wheels, "acme-raw", "1.0")

    error = in_container("import acme_raw", "dependencies: [acme-raw]").error

    assert error is not None
    assert error.startswith("flow.yaml:4:5: task 'a': cannot install the dependency 'acme-raw'\n")
    assert "no usable wheels" in " ".join(error.split())


NO_VERSION = "the image 'acme/tools:7' does not tell its version of Python: say 'pythonVersion' if it is not 3.13"
BY_UV = "for a container uv installs the dependencies, whatever 'packageManager' says"


@pytest.mark.usefixtures("_contained")
@pytest.mark.parametrize(
    ("image", "more", "expected"),
    [
        pytest.param("acme/tools:7", "", [NO_VERSION], id="an image of another name"),
        pytest.param("acme/tools:7", "pythonVersion: '3.11'", [], id="with its version"),
        pytest.param(IMAGE, "packageManager: PIP", [BY_UV], id="by pip"),
    ],
)
def test_warnings_in_a_container(wheels: Path, image: str, more: str, expected: list[str]) -> None:
    """What is taken for granted of an image is said."""
    execution = in_container("import acme_one", f"dependencies: [acme-one]\n{more}", image)

    assert ("SUCCESS", expected) == (execution.state, messages(execution, "a", "WARN"))


@pytest.mark.parametrize(
    ("image", "version"),
    [
        pytest.param("python:3.12", "3.12", id="a version"),
        pytest.param("python:3.11.4-slim-bookworm", "3.11.4", id="with more"),
        pytest.param("docker.io/library/python:3.12-alpine", "3.12", id="with its registry"),
        pytest.param("localhost:5000/python:3", "3", id="a major version"),
        pytest.param("python:latest", None, id="the latest"),
        pytest.param("python", None, id="no tag"),
        pytest.param("mypython:3.12", None, id="another name"),
        pytest.param("python:1.5", None, id="before 2"),
    ],
)
def test_version_of_an_image(image: str, version: str | None) -> None:
    """The tag of an image of Python tells its version."""
    assert version == image_version(image)


@pytest.mark.parametrize(
    ("image", "ending"),
    [("python:3.12", "-unknown-linux-gnu"), ("python:3.12-alpine", "-unknown-linux-musl"), ("alpine", "-linux-gnu")],
)
def test_system_of_an_image(image: str, ending: str) -> None:
    """Alpine's images need wheels of their own."""
    assert image_system(image).endswith(ending)
