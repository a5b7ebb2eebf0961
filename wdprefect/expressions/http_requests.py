"""What is sent to a web server, from the arguments of `http`."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from wdprefect.errors import ExpressionError
from wdprefect.expressions import yaml_text
from wdprefect.expressions.arguments import text
from wdprefect.expressions.services import HttpRequest
from wdprefect.expressions.values import LISTS, describe, is_true, to_json, to_text

JSON = "application/json"
_YAML = ("application/yaml", "application/x-yaml", "text/yaml")
_OPTIONS = ("timeout", "followRedirects", "allowFailed", "allowedResponseCodes", "auth", "ssl", "defaultCharset")
_OF_TIMEOUT, _OF_SSL = ("connectTimeout", "readIdleTimeout"), ("insecureTrustAllCertificates",)
_OF_AUTH = ("type", "username", "password", "token")
_DURATION = re.compile(r"PT(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", re.IGNORECASE)


def known_options(options: Any) -> Mapping[str, Any]:
    """The options, which must be known ones. Raises ExpressionError."""
    return _known(options, "options", _OPTIONS)


def to_request(
    uri: str, method: str, query: Any, headers: Any, body: tuple[bytes, str] | None, options: Mapping[str, Any]
) -> HttpRequest:
    """The request. Raises ExpressionError for what cannot be sent.

    body: the content and its type.
    """
    timeout = _known(options.get("timeout"), "timeout", _OF_TIMEOUT)
    ssl = _known(options.get("ssl"), "ssl", _OF_SSL)
    own = [
        (name, value) for name, value in _pairs(headers, "headers") if name.lower() not in ("content-type", "accept")
    ]
    if body is not None:
        own.append(("Content-Type", body[1] if "charset" in body[1] else f"{body[1]}; charset=UTF-8"))
    return HttpRequest(
        method.upper(),
        _address(uri, _pairs(query, "query")),
        [*own, *_authorization(options.get("auth"))],
        None if body is None else body[0],
        connect_seconds=_seconds(timeout.get("connectTimeout")),
        read_seconds=_seconds(timeout.get("readIdleTimeout")),
        follow_redirects=options.get("followRedirects") is not False,
        verify=not is_true(to_text(ssl.get("insecureTrustAllCertificates", False))),
    )


def _address(uri: str, query: list[tuple[str, str]]) -> str:
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ExpressionError(f"'{uri}' is no address of a web server (http://… or https://…)")
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, urlencode(query))))))


def _pairs(value: Any, what: str) -> list[tuple[str, str]]:
    """The entries of a map as texts; one whose value is a list once for each item."""
    return [
        (to_text(name), to_text(each))
        for name, entry in _map(value, what).items()
        for each in (entry if isinstance(entry, LISTS) else [entry])
    ]


def to_content(body: Any, content_type: str) -> bytes:
    """The body as bytes: text as it is, other values as JSON or YAML. Raises ExpressionError."""
    kind = content_type.partition(";")[0].strip().lower()
    if isinstance(body, str):
        return body.encode()
    if kind == JSON or kind.endswith("+json"):
        return to_json(body).encode()
    if kind in _YAML:
        return yaml_text.dump(body).encode()
    raise ExpressionError(f"{describe(body)} cannot be sent as '{content_type}': make it a text")


def _authorization(auth: Any) -> list[tuple[str, str]]:
    if auth is None:
        return []
    known = _known(auth, "auth", _OF_AUTH)
    kind = text(known.get("type"), "type").upper()
    if kind == "BASIC":
        both = f"{to_text(known.get('username'))}:{to_text(known.get('password'))}"
        return [("Authorization", f"Basic {base64.b64encode(both.encode()).decode()}")]
    if kind == "BEARER":
        return [("Authorization", f"Bearer {text(known.get('token'), 'token')}")]
    raise ExpressionError(f"unknown type '{kind}' of auth (one of BASIC, BEARER)")


def _known(value: Any, what: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    found = _map(value, what)
    for name in found:
        if name not in names:
            raise ExpressionError(f"{what} has no entry '{name}' (it has {', '.join(names)})")
    return found


def _map(value: Any, what: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return value
    raise ExpressionError(f"{what} is {describe(value)}, not a map")


def _seconds(value: Any) -> float | None:
    """The seconds of a duration such as `PT10S`, or of a number of them."""
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    match = _DURATION.fullmatch(text(value, "timeout"))
    if match is None:
        raise ExpressionError(f"'{value}' is no duration (such as PT10S)")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
