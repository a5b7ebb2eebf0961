"""What functions of the expression language ask web servers, bounded in time and size."""

from __future__ import annotations

import time

from wdprefect.errors import ExpressionError, Unavailable
from wdprefect.expressions.services import HttpRequest, HttpResponse

CONNECT_SECONDS, READ_SECONDS, TOTAL_SECONDS = 10.0, 30.0, 60.0
ANSWER_BYTES = 10 * 2**20


def ask(request: HttpRequest, total_seconds: float = TOTAL_SECONDS, longest_bytes: int = ANSWER_BYTES) -> HttpResponse:
    """The answer, whatever its status.

    Raises Unavailable where there is none, ExpressionError of kind `limit` for one that is too long or too slow, and of
    kind `evaluation` for a request that cannot be sent.
    """
    # Deferred: 100 ms, and few templates ask a server.
    import httpx

    until = time.monotonic() + total_seconds
    read_seconds = min(request.read_seconds or READ_SECONDS, TOTAL_SECONDS)
    timeout = httpx.Timeout(read_seconds, connect=min(request.connect_seconds or CONNECT_SECONDS, TOTAL_SECONDS))
    where = f"{request.method} {_shown(request.uri)}"
    try:
        with (
            httpx.Client(timeout=timeout, follow_redirects=request.follow_redirects, verify=request.verify) as client,
            client.stream(request.method, request.uri, headers=list(request.headers), content=request.body) as response,
        ):
            found = bytearray()
            for chunk in response.iter_bytes():
                found += chunk
                if len(found) > longest_bytes:
                    raise ExpressionError(f"the answer to {where} is longer than {longest_bytes:,} bytes", "limit")
                if time.monotonic() > until:
                    raise ExpressionError(f"the answer to {where} takes longer than {total_seconds:g} seconds", "limit")
            kind = response.headers.get("content-type", "")
            return HttpResponse(response.status_code, response.reason_phrase, kind, bytes(found))
    except httpx.InvalidURL as error:
        raise ExpressionError(f"'{_shown(request.uri)}' is no address of a web server: {error}") from error
    except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.TooManyRedirects) as error:
        raise ExpressionError(f"Failed to execute HTTP request: {where}: {error}") from error
    except httpx.HTTPError as error:
        raise Unavailable(f"Failed to execute HTTP request: {where}: {str(error) or type(error).__name__}") from error


def _shown(uri: str) -> str:
    """The URI without its query and user, which may hold secrets."""
    address = uri.partition("?")[0].partition("#")[0]
    scheme, slashes, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"
