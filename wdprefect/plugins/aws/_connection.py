"""The connection that all types of AWS have in common, and the boto3 clients that it means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import model_validator

from wdprefect.errors import TaskFailed
from wdprefect.model.node import Bool, Duration, Node, Text
from wdprefect.storage.s3_client import make_client, shared_client

if TYPE_CHECKING:
    from botocore.client import BaseClient

SESSION_NAME = "wdprefect"


class Connection(Node):
    """Who asks, and whom: a mix-in.

    Without `accessKeyId` and `secretKeyId`, boto3 looks for credentials itself: the AWS_… variables, a profile, the
    machine's role. With `stsRoleArn` they only serve to assume that role, whose credentials are renewed as they expire.
    """

    access_key_id: Text | None = None
    secret_key_id: Text | None = None
    session_token: Text | None = None
    region: Text | None = None
    endpoint_override: Text | None = None
    force_path_style: Bool | None = None
    compatibility_mode: Bool = False
    sts_role_arn: Text | None = None
    sts_role_external_id: Text | None = None
    sts_role_session_name: Text | None = None
    sts_role_session_duration: Duration = timedelta(minutes=15)
    sts_endpoint_override: Text | None = None

    @model_validator(mode="after")
    def _credentials_are_whole(self) -> Connection:
        if bool(self.access_key_id) != bool(self.secret_key_id):
            raise ValueError(
                "'accessKeyId' and 'secretKeyId' belong together: give both, or neither to use the worker's credentials"
            )
        if self.session_token and not self.access_key_id:
            raise ValueError("'sessionToken' needs 'accessKeyId' and 'secretKeyId'")
        return self

    @model_validator(mode="after")
    def _role_is_named(self) -> Connection:
        if self.sts_role_arn is None:
            for name in ("sts_role_external_id", "sts_role_session_name", "sts_endpoint_override"):
                if getattr(self, name) is not None:
                    raise ValueError(
                        f"'{type(self).model_fields[name].alias}' needs 'stsRoleArn': which role to assume"
                    )
        return self


def client_of(connection: Connection, service: str = "s3", endpoint: str | None = None) -> BaseClient:
    """The client of a connection: the same one for all threads of this process that ask with the same identity.

    endpoint: the address of the service where it is not the connection's own, such as that of a queue. Nothing is sent
    yet. Raises TaskFailed for a connection that no client can be made of.
    """
    plain = Connection.model_construct(**{name: getattr(connection, name) for name in Connection.model_fields})
    return shared_client((plain, service, endpoint), lambda: _client(plain, service, endpoint))


def _client(connection: Connection, service: str, endpoint: str | None) -> BaseClient:
    # A quarter of a second, which only those pay who have something to ask.
    from botocore.exceptions import BotoCoreError

    address = endpoint or connection.endpoint_override
    parameters = {"endpoint_url": address} if address else {}
    try:
        session = _session(connection)
        return make_client(session, service, config=_addressing(connection), **parameters)
    except (BotoCoreError, ValueError) as error:
        raise TaskFailed(f"cannot connect to {address or f'the service {service} of AWS'}: {error}") from error


def _session(connection: Connection) -> Any:
    import boto3  # as above

    # A session of its own: boto3's default one is not safe to use from several threads.
    session = boto3.session.Session(  # type: ignore[no-untyped-call]  # boto3 has no types
        aws_access_key_id=connection.access_key_id or None,
        aws_secret_access_key=connection.secret_key_id or None,
        aws_session_token=connection.session_token or None,
        region_name=connection.region or None,
    )
    return _assuming(session, connection) if connection.sts_role_arn else session


def _addressing(connection: Connection) -> Any:
    """Whether the bucket is a part of the host's name, where the connection says so."""
    from botocore.config import Config  # as above

    if connection.force_path_style is None:
        return None
    style = "path" if connection.force_path_style else "virtual"
    return Config(s3={"addressing_style": style})  # type: ignore[no-untyped-call]  # as above


def _assuming(source: Any, connection: Connection) -> Any:
    """A session that has the role's credentials instead of those of `source`."""
    import boto3  # as above
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, CredentialResolver

    credentials = source.get_credentials()
    if credentials is None:
        reason = (
            "there are no credentials to do it with; give 'accessKeyId' and 'secretKeyId', or set the AWS_… variables"
        )
        raise TaskFailed(f"cannot assume the role '{connection.sts_role_arn}': {reason}")

    def sts(name: str, **keys: Any) -> Any:
        return source.client(name, endpoint_url=connection.sts_endpoint_override or None, **keys)

    asked: dict[str, Any] = {
        "RoleSessionName": connection.sts_role_session_name or SESSION_NAME,
        "DurationSeconds": int(connection.sts_role_session_duration.total_seconds()),
    }
    if connection.sts_role_external_id:
        asked["ExternalId"] = connection.sts_role_external_id
    fetcher = AssumeRoleCredentialFetcher(sts, credentials, connection.sts_role_arn, extra_args=asked)  # type: ignore[no-untyped-call]  # as above
    session = botocore.session.get_session()  # type: ignore[no-untyped-call]  # as above
    session.register_component("credential_provider", CredentialResolver([_Role(fetcher)]))  # type: ignore[no-untyped-call]  # as above
    return boto3.session.Session(botocore_session=session, region_name=source.region_name)  # type: ignore[no-untyped-call]  # as above


@dataclass(frozen=True, slots=True)
class _Role:
    """What botocore asks for credentials: those of a role, fetched when they are first needed."""

    fetcher: Any

    METHOD: ClassVar[str] = "assume-role"
    CANONICAL_NAME: ClassVar[str] = "custom-wdprefect"

    def load(self) -> Any:
        from botocore.credentials import DeferredRefreshableCredentials  # as above

        return DeferredRefreshableCredentials(self.fetcher.fetch_credentials, self.METHOD)  # type: ignore[no-untyped-call]  # as above
