"""The examples in the docstrings of all types of tasks."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.examples import EXAMPLES
from tests.plugins.git.origin import Origin
from tests.plugins.scripts.programs import skip_without
from tests.servers.s3 import S3Server, s3_server
from wdprefect.api import run
from wdprefect.loader import load_text
from wdprefect.loader.types import all_types
from wdprefect.model.task import Task, iter_tasks
from wdprefect.plugins.scripts._script import ScriptTask

__all__ = ["s3_server"]


@pytest.fixture
def inputs(text: str, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    """What examples ask for, by the names of their inputs."""
    if ".aws." in text:
        return {"bucket": request.getfixturevalue("bucket")}
    origin = Origin(tmp_path)
    origin.commit({"README.md": "hello"})
    return {"repository": origin.url}


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket with a few objects, on a server that tasks find by the environment."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    name = f"examples-{uuid.uuid4().hex[:12]}"
    with s3_server.client() as client:
        client.create_bucket(Bucket=name)
        for key in ("raw/orders.csv", "raw/2024/orders.csv"):
            client.put_object(Bucket=name, Key=key, Body=b"a,b")
    return name


@pytest.mark.parametrize("name", all_types(Task))
def test_every_type_has_one(name: str) -> None:
    """Every type of task has an example, in which it is used."""
    assert f"type: {name}\n" in EXAMPLES.get(name, "")


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=EXAMPLES.keys())
def test_example(text: str, inputs: dict[str, Any]) -> None:
    """An example runs as it stands; all that is noted of it is that its type is outdated."""
    flow = load_text(text)
    for spec in iter_tasks(flow.tasks):
        if issubclass(spec.kind, ScriptTask):
            skip_without(spec.kind.language)

    execution = run(flow, engine="local", inputs={item.id: inputs[item.id] for item in flow.inputs})

    # One shows how a failure becomes a warning.
    expected = "WARNING" if "AllowFailure" in text else "SUCCESS"
    assert (expected, set()) == (execution.state, {note.code for note in flow.notes} - {"WD154"})
