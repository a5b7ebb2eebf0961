"""The local Prefect server: one for all commands, closed to others, found again, and gone when it is stopped."""

from __future__ import annotations

import http.client
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from wdprefect.cli import main
from wdprefect.errors import Unavailable
from wdprefect.on_prefect import server_process
from wdprefect.on_prefect.server import (
    Server,
    ensure_server,
    exports,
    find_server,
    is_answering,
    stop_server,
)
from wdprefect.on_prefect.server_guard import is_welcome
from wdprefect.on_prefect.server_state import ServerState, read_state, server_home, write_state

PRINT_SERVER = "from wdprefect.on_prefect.server import *; s = ensure_server(); print(s.pid, s.started)"
PRINT_URL = "from wdprefect.on_prefect.server import *; print(configured_api_url())"
PAGES = "{own}"  # stands for the origin of the server's own pages
FOREIGN = "https://elsewhere.example"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a server that was never started."""
    monkeypatch.setenv("WDPREFECT_HOME", str(tmp_path))
    return tmp_path / "server"


@pytest.fixture(scope="module")
def shared_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A directory that the tests share, because the first start there takes longest; its server ends with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WDPREFECT_HOME", str(tmp_path_factory.mktemp("wdprefect")))
        yield server_home()
        stop_server()


@pytest.fixture
def server(shared_home: Path) -> Server:
    """The living server of the shared directory, started again where a test ended it."""
    return ensure_server()


def processes_of(home: Path) -> list[int]:
    """The pids of all living processes that have this directory in their environment."""
    return [p.pid for p in psutil.process_iter() if home_of(p) == str(home)]


def home_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("PREFECT_HOME")
    except psutil.Error:
        return None


def mode(path: Path) -> str:
    return f"{stat.S_IMODE(path.stat().st_mode):o}"


@pytest.mark.server
def test_two_commands_start_one_server(server: Server) -> None:
    """Of two commands that need a server at the same moment one starts it, and both get it."""
    stop_server()
    command = [sys.executable, "-c", PRINT_SERVER]
    commands = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [c.communicate()[0].split() for c in commands]
    found = find_server()
    assert found is not None
    assert [[str(found.pid), "False"], [str(found.pid), "True"]] == sorted(answers)


@pytest.mark.server
def test_the_living_server_is_found_again(server: Server) -> None:
    """Who asks again gets the same server, which answers, and the shell line that leads Prefect to it."""
    again = ensure_server()
    assert replace(server, started=False) == again == find_server()
    assert is_answering(again)
    assert f"export PREFECT_API_URL={server.ui_url}/api" == exports(again)


@pytest.mark.server
def test_a_server_of_another_prefect_version_is_kept(server: Server) -> None:
    """An upgrade of the package does not end a server on which runs may be under way; its version tells."""
    state = read_state(server.home)
    assert state is not None
    write_state(server.home, replace(state, prefect="3.0.0"))
    again = ensure_server()
    write_state(server.home, state)
    assert (server.pid, "3.0.0") == (again.pid, again.version)


@pytest.mark.server
def test_stopping_leaves_no_process(server: Server) -> None:
    """A stopped server is gone with all its processes and its state; stopping again says that none ran."""
    assert [server.pid] == processes_of(server.home)
    assert stop_server()
    assert [] == processes_of(server.home)
    assert not is_answering(server)
    assert find_server() is None
    assert not (server.home / "state.json").exists()
    assert not stop_server()


@pytest.mark.server
def test_a_killed_server_is_replaced_at_its_address(server: Server) -> None:
    """A server that was killed is known to be gone; the next one takes its port, which open pages still use."""
    os.kill(server.pid, signal.SIGKILL)
    psutil.wait_procs([p for p in psutil.process_iter() if p.pid == server.pid], timeout=10)
    assert find_server() is None
    fresh = ensure_server()
    assert fresh.started
    assert server.pid != fresh.pid
    assert server.api_url == fresh.api_url


@pytest.mark.server
def test_files_are_for_their_user_alone(server: Server) -> None:
    """Nothing the server keeps can be read by other users of the machine."""
    files = [p for p in server.home.rglob("*") if p.is_file() and "ui" not in p.relative_to(server.home).parts]
    assert {"prefect.db", "server.log", "state.json"} <= {p.name for p in files}
    assert {"600"} == {mode(p) for p in files}
    assert "700" == mode(server.home)


@pytest.mark.server
@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        pytest.param("GET", "/api/health", {}, 200, id="a program"),
        pytest.param("GET", "/api/health", {"Origin": PAGES}, 200, id="its own page"),
        pytest.param("GET", "/api/health", {"Host": "localhost:1", "Origin": "http://localhost:1"}, 200, id="a tunnel"),
        pytest.param("GET", "/api/events/out", UPGRADE, 101, id="a program's websocket"),
        pytest.param("GET", "/api/health", {"Origin": FOREIGN}, 403, id="a foreign page"),
        pytest.param("GET", "/api/health", {"Origin": "null"}, 403, id="a page without origin"),
        pytest.param("GET", "/api/health", {"Origin": "http://127.0.0.1:1"}, 403, id="another program's page"),
        pytest.param("POST", "/api/flows/filter", {"Origin": FOREIGN}, 403, id="a foreign form"),
        pytest.param(
            "OPTIONS",
            "/api/flows/filter",
            {"Origin": FOREIGN, "Access-Control-Request-Method": "POST"},
            403,
            id="a foreign page's question whether it may",
        ),
        pytest.param("GET", "/api/health", {"Host": "elsewhere.example"}, 403, id="a foreign name for this machine"),
        pytest.param("GET", "/api/events/out", {**UPGRADE, "Origin": FOREIGN}, 403, id="a foreign page's websocket"),
    ],
)
def test_only_own_pages_are_answered(
    server: Server, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """Programs here and the server's own pages are answered, pages from elsewhere are not, by whatever way they ask."""
    own = {name: value.replace(PAGES, server.ui_url) for name, value in headers.items()}
    answer = ask(server, method, path, own)
    assert status == answer.status
    expected = server.ui_url if own.get("Origin") == server.ui_url else None
    assert expected == answer.allowed_origin


@pytest.mark.server
@pytest.mark.parametrize(
    ("path", "headers"),
    [
        pytest.param("/", {}, id="a page"),
        pytest.param("/api/health", {}, id="an answer of the API"),
        pytest.param("/no/such/page", {}, id="an error"),
        pytest.param("/", {"Origin": FOREIGN}, id="a refusal"),
    ],
)
def test_no_page_is_shown_in_another(server: Server, path: str, headers: dict[str, str]) -> None:
    """No answer may be framed: in a page from elsewhere, people would click there without knowing where."""
    assert ["DENY"] == ask(server, "GET", path, headers).framing


@pytest.mark.server
@pytest.mark.parametrize("version", ["3.0.0", None], ids=["another version", "the installed one"])
def test_status(server: Server, version: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """`server status` says where the server is, and what to do when it is not the Prefect that is installed."""
    state = read_state(server.home)
    assert state is not None
    write_state(server.home, replace(state, prefect=version or state.prefect))
    code = main(["server", "status"])
    write_state(server.home, state)
    said = capsys.readouterr().out.splitlines()
    assert (0, True) == (code, said[0].startswith(f"running: {server.ui_url} (process {server.pid}, log "))
    versions = f"it is Prefect 3.0.0, installed is {state.prefect}"
    step = "end it with 'wdprefect server stop', the next 'wdprefect run' starts the other"
    assert ([f"{versions}: {step}"] if version else []) == said[1:-2]
    assert exports(server) == said[-1]


@pytest.mark.server
def test_pages_ask_the_server_they_came_from(server: Server) -> None:
    """The pages are served, and send their questions to wherever they were opened."""
    assert b"<html" in ask(server, "GET", "/", {}).body.lower()
    assert "/api" == json.loads(ask(server, "GET", "/ui-settings", {}).body)["api_url"]


class Answer(NamedTuple):
    """What the server sent back."""

    status: int
    allowed_origin: str | None
    framing: list[str] | None
    body: bytes


def ask(server: Server, method: str, path: str, headers: dict[str, str]) -> Answer:
    with closing(http.client.HTTPConnection(server.ui_url.removeprefix("http://"), timeout=30)) as connection:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        origin, framing = response.getheader("access-control-allow-origin"), response.headers.get_all("x-frame-options")
        return Answer(response.status, origin, framing, response.read())


@pytest.mark.server
def test_a_server_that_dies_is_reported_with_its_log(home: Path) -> None:
    """A server that ends before it answers is an error with the end of its log, and leaves nothing behind."""
    (home / "prefect.db").mkdir(parents=True)
    with pytest.raises(Unavailable, match="ended before it answered") as caught:
        ensure_server()
    assert f"'{home / 'server.log'}'" in str(caught.value)
    assert "unable to open database file" in str(caught.value)
    assert ([], None) == (processes_of(home), read_state(home))


@pytest.mark.server
def test_a_server_that_is_too_slow_is_ended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer in time is an error, and leaves nothing behind."""
    monkeypatch.setattr(server_process, "START_SECONDS", 0.1)
    with pytest.raises(Unavailable, match="does not answer"):
        ensure_server()
    assert ([], None) == (processes_of(home), read_state(home))


def test_a_home_that_cannot_be_made_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no directory can be, there is no server, and the error names the place."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("WDPREFECT_HOME", str(tmp_path / "file"))
    assert find_server() is None
    with pytest.raises(Unavailable, match="file/server': Not a directory"):
        ensure_server()


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(None, id="no state"),
        pytest.param('{"pid": 1', id="half a state"),
        pytest.param('["pid"]', id="another state"),
        pytest.param(f'{{"pid": {os.getpid()}, "port": 1, "prefect": "3", "wdprefect": "0"}}', id="a reused pid"),
        pytest.param('{"pid": 4194305, "port": 1, "prefect": "3", "wdprefect": "0"}', id="a pid that is not in use"),
    ],
)
def test_leftovers_are_no_server(home: Path, state: str | None) -> None:
    """What a server left behind is not taken for a living one, also when another process has its pid by now."""
    home.mkdir()
    if state is not None:
        (home / "state.json").write_text(state)
    assert find_server() is None
    assert not stop_server()


def test_the_state_is_read_as_it_was_written(home: Path) -> None:
    """A state is kept in a file of its user alone."""
    home.mkdir()
    state = ServerState(1, 2, "3.8.8", "0.1.0")
    write_state(home, state)
    assert state == read_state(home)
    assert "600" == mode(home / "state.json")


def test_settings_and_secrets_of_the_caller_stay_out() -> None:
    """The server gets the caller's environment without Prefect settings and secrets, so no profile leaks in."""
    caller = {"PATH": "/bin", "PREFECT_API_URL": "x", "PREFECT_PROFILE": "x", "SECRET_A": "x", "WDPREFECT_HOME": "x"}
    environment = server_process.child_environment(caller, Path("/h"), 4300)
    assert "/bin" == environment["PATH"]
    assert "x" not in environment.values()
    assert "/h" == environment["PREFECT_HOME"]


def test_a_server_that_refuses_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group in which a process ignores SIGTERM is gone all the same, children included."""
    monkeypatch.setattr(server_process, "STOP_SECONDS", 0.2)
    script = "trap '' TERM; sleep 60 & echo $!; wait"
    with subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True) as stubborn:
        assert stubborn.stdout is not None
        child = int(stubborn.stdout.readline())
        server_process.end(stubborn.pid)
        assert -signal.SIGKILL == stubborn.wait(timeout=10)
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_a_request_without_host_is_not_welcome() -> None:
    """Who does not say whom it wants to speak to is not answered."""
    assert not is_welcome([])


@pytest.mark.parametrize(
    ("environment", "files", "expected"),
    [
        pytest.param({}, {}, "None", id="nothing"),
        pytest.param({"PREFECT_API_URL": ""}, {}, "None", id="an empty variable"),
        pytest.param({"PREFECT_API_URL": "http://env/api"}, {}, "http://env/api", id="a variable"),
        pytest.param({}, {"prefect.toml": '[api]\nurl = "http://toml/api"\n'}, "http://toml/api", id="prefect.toml"),
        pytest.param(
            {},
            {"profiles.toml": 'active = "team"\n[profiles.team]\nPREFECT_API_URL = "http://team/api"\n'},
            "http://team/api",
            id="the active profile",
        ),
    ],
)
def test_a_configured_api_is_honoured(
    tmp_path: Path, environment: dict[str, str], files: dict[str, str], expected: str
) -> None:
    """The API that the user configured for Prefect is found wherever Prefect finds it."""
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PREFECT_HOME": str(tmp_path), "DO_NOT_TRACK": "1"}
    # In a process of its own: Prefect reads its settings once, when it is imported.
    done = subprocess.run(
        [sys.executable, "-c", PRINT_URL],
        cwd=tmp_path,
        env=own | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert expected == done.stdout.strip()
