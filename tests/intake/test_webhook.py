"""A server to which stores post: what it takes, from whom, and what it answers."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
from typing import Any

import httpx
import pytest

from tests.intake.conftest import Bucket, Shelf
from tests.intake.posting import NAME, body, counts, running
from wdprefect.errors import Unavailable, UsageError
from wdprefect.intake.events import LONGEST_BODY_BYTES
from wdprefect.intake.sources.outcomes import Outcome
from wdprefect.intake.sources.webhook import Webhook, WebhookSettings
from wdprefect.intake.watch import Watched

pytestmark = pytest.mark.s3


def answer(url: str, content: Any, **more: Any) -> tuple[int, Any]:
    """What the server answers."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    got = httpx.post(url, content=data, timeout=30, **more)
    return got.status_code, got.json()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(body(), id="S3"),
        pytest.param(
            body(
                "in%2Fa+b%2B%C3%A9.csv", "minio:s3", "s3:ObjectCreated:Put", EventName="s3:ObjectCreated:Put", Key="x"
            ),
            id="MinIO",
        ),
        pytest.param(body("in/a b+é.csv", "ceph:s3"), id="Ceph"),
        pytest.param(body("in/a b+é.csv", "other:s3"), id="a store that does not encode keys, and does not say so"),
        pytest.param(body("in/a+b%2B%C3%A9.csv", "ceph:s3"), id="one that does, against what is known of it"),
    ],
)
def test_a_post(posted: Bucket, content: Any) -> None:
    """What is posted has been shown, by its true key, when the answer comes; a second time it is not new."""
    shelf = Shelf()
    with running(posted.watched(shelf, prefix="in/")) as url:
        assert (200, counts(1, 1, 1)) == answer(url, content)
        assert ["in/a b+é.csv"] == shelf.keys()
        assert (200, counts(1, 1, 0)) == answer(f"{url}/any/path", content)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(b"", (200, {"message": "nothing"}), id="a question whether somebody is there"),
        pytest.param({"Event": "s3:TestEvent"}, (200, counts(0, 0, 0)), id="a trial"),
        pytest.param(body("out/x"), (200, counts(1, 0, 0)), id="what nobody watches"),
        pytest.param(body("in/gone"), (200, counts(1, 0, 0)), id="what is gone"),
        pytest.param(body(name="ObjectRemoved:Delete"), (200, counts(0, 0, 0)), id="a deletion"),
        pytest.param(
            b"nonsense",
            (400, {"message": "the body is no JSON: Expecting value: line 1 column 1 (char 0)"}),
            id="nonsense",
        ),
        pytest.param(
            b"[" * 100_000, (400, {"message": "the body is no JSON of ours: it is nested too deep"}), id="deep"
        ),
        pytest.param(
            {"Records": [5]},
            (400, {"message": "record 0: it is a number and no object"}),
            id="a record of another kind",
        ),
        pytest.param(
            b" " * (LONGEST_BODY_BYTES + 1), (413, {"message": "a post has at most 1048576 bytes"}), id="too long"
        ),
    ],
)
def test_answers(posted: Bucket, content: Any, expected: tuple[int, Any]) -> None:
    """What is no news is taken, and what cannot be read is refused, saying why."""
    shelf = Shelf()
    with running(posted.watched(shelf, prefix="in/")) as url:
        assert expected == answer(url, content)
        assert (200, {"message": "nothing"}) == answer(url, b""), "it goes on"
    assert [] == shelf.shown


def test_too_long_without_saying_so(posted: Bucket) -> None:
    """A body whose length is not said is read as far as is allowed."""
    with running(posted.watched(Shelf())) as url, httpx.Client() as client:
        pieces = (b" " * 1000 for _ in range(LONGEST_BODY_BYTES // 1000 + 2))
        # The server may answer and close while pieces are still being sent.
        with contextlib.suppress(httpx.WriteError, httpx.RemoteProtocolError):
            assert 413 == client.post(url, content=pieces).status_code
        assert 200 == httpx.post(url).status_code


def test_the_book_is_away(posted: Bucket) -> None:
    """As long as nothing can be shown the answer is to come again, and it is reported."""
    shelf = Shelf(fails=[Unavailable("the book is closed")] * 2)
    outcomes: list[Outcome] = []
    with running(posted.watched(shelf), outcomes=outcomes) as url:
        refused = httpx.post(url, json=body())
        assert (503, "5") == (refused.status_code, refused.headers["retry-after"])
        assert (503, {"message": "what was posted cannot be taken in now"}) == answer(url, body())
        assert (200, counts(1, 1, 1)) == answer(url, body())
    assert [1, 2, 0] == [one.failures for one in outcomes]
    assert f"cannot take in what lies in the bucket '{NAME}': the book is closed" == str(outcomes[1].fault)


@pytest.mark.parametrize(
    ("more", "status"),
    [
        pytest.param({"headers": {"Authorization": "Bearer s3cret-é".encode()}}, 200, id="bearer"),
        pytest.param({"headers": {"Authorization": "s3cret-é".encode()}}, 200, id="as it is"),
        pytest.param({"auth": ("any", "s3cret-é")}, 200, id="password"),
        pytest.param({"params": {"token": "s3cret-é"}}, 200, id="in the URL"),
        pytest.param({"headers": {"X-Token": "s3cret-é".encode()}}, 200, id="header"),
        pytest.param({}, 401, id="none"),
        pytest.param({"headers": {"Authorization": "Bearer s3cret"}}, 401, id="wrong"),
        pytest.param({"headers": {"Authorization": "Bearer"}}, 401, id="empty"),
        pytest.param({"headers": {"Authorization": "Basic !"}}, 401, id="no password"),
        pytest.param({"params": {"token": ""}}, 401, id="empty in the URL"),
    ],
)
def test_token(posted: Bucket, more: dict[str, Any], status: int) -> None:
    """Where a token is set only who has it may post, however he gives it."""
    shelf = Shelf()
    with running(posted.watched(shelf), token="s3cret-é") as url:
        got = httpx.post(url, json=body(), **more)
        assert status == got.status_code
        assert 200 == httpx.get(f"{url}/health").status_code, "for that nobody needs it"
    assert (status == 200) == bool(shelf.shown)
    assert status == 200 or {"message": "the token is missing or wrong"} == got.json()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Origin": "https://evil.example"}, "this is not for browsers", id="a page"),
        pytest.param({"Host": "evil.example"}, "without a token only 127.0.0.1 may be named", id="a name"),
        pytest.param({"Host": "[::1"}, "without a token only 127.0.0.1 may be named", id="no name"),
    ],
)
def test_browsers(posted: Bucket, headers: dict[str, str], expected: str) -> None:
    """A page that is open in a browser here cannot post."""
    shelf = Shelf()
    with running(posted.watched(shelf)) as url:
        assert (403, {"message": expected}) == answer(url, body(), headers=headers)
    assert [] == shelf.shown


def test_health() -> None:
    """GET /health says whether posts are taken; nothing else can be read."""
    healthy = [True, False]
    with running(is_healthy=lambda: healthy.pop(0)) as url:
        assert [200, 503] == [httpx.get(f"{url}/health").status_code for _ in range(2)]
        assert 405 == httpx.get(url).status_code


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(
            {"host": "0.0.0.0"},  # noqa: S104  # it is not listened there
            "others than this machine could post to '0.0.0.0': set a token, or listen on 127.0.0.1",
            id="everybody",
        ),
        pytest.param({"host": "example.org"}, "others than this machine could post to 'example.org': set", id="a name"),
        pytest.param({"token": ""}, "the token is empty: leave it out, or name one that is hard to guess", id="empty"),
        pytest.param({"host": "192.0.2.1", "token": "x"}, "cannot listen on '192.0.2.1' port 0: ", id="not ours"),
    ],
)
def test_where_it_does_not_listen(settings: dict[str, Any], expected: str) -> None:
    """Without a token it listens on the loopback alone; an address that is not ours is refused."""
    with pytest.raises(UsageError) as refused:
        Webhook((), lambda _: None, WebhookSettings(**settings)).listen()
    assert str(refused.value).startswith(expected)


def test_a_port_that_is_taken() -> None:
    """A port that somebody else has is named."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on '127.0.0.1' port {port}: Address already in use; name"):
            Webhook((), lambda _: None, WebhookSettings(port=port)).listen()


HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
WHOLE = HEAD + b"\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HEAD, id="half a head"),
        pytest.param(HEAD + b"Content-Length: 10\r\n\r\n12345", id="half a body"),
        pytest.param(WHOLE + HEAD, id="a request, and after its answer half a head"),
        pytest.param(b" " + WHOLE + HEAD, id="no request"),
        pytest.param(HEAD + b"Content-Length: 0\r\n\r\n" + HEAD, id="a request, and half a head at once"),
        pytest.param(HEAD + b"Content-Length: 9999999\r\n\r\n12345", id="half a body that is too long"),
    ],
)
def test_patience(posted: Bucket, sent: bytes) -> None:
    """Who opens a connection and does not send a whole request is cut off, and others are served."""
    with running(posted.watched(Shelf()), patience_seconds=0.3) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            if sent.startswith(WHOLE):
                connection.sendall(WHOLE)
                assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            connection.sendall(sent.removeprefix(WHOLE))
            while connection.recv(1000):
                pass
        assert 200 == httpx.post(url).status_code


def test_many_connections(posted: Bucket) -> None:
    """Above a bound connections are told to come later, and served again when others have gone."""
    with running(posted.watched(Shelf()), patience_seconds=60) as url, contextlib.ExitStack() as stack:
        host, port = url.removeprefix("http://").split(":")
        for _ in range(200):
            stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
        assert 503 == httpx.post(url, timeout=30).status_code
        stack.close()
        while 200 != httpx.post(url, timeout=30).status_code:
            pass


def test_at_the_same_time(posted: Bucket) -> None:
    """Posts are taken side by side: one that waits for the book does not keep another from being answered."""
    both, shelf = threading.Barrier(2, timeout=30), Shelf()

    def show(objects: Any) -> Any:
        both.wait()
        return shelf.show(objects)

    statuses: list[int] = []
    with running(Watched(posted.watched(shelf).watch, posted.client, show)) as url:
        threads = [
            threading.Thread(target=lambda: statuses.append(httpx.post(url, json=body(), timeout=30).status_code))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [200, 200] == statuses


def test_password_of_another_form(posted: Bucket) -> None:
    """A password that is no text is wrong, and no error of ours."""
    with running(posted.watched(Shelf()), token="x") as url:
        odd = base64.b64encode(b"a:\xff\xfe").decode()
        assert 401 == httpx.post(url, headers={"Authorization": f"Basic {odd}"}).status_code
