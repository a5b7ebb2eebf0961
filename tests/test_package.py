"""What importing the package costs: nothing is loaded before it is used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import wdprefect
from wdprefect import __version__

PACKAGE = Path(wdprefect.__file__).parent
HELLO = PACKAGE.parent / "deployments" / "flows" / "hello.yaml"
PLUGINS = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in (PACKAGE / "plugins").rglob("*.py")
)
CLIENTS = {"boto3", "botocore", "docker", "git", "httpx", "prefect", "prefect_aws", "prefect_docker"}


def loaded_after(code: str) -> set[str]:
    """The packages that a new interpreter has loaded when it has run the code."""
    shown = "import json, sys; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{shown}"], check=True, capture_output=True, text=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_import_costs_nothing() -> None:
    """Importing the package loads neither pydantic nor Prefect, nor any client."""
    loaded = loaded_after("import wdprefect; wdprefect.__version__; dir(wdprefect)")

    assert set() == loaded & {*CLIENTS, "pydantic", "yaml", "jinja2", "rich"}


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import wdprefect; wdprefect.load({hello!r})", id="load"),
        pytest.param("from wdprefect.cli import main; assert main(['validate', {hello!r}]) == 0", id="validate"),
        pytest.param("from wdprefect.cli import main; assert main(['schema']) == 0", id="schema"),
        pytest.param("from wdprefect.cli import main; assert main(['types']) == 0", id="types"),
        pytest.param(
            "from wdprefect.cli import main; assert main(['run', {hello!r}, '--engine', 'local']) == 0",
            id="run",
        ),
        pytest.param("import importlib\nfor name in {plugins!r}: importlib.import_module(name)", id="all plug-ins"),
    ],
)
def test_no_client_is_loaded(code: str) -> None:
    """What needs neither Prefect nor a service loads neither Prefect nor the client of a service."""
    assert set() == loaded_after(code.format(hello=str(HELLO), plugins=PLUGINS)) & CLIENTS


def test_program() -> None:
    """`python -m wdprefect` is the command line, and knows its version without loading more than itself."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wdprefect", "--version"], check=True, capture_output=True, text=True
    )

    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert (f"wdprefect {__version__}\n", set()) == (done.stdout, loaded & {*CLIENTS, "pydantic", "yaml"})


def test_names() -> None:
    """The names of the package are imported when they are asked for, and others are refused as Python does."""
    assert {"Execution", "Flow", "load", "run", "to_prefect"} == set(wdprefect.__all__)
    assert set(wdprefect.__all__) <= set(dir(wdprefect))
    with pytest.raises(AttributeError, match="module 'wdprefect' has no attribute 'nothing'"):
        wdprefect.nothing  # noqa: B018  asking is what is tested


def test_typed() -> None:
    """The package says that it has types."""
    assert (PACKAGE / "py.typed").exists()
