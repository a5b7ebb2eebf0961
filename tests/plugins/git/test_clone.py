"""What a clone leaves in the working directory, whatever was there before."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.plugins.git.conftest import Place
from tests.plugins.git.origin import Origin
from tests.servers.git_http import GitServer, serving
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import Cloned, CloneOptions

TIP = {"README.md": "five\n", "scripts/run.sh": "#!/bin/sh\necho two\n"}


@pytest.mark.parametrize(
    ("wanted", "revision", "branch", "history"),
    [
        pytest.param({}, "main", "main", 5, id="default branch, whole history"),
        pytest.param({"depth": 1}, "main", "main", 1, id="depth 1"),
        pytest.param({"depth": 3}, "main", "main", 3, id="depth 3"),
        pytest.param({"branch": "dev", "depth": 1}, "dev", "dev", 1, id="branch"),
        pytest.param({"branch": "refs/heads/dev"}, "dev", "dev", 6, id="branch by its full name"),
        pytest.param({"branch": " ", "tag": "", "commit": ""}, "main", "main", 5, id="blank is not set"),
        pytest.param({"tag": "v1", "depth": 1}, "v1^{commit}", None, 2, id="annotated tag, depth not applied"),
        pytest.param({"tag": "light", "branch": "dev"}, "light", None, 3, id="light tag wins over a branch"),
        pytest.param({"tag": "v1", "all_branches": True}, "v1^{commit}", None, 2, id="tag with all branches"),
    ],
)
def test_what_is_checked_out(
    place: Place, origin: Origin, wanted: dict[str, str | int], revision: str, branch: str | None, history: int
) -> None:
    """A branch or a tag is checked out with as much history as was asked for; HEAD is detached at a tag."""
    sha = origin.git("rev-parse", revision)
    options = replace(CloneOptions(origin.url), **wanted)  # type: ignore[arg-type]  # a row names a few of the fields
    assert Cloned(sha, branch) == place.clone(options)
    assert sha == place.git("rev-parse", "HEAD")
    assert (branch or "HEAD") == place.git("rev-parse", "--abbrev-ref", "HEAD")
    assert str(history) == place.git("rev-list", "--count", "HEAD")
    assert "" == place.git("status", "--porcelain")


@pytest.mark.parametrize("length", [pytest.param(40, id="full"), pytest.param(8, id="short")])
@pytest.mark.parametrize("protocol_2", [pytest.param(True, id="by id"), pytest.param(False, id="server refuses ids")])
def test_commit(place: Place, origin: Origin, served: Path, length: int, protocol_2: bool) -> None:  # noqa: FBT001 - rows
    """A commit is found by its full or short id, in either case, and wins over a tag and a branch."""
    sha = origin.git("rev-parse", "main~1")
    with serving(GitServer(served, protocol_2=protocol_2)) as server:
        options = CloneOptions(
            f"{server.url}/project.git", commit=sha[:length].upper(), tag="v1", branch="dev", depth=1
        )
        assert Cloned(sha, None) == place.clone(options)
    assert "4" == place.git("rev-list", "--count", "HEAD")
    assert "four\n" == (place.target / "README.md").read_text()


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        pytest.param(
            {"branch": "mian"}, r"no branch 'mian' in 'file://.*' \(did you mean 'main'\?\)", id="branch, near"
        ),
        pytest.param({"branch": "zzz"}, r"no branch 'zzz' in .* \(its default branch is 'main'\)", id="branch, far"),
        pytest.param(
            {"branch": "v1"}, r"no branch 'v1' .*\(there is a tag of that name: set 'tag: v1'\)", id="is a tag"
        ),
        pytest.param({"branch": "--upload-pack=x"}, "no branch '--upload-pack=x'", id="branch like an option"),
        pytest.param({"tag": "v2"}, r"no tag 'v2' in .* \(did you mean 'v1'\?\)", id="tag"),
        pytest.param({"commit": "0" * 40}, f"no commit '{'0' * 40}' in 'file://", id="full commit"),
        pytest.param({"commit": "0000000"}, "no commit '0000000' in 'file://", id="short commit"),
        pytest.param({"commit": "f" * 64}, "no commit 'f{64}' in 'file://", id="commit of another hash"),
        pytest.param({"commit": "main"}, r"'main' is no commit id \(4 to 40 hexadecimal digits\)", id="no commit id"),
        pytest.param({"tag": "v1", "no_tags": True}, "'tag' cannot be used with 'noTags: true'", id="tag without tags"),
        pytest.param({"depth": 0}, "'depth' must be at least 1, not 0", id="depth"),
        pytest.param({"git_config": {"nosection": "x"}}, "'nosection' is no name of a git setting", id="setting"),
    ],
)
def test_what_is_not_there(place: Place, origin: Origin, wanted: dict[str, str | int], message: str) -> None:
    """A name that the remote does not have is named, with the nearest ones; nothing is written."""
    options = replace(CloneOptions(origin.url), **wanted)  # type: ignore[arg-type]  # a row names a few of the fields
    with pytest.raises(TaskFailed, match=message):
        place.clone(options)
    assert [] == list(place.target.iterdir())


def test_commit_id_that_is_a_branch_name(place: Place, origin: Origin) -> None:
    """A short commit id never means the branch that happens to bear that name."""
    sha = origin.git("rev-parse", "main~2")
    origin.branch(sha[:7])
    assert Cloned(sha, None) == place.clone(CloneOptions(origin.url, commit=sha[:7]))


def test_default_branch_is_asked_for(place: Place, served: Path) -> None:
    """The default branch is the one of the remote's HEAD, whatever its name, also where files are there already."""
    origin = Origin(served, branch="trunk")
    sha = origin.commit({"a.txt": "a"})
    origin.branch("main")
    place.put("data.csv", "1")
    assert Cloned(sha, "trunk") == place.clone(CloneOptions(origin.url))
    assert {"a.txt": "a", "data.csv": "1"} == place.files()


def test_detached_remote(place: Place, origin: Origin) -> None:
    """A remote whose HEAD is on no branch is cloned at that commit."""
    sha = origin.git("rev-parse", "main~1")
    (origin.bare / "HEAD").write_text(f"{sha}\n")
    assert Cloned(sha, None) == place.clone(CloneOptions(origin.url))


def test_remote_without_default_branch(place: Place, origin: Origin) -> None:
    """A remote whose HEAD names no branch fails the clone with branches to choose from."""
    (origin.bare / "HEAD").write_text("ref: refs/heads/gone\n")
    with pytest.raises(TaskFailed, match=r"has no default branch \(set 'branch', such as 'dev', 'main'\)"):
        place.clone(CloneOptions(origin.url))


def test_empty_repository(place: Place, served: Path) -> None:
    """A repository without a commit cannot be cloned, and the message says why."""
    with pytest.raises(TaskFailed, match=r"the repository 'file://.*' is empty"):
        place.clone(CloneOptions(Origin(served).url))


@pytest.mark.parametrize(
    ("all_branches", "no_tags", "expected"),
    [
        pytest.param(False, False, {"origin/main"}, id="one branch"),
        pytest.param(True, False, {"origin/main", "origin/dev", "v1", "light"}, id="all branches and tags"),
        pytest.param(True, True, {"origin/main", "origin/dev"}, id="all branches, no tags"),
    ],
)
def test_extent(place: Place, origin: Origin, all_branches: bool, no_tags: bool, expected: set[str]) -> None:  # noqa: FBT001 - rows
    """Only the wanted branch is fetched unless all are asked for."""
    place.clone(CloneOptions(origin.url, depth=1, all_branches=all_branches, no_tags=no_tags))
    found = place.git("for-each-ref", "--format=%(refname:lstrip=2)", "refs/remotes", "refs/tags").split()
    assert expected == set(found)


def test_local_files_stay(place: Place, origin: Origin) -> None:
    """Files that the repository does not have stay, in directories that it has, too."""
    place.put("data.csv", "1,2")
    place.put("scripts/mine.py", "pass")
    place.clone(CloneOptions(origin.url, depth=1))
    assert {**TIP, "data.csv": "1,2", "scripts/mine.py": "pass"} == place.files()


def test_directory_below(place: Place, origin: Origin) -> None:
    """A directory that does not exist yet is made, and what is around it stays."""
    place.put("data.csv", "1,2")
    place.clone(CloneOptions(origin.url), "deep/repo")
    assert {"data.csv": "1,2", **{f"deep/repo/{name}": text for name, text in TIP.items()}} == place.files()


def test_executable_bit(place: Place, origin: Origin) -> None:
    """A file that is executable in the repository is so in the directory, also where a copy was not."""
    place.put("scripts/run.sh", TIP["scripts/run.sh"])
    place.clone(CloneOptions(origin.url))
    assert os.access(place.target / "scripts/run.sh", os.X_OK)
    assert not os.access(place.target / "README.md", os.X_OK)


@pytest.mark.parametrize(
    ("local", "named"),
    [
        pytest.param("README.md", "'README.md'", id="file"),
        pytest.param("scripts", "'scripts'", id="file where a directory belongs"),
        pytest.param("README.md/x", "'README.md'", id="directory where a file belongs"),
    ],
)
def test_conflict(place: Place, origin: Origin, local: str, named: str) -> None:
    """A local file in the way of the repository's is named before anything is written."""
    place.put(local, "mine")
    with pytest.raises(TaskFailed, match=rf"also in the repository, with other content: {named} \(rename"):
        place.clone(CloneOptions(origin.url))
    assert {local: "mine"} == place.files()
    assert not (place.target / ".git").exists()


def test_many_conflicts(place: Place, served: Path) -> None:
    """Of many conflicting files five are named, and the others counted."""
    origin = Origin(served)
    origin.commit({f"{number}.txt": "theirs" for number in range(8)})
    for number in range(7):
        place.put(f"{number}.txt", "mine")
    with pytest.raises(TaskFailed, match=r"'0\.txt', '1\.txt', '2\.txt', '3\.txt', '4\.txt' and 2 more"):
        place.clone(CloneOptions(origin.url))


def test_link_in_the_way(place: Place, origin: Origin, tmp_path: Path) -> None:
    """Nothing is written through a local symbolic link."""
    (tmp_path / "outside").mkdir()
    (place.target / "scripts").symlink_to(tmp_path / "outside")
    with pytest.raises(TaskFailed, match="'scripts'"):
        place.clone(CloneOptions(origin.url))
    assert [] == list((tmp_path / "outside").iterdir())


def test_ignored_files_are_not_overwritten(place: Place, served: Path) -> None:
    """A local file that the repository has and also ignores is a conflict like any other."""
    origin = Origin(served)
    origin.commit({"data.txt": "theirs"})
    origin.commit({".gitignore": "data.txt\n"})
    place.put("data.txt", "mine")
    with pytest.raises(TaskFailed, match=r"'data\.txt'"):
        place.clone(CloneOptions(origin.url))


@pytest.mark.parametrize("depth", [None, 1])
def test_second_clone(place: Place, origin: Origin, depth: int | None) -> None:
    """A second clone into one directory leaves it at the remote's new tip, local files included."""
    options = CloneOptions(origin.url, depth=depth)
    place.clone(options)
    place.put("data.csv", "1,2")
    sha = origin.commit({"README.md": "six\n", "scripts/run.sh": None, "new/file.txt": "new"})
    assert Cloned(sha, "main") == place.clone(options)
    assert {"README.md": "six\n", "data.csv": "1,2", "new/file.txt": "new"} == place.files()
    assert not (place.target / "scripts").exists()
    assert "?? data.csv" == place.git("status", "--porcelain")


def test_second_clone_keeps_changes(place: Place, origin: Origin) -> None:
    """A file of the first clone that was changed since is a conflict of the second one when the remote changed it."""
    place.clone(CloneOptions(origin.url, depth=1))
    place.put("README.md", "mine")
    origin.commit({"README.md": "six\n", "scripts/run.sh": None})
    with pytest.raises(TaskFailed, match=r"'README\.md'"):
        place.clone(CloneOptions(origin.url, depth=1))
    assert {"README.md": "mine", "scripts/run.sh": TIP["scripts/run.sh"]} == place.files()


def test_clone_of_another_repository(place: Place, origin: Origin, served: Path) -> None:
    """The files of a first clone stay when another repository, which does not know its commit, is cloned over it."""
    other = Origin(served, "other")
    other.commit({"other.txt": "other"})
    place.clone(CloneOptions(origin.url))
    place.clone(CloneOptions(other.url))
    assert {**TIP, "other.txt": "other"} == place.files()


def test_git_config(place: Place, origin: Origin) -> None:
    """Settings are in the repository's config as they were given; null and blank remove one."""
    settings = {
        "core.fileMode": "false",
        "core.logAllRefUpdates": None,
        "core.bare": " ",
        "http.https://example.org/.extraHeader": 'X: "q\\u" # no comment\n\tx',
    }
    place.clone(CloneOptions(origin.url, git_config=settings))
    assert "false" == place.git("config", "--get-all", "core.filemode")
    assert settings["http.https://example.org/.extraHeader"] == place.git(
        "config", "http.https://example.org/.extraHeader"
    )
    assert "core.logallrefupdates" not in place.git("config", "--local", "--list")
    assert "core.bare" not in place.git("config", "--local", "--list")


def test_git_config_decides_how_files_are_written(place: Place, origin: Origin) -> None:
    """Line ends are those that the settings ask for, and a second clone does not take them for changes."""
    options = CloneOptions(origin.url, git_config={"core.autocrlf": "true"})
    place.clone(options)
    assert b"five\r\n" == (place.target / "README.md").read_bytes()
    origin.commit({"README.md": "six\n"})
    place.clone(options)
    assert b"six\r\n" == (place.target / "README.md").read_bytes()


def test_log(place: Place, origin: Origin) -> None:
    """The log says what is cloned, and what was checked out."""
    place.clone(CloneOptions(origin.url, tag="v1"))
    sha = origin.git("rev-parse", "v1^{commit}")
    assert [("INFO", f"cloning '{origin.url}'"), ("INFO", f"checked out tag 'v1' at {sha}")] == place.lines


def test_large_file_pointers_stay(place: Place, served: Path) -> None:
    """A file of Git LFS stays the pointer that the repository holds."""
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    origin = Origin(served)
    origin.commit({"big.bin": pointer, ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n"})
    place.clone(CloneOptions(origin.url))
    assert pointer == (place.target / "big.bin").read_text()


def test_sha256_repository(place: Place, served: Path) -> None:
    """A repository whose ids are SHA-256 is cloned like any other."""
    origin = Origin(served, object_format="sha256")
    sha = origin.commit({"a.txt": "a"})
    assert Cloned(sha, "main") == place.clone(CloneOptions(origin.url, depth=1))
    assert Cloned(sha, None) == place.clone(CloneOptions(origin.url, commit=sha))
