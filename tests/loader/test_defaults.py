"""`pluginDefaults`: which values a task gets."""

from __future__ import annotations

from typing import Any

import pytest

from wdprefect.loader import load_text
from wdprefect.loader.defaults import Default, with_defaults
from wdprefect.loader.layers import Layers

LOG = "io.kestra.plugin.core.log.Log"
KNOWN = {"id", "type", "message", "level", "env", "list"}


@pytest.mark.parametrize(
    ("defaults", "data", "expected"),
    [
        pytest.param([Default(LOG, {"level": "WARN"})], {}, {"level": "WARN"}, id="fills a gap"),
        pytest.param([Default(LOG, {"level": "WARN"})], {"level": "INFO"}, {"level": "INFO"}, id="the task wins"),
        pytest.param([Default(LOG, {"level": "WARN"}, forced=True)], {"level": "INFO"}, {"level": "WARN"}, id="forced"),
        pytest.param([Default("io.kestra.plugin.core", {"level": "WARN"})], {}, {"level": "WARN"}, id="a family"),
        pytest.param([Default("io.kestra.plugin.aws", {"level": "WARN"})], {}, {}, id="another family"),
        pytest.param([Default("io.kestra", {"region": "x"})], {}, {}, id="a family's property that the type has not"),
        pytest.param([Default(LOG, {"region": "x"})], {}, {"region": "x"}, id="the type's own wrong property stays"),
        pytest.param(
            [Default(LOG, {"level": "A"}), Default(LOG, {"level": "B", "message": "b"})],
            {},
            {"level": "A", "message": "b"},
            id="the first wins",
        ),
        pytest.param(
            [Default(LOG, {"env": {"a": "1", "b": {"x": "1"}}})],
            {"env": {"b": {"y": "2"}}},
            {"env": {"a": "1", "b": {"x": "1", "y": "2"}}},
            id="maps are merged deeply",
        ),
        pytest.param([Default(LOG, {"list": [1]})], {"list": [2]}, {"list": [1, 2]}, id="lists are joined"),
        pytest.param([Default(LOG, {"env": {"a": 1}})], {"env": "x"}, {"env": "x"}, id="of another kind: the task's"),
    ],
)
def test_merging(defaults: list[Default], data: dict[str, Any], expected: dict[str, Any]) -> None:
    """Defaults lie under what the task says, forced ones over it."""
    task = {"id": "a", "type": LOG}
    own = Layers.of({**task, **data}, ("tasks", 0))
    assert {**task, **expected} == with_defaults(own, LOG, defaults, KNOWN).merged()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param(("message",), ("tasks", 0, "message"), id="the task's own"),
        pytest.param(("level",), ("pluginDefaults", 0, "values", "level"), id="a default"),
        pytest.param(("env",), ("tasks", 0, "env"), id="a map of both is the task's"),
        pytest.param(("env", "a"), ("pluginDefaults", 0, "values", "env", "a"), id="the default's part of it"),
        pytest.param(("env", "b"), ("tasks", 0, "env", "b"), id="the task's part of it"),
        pytest.param(("list", 0), ("pluginDefaults", 0, "values", "list", 0), id="lists: the default's come first"),
        pytest.param(("list", 1), ("tasks", 0, "list", 0), id="lists: the task's follow"),
        pytest.param(("list", 2), ("tasks", 0, "list", 2), id="behind the end"),
        pytest.param(("region",), ("pluginDefaults", 1, "values", "region"), id="forced"),
        pytest.param(("nothing",), ("tasks", 0, "nothing"), id="missing: the task's"),
    ],
)
def test_origin(where: tuple[str | int, ...], expected: tuple[str | int, ...]) -> None:
    """Each part of what a task is put together from is found where it was written."""
    under = Default(LOG, {"level": "WARN", "env": {"a": 1, "b": 1}, "list": [1]}, path=("pluginDefaults", 0, "values"))
    forced = Default(LOG, {"region": "x"}, forced=True, path=("pluginDefaults", 1, "values"))
    own = Layers.of({"message": "m", "env": {"b": 2}, "list": [2], "region": "y"}, ("tasks", 0))
    assert expected == with_defaults(own, LOG, [forced, under], KNOWN).origin(where)


def test_in_a_flow() -> None:
    """Defaults reach tasks at any depth, task runners and triggers."""
    flow = load_text(
        """
id: x
namespace: y
pluginDefaults:
  - {type: io.kestra.plugin.core.log, values: {message: hello}}
  - {type: io.kestra.plugin.scripts.runner.docker.Docker, values: {image: alpine}}
  - {type: io.kestra.plugin.core.trigger.Schedule, values: {timezone: Europe/Berlin}}
tasks:
  - id: group
    type: io.kestra.plugin.core.flow.Sequential
    tasks:
      - {id: say, type: io.kestra.plugin.core.log.Log}
  - id: run
    type: io.kestra.plugin.scripts.shell.Commands
    taskRunner: {type: io.kestra.plugin.scripts.runner.docker.Docker}
    commands: [ls]
triggers:
  - {id: nightly, type: io.kestra.plugin.core.trigger.Schedule, cron: 0 2 * * *}
"""
    )
    group, run = flow.tasks
    assert "hello" == group.data["tasks"][0].data["message"]
    assert "alpine" == run.data["taskRunner"]["image"]
    assert "Europe/Berlin" == flow.triggers[0].data["timezone"]
