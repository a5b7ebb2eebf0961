"""Blocks of credentials for the S3 server of the tests, in the Prefect API of the tests."""

from __future__ import annotations

from typing import Any

from tests.servers.aws import AwsServer


def aws_block(server: AwsServer, **settings: Any) -> Any:
    """An AwsCredentials block for the server, not saved; the settings win."""
    from prefect_aws import AwsClientParameters, AwsCredentials  # boto3 takes a quarter of a second

    usual = {
        "aws_access_key_id": server.access_key,
        "aws_secret_access_key": server.secret_key,
        "region_name": "us-east-1",
        "aws_client_parameters": AwsClientParameters(endpoint_url=server.endpoint),
    }
    return AwsCredentials(**{**usual, **settings})


def minio_block(server: AwsServer, **settings: Any) -> Any:
    """A MinIOCredentials block for the server, not saved; the settings win."""
    from prefect_aws import AwsClientParameters, MinIOCredentials  # as above

    usual = {
        "minio_root_user": server.access_key,
        "minio_root_password": server.secret_key,
        "aws_client_parameters": AwsClientParameters(endpoint_url=server.endpoint),
    }
    return MinIOCredentials(**{**usual, **settings})


def saved(block: Any, name: str) -> str:
    """Save the block, and return what flows call it."""
    block.save(name, overwrite=True, _sync=True)  # Prefect adds it, so that it does not wait for a loop
    return f"{block.get_block_type_slug()}/{name}"
