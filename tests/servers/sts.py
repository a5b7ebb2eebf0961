"""A server on the loopback that gives credentials of roles, as Amazon's STS does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

_ANSWER = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>
<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>
<SessionToken>{token}</SessionToken><Expiration>{expires}</Expiration></Credentials>
<AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/reader/{name}</Arn>
<AssumedRoleId>AROA:{name}</AssumedRoleId></AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>"""
_REFUSAL = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>not for you</Message></Error></ErrorResponse>"""


class Sts(ThreadingHTTPServer):
    """`asked` is what each request said, and with which access key it was signed.

    lifetime: of the credentials that it gives; they are those of `key` and `secret`. refuses: gives none.
    """

    daemon_threads = True

    def __init__(self, key: str, secret: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key, self.secret = key, secret
        self.lifetime, self.refuses = timedelta(hours=1), False
        self.asked: list[dict[str, str]] = []

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Sts

    def do_POST(self) -> None:
        said = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        signed_by = self.headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        self.server.asked.append({**said, "signed by": signed_by})
        expires = datetime.now(timezone.utc) + self.server.lifetime
        answer = _ANSWER.format(
            key=self.server.key,
            secret=self.server.secret,
            token=f"token-{len(self.server.asked)}",
            expires=expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
            name=said.get("RoleSessionName"),
        )
        body = (_REFUSAL if self.server.refuses else answer).encode()
        self.send_response(403 if self.server.refuses else 200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def sts_server(key: str, secret: str) -> Iterator[Sts]:
    """A running server."""
    server = Sts(key, secret)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), name="sts")
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
