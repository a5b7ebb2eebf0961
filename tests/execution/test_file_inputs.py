"""FILE inputs: which files a deployment takes from whoever starts it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.fakes import MemoryStorage
from tests.running import CORE, flow_of
from wdprefect.errors import InvalidInput
from wdprefect.execution.engine import LocalEngine
from wdprefect.execution.execution import Execution
from wdprefect.execution.flow_run import Start, Surroundings, check_start, execute
from wdprefect.execution.folders import working_directories
from wdprefect.execution.run import Options

FLOW = flow_of(
    f"- {{id: shows, type: {CORE}.debug.Return, format: '{{{{ read(inputs.data) }}}}'}}",
    inputs="- {id: data, type: FILE}",
)
STORED = "kestra:///team/made/stored.csv"


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the worker names; beside it lies one that it does not name. A second folder is named as well."""
    for name in ("shared", "private", "more"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.csv").write_text(name)
    (tmp_path / "shared" / "with space#.csv").write_text("escaped")
    (tmp_path / "shared" / "link.csv").symlink_to(tmp_path / "private" / "data.csv")
    (tmp_path / "shared" / "folder").symlink_to(tmp_path / "private")
    (tmp_path / "shared" / "inside.csv").symlink_to("data.csv")
    (tmp_path / "private" / "link.csv").symlink_to(tmp_path / "shared" / "data.csv")
    (tmp_path / "shared-too").mkdir()
    (tmp_path / "shared-too" / "data.csv").write_text("a name that starts alike")
    (tmp_path / "door").symlink_to(tmp_path / "more")
    monkeypatch.setenv("WDPREFECT_FILE_ROOTS", os.pathsep.join([str(tmp_path / "shared"), "", str(tmp_path / "door")]))
    return tmp_path / "shared"


def start_with(value: str) -> Start:
    return Start({"data": value}, take_paths=False)


def run_with(value: str) -> Execution:
    storage = MemoryStorage()
    storage.put(STORED, b"stored")
    around = Surroundings(LocalEngine(), storage, Options(None, working_directories()))
    return asyncio.run(execute(FLOW, start_with(value), "execution", around))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(STORED, "stored", id="a stored file"),
        pytest.param("file://{root}/shared/data.csv", "shared", id="below a folder that is named"),
        pytest.param("file://{root}/shared/with%20space%23.csv", "escaped", id="escaped as URIs are"),
        pytest.param("file://{root}/shared/inside.csv", "shared", id="a link that stays below"),
        pytest.param("file://{root}/private/link.csv", "shared", id="a link from outside that leads below"),
        pytest.param("file://{root}/private/../shared/data.csv", "shared", id="dots that lead below"),
        pytest.param("file://{root}/more/data.csv", "more", id="below another one, named by a link"),
        pytest.param("file://{root}/door/data.csv", "more", id="through that link"),
    ],
)
def test_of_a_deployment(shared: Path, value: str, expected: str) -> None:
    """A deployment takes stored files, and those below the folders that its worker names; the flow gets a copy."""
    execution = run_with(value.format(root=shared.parent))

    assert ("SUCCESS", {"shows": {"value": expected}}) == (execution.state, execution.task_outputs)
    assert str(execution.inputs["data"]).startswith("kestra:///")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("{root}/shared/data.csv", id="a path, also below the folder"),
        pytest.param("data.csv", id="a relative path"),
        pytest.param("~/data.csv", id="a path of the home"),
        pytest.param("file://{root}/private/data.csv", id="outside"),
        pytest.param("file://{root}/shared/../private/data.csv", id="outside by dots"),
        pytest.param("file://{root}/shared/%2e%2e/private/data.csv", id="outside by escaped dots"),
        pytest.param("file://{root}/shared-too/data.csv", id="a folder whose name starts alike"),
        pytest.param("file://{root}/shared/link.csv", id="a link that leads out"),
        pytest.param("file://{root}/shared/folder/data.csv", id="a folder that is a link out"),
        pytest.param("https://example.org/data.csv", id="an address"),
        pytest.param("", id="nothing"),
    ],
)
def test_refused(shared: Path, value: str) -> None:
    """Whatever else the worker could read is refused in words that say what is taken, also before there is a run."""
    given = value.format(root=shared.parent)
    expected = (
        f"invalid input 'data': a deployment takes the URI of a stored file (kestra:///…), not '{given}', "
        "or file:///… below a folder that WDPREFECT_FILE_ROOTS names"
    )
    for start in (lambda: check_start(FLOW, start_with(given)), lambda: run_with(given)):
        with pytest.raises(InvalidInput) as caught:
            start()
        assert expected == str(caught.value)


@pytest.mark.parametrize("roots", [None, "", os.pathsep])
def test_no_folder_is_named(shared: Path, monkeypatch: pytest.MonkeyPatch, roots: str | None) -> None:
    """Where the worker names no folder, none of its files is taken."""
    monkeypatch.delenv("WDPREFECT_FILE_ROOTS")
    if roots is not None:
        monkeypatch.setenv("WDPREFECT_FILE_ROOTS", roots)
    with pytest.raises(InvalidInput, match=r"or file:///… below a folder that WDPREFECT_FILE_ROOTS names$"):
        run_with(f"file://{shared}/data.csv")


def test_missing(shared: Path) -> None:
    """A file that is not there is said to be missing, where the worker would take it."""
    with pytest.raises(InvalidInput, match=r"^invalid input 'data': there is no file 'file:///.*/nothing\.csv'$"):
        run_with(f"file://{shared}/nothing.csv")
