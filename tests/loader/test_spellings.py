"""Old spellings of all generations to today's."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from wdprefect.loader.source import Path, Source
from wdprefect.loader.spellings import Modern, canonical_type, modernize
from wdprefect.loader.spellings.names import aliases
from wdprefect.loader.spellings.properties import BY_TYPE, Rename, Row

DOCKER = "io.kestra.plugin.scripts.runner.docker.Docker"
# With the old spellings the entry point of the image counts.
OLD_DOCKER = {"type": DOCKER, "keepEntryPoint": True}
PROCESS = "io.kestra.plugin.core.runner.Process"
SHELL = "io.kestra.plugin.scripts.shell.Commands"
BATCH = "io.kestra.plugin.ee.aws.runner.Batch"


def modern(data: dict[str, Any]) -> Modern:
    source = Source.read(yaml.safe_dump(data, sort_keys=False), "f.yaml")
    return modernize(source.data, source)


def modern_text(text: str) -> tuple[Source, Modern]:
    source = Source.read(text, "f.yaml")
    return source, modernize(source.data, source)


def task(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties of a task in today's spelling."""
    return dict(modern({"tasks": [properties]}).data["tasks"][0])


def codes(found: Modern) -> list[str]:
    return [note.code for note in found.notes]


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        ("io.kestra.core.tasks.log.Log", "io.kestra.plugin.core.log.Log"),
        ("io.kestra.core.tasks.flows.Worker", "io.kestra.plugin.core.flow.WorkingDirectory"),
        ("io.kestra.core.tasks.flows.Flow", "io.kestra.plugin.core.flow.Subflow"),
        ("io.kestra.core.models.triggers.types.Schedule", "io.kestra.plugin.core.trigger.Schedule"),
        ("io.kestra.core.models.conditions.types.DayWeekCondition", "io.kestra.plugin.core.condition.DayWeek"),
        ("io.kestra.plugin.core.condition.DayWeekCondition", "io.kestra.plugin.core.condition.DayWeek"),
        ("io.kestra.core.tasks.storages.Purge", "io.kestra.plugin.core.execution.PurgeExecutions"),
        ("io.kestra.plugin.fs.http.Request", "io.kestra.plugin.core.http.Request"),
        ("io.kestra.plugin.core.flow.WaitFor", "io.kestra.plugin.core.flow.LoopUntil"),
        ("io.kestra.plugin.redis.TriggerList", "io.kestra.plugin.redis.list.Trigger"),
        ("io.kestra.core.tasks.flows.Nope", "io.kestra.core.tasks.flows.Nope"),
        ("io.kestra.plugin.core.log.Log", "io.kestra.plugin.core.log.Log"),
        ("", ""),
    ],
)
def test_type_names(old: str, expected: str) -> None:
    """An old type name becomes today's; others stay as they are."""
    assert expected == canonical_type(old)


def test_type_names_are_final() -> None:
    """What takes the place of an old name is no old name, so that every chain has an end."""
    assert not [name for name in aliases() if canonical_type(canonical_type(name)) != canonical_type(name)]
    assert not [name for name in aliases() if canonical_type(name) in aliases()]


TYPES = """\
tasks:
  - id: outer
    type: io.kestra.core.tasks.flows.If
    then:
      - id: inner
        type: io.kestra.core.tasks.log.Log
    cases:
      x:
        - {id: deep, type: io.kestra.core.tasks.debugs.Return}
triggers:
  - id: t
    type: io.kestra.core.models.triggers.types.Flow
    conditions:
      - type: io.kestra.core.models.conditions.types.ExecutionFlowCondition
pluginDefaults:
  - type: io.kestra.core.tasks.log.Log
    values: {level: WARN}
  - type: io.kestra.core.tasks.flows.
    values: {timeout: PT1M}
variables:
  sample: {type: io.kestra.core.tasks.log.Log}
"""


def test_types_everywhere() -> None:
    """Types are renamed in tasks at any depth, triggers, conditions and defaults, and not in people's own data."""
    source, found = modern_text(TYPES)
    today = yaml.safe_dump(found.data)
    assert yaml.safe_dump(found.data["variables"]) == yaml.safe_dump(source.data["variables"])
    assert today.count("io.kestra.core.") == 1
    assert [("WD151", line) for line in (3, 6, 9, 12, 14, 16, 18)] == [(n.code, n.at.line) for n in found.notes]
    assert found.data["pluginDefaults"][1]["type"] == "io.kestra.plugin.core.flow."


def test_notes() -> None:
    """A note stands at the old word, names the new one and keeps nothing from loading."""
    _, found = modern_text("id: a\ntasks:\n  - type: io.kestra.plugin.docker.Tag\n    retry: {maxAttempt: 2}\n")
    expected = [
        "f:3:11: WD151 note: 'io.kestra.plugin.docker.Tag' is an old name (write 'io.kestra.plugin.docker.cli.Tag')",
        "f:4:13: WD152 note: 'retry.maxAttempt' is an old spelling (write 'retry.maxAttempts')",
    ]
    assert expected == [str(note).replace("f.yaml", "f") for note in found.notes]


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        pytest.param({"taskDefaults": [1]}, {"pluginDefaults": [1]}, id="taskDefaults"),
        pytest.param(
            {"taskDefaults": [1], "pluginDefaults": []}, {"taskDefaults": [1], "pluginDefaults": []}, id="both defaults"
        ),
        pytest.param({"retry": {"maxAttempt": 3}}, {"retry": {"maxAttempts": 3}}, id="retry of the flow"),
        pytest.param({"inputs": [{"name": "n"}]}, {"inputs": [{"id": "n"}]}, id="name of an input"),
        pytest.param({"inputs": [{"id": "i", "name": "n"}]}, {"inputs": [{"id": "i", "name": "n"}]}, id="id and name"),
        pytest.param({"inputs": [{"type": "BOOLEAN"}]}, {"inputs": [{"type": "BOOL"}]}, id="BOOLEAN"),
        pytest.param({"inputs": [{"type": "ENUM"}]}, {"inputs": [{"type": "SELECT"}]}, id="ENUM"),
        pytest.param({"id": "a", "extend": {"x": 1}}, {"id": "a"}, id="extend"),
        pytest.param(
            {"inputs": "x", "tasks": None, "retry": ""}, {"inputs": "x", "tasks": None, "retry": ""}, id="odd"
        ),
    ],
)
def test_flow(old: dict[str, Any], expected: dict[str, Any]) -> None:
    """The properties of a flow and of its inputs get today's names, unless those are taken."""
    assert expected == modern(old).data


def test_extend_is_dropped_silently() -> None:
    """What published blueprints carry beside the flow is no old spelling."""
    found = modern({"id": "a", "extend": {"title": "t"}})
    assert not found.notes


@pytest.mark.parametrize(
    ("type_name", "old", "expected"),
    [
        pytest.param("x.Y", {"retry": {"maxAttempt": 3}}, {"retry": {"maxAttempts": 3}}, id="retry"),
        pytest.param(
            "x.Y", {"body": {"retry": {"maxAttempt": 3}}}, {"body": {"retry": {"maxAttempt": 3}}}, id="payload"
        ),
        pytest.param("core.flow.Pause", {"delay": "PT1S"}, {"pauseDuration": "PT1S"}, id="delay"),
        pytest.param(
            "core.flow.Pause", {"onResume": [{"name": "n"}]}, {"onResume": [{"id": "n"}]}, id="inputs of a pause"
        ),
        pytest.param("x.Y", {"onResume": [{"name": "n"}]}, {"onResume": [{"name": "n"}]}, id="inputs of no pause"),
        pytest.param("core.trigger.Schedule", {"scheduleConditions": []}, {"conditions": []}, id="scheduleConditions"),
        pytest.param("core.http.Request", {"allowFailed": True}, {"options": {"allowFailed": True}}, id="allowFailed"),
        pytest.param(
            "core.http.Download",
            {"sslOptions": {"a": 1}, "options": {"readTimeout": "PT1S", "x": 1}},
            {"options": {"x": 1, "ssl": {"a": 1}, "timeout": {"readIdleTimeout": "PT1S"}}},
            id="options of http",
        ),
        pytest.param(
            "core.http.Request",
            {"options": {"basicAuthUser": "u", "basicAuthPassword": "p", "proxyPort": 1}},
            {"options": {"auth": {"username": "u", "password": "p", "type": "BASIC"}, "proxy": {"port": 1}}},
            id="user and proxy of http",
        ),
        pytest.param(
            "core.http.Request",
            {"options": {"basicAuthUser": "u", "auth": {"type": "BEARER"}}},
            {"options": {"basicAuthUser": "u", "auth": {"type": "BEARER"}}},
            id="another authentication",
        ),
        pytest.param(
            "core.http.Request",
            {"allowFailed": True, "options": "{{ o }}"},
            {"allowFailed": True, "options": "{{ o }}"},
            id="options that an expression gives",
        ),
        pytest.param("jdbc.duckdb.Query", {"fetch": True}, {"fetchType": "FETCH"}, id="fetch"),
        pytest.param("jdbc.duckdb.Query", {"store": True}, {"fetchType": "STORE"}, id="store"),
        pytest.param(
            "jdbc.duckdb.Query",
            {"fetch": True, "store": True, "fetchOne": True, "fetchType": "NONE"},
            {"fetchType": "FETCH"},
            id="fetch wins",
        ),
        pytest.param(
            "jdbc.duckdb.Query", {"store": False, "fetchType": "FETCH"}, {"fetchType": "FETCH"}, id="no store"
        ),
        pytest.param("jdbc.duckdb.Query", {"fetch": "{{ f }}"}, {"fetch": "{{ f }}"}, id="fetch as an expression"),
        pytest.param("x.Y", {"fetch": True}, {"fetch": True}, id="fetch of another type"),
    ],
)
def test_properties(type_name: str, old: dict[str, Any], expected: dict[str, Any]) -> None:
    """The properties of a type get today's names and places, unless something stands there."""
    name = f"io.kestra.plugin.{type_name}"
    assert {"type": name, **expected} == task({"type": name, **old})


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        pytest.param({"runner": "DOCKER"}, {"taskRunner": OLD_DOCKER, "outputDirectory": True}, id="DOCKER"),
        pytest.param({"runner": "PROCESS"}, {"taskRunner": {"type": PROCESS}, "outputDirectory": True}, id="PROCESS"),
        pytest.param(
            {"runner": "PROCESS", "outputDirectory": False, "taskRunner": {"type": DOCKER}, "docker": {"image": "i"}},
            {"taskRunner": {"type": PROCESS}, "outputDirectory": False},
            id="runner wins over everything",
        ),
        pytest.param(
            {"runner": "DOCKER", "docker": {"image": "i", "user": "u"}, "taskRunner": {"type": PROCESS}},
            {"taskRunner": {**OLD_DOCKER, "user": "u"}, "containerImage": "i", "outputDirectory": True},
            id="runner with docker",
        ),
        pytest.param({"docker": {"image": "i"}}, {"taskRunner": OLD_DOCKER, "containerImage": "i"}, id="docker alone"),
        pytest.param(
            {
                "docker": {"image": "i", "cpu": {"cpus": 1}},
                "containerImage": "c",
                "taskRunner": {"type": DOCKER, "user": "u"},
            },
            {"taskRunner": {**OLD_DOCKER, "cpu": {"cpus": 1}}, "containerImage": "i"},
            id="docker replaces the options and the image",
        ),
        pytest.param(
            {"docker": {"user": "u"}, "containerImage": "c"},
            {"taskRunner": {**OLD_DOCKER, "user": "u"}, "containerImage": "c"},
            id="docker without an image",
        ),
        pytest.param(
            {"docker": {"image": "i"}, "taskRunner": {"type": BATCH}},
            {"taskRunner": {"type": BATCH}},
            id="docker with another task runner",
        ),
        pytest.param({"docker": {"image": "i"}, "taskRunner": {}}, None, id="a task runner without a type"),
        pytest.param({"docker": {"image": "i"}, "taskRunner": "x"}, None, id="a task runner that is a text"),
        pytest.param({"docker": "image"}, None, id="docker as a text"),
        pytest.param({"runner": "KUBERNETES", "docker": {"image": "i"}}, None, id="unknown runner"),
        pytest.param({"runner": "DOCKER", "docker": []}, None, id="runner with odd options"),
        pytest.param({"containerImage": "c"}, None, id="today's spelling"),
    ],
)
def test_runner(old: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """`runner` and `docker` become a task runner and an image; what is not understood is left alone."""
    assert {"type": SHELL, **(old if expected is None else expected)} == task({"type": SHELL, **old})


def test_runner_of_defaults() -> None:
    """Defaults for a type, or for a package of types, are respelled as the tasks are."""
    old = {"taskDefaults": [{"type": "io.kestra.plugin.scripts", "values": {"runner": "PROCESS"}}]}
    expected = {"taskRunner": {"type": PROCESS}, "outputDirectory": True}
    assert expected == modern(old).data["pluginDefaults"][0]["values"]


PLACES = """\
taskDefaults:
  - type: io.kestra.plugin.scripts.shell.Commands
    values:
      docker: {image: a, user: b}
inputs:
  - name: n
tasks:
  - id: run
    type: io.kestra.plugin.dbt.cli.DbtCLI
    dockerOptions:
      image: c
      user: d
  - id: web
    type: io.kestra.plugin.fs.http.Request
    options:
      proxyPort: 1
"""


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        pytest.param(("pluginDefaults",), 1, 1, id="a property of the flow"),
        pytest.param(("pluginDefaults", 0, "values", "taskRunner", "user"), 4, 26, id="inside two moved ones"),
        pytest.param(("pluginDefaults", 0, "values", "containerImage"), 4, 16, id="out of a moved one"),
        pytest.param(("inputs", 0, "id"), 6, 5, id="name of an input"),
        pytest.param(("tasks", 0, "taskRunner"), 10, 5, id="an option that was renamed twice"),
        pytest.param(("tasks", 0, "taskRunner", "user"), 12, 7, id="inside it"),
        pytest.param(("tasks", 0, "containerImage"), 11, 7, id="the image"),
        pytest.param(("tasks", 1, "options", "proxy", "port"), 16, 7, id="moved deeper"),
        pytest.param(("tasks", 1, "id"), 13, 5, id="not moved"),
    ],
)
def test_origins(path: Path, line: int, column: int) -> None:
    """A path of today's data leads to the key in the source."""
    source, found = modern_text(PLACES)
    at = source.at_key(found.origin(path))
    assert (line, column) == (at.line, at.column)


@pytest.mark.parametrize(
    ("type_name", "properties", "code"),
    [
        ("io.kestra.plugin.core.flow.EachSequential", {}, "WD154"),
        ("io.kestra.plugin.core.storage.LocalFiles", {}, "WD154"),
        ("io.kestra.plugin.core.debug.Echo", {}, "WD154"),
        (SHELL, {"warningOnStdErr": True}, "WD154"),
        ("io.kestra.plugin.core.flow.Subflow", {"outputs": {"a": 1}}, "WD154"),
        ("io.kestra.plugin.core.log.Log", {"message": "m"}, None),
    ],
)
def test_outdated(type_name: str, properties: dict[str, Any], code: str | None) -> None:
    """What Kestra wants otherwise but means something else today is noted and stays."""
    old = {"type": type_name, **properties}
    found = modern({"tasks": [old]})
    assert [old] == found.data["tasks"]
    assert [code] * bool(code) == codes(found)


def test_rows_have_an_effect() -> None:
    """No row of the table renames a property to itself or repeats another one."""
    rows: list[tuple[str, Row]] = [(owner, row) for owner, rows in BY_TYPE.items() for row in rows]
    assert len(rows) == len(set(rows))
    assert not [row for _, row in rows if isinstance(row, Rename) and row.old == row.new]


KEYS = st.sampled_from(
    ["tasks", "type", "id", "inputs", "name", "retry", "maxAttempt", "taskDefaults", "pluginDefaults", "values",
     "docker", "dockerOptions", "image", "runner", "taskRunner", "options", "allowFailed", "basicAuthUser", "auth",
     "fetch", "store", "onResume", "extend"]
)  # fmt: skip
LEAVES = st.sampled_from(
    [None, True, "", 1, "DOCKER", "PROCESS", "BOOLEAN", SHELL, DOCKER, "io.kestra.plugin.fs.http.Request",
     "io.kestra.plugin.jdbc.x.Query", "io.kestra.core.tasks.flows.Pause", "io.kestra.plugin.dbt.cli.Build"]
)  # fmt: skip
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6), max_leaves=25
)


@given(st.dictionaries(KEYS, ANYTHING, max_size=6))
def test_odd_data(data: dict[str, Any]) -> None:
    """Any data is respelled without an error and without being changed, and today's spelling stays as it is."""
    source = Source.read(json.dumps(data))
    before = copy.deepcopy(data)
    found = modernize(data, source)
    assert before == data
    assert found.data == modernize(found.data, source).data
