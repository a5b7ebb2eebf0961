"""Submodules are cloned by the rules of the repository that has them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place
from tests.plugins.git.origin import Origin
from tests.plugins.git.test_trust import Trap, trap  # noqa: F401 - a fixture
from tests.servers.git_http import GitServer, serving
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import CloneOptions

USER, TOKEN = "user", "t0ken-of-the-test"


@pytest.fixture
def library(served: Path) -> Origin:
    """A repository `library` whose second commit is the one that others use."""
    made = Origin(served, "library")
    made.commit({"lib.txt": "old"})
    made.commit({"lib.txt": "lib"})
    return made


def using(served: Path, library: Origin, url: str) -> Origin:
    """A repository with `library` as its submodule, recorded under a url; the library has moved on since."""
    made = Origin(served, "app")
    made.commit({"app.txt": "app"})
    made.add_submodule(library.url, "deps/library")
    made.git("config", "--file=.gitmodules", "submodule.deps/library.url", url)
    made.git("add", ".gitmodules")
    made.git("commit", "--quiet", "--allow-empty", "-m", "the url that people use")
    library.commit({"lib.txt": "newer"})
    return made


@pytest.mark.parametrize("depth", [pytest.param(None, id="whole history"), pytest.param(1, id="shallow")])
@pytest.mark.parametrize("protocol_2", [pytest.param(True, id="by id"), pytest.param(False, id="server refuses ids")])
def test_relative_url(place: Place, served: Path, library: Origin, depth: int | None, protocol_2: bool) -> None:  # noqa: FBT001 - rows
    """A submodule beside the repository is cloned at its recorded commit, with the same credentials."""
    using(served, library, "../library.git")
    with serving(GitServer(served, (USER, TOKEN), protocol_2=protocol_2)) as server:
        options = CloneOptions(
            f"{server.url}/app.git", depth=depth, username=USER, password=TOKEN, clone_submodules=True
        )
        place.clone(options)
        expected = {"app.txt": "app", "deps/library/lib.txt": "lib"}
        assert expected == place.files()
        assert "" == place.git("status", "--porcelain")
        assert not place.git("submodule", "status").startswith("-")
        place.clone(options)
    assert expected == place.files()
    assert ("INFO", f"cloning the submodule 'deps/library' from '{server.url}/library.git'") in place.lines


def test_not_asked_for(place: Place, served: Path, library: Origin) -> None:
    """Without being asked for, submodules are empty directories."""
    app = using(served, library, library.url)
    place.clone(CloneOptions(app.url))
    assert {"app.txt": "app"} == place.files()
    assert (place.target / "deps/library").is_dir()


def test_nested(place: Place, served: Path, library: Origin) -> None:
    """Submodules of submodules are cloned, too."""
    app = using(served, library, library.url)
    top = Origin(served, "top")
    top.add_submodule(app.url, "app")
    place.clone(CloneOptions(top.url, clone_submodules=True, depth=1))
    assert {"app/app.txt": "app", "app/deps/library/lib.txt": "lib"} == place.files()


def test_another_host(place: Place, served: Path, library: Origin) -> None:
    """A submodule on another host gets no credentials."""
    with serving(GitServer(served, (USER, TOKEN))) as server, serving(GitServer(served, (USER, TOKEN))) as other:
        using(served, library, f"{other.url}/library.git")
        with pytest.raises(TaskFailed, match=rf"'{other.url}/library\.git' asks for a user name"):
            place.clone(CloneOptions(f"{server.url}/app.git", username=USER, password=TOKEN, clone_submodules=True))
    assert other.seen
    assert {None} == {seen.authorization for seen in other.seen}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("file:///etc", "submodule 'deps/library': .* may not bring in 'file:///etc'", id="file"),
        pytest.param("/etc", "is no url of a git repository", id="path"),
        pytest.param("ext::sh -c x", "is no url of a git repository", id="program"),
    ],
)
def test_refused_url(place: Place, served: Path, library: Origin, url: str, message: str) -> None:
    """A repository from the network cannot have files of this machine or a program's output as its submodule."""
    using(served, library, url)
    with serving(GitServer(served)) as server, pytest.raises(TaskFailed, match=message):
        place.clone(CloneOptions(f"{server.url}/app.git", clone_submodules=True))


def test_git_directory_that_was_there(place: Place, served: Path, library: Origin, trap: Trap) -> None:  # noqa: F811 - a fixture
    """A `.git` that lies where a submodule belongs runs nothing and is replaced."""
    app = using(served, library, library.url)
    shutil.copytree(trap.git_dir, place.target / "deps/library/.git")
    place.clone(CloneOptions(app.url))
    place.clone(CloneOptions(app.url, clone_submodules=True))
    assert not trap.mark.exists()
    assert {"app.txt": "app", "deps/library/lib.txt": "lib"} == place.files()


@pytest.mark.parametrize(
    ("local", "named"),
    [
        pytest.param("deps/library/lib.txt", r"submodule 'deps/library': .*'lib\.txt'", id="file of the submodule"),
        pytest.param("deps/library", "'deps/library'", id="file where the submodule belongs"),
    ],
)
def test_conflict(place: Place, served: Path, library: Origin, local: str, named: str) -> None:
    """A local file in the way of a submodule's is named, with the submodule, and stays."""
    app = using(served, library, library.url)
    place.put(local, "mine")
    with pytest.raises(TaskFailed, match=named):
        place.clone(CloneOptions(app.url, clone_submodules=True))
    assert "mine" == (place.target / local).read_text()


def test_link_in_the_way(place: Place, served: Path, library: Origin, tmp_path: Path) -> None:
    """A local link where a submodule belongs is not followed."""
    app = using(served, library, library.url)
    (place.target / "deps").mkdir()
    (tmp_path / "outside").mkdir()
    (place.target / "deps/library").symlink_to(tmp_path / "outside")
    with pytest.raises(TaskFailed, match="'deps/library'"):
        place.clone(CloneOptions(app.url, clone_submodules=True))
    assert [] == list((tmp_path / "outside").iterdir())


def test_stray_entry(place: Place, served: Path) -> None:
    """A repository that records a submodule without saying where it comes from fails with git's words."""
    origin = Origin(served)
    sha = origin.commit({"a.txt": "a"})
    origin.git("update-index", "--add", "--cacheinfo", f"160000,{sha},gone")
    origin.git("commit", "--quiet", "-m", "stray")
    with pytest.raises(TaskFailed, match=r"'gone' in \.gitmodules"):
        place.clone(CloneOptions(origin.url, clone_submodules=True))
