"""The function `http`: what it sends, and what it makes of the answer."""

from __future__ import annotations

from typing import Any

import pytest

from wdprefect.errors import ExpressionError
from wdprefect.expressions import Expressions
from wdprefect.expressions.services import HttpRequest, HttpResponse


class Web:
    """A server that gives one answer and keeps what it was asked."""

    def __init__(self, answer: HttpResponse) -> None:
        self.answer, self.asked = answer, list[HttpRequest]()

    def http(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        return self.answer


EMPTY = HttpResponse(204, "No Content", "", b"")


def asked(arguments: str, **variables: Any) -> HttpRequest:
    """What is sent for these arguments."""
    web = Web(EMPTY)
    # The port is wider than what this function needs.
    assert "" == Expressions().render(f"{{{{ http({arguments}) }}}}", variables, web)  # type: ignore[arg-type]  # a part
    return web.asked[0]


def answered(answer: HttpResponse, arguments: str = "'http://h'") -> Any:
    """What the function gives for this answer."""
    web = Web(answer)
    return Expressions().evaluate(f"{{{{ http({arguments}) }}}}", {}, web)  # type: ignore[arg-type]  # as above


def test_plain_request() -> None:
    """Without further arguments it is a GET that asks for JSON."""
    assert HttpRequest("GET", "http://h/p?q=1", [("Accept", "application/json")], None) == asked("'http://h/p?q=1'")


@pytest.mark.parametrize(
    ("arguments", "method", "uri", "headers", "body"),
    [
        pytest.param(
            "'http://h/?q=1', query={'a': 'b c', 'n': 5, 'l': ['x', 'y']}",
            "GET",
            "http://h/?q=1&a=b+c&n=5&l=x&l=y",
            {},
            None,
            id="query",
        ),
        pytest.param(
            "'http://h', 'post', body={'a': [1]}",
            "POST",
            "http://h",
            {"Content-Type": "application/json; charset=UTF-8"},
            b'{"a":[1]}',
            id="JSON",
        ),
        pytest.param(
            "'http://h', 'PUT', body={'a': 1}, contentType='application/yaml'",
            "PUT",
            "http://h",
            {"Content-Type": "application/yaml; charset=UTF-8"},
            b"a: 1\n",
            id="YAML",
        ),
        pytest.param(
            "'http://h', 'POST', body='é', contentType='text/plain; charset=UTF-8', accept='text/plain'",
            "POST",
            "http://h",
            {"Content-Type": "text/plain; charset=UTF-8", "Accept": "text/plain"},
            "é".encode(),
            id="text",
        ),
        pytest.param(
            "'http://h', headers={'X-A': 1, 'Content-Type': 'no', 'accept': 'no'}",
            "GET",
            "http://h",
            {"X-A": "1"},
            None,
            id="headers",
        ),
        pytest.param(
            "'http://h', options={'auth': {'type': 'BASIC', 'username': 'u', 'password': 'p'}}",
            "GET",
            "http://h",
            {"Authorization": "Basic dTpw"},
            None,
            id="user and password",
        ),
        pytest.param(
            "'http://h', options={'auth': {'type': 'BEARER', 'token': 't'}}",
            "GET",
            "http://h",
            {"Authorization": "Bearer t"},
            None,
            id="token",
        ),
    ],
)
def test_request(arguments: str, method: str, uri: str, headers: dict[str, str], body: bytes | None) -> None:
    """The arguments make the request, as in Kestra."""
    request = asked(arguments)
    assert (method, uri, {"Accept": "application/json"} | headers, body) == (
        request.method,
        request.uri,
        dict(request.headers),
        request.body,
    )


def test_repeated_headers() -> None:
    """A list sends a header once for each of its items."""
    assert [("X-A", "1"), ("X-A", "b"), ("Accept", "application/json")] == asked(
        "'http://h', headers={'X-A': [1, 'b']}"
    ).headers


def test_options() -> None:
    """Options tell how to ask."""
    request = asked(
        "'http://h', options={'timeout': {'connectTimeout': 'PT1M0.5S', 'readIdleTimeout': 2}, "
        "'followRedirects': false, 'ssl': {'insecureTrustAllCertificates': true}}"
    )
    found = (request.connect_seconds, request.read_seconds, request.follow_redirects, request.verify)
    assert (60.5, 2, False, False) == found


@pytest.mark.parametrize(
    ("answer", "arguments", "expected"),
    [
        pytest.param(HttpResponse(200, "OK", "application/json", b'{"a": [1]}'), "'http://h'", {"a": [1]}, id="JSON"),
        pytest.param(HttpResponse(200, "OK", "text/plain", b"[1]"), "'http://h'", [1], id="JSON called text"),
        pytest.param(HttpResponse(200, "OK", "text/plain; charset=latin-1", b"\xe9"), "'http://h'", "é", id="text"),
        pytest.param(
            HttpResponse(200, "OK", "text/csv", b"\xe9"),
            "'http://h', options={'defaultCharset': 'latin-1'}",
            "é",
            id="charset",
        ),
        pytest.param(HttpResponse(200, "OK", "application/json", b" "), "'http://h'", None, id="nothing"),
        pytest.param(
            HttpResponse(404, "", "text/plain", b"no"),
            "'http://h', options={'allowFailed': true}",
            "no",
            id="failure allowed",
        ),
        pytest.param(
            HttpResponse(404, "", "", b"1"),
            "'http://h', options={'allowedResponseCodes': [404]}",
            1,
            id="status allowed",
        ),
        pytest.param(
            HttpResponse(302, "", "", b"1"), "'http://h', options={'followRedirects': false}", 1, id="redirect"
        ),
    ],
)
def test_answer(answer: HttpResponse, arguments: str, expected: Any) -> None:
    """JSON becomes its value, other text stays text, nothing is null."""
    assert expected == answered(answer, arguments)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            HttpResponse(404, "Not Found", "", b""),
            "Failed to execute HTTP Request, server respond with status 404 : Not Found",
        ),
        (HttpResponse(302, "", "", b""), "Failed to execute HTTP Request, server respond with status 302"),
        (HttpResponse(200, "", "application/json", b"{no"), "the answer is no JSON: "),
        (HttpResponse(200, "", "application/octet-stream", b"\xff"), "the answer is no text"),
        (HttpResponse(200, "", "text/plain; charset=klingon", b"x"), "the answer is in an unknown charset: "),
    ],
)
def test_refused_answer(answer: HttpResponse, message: str) -> None:
    """A status that is no success, and what cannot be read, is an error."""
    with pytest.raises(ExpressionError) as caught:
        answered(answer)
    assert caught.value.message.startswith(f"function 'http': {message}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "needs the argument 'uri'"),
        ("1", "uri is a number, not text"),
        ("'file:///etc/passwd'", "'file:///etc/passwd' is no address of a web server (http://… or https://…)"),
        ("'http://h', query=1", "query is a number, not a map"),
        ("'http://h', headers='x'", "headers is text, not a map"),
        ("'http://h', body=[1], contentType='image/png'", "a list cannot be sent as 'image/png': make it a text"),
        ("'http://h', options={'proxy': 1}", "options has no entry 'proxy' (it has timeout, followRedirects, "),
        ("'http://h', options={'auth': {'type': 'NTLM'}}", "unknown type 'NTLM' of auth (one of BASIC, BEARER)"),
        ("'http://h', options={'timeout': {'connectTimeout': '5s'}}", "'5s' is no duration (such as PT10S)"),
    ],
)
def test_refused_request(arguments: str, message: str) -> None:
    """What cannot be sent is an error that names it."""
    with pytest.raises(ExpressionError) as caught:
        answered(EMPTY, arguments)
    assert caught.value.message.startswith(f"function 'http': {message}")
