"""Who may talk to the local server: programs on this machine and the server's own pages, no page from elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

# As ASGI defines them.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost"})
# A page from elsewhere could show ours in itself, unseen, and have people click there: no origin tells.
NO_FRAME = (b"x-frame-options", b"DENY")


class OwnPagesOnly:
    """An ASGI application that answers 403 to what a page from elsewhere sends, and all else as the given one does.

    The allowed origins of Prefect do not suffice. They keep a page from reading an answer, not from sending; they do
    not concern WebSockets, which carry all events and logs; and they are blind to a foreign name that was made to
    point to this machine (DNS rebinding), for which neither Prefect nor uvicorn has a setting. Hence two rules: a
    request names this machine as its host, and its origin, which browsers add wherever it matters, is that same host.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or is_welcome(scope["headers"]):
            await self._application(scope, receive, _unframed(send))
        elif scope["type"] == "websocket":
            # Before it was accepted, this becomes an answer of status 403.
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"text/plain"), NO_FRAME]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": b"this server answers its own pages only\n"})


def _unframed(send: Send) -> Send:
    """Adds to each answer that it is not to be shown inside another page."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), NO_FRAME]}
        await send(message)

    return sending


def is_welcome(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a request with these headers comes from a program here or from a page of the server itself."""
    named = {name: value.decode("latin-1") for name, value in headers}
    host = named.get(b"host", "")
    # The port may differ: a tunnel's end has one of its own.
    return host.partition(":")[0].lower() in LOOPBACK_NAMES and named.get(b"origin") in {None, f"http://{host}"}
