"""Posts of Amazon SNS: taken when an allowed topic has signed them, and only then."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from tests.intake.conftest import Bucket, Shelf
from tests.intake.posting import NAME, body, counts, running
from wdprefect.intake.sources.sns import SnsUnavailable, fetch_https
from wdprefect.intake.sources.webhook import Webhook, WebhookSettings

TOPIC = "arn:aws:sns:eu-central-1:123456789012:objects"
HOST = "https://sns.eu-central-1.amazonaws.com"
CERTIFICATE = f"{HOST}/SimpleNotificationService-abc.pem"
CONFIRM = f"{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=t0ken"
KEY = rsa.generate_private_key(65537, 2048)


def certificate(key: Any = KEY, days: int = 1) -> bytes:
    """A certificate that SNS could have, valid until so many days from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


PEM = certificate()


def signed(version: str = "1", key: Any = KEY, **changes: Any) -> dict[str, Any]:
    """A post of SNS, signed as Amazon's manual says."""
    post = {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": TOPIC,
        "Message": json.dumps(body()),
        "Timestamp": "2026-01-02T03:04:05.678Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **changes,
    }
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    text = "".join(f"{name}\n{post[name]}\n" for name in names if name in post)
    digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303  # as SNS does
    post["Signature"] = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), digest)).decode()
    return post


def subscription(**changes: Any) -> dict[str, Any]:
    """A topic asks whether it may post."""
    asks = {"Type": "SubscriptionConfirmation", "Message": "You …", "Token": "t0ken", "SubscribeURL": CONFIRM}
    return signed(**asks | changes)


def answers(
    bucket: Bucket, *posts: Any, pem: bytes | None = None, topics: tuple[str, ...] = (TOPIC,)
) -> tuple[list[tuple[int, Any]], list[str], Shelf]:
    """What is answered to each post, what was fetched, and what was shown."""
    shelf, fetched = Shelf(), list[str]()
    pem = pem or PEM

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return pem

    with running(bucket.watched(shelf), topics=topics, fetch=fetch) as url:
        # SNS says text/plain of its JSON.
        got = [httpx.post(url, content=json.dumps(post), headers={"Content-Type": "text/plain"}) for post in posts]
    return [(one.status_code, one.json()) for one in got], fetched, shelf


@pytest.mark.s3
def test_notifications(posted: Bucket) -> None:
    """Both versions of the signature are known, with a subject and without; the certificate is fetched once."""
    given, fetched, shelf = answers(posted, signed(), signed("2", Subject="Amazon S3 Notification"))
    assert [(200, counts(1, 1, 1)), (200, counts(1, 1, 0))] == given
    assert [CERTIFICATE] == fetched
    assert ["in/a b+é.csv"] == shelf.keys()


@pytest.mark.s3
def test_a_subscription_is_confirmed(posted: Bucket) -> None:
    """A subscription to an allowed topic is confirmed by visiting its URL; its end is only taken note of."""
    given, fetched, _ = answers(posted, subscription(), subscription(Type="UnsubscribeConfirmation"))
    assert [(200, {"message": "no notification"})] * 2 == given
    assert [CERTIFICATE, CONFIRM] == fetched


def without(post: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in post.items() if key != name}


@pytest.mark.s3
@pytest.mark.parametrize(
    ("post", "expected"),
    [
        pytest.param(signed() | {"Message": "{}"}, "the signature does not fit the post", id="another message"),
        pytest.param(signed() | {"Signature": "!"}, "the signature does not fit the post", id="no signature"),
        pytest.param(signed() | {"Subject": "x"}, "the signature does not fit the post", id="another subject"),
        pytest.param(
            signed(key=rsa.generate_private_key(65537, 2048)), "the signature does not fit the post", id="another key"
        ),
        pytest.param(signed("2") | {"SignatureVersion": "1"}, "the signature does not fit the post", id="weakened"),
        pytest.param(
            signed() | {"SignatureVersion": "3"}, "the version of the signature is neither 1 nor 2", id="version"
        ),
        pytest.param(without(signed(), "Signature"), "a part of the post that must be signed is missing", id="no part"),
        pytest.param(signed() | {"MessageId": 5}, "a part of the post that must be signed is missing", id="no text"),
        pytest.param(
            signed(TopicArn=TOPIC + "2"), f"the topic '{TOPIC}2' is not among those that are allowed", id="topic"
        ),
        pytest.param(
            subscription(TopicArn="x"),
            "the topic 'x' is not among those that are allowed",
            id="another one",
        ),
        pytest.param(signed(TopicArn=[1]), "the topic [1] is not among those that are allowed", id="no topic"),
        *[
            pytest.param(signed(SigningCertURL=url), f"the certificate is not at Amazon's: '{url}'", id=url)
            for url in (
                "http://sns.eu-central-1.amazonaws.com/a.pem",
                "https://sns.eu-central-1.amazonaws.com.evil.example/a.pem",
                "https://evil.example/sns.eu-central-1.amazonaws.com/a.pem",
                "https://sns.eu-central-1.amazonaws.com@evil.example/a.pem",
                "https://sns.eu-central-1.amazonaws.com:8443/a.pem",
                "https://sns.eu-central-1.amazonaws.com/a.pem?x",
                "https://sns.eu-central-1.amazonaws.com/../a.pem",
                "https://s3.eu-central-1.amazonaws.com/a.pem",
                "https://bucket.sns.eu-central-1.amazonaws.com/a.pem",
            )
        ],
        *[
            pytest.param(
                subscription(SubscribeURL=url),
                f"the SubscribeURL does not confirm the subscription: '{url}'",
                id=f"subscribe {url}",
            )
            for url in (
                CONFIRM.replace("https", "http"),
                CONFIRM.replace("sns.", "sqs."),
                CONFIRM.replace("ConfirmSubscription", "DeleteTopic"),
                CONFIRM.replace("t0ken", "other"),
                CONFIRM + "2",
                CONFIRM + "&Action=DeleteTopic",
            )
        ],
    ],
)
def test_what_is_refused(posted: Bucket, post: dict[str, Any], expected: str) -> None:
    """What an allowed topic has not signed is refused, nothing is shown, and no URL that is not Amazon's is visited."""
    given, fetched, shelf = answers(posted, post)
    assert [(403, {"message": expected})] == given
    assert [] == shelf.shown
    assert set(fetched) <= {CERTIFICATE}


@pytest.mark.s3
@pytest.mark.parametrize(
    ("pem", "status", "expected"),
    [
        pytest.param(certificate(days=-1), 403, f"the certificate {CERTIFICATE} is not valid now", id="expired"),
        pytest.param(
            certificate(ec.generate_private_key(ec.SECP256R1())),
            403,
            "the certificate has no RSA key",
            id="another kind",
        ),
        pytest.param(b"nonsense", 503, f"what {CERTIFICATE} answers with is no certificate", id="none"),
    ],
)
def test_certificates(posted: Bucket, pem: bytes, status: int, expected: str) -> None:
    """A certificate must be one, be valid, and have the kind of key with which SNS signs."""
    given, _, shelf = answers(posted, signed(), pem=pem)
    assert [(status, {"message": expected})] == given
    assert [] == shelf.shown


@pytest.mark.s3
def test_a_certificate_that_cannot_be_fetched(posted: Bucket) -> None:
    """Where the certificate cannot be had now, the post is to come again."""
    shelf = Shelf()

    def fetch(url: str) -> bytes:
        raise SnsUnavailable(f"{url} answers with the status 500")

    with running(posted.watched(shelf), topics=[TOPIC], fetch=fetch) as url:
        got = httpx.post(url, json=signed())
    assert (503, {"message": f"{CERTIFICATE} answers with the status 500"}) == (got.status_code, got.json())
    assert ("5", []) == (got.headers["retry-after"], shelf.shown)


@pytest.mark.s3
def test_delivered_raw(posted: Bucket) -> None:
    """A topic that delivers messages as they are sends no signature: then the token is what counts."""
    shelf = Shelf()
    with running(posted.watched(shelf), token="x") as url:
        got = httpx.post(f"{url}?token=x", json=body(), headers={"x-amz-sns-rawdelivery": "true"})
    assert 200 == got.status_code
    assert [NAME] == [one.bucket for one in shelf.shown]


@contextmanager
def answering(status: int, content: bytes) -> Iterator[str]:
    """A server that gives one answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/x"
        thread.join(30)


def test_fetch() -> None:
    """A short answer is fetched; redirections are not followed, and neither errors nor long answers are taken."""
    with answering(200, b"pem") as url:
        assert b"pem" == fetch_https(url)
    with answering(302, b"") as url, pytest.raises(SnsUnavailable, match=f"{url} answers with the status 302"):
        fetch_https(url)
    with (
        answering(200, b"x" * 70_000) as url,
        pytest.raises(SnsUnavailable, match="answers with more than 65536 bytes"),
    ):
        fetch_https(url)
    with pytest.raises(SnsUnavailable, match=f"{url} cannot be fetched: "):
        fetch_https(url)


JSON = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
PARTS = st.sampled_from([*signed(), "Subject", "SubscribeURL", "Token"])


@given(st.dictionaries(PARTS, JSON), st.sampled_from([signed(), subscription()]))
def test_anything(changes: dict[str, Any], post: dict[str, Any]) -> None:
    """A post of which anything was changed is answered, whatever that is."""
    webhook = Webhook((), lambda _: None, WebhookSettings(topics=[TOPIC], fetch=lambda _: PEM))
    changed = post | changes
    status = webhook.take(json.dumps(changed).encode()).status_code
    webhook.close()
    assert (200 if changed == post else status) == status
    assert status in {200, 400, 403, 503}
