"""Functions that reach other machines."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wdprefect.errors import ExpressionError
from wdprefect.expressions.arguments import items, text
from wdprefect.expressions.http_requests import JSON, known_options, to_content, to_request
from wdprefect.expressions.services import HttpResponse
from wdprefect.expressions.values import to_text

if TYPE_CHECKING:
    from wdprefect.expressions.runtime import Scope


def http(  # noqa: PLR0913, PLR0917  # what a template may give
    scope: Scope,
    uri: Any,
    method: Any = "GET",
    query: Any = None,
    body: Any = None,
    content_type: Any = JSON,
    headers: Any = None,
    options: Any = None,
    accept: Any = JSON,
) -> Any:
    """What a server answers: the value of JSON, otherwise the text; null where it is empty.

    query: a map of what is added to the URI.
    body: text, or a value that is sent as JSON or, by its contentType, YAML.
    headers: a map of texts, or lists of them.
    options: a map of `timeout` (`connectTimeout`, `readIdleTimeout`), `followRedirects`, `allowFailed`,
    `allowedResponseCodes`, `auth` (`type` BASIC or BEARER, `username`, `password`, `token`),
    `ssl` (`insecureTrustAllCertificates`) and `defaultCharset`.

    A status of 300 or more is an error, as is an answer that is very long or takes very long.

    {{ http('https://api.example/rates').eur }} → 1.08
    {{ http('https://api.example/rates', query={'base': 'USD'}, headers={'X-Key': secret('API_KEY')}).eur }} → 1.08
    {{ http('https://api.example/echo', 'POST', body={'a': 1}).a }} → 1
    """
    chosen = known_options(options)
    kind = text(content_type, "contentType")
    request = to_request(
        text(uri, "uri"),
        text(method, "method"),
        query,
        headers,
        None if body is None else (to_content(body, kind), kind),
        chosen,
    )
    response = scope.service("http")(replace(request, headers=[*request.headers, ("Accept", text(accept, "accept"))]))
    return _answer(_accepted(response, chosen), chosen.get("defaultCharset") or "utf-8")


def _accepted(response: HttpResponse, options: Mapping[str, Any]) -> HttpResponse:
    allowed = options.get("allowedResponseCodes")
    codes = [] if allowed is None else [to_text(each) for each in items(allowed, "allowedResponseCodes")]
    if 200 <= response.status < 300 or options.get("allowFailed") is True or str(response.status) in codes:  # noqa: PLR2004  # as HTTP has it
        return response
    # A redirect that was not to be followed has an answer too.
    if response.status < 400 and options.get("followRedirects") is False:  # noqa: PLR2004  # as above
        return response
    reason = f" : {response.reason}" if response.reason else ""
    raise ExpressionError(f"Failed to execute HTTP Request, server respond with status {response.status}{reason}")


def _answer(response: HttpResponse, charset: str) -> Any:
    if not response.body.strip():
        return None
    kind, _, parameters = response.content_type.partition(";")
    named = re.search(r"charset=\"?([\w-]+)", parameters, re.IGNORECASE)
    try:
        content = response.body.decode(named[1] if named else charset)
        return json.loads(content)
    except LookupError as error:
        raise ExpressionError(f"the answer is in an unknown charset: {error}") from error
    except UnicodeDecodeError as error:
        raise ExpressionError("the answer is no text") from error
    except ValueError as error:
        # Whoever says that it is JSON is believed; other texts are what they are.
        if "json" in kind.lower() or not kind:
            raise ExpressionError(f"the answer is no JSON: {error}") from error
        return content
