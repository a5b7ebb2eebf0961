"""boto3 clients, made alike wherever their credentials come from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.client import BaseClient

CONNECTIONS = 64


def make_client(session: Any, service: str = "s3", *, config: Any = None, **parameters: Any) -> BaseClient:
    """A client of a boto3 session that 64 threads may use at a time, and that tries again where that may help.

    config: a botocore Config whose settings win. parameters: as of `Session.client`, such as `endpoint_url`.
    """
    from botocore.config import Config  # whoever has a session has paid for it

    own_server = parameters.get("endpoint_url") or any(map(os.environ.get, ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")))
    usual = Config(  # type: ignore[no-untyped-call]  # boto3 has no types
        max_pool_connections=CONNECTIONS,
        retries={"mode": "standard"},
        # Few servers besides Amazon's answer to a host name per bucket.
        s3={"addressing_style": "path"} if own_server else None,
    )
    merged = usual.merge(config) if config else usual  # type: ignore[no-untyped-call]  # as above
    client: BaseClient = session.client(service, config=merged, **parameters)
    return client


def client_from_environment() -> BaseClient:
    """An S3 client with what boto3 finds by itself: AWS_… variables, profiles, the machine's role."""
    import boto3  # a quarter of a second, which only S3 pays

    # A session of its own: boto3's default one is not safe to use from several threads.
    return make_client(boto3.session.Session())  # type: ignore[no-untyped-call]  # as above
