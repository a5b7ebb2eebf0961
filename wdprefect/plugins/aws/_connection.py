"""The connection that all types of AWS have in common, and the boto3 clients that it means."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from wdprefect.errors import TaskFailed
from wdprefect.loader.shape import has_template
from wdprefect.model.blocks import AwsAccount, FindBlock, no_blocks
from wdprefect.model.node import Bool, Duration, Node, Text
from wdprefect.plugins.aws._session import Role, assuming, session_of
from wdprefect.storage.s3_client import make_client, merged, shared_client

if TYPE_CHECKING:
    from botocore.client import BaseClient

_BLOCK = re.compile(r"(aws|minio)-credentials/[a-z0-9-]+")
_OF_BLOCK = "an extension of ours: 'aws-credentials/NAME' or 'minio-credentials/NAME', a Prefect block in place of keys"
# What says in another way who asks.
_INSTEAD = ("access_key_id", "secret_key_id", "session_token", "sts_role_arn")


def _block_name(name: str) -> str:
    if not _BLOCK.fullmatch(name) and not has_template(name):
        raise ValueError(_no_block(name))
    return name


def _no_block(name: str) -> str:
    form = "'aws-credentials/NAME' or 'minio-credentials/NAME'"
    return f"write {form}, NAME with lower-case letters, digits and dashes, not '{name}'"


class Connection(Node):
    """Who asks, and whom: a mix-in.

    Without `accessKeyId` and `secretKeyId`, boto3 looks for credentials itself: the AWS_… variables, a profile, the
    machine's role. With `stsRoleArn` they only serve to assume that role, whose credentials are renewed as they expire.
    `credentialsBlock`, an extension of ours, is a Prefect block that says who asks and whom; `region`,
    `endpointOverride` and `forcePathStyle` win over it.
    """

    access_key_id: Text | None = None
    secret_key_id: Text | None = None
    session_token: Text | None = None
    credentials_block: Annotated[Text, AfterValidator(_block_name)] | None = Field(default=None, description=_OF_BLOCK)
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
    def _one_says_who_asks(self) -> Connection:
        for name in _INSTEAD:
            if self.credentials_block and getattr(self, name):
                step = "let the block name the role" if name == "sts_role_arn" else "give one of them"
                alias = type(self).model_fields[name].alias
                raise ValueError(f"'credentialsBlock' and '{alias}' both say who asks: {step}")
        return self

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


def client_of(
    connection: Connection, service: str = "s3", endpoint: str | None = None, block: FindBlock = no_blocks
) -> BaseClient:
    """The client of a connection: the same one for all threads of this process that ask with the same identity.

    endpoint: the address of the service where it is not the connection's own, such as that of a queue. block: finds the
    Prefect block that the connection may name. Nothing is sent to the service yet. Raises TaskFailed for a connection
    that no client can be made of, and what `block` raises.
    """
    plain = Connection.model_construct(**{name: getattr(connection, name) for name in Connection.model_fields})
    account = _account(connection.credentials_block, block) if connection.credentials_block else None
    return shared_client((plain, account, service, endpoint), lambda: _client(plain, account, service, endpoint))


def _account(name: str, block: FindBlock) -> AwsAccount:
    if not _BLOCK.fullmatch(name):
        # What a template gives may look like another one.
        raise TaskFailed(f"'credentialsBlock': {_no_block(name)}")
    account: AwsAccount = block(name)
    return account


def _client(connection: Connection, account: AwsAccount | None, service: str, endpoint: str | None) -> BaseClient:
    # A quarter of a second, which only those pay who have something to ask.
    from botocore.exceptions import BotoCoreError

    parameters = account.parameters() if account else {}
    if address := endpoint or connection.endpoint_override:
        parameters["endpoint_url"] = address
    if service != "s3":
        # A block's version is that of S3.
        parameters.pop("api_version", None)
    try:
        config = merged(parameters.pop("config", None), _addressing(connection))
        return make_client(_session(connection, account), service, config=config, **parameters)
    except (BotoCoreError, ValueError) as error:
        where = parameters.get("endpoint_url") or f"the service {service} of AWS"
        who = f" with the block '{account.block}'" if account else ""
        raise TaskFailed(f"cannot connect to {where}{who}: {error}") from error


def _session(connection: Connection, account: AwsAccount | None) -> Any:
    if account:
        source = account.session(connection.region or None)
        step = f"put keys into the block '{account.block}'"
        return assuming(source, Role(account.role, step)) if account.role else source
    source = session_of(connection.access_key_id, connection.secret_key_id, connection.session_token, connection.region)
    if not connection.sts_role_arn:
        return source
    step = "give 'accessKeyId' and 'secretKeyId'"
    return assuming(source, Role(_asked(connection), step, connection.sts_endpoint_override or None))


def _asked(connection: Connection) -> dict[str, Any]:
    """What is asked of AssumeRole."""
    asked = {
        "RoleArn": connection.sts_role_arn,
        "RoleSessionName": connection.sts_role_session_name,
        "DurationSeconds": int(connection.sts_role_session_duration.total_seconds()),
        "ExternalId": connection.sts_role_external_id,
    }
    return {name: value for name, value in asked.items() if value}


def _addressing(connection: Connection) -> Any:
    """Whether the bucket is a part of the host's name, where the connection says so."""
    from botocore.config import Config  # as above

    if connection.force_path_style is None:
        return None
    style = "path" if connection.force_path_style else "virtual"
    return Config(s3={"addressing_style": style})  # type: ignore[no-untyped-call]  # as above
