"""Folders that are made once: by one of many, whole or not at all, and not for ever."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from wdprefect.errors import TaskFailed
from wdprefect.model.stop import Stop
from wdprefect.plugins.scripts._kept_folders import REPLACED, UNUSED, Kept, Recipe, keep

DAY = timedelta(days=1)


def recipe(key: str = "k", lifetime: timedelta | None = None, text: str = "made") -> Recipe:
    """A folder with one file."""
    return Recipe(key, lambda folder: _write(folder / "proof", text), "proof", lifetime)


def _write(file: Path, text: str) -> None:
    file.write_text(text)


def failing(lifetime: timedelta | None = None) -> Recipe:
    """A folder whose making fails half way."""

    def make(folder: Path) -> None:
        (folder / "half").touch()
        raise TaskFailed("no good")

    return Recipe("k", make, "proof", lifetime)


def age(path: Path, since: timedelta) -> None:
    """Let a file or a folder look older."""
    moment = time.time() - since.total_seconds()
    os.utime(path, (moment, moment))


def test_made_once(tmp_path: Path) -> None:
    """The second who asks gets the folder of the first."""
    first = keep(tmp_path, recipe(), Stop())

    assert (True, "made") == (first.is_new, (first.path / "proof").read_text())
    assert Kept(first.path) == keep(tmp_path, failing(), Stop())


def test_failure(tmp_path: Path) -> None:
    """Nothing is left of a folder that could not be made, and the next tries again."""
    with pytest.raises(TaskFailed, match=r"^no good$"):
        keep(tmp_path, failing(), Stop())

    assert ["lock"] == [path.name for path in (tmp_path / "k").iterdir()]
    assert keep(tmp_path, recipe(), Stop()).is_new


def test_ten_at_once(tmp_path: Path) -> None:
    """Of many who ask at once one makes it, and all get the same."""
    made, kept, gate = list[Path](), list[Kept](), threading.Barrier(10)

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "proof").touch()

    def ask() -> None:
        gate.wait(30)
        kept.append(keep(tmp_path, Recipe("k", make, "proof", None), Stop()))

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert (1, 10, {made[0]}) == (len(made), len(kept), {each.path for each in kept})


def test_stopped_while_another_makes_it(tmp_path: Path) -> None:
    """Who waits for another's work ends when it is asked to."""
    begun, go_on = threading.Event(), threading.Event()

    def make(folder: Path) -> None:
        (folder / "proof").touch()
        begun.set()
        go_on.wait(30)

    slow = threading.Thread(target=lambda: keep(tmp_path, Recipe("k", make, "proof", None), Stop()))
    slow.start()
    begun.wait(30)
    stop = Stop()
    stop.request()
    with pytest.raises(TaskFailed, match=r"^stopped while another run made the same$"):
        keep(tmp_path, recipe(), stop)
    go_on.set()
    slow.join(30)


def test_too_old(tmp_path: Path) -> None:
    """A folder that is too old is replaced, and stays for those who use it; where that fails it goes on serving."""
    first = keep(tmp_path, recipe(lifetime=DAY), Stop())
    for path in (tmp_path / "k" / "current", first.path):
        age(path, 2 * DAY)

    stale = keep(tmp_path, failing(DAY), Stop())
    assert Kept(first.path) == keep(tmp_path, failing(DAY), Stop()), "it is not tried again at once"
    age(tmp_path / "k" / "current", DAY)
    second = keep(tmp_path, recipe(lifetime=DAY, text="anew"), Stop())

    assert (first.path, "no good") == (stale.path, str(stale.failure))
    assert ("anew", "made") == tuple((each.path / "proof").read_text() for each in (second, first))


def test_a_stop_is_no_failure_of_the_source(tmp_path: Path) -> None:
    """Who was asked to end gets no folder, not even an old one."""
    keep(tmp_path, recipe(lifetime=DAY), Stop())
    age(tmp_path / "k" / "current", 2 * DAY)
    stop = Stop()
    stop.request()

    with pytest.raises(TaskFailed, match=r"^no good$"):
        keep(tmp_path, failing(DAY), stop)


def test_cleaned_up(tmp_path: Path) -> None:
    """What nobody has used for a month goes when another is made, and so does what was replaced a day ago."""
    unused, used = (keep(tmp_path, recipe(key), Stop()).path for key in ("unused", "used"))
    for key in ("unused", "used"):
        age(tmp_path / key / "lock", UNUSED + DAY)
    keep(tmp_path, recipe("used"), Stop())
    replaced = keep(tmp_path, recipe(lifetime=DAY), Stop()).path
    age(tmp_path / "k" / "current", 2 * DAY)
    keep(tmp_path, recipe(lifetime=DAY), Stop())
    age(replaced, REPLACED + DAY)

    keep(tmp_path, recipe("last"), Stop())

    assert [False, True, False] == [path.exists() for path in (unused, used, replaced)]
    assert keep(tmp_path, recipe("unused"), Stop()).is_new


def test_a_file_in_its_place(tmp_path: Path) -> None:
    """A cache that cannot be is an error with the way to another."""
    (tmp_path / "k").touch()
    with pytest.raises(TaskFailed) as raised:
        keep(tmp_path, recipe(), Stop())
    step = "WDPREFECT_CACHE names another place"
    assert f"cannot keep anything in '{tmp_path}/k': File exists ({step})" == str(raised.value)
