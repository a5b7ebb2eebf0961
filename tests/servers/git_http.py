"""A git server for tests: every repository below a folder over smart http on the loopback, by `git http-backend`."""

from __future__ import annotations

import base64
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    authorization: str | None


@dataclass
class GitServer:
    """What the server does, and what it has seen.

    credentials: the user name and password that every request must carry.
    redirect_to: the start of the urls to which authorized requests are sent on. answer: what they all get instead.
    hangs_on: the method of the requests that are never answered; `hanging` is set when one has come.
    protocol_2: without it, as with old servers, a commit is not handed out by its id.
    certificate: a PEM file of a key and its certificate; with it the server speaks https.
    """

    root: Path
    credentials: tuple[str, str] | None = None
    redirect_to: str | None = None
    answer: tuple[int, bytes] | None = None
    hangs_on: str | None = None
    protocol_2: bool = True
    certificate: Path | None = None
    seen: list[Seen] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    @cached_property
    def wanted(self) -> str | None:
        """The Authorization header that is let in."""
        if self.credentials is None:
            return None
        return "Basic " + base64.b64encode(":".join(self.credentials).encode()).decode()


@contextmanager
def serving(server: GitServer) -> Iterator[GitServer]:
    """The server, listening on a free port while the block runs."""
    with _Listener(("127.0.0.1", 0), _Handler) as listener:
        listener.git = server
        if server.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(server.certificate)
            listener.socket = context.wrap_socket(listener.socket, server_side=True)
        server.port = listener.server_address[1]
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            listener.shutdown()
            thread.join()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    git: GitServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def git(self) -> GitServer:
        return cast("_Listener", self.server).git

    def do_GET(self) -> None:
        body = self._body()
        git = self.git
        authorization = self.headers.get("Authorization")
        git.seen.append(Seen(self.command, self.path, authorization))
        if git.wanted and authorization != git.wanted:
            self._reply(HTTPStatus.UNAUTHORIZED, [("WWW-Authenticate", 'Basic realm="git"')], b"who are you?\n")
        elif git.hangs_on == self.command:
            git.hanging.set()
            git.closing.wait()
            self.close_connection = True
        elif git.redirect_to:
            self._reply(HTTPStatus.MOVED_PERMANENTLY, [("Location", git.redirect_to + self.path)], b"")
        elif git.answer:
            self._reply(git.answer[0], [], git.answer[1])
        else:
            self._reply(*self._backend(body))

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_: object) -> None:
        """Nothing: tests look at `seen`."""

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _backend(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """The answer of `git http-backend`, which is a CGI program."""
        path, _, query = self.path.partition("?")
        environment = {
            "PATH": os.environ["PATH"],
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_PROJECT_ROOT": str(self.git.root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", "") if self.git.protocol_2 else "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_METHOD": self.command,
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
        }
        command = ["git", "http-backend"]
        raw = subprocess.run(command, input=body, env=environment, capture_output=True, check=False).stdout
        head, _, content = raw.partition(b"\r\n\r\n")
        headers = [cast("tuple[str, str]", tuple(line.split(": ", 1))) for line in head.decode("latin-1").splitlines()]
        status = next((int(value.split()[0]) for name, value in headers if name == "Status"), 200)
        return status, [pair for pair in headers if pair[0] != "Status"], content

    def _reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
