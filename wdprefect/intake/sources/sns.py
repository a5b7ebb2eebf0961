"""Posts of Amazon SNS: whether they come from it, and confirming a subscription."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

# What a URL answers with, which has been checked to be Amazon's.
Fetch = Callable[[str], bytes]

_HOST = r"https://sns\.[a-z0-9]+(-[a-z0-9]+)+\.amazonaws\.com(\.cn)?"
_CERTIFICATE_URL = re.compile(_HOST + r"/[A-Za-z0-9_-]{1,200}\.pem")
_SUBSCRIBE_URL = re.compile(_HOST + r"/\?[A-Za-z0-9_.:=&%-]{1,4000}")
# Tuples, for what is looked for in them may be of any kind.
_TYPES = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")
# What is signed, in this order, by the type of the post; a Subject only where there is one.
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_SIGNED["UnsubscribeConfirmation"] = _SIGNED["SubscriptionConfirmation"]
_FETCH_SECONDS = 5.0
_LONGEST_ANSWER_BYTES = 64 * 1024
_MOST_CERTIFICATES = 16
_OK = 200


class NotFromSns(Exception):
    """A post is not from SNS, or from a topic that is not allowed; the text says why."""


class SnsUnavailable(Exception):
    """What is needed to check or to confirm cannot be fetched now."""


def is_sns(document: object) -> bool:
    """Whether a body claims to be a post of SNS."""
    return isinstance(document, dict) and document.get("Type") in _TYPES and "TopicArn" in document


def fetch_https(url: str) -> bytes:
    """What a URL answers with. Raises SnsUnavailable for everything but a short answer with the status 200."""
    try:
        with httpx.stream("GET", url, timeout=_FETCH_SECONDS, follow_redirects=False) as answer:
            if answer.status_code != _OK:
                raise SnsUnavailable(f"{url} answers with the status {answer.status_code}")
            body = b""
            for some in answer.iter_bytes():
                body += some
                if len(body) > _LONGEST_ANSWER_BYTES:
                    raise SnsUnavailable(f"{url} answers with more than {_LONGEST_ANSWER_BYTES} bytes")
            return body
    except httpx.HTTPError as error:
        raise SnsUnavailable(f"{url} cannot be fetched: {error}") from error


class Sns:
    """Checks posts against the topics that are allowed. Safe to use from several threads."""

    def __init__(self, topics: Collection[str], fetch: Fetch = fetch_https) -> None:
        self._topics, self._fetch = frozenset(topics), fetch
        self._certificates: dict[str, x509.Certificate] = {}
        self._lock = threading.Lock()

    def accept(self, post: Mapping[str, Any]) -> bool:
        """Whether a post that claims to be of SNS is a notification; a confirmed subscription is none.

        Raises NotFromSns, or SnsUnavailable where trying again may help.
        """
        topic = post["TopicArn"]
        if not isinstance(topic, str) or topic not in self._topics:
            raise NotFromSns(f"the topic {ascii(topic)[:200]} is not among those that are allowed")
        self._check_signature(post)
        if post["Type"] == "SubscriptionConfirmation":
            self._fetch(_checked_subscribe_url(post))
        return bool(post["Type"] == "Notification")

    def _check_signature(self, post: Mapping[str, Any]) -> None:
        names = [name for name in _SIGNED[post["Type"]] if name != "Subject" or post.get("Subject") is not None]
        if not all(isinstance(post.get(name), str) for name in (*names, "SigningCertURL", "Signature")):
            raise NotFromSns("a part of the post that must be signed is missing")
        text = "".join(f"{name}\n{post[name]}\n" for name in names)
        digest: hashes.HashAlgorithm
        if post.get("SignatureVersion") == "1":
            digest = hashes.SHA1()  # noqa: S303  # what a topic signs with unless it was set to 2
        elif post.get("SignatureVersion") == "2":
            digest = hashes.SHA256()
        else:
            raise NotFromSns("the version of the signature is neither 1 nor 2")
        key = self._certificate(post["SigningCertURL"]).public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            raise NotFromSns("the certificate has no RSA key")
        try:
            signature = base64.b64decode(post["Signature"], validate=True)
            key.verify(signature, text.encode(), padding.PKCS1v15(), digest)
        except (InvalidSignature, binascii.Error, ValueError):
            raise NotFromSns("the signature does not fit the post") from None

    def _certificate(self, url: str) -> x509.Certificate:
        if not _CERTIFICATE_URL.fullmatch(url):
            raise NotFromSns(f"the certificate is not at Amazon's: {ascii(url)[:200]}")
        with self._lock:
            known = self._certificates.get(url)
        certificate = known or self._fetched(url)
        now = datetime.now(timezone.utc)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise NotFromSns(f"the certificate {url} is not valid now")
        return certificate

    def _fetched(self, url: str) -> x509.Certificate:
        try:
            certificate = x509.load_pem_x509_certificate(self._fetch(url))
        except ValueError:
            raise SnsUnavailable(f"what {url} answers with is no certificate") from None
        with self._lock:
            while len(self._certificates) >= _MOST_CERTIFICATES:
                del self._certificates[next(iter(self._certificates))]
            self._certificates[url] = certificate
        return certificate


def _checked_subscribe_url(post: Mapping[str, Any]) -> str:
    """The URL that confirms this subscription and does nothing else."""
    url = str(post["SubscribeURL"])
    asked = parse_qs(urlsplit(url).query)
    wanted = {"Action": ["ConfirmSubscription"], "TopicArn": [post["TopicArn"]], "Token": [post["Token"]]}
    if not _SUBSCRIBE_URL.fullmatch(url) or asked != wanted:
        raise NotFromSns(f"the SubscribeURL does not confirm the subscription: {ascii(url)[:200]}")
    return url
