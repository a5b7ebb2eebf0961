"""A server to which stores post what was made: MinIO, Ceph, Amazon SNS, and others with S3's records."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from wdprefect.errors import UsageError
from wdprefect.intake.events import LONGEST_BODY_BYTES, read_events
from wdprefect.intake.sources.http_server import PATIENCE_SECONDS, bind, is_loopback, serve
from wdprefect.intake.sources.outcomes import Outcome, Report
from wdprefect.intake.sources.pushed import Pushes
from wdprefect.intake.sources.sns import Fetch, NotFromSns, Sns, SnsUnavailable, fetch_https, is_sns
from wdprefect.intake.watch import Watched
from wdprefect.model.stop import Stop

if TYPE_CHECKING:
    import socket

_WORKERS = 16
_RETRY_AFTER_SECONDS = "5"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """Where to listen, and whom to believe.

    token: what senders must know; needed wherever others than this machine can reach the server. topics: the ARNs of
    the topics of SNS that may post, whose subscriptions are confirmed. is_healthy: what `GET /health` answers.
    """

    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None
    topics: Collection[str] = ()
    fetch: Fetch = fetch_https
    is_healthy: Callable[[], bool] = lambda: True
    patience_seconds: float = PATIENCE_SECONDS


class Webhook:
    """Shows what is posted to it. A post is answered with 200 when its objects are safe, and with 503 when not now.

    A body that cannot be read is answered with 400, one that is too long with 413, a wrong token with 401, and what is
    not signed by an allowed topic although it says so with 403.
    """

    def __init__(self, watches: Sequence[Watched], report: Report, settings: WebhookSettings | None = None) -> None:
        self._settings = settings or WebhookSettings()
        if self._settings.token == "":
            raise UsageError("the token is empty: leave it out, or name one that is hard to guess")
        if not self._settings.token and not is_loopback(self._settings.host):
            raise UsageError(
                f"others than this machine could post to '{self._settings.host}': set a token, or listen on 127.0.0.1"
            )
        self._report, self._pushes = report, Pushes(watches)
        self._sns = Sns(self._settings.topics, self._settings.fetch)
        self._listener: socket.socket | None = None
        self._failures = 0

    def listen(self) -> str:
        """Take the port, and say the URL to post to. Raises UsageError where it is taken or not ours."""
        self._listener = self._listener or bind(self._settings.host, self._settings.port)
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def run(self, stop: Stop) -> None:
        """Serve until the stop, in this thread."""
        self.listen()
        assert self._listener
        # The event loop goes on while objects are looked at and shown.
        pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="webhook")
        try:
            listener, self._listener = self._listener, None
            serve(_app(self, pool), listener, stop, patience_seconds=self._settings.patience_seconds)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            self.close()

    def close(self) -> None:
        """Give the port back. What `run` does at its end."""
        if self._listener:
            self._listener.close()
            self._listener = None
        self._pushes.close()

    def refusal(self, request: Request) -> Response | None:
        """Why a request is not even read."""
        if "origin" in request.headers:
            # Pages of the web that are open in a browser here.
            return _answer(403, "this is not for browsers")
        token = self._settings.token
        if token is None:
            # A name that leads here although it is not ours: a page of the web may have made it so.
            return None if _is_for_loopback(request) else _answer(403, "without a token only 127.0.0.1 may be named")
        if any(_is_same(token.encode(), given) for given in _tokens(request)):
            return None
        _LOG.warning("a post from %s has not the token", request.client.host if request.client else "nowhere")
        return _answer(401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})

    def take(self, body: bytes) -> Response:
        """The answer to a post: what it tells of has been shown when this returns. Raises nothing."""
        if not body:
            # Senders ask whether somebody is there.
            return _answer(200, "nothing")
        try:
            if not self._is_news(body):
                return _answer(200, "no notification")
        except NotFromSns as error:
            _LOG.warning("a post of SNS is refused: %s", error)
            return _answer(403, str(error))
        except SnsUnavailable as error:
            return _answer(503, str(error), {"Retry-After": _RETRY_AFTER_SECONDS})
        return self._show(body)

    def is_healthy(self) -> Response:
        is_well = self._settings.is_healthy()
        return _answer(200, "ok") if is_well else _answer(503, "something fails: `wdprefect trigger ls` says what")

    def _is_news(self, body: bytes) -> bool:
        """Whether a body is more than talk about subscriptions."""
        try:
            document: Any = json.loads(body)
        except (ValueError, RecursionError):
            return True  # whoever reads the events says what is wrong
        return not is_sns(document) or self._sns.accept(document)

    def _show(self, body: bytes) -> Response:
        start = time.monotonic()
        reading = read_events(body)
        (taken,) = self._pushes.take([reading.events])
        fault = taken.faults[0] if taken.faults else None
        self._failures = self._failures + 1 if fault else 0
        name = "webhook"
        self._report(Outcome(name, taken.shown, time.monotonic() - start, fault, self._failures))
        if fault:
            return _answer(503, "what was posted cannot be taken in now", {"Retry-After": _RETRY_AFTER_SECONDS})
        if reading.problems:
            said = "; ".join(reading.problems[:3])
            _LOG.warning("a post cannot be read: %s", said)
            return _answer(400, said)
        shown = taken.shown
        return JSONResponse({"seen": shown.seen, "shown": shown.shown, "new": shown.new})


def _app(webhook: Webhook, pool: ThreadPoolExecutor) -> Starlette:
    async def post(request: Request) -> Response:
        refusal = webhook.refusal(request)
        if refusal:
            return refusal
        body = await _body(request)
        if body is None:
            return _answer(413, f"a post has at most {LONGEST_BODY_BYTES} bytes", {"Connection": "close"})
        return await asyncio.get_running_loop().run_in_executor(pool, webhook.take, body)

    async def health(_: Request) -> Response:
        return await asyncio.get_running_loop().run_in_executor(pool, webhook.is_healthy)

    async def gone(_: Request, __: Exception) -> Response:
        return Response(status_code=400)  # nobody reads it

    return Starlette(
        routes=[Route("/health", health, methods=["GET"]), Route("/{path:path}", post, methods=["POST"])],
        exception_handlers={ClientDisconnect: gone},
    )


async def _body(request: Request) -> bytes | None:
    """The body, or None when it is too long."""
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said) > LONGEST_BODY_BYTES:
        return None
    body = bytearray()
    async for some in request.stream():
        body += some
        if len(body) > LONGEST_BODY_BYTES:
            return None
    return bytes(body)


def _is_for_loopback(request: Request) -> bool:
    try:
        return is_loopback(urlsplit(f"//{request.headers.get('host', '')}").hostname or "")
    except ValueError:
        return False


def _tokens(request: Request) -> list[bytes]:
    """What a request gives as its token: MinIO sends `Bearer …` or as it is written, SNS what stands in a URL."""
    authorization = request.headers.get("authorization", "").encode("latin-1")
    kind, _, rest = authorization.partition(b" ")
    given = [authorization, request.headers.get("x-token", "").encode("latin-1")]
    given.append(request.query_params.get("token", "").encode(errors="replace"))
    if kind.lower() == b"bearer":
        given.append(rest.strip())
    elif kind.lower() == b"basic":
        given.append(_password(rest))
    return given


def _password(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True).partition(b":")[2]
    except ValueError:
        return b""


def _is_same(token: bytes, given: bytes) -> bool:
    """Compared in a time that tells nothing, not even the length."""
    return hmac.compare_digest(hashlib.sha256(token).digest(), hashlib.sha256(given).digest())


def _answer(status: int, said: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"message": said}, status_code=status, headers=headers)
