"""Type name to class: nothing but plug-ins is ever imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import get_args

import pytest

from wdprefect.loader import types
from wdprefect.loader.types import all_types, find_type, nearest_types
from wdprefect.model.node import Marker, Node
from wdprefect.model.task import Leaf, Task
from wdprefect.model.task_runner import TaskRunner
from wdprefect.model.trigger import Trigger
from wdprefect.plugins.core.log import Log

PLUGIN = '''
import os
from wdprefect.model.task import Leaf as Base
from wdprefect.plugins.core.log import Log
from acme_tasks.tools_more import Other

class Thing(Base):
    """A thing."""
    def run(self, ctx):
        return None

class _Hidden(Thing):
    pass

not_a_class = 7
'''
MORE = """
from wdprefect.model.task import Leaf

class Other(Leaf):
    def run(self, ctx):
        return None
"""


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Log",
        "os.system",
        "os.System",
        "io.kestra.plugin",
        "io.kestra.plugin.Log",
        "io.kestra.plugin..x.Y",
        "io.kestra.plugin.core.flow.os.System",
        "io.kestra.plugin.core.flow..os.System",
        "io.kestra.plugin.core.log.Leaf",
        "io.kestra.plugin.core.log.RunContext",
        "io.kestra.plugin.core.log.annotations",
        "io.kestra.plugin.core.log.Log.Outputs",
        "io.kestra.plugin.core.log.log",
        "io.kestra.plugin.core.log.Log ",
        "io.kestra.plugin.core.log.Log\n",
        "io.kestra.plugin.core.lóg.Log",
        "io.kestra.plugin.scripts._script.ScriptTask",
        "io.kestra.plugin.scripts.runner.docker.os.Docker",
        "io.kestra.plugins.core.log.Log",
        "io.kestra.plugin/core/log.Log",
        "wdprefect.plugins.core.log.Log",
        "../core.log.Log",
        "antigravity.Fly",
        "io.kestra.plugin.antigravity.Fly",
    ],
)
def test_no_type(name: str) -> None:
    """A name that is none of a task finds nothing, and imports no module outside of the plug-ins."""
    before = set(sys.modules)
    assert find_type(name, Task) is None
    nearest_types(name, Task)
    foreign = {name for name in set(sys.modules) - before if not name.startswith("wdprefect.")}
    assert not {"antigravity", "this"} & set(sys.modules)
    assert not [name for name in foreign if name.startswith("kestra") or "antigravity" in name]


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        pytest.param("io.kestra.plugin.core.log.Log", Task, "Log", id="a task"),
        pytest.param("io.kestra.plugin.core.log.Log", Trigger, None, id="a task is no trigger"),
        pytest.param("io.kestra.plugin.core.trigger.Schedule", Trigger, "Schedule", id="a trigger"),
        pytest.param("io.kestra.plugin.core.trigger.Schedule", Task, None, id="a trigger is no task"),
        pytest.param("io.kestra.plugin.core.runner.Process", TaskRunner, "Process", id="a task runner"),
        pytest.param("io.kestra.plugin.core.flow.If", Task, "If", id="a class of a private module of its package"),
        pytest.param("io.kestra.plugin.core.flow._choices.If", Task, None, id="a private module"),
    ],
)
def test_kinds(name: str, kind: type[Task], expected: str | None) -> None:
    """A name stands for a class of one kind only."""
    found = find_type(name, kind)
    assert expected == (found and found.__name__)


def test_all_types() -> None:
    """The list of types is complete and sorted, and every name in it finds its class."""
    found = all_types(Task)
    assert sorted(found) == list(found)
    assert {"io.kestra.plugin.core.log.Log", "io.kestra.plugin.core.flow.WorkingDirectory"} <= set(found)
    assert found == {name: find_type(name, Task) for name in found}
    assert {"io.kestra.plugin.core.trigger.Schedule"} <= set(all_types(Trigger))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("io.kestra.plugin.scripts.shel.Commands", "io.kestra.plugin.scripts.shell.Commands", id="module"),
        pytest.param("io.kestra.plugin.core.flow.Secuential", "io.kestra.plugin.core.flow.Sequential", id="class"),
        pytest.param("Parallel", "io.kestra.plugin.core.flow.Parallel", id="the class alone"),
    ],
)
def test_nearest(name: str, expected: str) -> None:
    """What looks like a type is proposed, three names at most."""
    near = nearest_types(name, Task)
    assert expected in near
    assert len(near) <= 3


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another package is installed that adds types below `com.acme`."""
    package = tmp_path / "acme_tasks"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "tools.py").write_text(PLUGIN, encoding="utf-8")
    (package / "tools_more.py").write_text(MORE, encoding="utf-8")
    (package / "import_.py").write_text(PLUGIN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    # What is installed is known to Python's metadata alone.
    point = EntryPoint("com.acme", "acme_tasks", "wdprefect.plugins")
    monkeypatch.setattr(types, "entry_points", lambda group: [point] if group == point.group else [])
    types._installed.cache_clear()
    yield
    types._installed.cache_clear()
    for name in [name for name in sys.modules if name.startswith("acme_tasks")]:
        del sys.modules[name]


@pytest.mark.usefixtures("acme")
def test_entry_point() -> None:
    """A package adds types by an entry point: its prefix, then the module and the class."""
    thing = find_type("com.acme.tools.Thing", Leaf)  # type: ignore[type-abstract]  # the base of what is looked for
    assert thing is not None
    assert "acme_tasks.tools" == thing.__module__
    assert find_type("com.acme.import.Thing", Task) is not None
    assert {"tools.Thing", "import.Thing", "tools_more.Other"} == {
        name.removeprefix("com.acme.") for name in all_types(Task) if name.startswith("com.acme.")
    }
    assert "com.acme.tools.Thing" in nearest_types("com.acme.tool.Thing", Task)


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    "name", ["tools.Log", "tools.Other", "tools.os", "tools.Base", "tools.not_a_class", "tools._Hidden", "x.Y"]
)
def test_entry_point_gives_its_own(name: str) -> None:
    """Of such a package only the classes that are its own are types."""
    assert find_type(f"com.acme.{name}", Task) is None
    assert find_type("io.kestra.plugin.core.log.Log", Task) is Log


def test_without_entry_point() -> None:
    """Without it the same name is none."""
    assert find_type("com.acme.tools.Thing", Task) is None


def hidden_markers(annotation: object) -> bool:
    """Whether a marker stands inside of an annotation, where nobody looks for it."""
    return any(
        isinstance(item, Marker) or hidden_markers(item)
        for part in get_args(annotation)
        for item in (part, *getattr(part, "__metadata__", ()))
    )


@pytest.mark.parametrize("kind", all_types(Task).values(), ids=lambda kind: kind.__name__)
def test_markers_are_seen(kind: type[Node]) -> None:
    """How a property is treated is said of the whole of it: a marker in a part of a union would go unseen."""
    assert [] == [name for name, field in kind.model_fields.items() if hidden_markers(field.annotation)]
