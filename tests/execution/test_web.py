"""Asking web servers: what arrives, and what ends it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.running import CORE, run_tasks
from wdprefect.errors import ExpressionError, Unavailable
from wdprefect.execution.web import ask
from wdprefect.expressions.services import HttpRequest, HttpResponse


class Answers(BaseHTTPRequestHandler):
    """Answers by the path: `/echo`, `/moved`, `/missing`, `/long`."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        status, content = {"/moved": (302, b""), "/missing": (404, b"no"), "/long": (200, b"x" * 5000)}.get(
            self.path, (200, f"{self.command} {self.headers.get('x-a')} ".encode() + body)
        )
        self.send_response(status)
        self.send_header("content-type", "text/plain")
        self.send_header("content-length", str(len(content)))
        if status == 302:
            self.send_header("location", "/echo")
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST  # noqa: N815  as the library calls it

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the library's name
        """Nothing is logged."""


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as found:
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()
        thread.join()


def test_answer(server: str) -> None:
    """Method, headers and body arrive, and the answer comes back whole."""
    request = HttpRequest("POST", f"{server}/echo", [("X-A", "1")], b"hi")
    assert HttpResponse(200, "OK", "text/plain", b"POST 1 hi") == ask(request)


def test_status(server: str) -> None:
    """An answer is one whatever its status; a redirect is followed unless told otherwise."""
    found = [
        ask(HttpRequest("GET", f"{server}/missing", [], None)).status,
        ask(HttpRequest("GET", f"{server}/moved", [], None)).status,
        ask(HttpRequest("GET", f"{server}/moved", [], None, follow_redirects=False)).status,
    ]
    assert [404, 200, 302] == found


def test_too_long(server: str) -> None:
    """An answer that is too long is not read to its end."""
    with pytest.raises(ExpressionError) as caught:
        ask(HttpRequest("GET", f"{server}/long", [], None), longest_bytes=4000)
    assert ("limit", f"the answer to GET {server}/long is longer than 4,000 bytes") == (
        caught.value.kind,
        caught.value.message,
    )


def test_too_slow(server: str) -> None:
    """An answer that takes too long is not waited for."""
    with pytest.raises(ExpressionError) as caught:
        ask(HttpRequest("GET", f"{server}/long", [], None), total_seconds=0)
    assert ("limit", f"the answer to GET {server}/long takes longer than 0 seconds") == (
        caught.value.kind,
        caught.value.message,
    )


def test_silence() -> None:
    """A server that says nothing is one that does not answer; secrets in the address are not repeated."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        address = f"http://user:pass@127.0.0.1:{port}/p?key=secret"
        with pytest.raises(Unavailable) as caught:
            ask(HttpRequest("GET", address, [], None, read_seconds=0.05))
    assert f"Failed to execute HTTP request: GET http://127.0.0.1:{port}/p: timed out" == str(caught.value)


@pytest.mark.parametrize(
    ("method", "uri"),
    [
        pytest.param("BAD METHOD", "http://127.0.0.1:1/", id="method"),
        pytest.param("GET", "ftp://127.0.0.1/", id="scheme"),
        pytest.param("GET", "http://127.0.0.1:port/", id="port"),
    ],
)
def test_no_request(method: str, uri: str, server: str) -> None:
    """What cannot be sent is an error of the template."""
    with pytest.raises(ExpressionError):
        ask(HttpRequest(method, uri.replace("http://127.0.0.1:1", server), [], None))


def test_in_a_run(server: str) -> None:
    """A task sees the answer; a server that is not there fails the task, also in its `runIf`, and nothing more."""
    execution = run_tasks(f"""
    - id: echo
      type: {CORE}.debug.Return
      format: "{{{{ http('{server}/echo', 'POST', body='hi', headers={{'X-A': 'y'}}) }}}}"
    - id: forgives
      type: {CORE}.flow.AllowFailure
      tasks:
        - id: asks
          type: {CORE}.log.Log
          message: never
          runIf: "{{{{ http('http://127.0.0.1:9/') }}}}"
    """)
    assert ("WARNING", "POST y hi") == (execution.state, execution.task_outputs["echo"]["value"])
