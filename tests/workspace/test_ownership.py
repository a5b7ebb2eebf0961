from __future__ import annotations

import os
from pathlib import Path

from wdprefect.workspace.ownership import abandoned, own


def test_an_owner_that_lives(tmp_path: Path) -> None:
    """A file is not abandoned while its lock is held, also in the process that holds it."""
    lock = own(tmp_path / "owner", {"run": "a"})
    with abandoned(tmp_path / "owner") as content:
        assert content is None
    os.close(lock)


def test_an_owner_that_died(tmp_path: Path) -> None:
    """What an owner wrote is found when its lock is gone, by one finder at a time."""
    os.close(own(tmp_path / "owner", {"run": "a"}))
    for _ in range(2):
        with abandoned(tmp_path / "owner") as content, abandoned(tmp_path / "owner") as second:
            assert (b'{"run": "a"}', None) == (content, second)


def test_no_owner(tmp_path: Path) -> None:
    """What is not there, or a link to elsewhere, is nobody's."""
    (tmp_path / "elsewhere").touch()
    (tmp_path / "link").symlink_to("elsewhere")
    for name in ("missing", "link"):
        with abandoned(tmp_path / name) as content:
            assert content is None
