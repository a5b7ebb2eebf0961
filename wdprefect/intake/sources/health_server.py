"""A server that says whether a listener is well, where there is no webhook that does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from wdprefect.intake.sources.http_server import bind, serve
from wdprefect.model.stop import Stop

_UNWELL = 503


class HealthServer:
    """Answers `GET /health`: 200 when there are no troubles, else 503 with them."""

    def __init__(self, host: str, port: int, troubles: Callable[[], Sequence[str]]) -> None:
        """Take the port. Raises UsageError where it is taken or not ours."""
        self._listener = bind(host, port)
        self._troubles = troubles

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}/health" if ":" in host else f"http://{host}:{port}/health"

    def run(self, stop: Stop) -> None:
        """Serve until the stop, in this thread."""

        async def health(_: Request) -> JSONResponse:
            troubles = await asyncio.get_running_loop().run_in_executor(None, self._troubles)
            return JSONResponse({"message": "; ".join(troubles) or "ok"}, _UNWELL if troubles else 200)

        serve(Starlette(routes=[Route("/health", health, methods=["GET"])]), self._listener, stop)
