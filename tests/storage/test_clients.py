"""Clients: one for each identity in a process."""

from __future__ import annotations

import os
import threading
import time

import pytest

from tests.servers.s3 import S3Server
from wdprefect.storage.s3_client import client_from_environment, read_time, shared_client


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that nobody asks about."""
    for name, value in S3Server("http://127.0.0.1:9").environment.items():
        monkeypatch.setenv(name, value)


def test_one_for_each_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same environment gives the same client, another one another."""
    first = client_from_environment()
    assert first is client_from_environment()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody-else")
    assert first is not client_from_environment()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", S3Server("").access_key)
    assert first is client_from_environment()


def test_not_after_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that was forked has clients of its own: two processes cannot share connections."""
    first = client_from_environment()
    # What a child sees; to fork a process with threads is another matter.
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert first is not client_from_environment()


def test_threads_that_begin_together() -> None:
    """However many threads ask at once, one client is made."""
    made: list[object] = []
    start = threading.Barrier(8)

    def make() -> object:
        made.append(object())
        time.sleep(0.01)
        return made[-1]

    def ask() -> None:
        start.wait()
        found.append(shared_client("together", make))  # type: ignore[arg-type]  # any object will do

    found: list[object] = []
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 1 == len(made)
    assert made * 8 == found


def test_what_it_is_like() -> None:
    """A server of one's own is asked by path; connections are enough for all workers; no long waits."""
    config = client_from_environment().meta.config
    assert "path" == config.s3["addressing_style"]
    assert (128, 10, 30) == (config.max_pool_connections, config.connect_timeout, config.read_timeout)
    assert "standard" == config.retries["mode"]


@pytest.mark.parametrize(
    ("endpoint", "style"), [("", None), ("https://s3.example.org", "path")], ids=["Amazon's", "another"]
)
def test_addresses(monkeypatch: pytest.MonkeyPatch, endpoint: str, style: str | None) -> None:
    """Amazon's buckets have host names of their own."""
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", endpoint)
    assert style == (client_from_environment().meta.config.s3 or {}).get("addressing_style")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-29T04:14:47.000Z",
        "2026-11-29T04:14:47.123456Z",
        "2026-11-29T04:14:47Z",
        "2026-11-29T04:14:47+02:00",
        "Sun, 29 Nov 2026 04:14:47 GMT",
        1795925687,
    ],
)
def test_times(text: object) -> None:
    """Times that servers tell mean what they mean to botocore, read faster or not."""
    from botocore.utils import parse_timestamp

    assert parse_timestamp(text) == read_time(text)  # type: ignore[no-untyped-call]  # boto3 has no types
    assert read_time(text).utcoffset() is not None


@pytest.mark.parametrize("text", ["", "Z", "yesterday", "2026-13-01T00:00:00Z"])
def test_no_times(text: str) -> None:
    """What is no time is refused as botocore does."""
    with pytest.raises(ValueError, match="Invalid timestamp"):
        read_time(text)
