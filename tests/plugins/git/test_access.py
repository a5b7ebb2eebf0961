"""Who may read a repository, what is said when one may not, and that nobody else learns the password."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.plugins.git.conftest import Place, write_program
from tests.plugins.git.origin import Origin
from tests.servers.git_http import GitServer, serving
from tests.workspace.watching import wait_until
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._clone import CloneOptions

USER, TOKEN = "us@er", "s3cr:t@/x%41 '\"$(id)"
QUOTED = "s3cr%3At%40%2Fx%2541%20%27%22%24%28id%29"


@pytest.fixture
def private(origin: Origin, served: Path) -> Iterator[GitServer]:
    with serving(GitServer(served, (USER, TOKEN))) as server:
        yield server


def assert_no_secret(text: str) -> None:
    """Neither the password, nor how a url or the Authorization header would write it, is in the text."""
    header = base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()
    for form in (TOKEN, QUOTED, header):
        assert form not in text


def test_public(place: Place, origin: Origin, served: Path) -> None:
    """A repository that asks for nothing is cloned without credentials, and none are sent when they are given."""
    with serving(GitServer(served)) as server:
        place.clone(CloneOptions(f"{server.url}/project.git", username=USER, password=TOKEN))
    assert {None} == {seen.authorization for seen in server.seen}
    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({}, id="default branch"),
        pytest.param({"tag": "v1"}, id="tag"),
        pytest.param({"branch": "dev", "depth": 1}, id="branch"),
        pytest.param({"all_branches": True}, id="all branches"),
    ],
)
def test_token(place: Place, private: GitServer, wanted: dict[str, str]) -> None:
    """Every request of a clone carries the credentials, those for tags included."""
    url = f"{private.url}/project.git"
    place.clone(CloneOptions(url, username=USER, password=TOKEN, **wanted))  # type: ignore[arg-type]  # a row names a few
    assert (place.target / "README.md").exists()
    assert url == place.git("remote", "get-url", "origin")


def test_credentials_in_the_url(place: Place, private: GitServer) -> None:
    """Credentials in the url are used, and are in no file of the clone and in no line of the log."""
    host = private.url.removeprefix("http://")
    place.clone(CloneOptions(f"http://us%40er:{QUOTED}@{host}/project.git"))
    assert f"{private.url}/project.git" == place.git("remote", "get-url", "origin")
    for file in place.target.rglob("*"):
        if file.is_file():
            assert_no_secret(file.read_bytes().decode("latin-1"))
    assert_no_secret(str(place.lines))


@pytest.mark.parametrize(
    ("credentials", "url", "options"),
    [
        pytest.param(("tok3n", ""), "http://tok3n@{host}/project.git", {}, id="token as the user of the url"),
        pytest.param(("tok3n", ""), "http://{host}/project.git", {"username": "tok3n"}, id="token as the user"),
        pytest.param(("git", "tok3n"), "http://{host}/project.git", {"password": "tok3n"}, id="token, no user"),
        pytest.param(
            ("git", "tok3n"), "http://{host}/project.git", {"password": "tok3n\n"}, id="token with a line end"
        ),
        pytest.param(
            ("a", "tok3n"), "http://x:y@{host}/project.git", {"username": "a", "password": "tok3n"}, id="properties win"
        ),
    ],
)
def test_token_alone(
    place: Place, origin: Origin, served: Path, credentials: tuple[str, str], url: str, options: dict[str, str]
) -> None:
    """A token may stand alone, as the user name or as the password."""
    with serving(GitServer(served, credentials)) as server:
        host = server.url.removeprefix("http://")
        place.clone(CloneOptions(url.format(host=host), **options))  # type: ignore[arg-type]  # a row names a few
    assert "five\n" == place.files()["README.md"]


@pytest.mark.parametrize(
    ("username", "password", "message"),
    [
        pytest.param(
            None, None, r"asks for a user name and a password or token \(set 'username' and 'password'\)", id="none"
        ),
        pytest.param("", " ", "asks for a user name", id="blank"),
        pytest.param(USER, "wr0ng-token", "refuses the user name and password", id="wrong"),
        pytest.param(USER, "two\nlines", "holds a line break", id="line break"),
    ],
)
def test_refused(
    place: Place,
    private: GitServer,
    capfd: pytest.CaptureFixture[str],
    username: str | None,
    password: str | None,
    message: str,
) -> None:
    """Missing and wrong credentials are told apart, at once, and do not show in the message or on the terminal."""
    with pytest.raises(TaskFailed, match=message) as caught:
        place.clone(CloneOptions(f"{private.url}/project.git", username=username, password=password))
    captured = capfd.readouterr()
    for text in (str(caught.value), repr(caught.value.__cause__), captured.out, captured.err, str(place.lines)):
        assert "wr0ng" not in text
        assert "two" not in text
    assert [] == list(place.target.iterdir())


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param((401, b""), "refuses|asks for", id="401"),
        pytest.param((403, b""), r"denies access \(403", id="403"),
        pytest.param((404, b""), r"there is no repository at 'http://127.*project\.git' \(404", id="404"),
        pytest.param((500, b""), "failed: .*returned error: 500", id="500"),
        pytest.param((200, b"<html>\n</html>\n"), "there is no git repository at", id="a web page"),
    ],
)
def test_server_says_no(place: Place, served: Path, answer: tuple[int, bytes], message: str) -> None:
    """What the server answers is told in a sentence with the url, without git's command line."""
    with serving(GitServer(served, answer=answer)) as server, pytest.raises(TaskFailed, match=message) as caught:
        place.clone(CloneOptions(f"http://us:s3cret@127.0.0.1:{server.port}/project.git"))
    for absent in ("s3cret", "us:", "GitCommandError", "cmdline", "ls-remote", str(place.scratch)):
        assert absent not in str(caught.value)


def test_repository_that_is_not_served(place: Place, private: GitServer) -> None:
    """A path without a repository is said to be none."""
    with pytest.raises(TaskFailed, match=r"there is no repository at 'http://.*/nothing\.git'"):
        place.clone(CloneOptions(f"{private.url}/nothing.git", username=USER, password=TOKEN))


def test_file_that_is_no_repository(place: Place, tmp_path: Path) -> None:
    """A file url that leads nowhere is said to."""
    with pytest.raises(TaskFailed, match="there is no git repository at 'file:///"):
        place.clone(CloneOptions((tmp_path / "nothing").as_uri()))


def test_unknown_host(place: Place) -> None:
    """A host that no name server knows is named."""
    with pytest.raises(TaskFailed, match=r"the host 'nowhere\.invalid' is unknown"):
        place.clone(CloneOptions("http://nowhere.invalid/x.git"))


def test_nobody_listens(place: Place) -> None:
    """A host that refuses the connection is named."""
    with socket.socket() as taken:
        # Bound and not listening: connections to it are refused.
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(TaskFailed, match=f"the host '127.0.0.1:{port}' does not accept connections"):
            place.clone(CloneOptions(f"http://127.0.0.1:{port}/x.git"))


@pytest.mark.parametrize(
    ("asks", "message"),
    [
        pytest.param(None, "asks for a user name", id="at once"),
        pytest.param((USER, TOKEN), "refuses the user name and password", id="after a login"),
    ],
)
def test_redirect_to_another_host(
    place: Place, private: GitServer, served: Path, asks: tuple[str, str] | None, message: str
) -> None:
    """Credentials do not go where a redirect leads."""
    with (
        serving(GitServer(served, asks, redirect_to=private.url)) as first,
        pytest.raises(TaskFailed, match=message),
    ):
        place.clone(CloneOptions(f"{first.url}/project.git", username=USER, password=TOKEN))
    assert private.seen
    assert {None} == {seen.authorization for seen in private.seen}


def test_redirect_of_a_renamed_repository(place: Place, origin: Origin, served: Path) -> None:
    """A redirect of the first request is followed."""
    with serving(GitServer(served)) as public, serving(GitServer(served, redirect_to=public.url)) as first:
        place.clone(CloneOptions(f"{first.url}/project.git"))
    assert "five\n" == place.files()["README.md"]


def test_redirect_after_a_login(place: Place, origin: Origin, served: Path) -> None:
    """A redirect that comes only after a login is not followed by git; the message says what to do."""
    with (
        serving(GitServer(served)) as public,
        serving(GitServer(served, (USER, TOKEN), redirect_to=public.url)) as first,
        pytest.raises(TaskFailed, match=r"the repository at '.*' has moved \(use its new url\)"),
    ):
        place.clone(CloneOptions(f"{first.url}/project.git", username=USER, password=TOKEN))
    assert {None} == {seen.authorization for seen in public.seen}


def test_arguments_and_environment(
    place: Place, private: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Git gets no password in arguments or environment, and of the worker's secrets none; proxies stay."""
    record = tmp_path / "record"
    real = f"PATH='{_path()}'"
    write_program(tmp_path / "bin/git", f'printf \'%s\\n\' "$@" >>{record}; env >>{record}; {real} exec git "$@"')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{_path()}")
    for name in ("PREFECT_API_KEY", "SECRET_X", "WDPREFECT_X", "GIT_DIR", "GIT_SSL_CAINFO", "NO_PROXY"):
        monkeypatch.setenv(name, f"value-of-{name}")
    place.clone(CloneOptions(f"{private.url}/project.git", username=USER, password=TOKEN))
    seen = record.read_text()
    assert_no_secret(seen)
    assert {"GIT_SSL_CAINFO", "NO_PROXY"} == {word.split("\n")[0] for word in seen.split("value-of-")[1:]}
    assert {"PREFECT_API_KEY", "SECRET_X", "WDPREFECT_X"}.isdisjoint(line.split("=")[0] for line in seen.splitlines())


@pytest.mark.parametrize("method", [pytest.param("GET", id="at first"), pytest.param("POST", id="in the middle")])
def test_stop(place: Place, origin: Origin, served: Path, method: str) -> None:
    """A stop ends a clone from a server that hangs within two seconds; no git is left, and none showed the password."""
    shown: list[str] = []
    with serving(GitServer(served, (USER, TOKEN), hangs_on=method)) as server:
        stopper = threading.Thread(target=_stop_when_hanging, args=(server, place, shown))
        stopper.start()
        with pytest.raises(TaskFailed, match=f"the clone of '{server.url}/project.git' was stopped"):
            place.clone(CloneOptions(f"{server.url}/project.git", username=USER, password=TOKEN))
        # What was killed may take the system a moment; all of it is gone within the same two seconds.
        wait_until(lambda: not _processes_with(server.url))
        ended = time.monotonic()
        stopper.join()
        assert float(shown.pop()) + 2 > ended
    assert any("remote-http" in text for text in shown)
    assert_no_secret("\n".join(shown))


def _stop_when_hanging(server: GitServer, place: Place, shown: list[str]) -> None:
    assert server.hanging.wait(20)
    shown.extend(f"{process.cmdline()} {process.environ()}" for process in _processes_with(server.url))
    shown.append(str(time.monotonic()))
    place.stop.request()


def _processes_with(text: str) -> list[psutil.Process]:
    running = psutil.process_iter(["cmdline", "status"])
    return [
        process
        for process in running
        if process.info["status"] != psutil.STATUS_ZOMBIE and text in " ".join(process.info["cmdline"] or [])
    ]


def test_stop_of_what_ignores_it(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A git that does not end when asked to is killed with the programs it started."""
    marker = f"sleep {60 + time.time() % 1:.6f}"
    (tmp_path / "started").touch()
    write_program(tmp_path / "bin/git", f"trap '' TERM; {marker} & echo >{place.target}/started; wait; {marker}")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{_path()}")
    stopper = threading.Thread(target=_stop_when_there, args=(place.target / "started", place))
    stopper.start()
    start = time.monotonic()
    with pytest.raises(TaskFailed, match="was stopped"):
        place.clone(CloneOptions("file:///nothing"))
    assert start + 3 > time.monotonic()
    stopper.join()
    assert [] == _processes_with(marker)


def _stop_when_there(file: Path, place: Place) -> None:
    while not file.exists():
        place.stop.wait(0.01)
    place.stop.request()


def test_stopped_before(place: Place, origin: Origin) -> None:
    """A clone that was stopped before it began starts no git."""
    place.stop.request()
    with pytest.raises(TaskFailed, match="was stopped"):
        place.clone(CloneOptions(origin.url))


def _path() -> str:
    return "/usr/local/bin:/usr/bin:/bin"
