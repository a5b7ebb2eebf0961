"""Files of namespaces: in a storage, by way of the cache where they travel, and in a folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.s3 import S3Server
from wdprefect.errors import StorageError
from wdprefect.model.ports import NamespaceFiles
from wdprefect.storage.content import MIB
from wdprefect.storage.content_store import ContentStore
from wdprefect.storage.local import LocalStorage
from wdprefect.storage.namespace_folder import NamespaceFolder
from wdprefect.storage.namespaces import ChosenNamespaces, StoredNamespaces
from wdprefect.storage.reader import Reader
from wdprefect.storage.s3 import S3Storage
from wdprefect.storage.uris import namespace_uri

HOME = "company.team"
FILES = {"a.py": b"a", "d/e/b c.txt": b"", "d/ü": b"x" * 300_000}


@pytest.fixture
def folder(tmp_path: Path) -> NamespaceFolder:
    """The same files in a folder."""
    for name, content in {**{f"{HOME}/{name}": FILES[name] for name in FILES}, "company/a.py": b"another"}.items():
        (tmp_path / "namespaces" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "namespaces" / name).write_bytes(content)
    return NamespaceFolder(tmp_path / "namespaces")


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.s3), "folder"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> NamespaceFiles:
    """Files of namespaces wherever they may be; in a storage with an empty cache, a neighbour's and a run's files."""
    if request.param == "folder":
        found: NamespaceFolder = request.getfixturevalue("folder")
        return found
    local = LocalStorage(tmp_path / "storage")
    storage = local if request.param == "local" else request.getfixturevalue("s3_storage")
    for name, content in FILES.items():
        storage.put(namespace_uri(HOME, name), content)
    for path in ("company/_files/a.py", "company/team2/_files/x", "company/team/flow/executions/1/x"):
        storage.put(f"kestra:///{path}", b"another")
    return StoredNamespaces(storage, ContentStore(tmp_path / "cache", 16 * MIB))


def fetched(source: NamespaceFiles, target: Path, namespace: str = HOME) -> dict[str, bytes]:
    """All files of a namespace, as they arrive in a folder."""
    wanted = [(file, target / file.path) for file in source.entries(namespace)]
    source.get(wanted)
    return {file.path: path.read_bytes() for file, path in wanted}


def test_files(source: NamespaceFiles, tmp_path: Path) -> None:
    """The files of a namespace are those at its place, and none of its parent, its children or its runs."""
    assert FILES == fetched(source, tmp_path / "once") == fetched(source, tmp_path / "again")
    assert sorted(FILES) == [file.path for file in source.entries(HOME)]
    assert [len(FILES[path]) for path in sorted(FILES)] == [file.size for file in source.entries(HOME)]
    assert [] == source.entries("no.such")


def test_find(source: NamespaceFiles) -> None:
    """One file is found by its path; neither a folder nor what is not there is."""
    found = source.find(HOME, "d/e/b c.txt")
    assert found is not None
    assert (0, b"") == (found.size, source.read(found))
    assert [None] * 4 == [source.find(HOME, path) for path in ("d", "d/e/x", "a.py/x", "b c.txt")]
    assert source.find("no.such", "a.py") is None


def test_left_out(storage: LocalStorage | S3Storage, tmp_path: Path) -> None:
    """What programs obey when they find it is no namespace file, wherever it lies: repositories, compiled modules."""
    names = [
        ".git/config",
        "d/.git/hooks/x",
        "__pycache__/a.pyc",
        ".svn/x",
        "d/.GIT/config",
        ".gitignore",
        "git",
        ".env",
    ]
    for name in names:
        storage.put(f"kestra:///company/team/_files/{name}", b"x")
        (tmp_path / HOME / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / HOME / name).write_bytes(b"x")
    for source in (StoredNamespaces(storage), NamespaceFolder(tmp_path)):
        assert [".env", ".gitignore", "git"] == [file.path for file in source.entries(HOME)]
        assert source.find(HOME, ".git/config") is None


def test_wrong_names(source: NamespaceFiles) -> None:
    """A namespace that cannot be one is refused, and a path that leads out of it too."""
    with pytest.raises(StorageError, match=r"'\.\./x' is no name of a namespace"):
        source.entries("../x")
    with pytest.raises(StorageError, match=r"'\.' and '\.\.' are not allowed"):
        source.find(HOME, "../company/a.py")


@pytest.fixture
def requests(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> Iterator[tuple[StoredNamespaces, list[str]]]:
    """Namespaces in S3 with a cache, and the names of all requests that are made for them."""
    made: list[str] = []
    with s3_server.client() as client, s3_server.client() as other:
        client.meta.events.register("before-call.s3", lambda model, **_: made.append(model.name))
        for name, content in FILES.items():
            S3Storage(other, s3_bucket, str(tmp_path)).put(namespace_uri(HOME, name), content)
        storage = S3Storage(client, s3_bucket, str(tmp_path))
        yield StoredNamespaces(storage, ContentStore(tmp_path / "cache", 16 * MIB)), made


Requests = tuple[StoredNamespaces, list[str]]


@pytest.mark.s3
def test_what_is_here_is_not_fetched(requests: Requests, tmp_path: Path) -> None:
    """A second load takes one request, and after a change one more than what has changed."""
    stored, made = requests
    fetched(stored, tmp_path / "first")
    assert 3 == made.count("GetObject")
    made.clear()
    assert FILES == fetched(stored, tmp_path / "second")
    assert ["ListObjectsV2"] == made

    stored.storage.put(namespace_uri(HOME, "a.py"), b"b")
    made.clear()
    assert {**FILES, "a.py": b"b"} == fetched(stored, tmp_path / "third")
    assert ["ListObjectsV2", "GetObject", "ListObjectsV2"] == made
    made.clear()
    assert {**FILES, "a.py": b"b"} == fetched(stored, tmp_path / "fourth")
    assert ["ListObjectsV2"] == made


@pytest.mark.s3
def test_written_anew_while_it_is_fetched(requests: Requests, tmp_path: Path) -> None:
    """What is written anew between the listing and the fetch is not taken for the version that was listed."""
    stored, _ = requests
    wanted = [(file, tmp_path / "a") for file in stored.entries(HOME) if file.path == "a.py"]
    uri = namespace_uri(HOME, "a.py")
    stored.storage.put(uri, b"b")
    stored.get(wanted)
    assert b"b" == (tmp_path / "a").read_bytes()
    stored.storage.put(uri, b"a")
    assert FILES == fetched(stored, tmp_path / "again")


@pytest.mark.s3
@pytest.mark.parametrize("damage", [b"", b"other", None])
def test_a_damaged_cache(requests: Requests, tmp_path: Path, damage: bytes | None) -> None:
    """Whatever became of what lies in the cache, the files arrive as the storage has them, and the cache is mended."""
    stored, made = requests
    fetched(stored, tmp_path / "first")
    for path in (tmp_path / "cache").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(damage) if damage is not None else path.unlink()
    assert FILES == fetched(stored, tmp_path / "second")
    made.clear()
    assert FILES == fetched(stored, tmp_path / "third")
    assert "GetObject" not in made


@pytest.mark.s3
@pytest.mark.parametrize("kind", ["a file in its place", "too small", "none"])
def test_no_cache(requests: Requests, tmp_path: Path, kind: str) -> None:
    """Where the cache cannot be used the files arrive all the same."""
    stored, _ = requests
    (tmp_path / "file").write_text("")
    stores = {
        "a file in its place": ContentStore(tmp_path / "file", 16 * MIB),
        "too small": ContentStore(tmp_path / "small", 10),
        "none": None,
    }
    without = StoredNamespaces(stored.storage, stores[kind])
    assert FILES == fetched(without, tmp_path / "first") == fetched(without, tmp_path / "second")


@pytest.mark.s3
def test_two_at_once(requests: Requests, tmp_path: Path) -> None:
    """Two runs that fill the cache at the same time both get all files whole, and leave nothing half behind."""
    stored, _ = requests
    found: dict[int, dict[str, bytes]] = {}
    start = threading.Barrier(2)

    def work(number: int) -> None:
        start.wait()
        found[number] = fetched(stored, tmp_path / str(number))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {0: FILES, 1: FILES} == found
    assert [] == [*(tmp_path / "cache" / "drafts").iterdir()]


@pytest.mark.s3
def test_gone_while_it_is_fetched(requests: Requests, tmp_path: Path) -> None:
    """A file that is removed between the listing and the fetch is an error that names it."""
    stored, _ = requests
    wanted = [(file, tmp_path / file.path) for file in stored.entries(HOME)]
    stored.storage.delete(namespace_uri(HOME, "a.py"))
    with pytest.raises(StorageError, match="there is no such file") as caught:
        stored.get(wanted)
    assert namespace_uri(HOME, "a.py") == caught.value.uri


LEAVES = "leads out of the namespace's folder by a symbolic link"
LINKS: list[Any] = [
    pytest.param("link", "../../outside", LEAVES, id="out of all"),
    pytest.param("link", "../company/a.py", LEAVES, id="into another namespace"),
    pytest.param("link", "/etc/passwd", LEAVES, id="absolute"),
    pytest.param("link", "d", "is a link to a folder, or to nothing", id="a folder"),
    pytest.param("link", "nothing", "is a link to a folder, or to nothing", id="nothing"),
]


@pytest.mark.parametrize(("name", "to", "what"), LINKS)
def test_links(folder: NamespaceFolder, tmp_path: Path, name: str, to: str, what: str) -> None:
    """A link that leads elsewhere is refused when it is wanted, and does not keep the others back."""
    (tmp_path / "outside").write_text("outside")
    (tmp_path / "namespaces" / HOME / name).symlink_to(to)
    found = {file.path: file for file in folder.entries(HOME)}
    assert sorted([*FILES, name]) == sorted(found)
    with pytest.raises(StorageError) as caught:
        folder.get([(found[name], tmp_path / "target")])
    place = f"the file 'link' in the folder '{tmp_path}/namespaces/{HOME}' "
    assert f"{place}{what}; put a copy in its place, remove it, or leave it out with 'exclude'" == str(caught.value)
    assert not (tmp_path / "target").exists()
    with pytest.raises(StorageError, match=what):
        folder.read(found[name])


def test_link_inside(folder: NamespaceFolder, tmp_path: Path) -> None:
    """A link to a file of the same namespace is that file, as a copy."""
    (tmp_path / "namespaces" / HOME / "link").symlink_to("a.py")
    assert {**FILES, "link": b"a"} == fetched(folder, tmp_path / "target")
    assert not (tmp_path / "target" / "link").is_symlink()


def test_linked_namespace(folder: NamespaceFolder, tmp_path: Path) -> None:
    """A namespace whose folder is a link out of the folder of namespaces has no file that is given out."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_text("x")
    (tmp_path / "namespaces" / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match=LEAVES):
        fetched(folder, tmp_path / "target", "linked")


def test_special_files(folder: NamespaceFolder, tmp_path: Path) -> None:
    """A named pipe is no file of a namespace: nobody waits for what it never says."""
    os.mkfifo(tmp_path / "namespaces" / HOME / "pipe")
    assert FILES == fetched(folder, tmp_path / "target")
    assert folder.find(HOME, "pipe") is None


def test_folder_before_storage(folder: NamespaceFolder, tmp_path: Path) -> None:
    """A folder has the namespaces that it holds, whole, and the storage all others."""
    storage = LocalStorage(tmp_path / "storage")
    for namespace in (HOME, "stored.only"):
        storage.put(namespace_uri(namespace, "s.txt"), b"stored")
    chosen = ChosenNamespaces(folder, StoredNamespaces(storage))
    assert FILES == fetched(chosen, tmp_path / "one")
    assert {"s.txt": b"stored"} == fetched(chosen, tmp_path / "two", "stored.only")
    assert chosen.find(HOME, "s.txt") is None
    both = [*chosen.entries("stored.only"), *chosen.entries(HOME)]
    chosen.get([(file, tmp_path / "three" / file.path) for file in both])
    assert sorted([*FILES, "s.txt"]) == sorted(
        str(path.relative_to(tmp_path / "three")) for path in (tmp_path / "three").rglob("*") if path.is_file()
    )


def test_no_folder(tmp_path: Path) -> None:
    """A folder that is configured and missing is an error that says so, and not an empty one."""
    chosen = ChosenNamespaces(NamespaceFolder(tmp_path / "no"), StoredNamespaces(LocalStorage(tmp_path / "storage")))
    with pytest.raises(StorageError) as caught:
        chosen.entries(HOME)
    step = "make it, or name another one: --namespace-files, or namespace-files in [tool.wdprefect]"
    assert f"the folder of namespace files '{tmp_path}/no' does not exist; {step}" == str(caught.value)


@pytest.mark.parametrize(
    "uri", ["nsfile:///a.py", f"nsfile://{HOME}/a.py", "kestra:///company/team/_files/a.py", "nsfile:///d/e/b%20c.txt"]
)
def test_reader(folder: NamespaceFolder, tmp_path: Path, uri: str) -> None:
    """A namespace file is read from where it is kept, however its URI is written."""
    storage = LocalStorage(tmp_path / "storage")
    reader = Reader(storage, ChosenNamespaces(folder, StoredNamespaces(storage)), HOME)
    expected = FILES["d/e/b c.txt" if "20" in uri else "a.py"]
    reader.get(uri, tmp_path / "target")
    assert (expected, len(expected), True) == (reader.read(uri), reader.size(uri), reader.exists(uri))
    assert expected == (tmp_path / "target").read_bytes()


def test_reader_of_the_storage(folder: NamespaceFolder, tmp_path: Path) -> None:
    """All other URIs are the storage's, and a missing file is named with the place where it was looked for."""
    storage = LocalStorage(tmp_path / "storage")
    storage.put("kestra:///company/team/x", b"stored")
    reader = Reader(storage, ChosenNamespaces(folder, StoredNamespaces(storage)), HOME)
    reader.get("kestra:///company/team/x", tmp_path / "target")
    assert (b"stored", 6) == (reader.read("kestra:///company/team/x"), reader.size("kestra:///company/team/x"))
    assert [True, False, False] == [
        reader.exists(uri) for uri in ("kestra:///company/team/x", "kestra:///y", "nsfile:///y")
    ]
    for reading in (reader.read, reader.size, lambda uri: reader.get(uri, tmp_path / "none")):
        with pytest.raises(StorageError) as caught:
            reading("nsfile:///y")
        place = f"the folder '{tmp_path}/namespaces/{HOME}'"
        assert f"the namespace '{HOME}' has no file 'y' in {place}" == str(caught.value)
