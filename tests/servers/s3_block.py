"""A bucket of the S3 server of the tests as a block in the Prefect API of the tests."""

from __future__ import annotations

from tests.servers.s3 import S3Server


def save_block(server: S3Server, name: str, bucket: str, folder: str = "") -> str:
    """Make the bucket and an S3Bucket block for it, and return what `--storage` calls it."""
    from prefect_aws import AwsClientParameters, AwsCredentials, S3Bucket  # boto3 takes a quarter of a second

    with server.client() as client:
        client.create_bucket(Bucket=bucket)
    credentials = AwsCredentials(
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name="us-east-1",
        aws_client_parameters=AwsClientParameters(endpoint_url=server.endpoint),
    )
    block = S3Bucket(bucket_name=bucket, bucket_folder=folder, credentials=credentials)
    block.save(name, overwrite=True, _sync=True)  # type: ignore[call-arg]  # Prefect adds it, so that it does not wait for a loop
    return f"s3-bucket/{name}"
