"""`credentialsBlock`: who asks S3, and whom, from Prefect's blocks of credentials."""

from __future__ import annotations

import json
import os
import textwrap
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from tests.cli.commands import run_command
from tests.plugins.aws.objects import content, error_of, put, task
from tests.running import flow_of, messages
from tests.servers.credentials_block import aws_block, minio_block, saved
from tests.servers.relay import Relay, s3_relay
from tests.servers.s3 import S3Server, s3_server
from tests.servers.sts import Sts, sts_server
from wdprefect.api import EngineName, block_of_prefect, run
from wdprefect.errors import TaskFailed, Unavailable
from wdprefect.execution.blocks import Blocks
from wdprefect.masking import MASK, Masker
from wdprefect.on_prefect.accounts import aws_account
from wdprefect.plugins.aws._connection import Connection, client_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["s3_relay", "s3_server"]

pytestmark = [pytest.mark.server, pytest.mark.s3, pytest.mark.usefixtures("prefect_api")]
ENGINES = [pytest.param("local", id="local"), pytest.param("prefect", id="prefect")]
ROLE = "arn:aws:iam::123456789012:role/reader"


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture
def s3(s3_server: S3Server) -> Iterator[BaseClient]:
    """A client of the server, of which the environment says nothing."""
    with s3_server.client() as client:
        yield client


@pytest.fixture
def bucket(s3: BaseClient) -> str:
    """The name of a new bucket."""
    name = f"b{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def client(name: str, service: str = "s3", **properties: Any) -> BaseClient:
    """The client of a connection that names a block."""
    connection = Connection.model_validate({"credentialsBlock": name, **properties})
    return client_of(connection, service, block=aws_account)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("make", [pytest.param(aws_block, id="aws"), pytest.param(minio_block, id="minio")])
def test_tasks(
    make: Callable[..., Any], engine: EngineName, s3_server: S3Server, s3: BaseClient, bucket: str, tmp_path: Path
) -> None:
    """Keys, region and address are those of the block, on both engines, and its secret is nowhere to be seen."""
    name = saved(make(s3_server), f"of-{engine}")
    path = tmp_path / "a.csv"
    path.write_text("a,b\n")
    common = f"bucket: {bucket}\ncredentialsBlock: {name}\n"
    log = (
        "- id: say\n  type: io.kestra.plugin.core.log.Log\n  message: '{{ read(outputs.back.uri) }} {{ inputs.word }}'"
    )
    tasks = [
        task("Upload", f"{common}from: '{{{{ inputs.file }}}}'\nkey: a.csv", "up"),
        task("Download", f"{common}key: a.csv", "back"),
        log,
    ]
    flow = flow_of("\n".join(tasks), inputs="- {id: file, type: FILE}\n- {id: word, type: STRING}")

    execution = run(flow, engine=engine, inputs={"file": str(path), "word": s3_server.secret_key})

    assert "SUCCESS" == execution.state, execution.error
    assert b"a,b\n" == content(s3, bucket, "a.csv")
    assert [f"a,b\n {MASK}"] == messages(execution, "say")
    assert s3_server.secret_key not in json.dumps(execution.to_dict())


def test_properties_win(s3_server: S3Server, s3: BaseClient, bucket: str) -> None:
    """`endpointOverride` and `region` are in place of the block's."""
    from prefect_aws import AwsClientParameters  # boto3 takes a quarter of a second

    elsewhere = AwsClientParameters(endpoint_url="http://127.0.0.1:9")
    name = saved(aws_block(s3_server, region_name="eu-west-1", aws_client_parameters=elsewhere), "elsewhere")
    put(s3, bucket, "a")
    found = client(name, endpointOverride=s3_server.endpoint, region="us-east-1")

    assert ("us-east-1", s3_server.endpoint) == (found.meta.region_name, found.meta.endpoint_url)
    assert ["a"] == [item["Key"] for item in found.list_objects_v2(Bucket=bucket)["Contents"]]
    as_it_is = client(name)
    assert ("eu-west-1", "http://127.0.0.1:9") == (as_it_is.meta.region_name, as_it_is.meta.endpoint_url)


def test_client_parameters(s3_server: S3Server, tmp_path: Path) -> None:
    """What else the block says of the client counts, for S3 and for a queue; our own settings stay beside it."""
    from prefect_aws import AwsClientParameters  # as above

    authority = tmp_path / "ca.pem"
    authority.write_text("")
    config = {"user_agent_extra": "ours", "s3": {"payload_signing_enabled": True}}
    settings = AwsClientParameters(
        endpoint_url="https://s3.example.org",
        api_version="2006-03-01",
        # Without it Prefect's class forgets the path.
        verify=True,
        verify_cert_path=authority,
        config=config,
    )
    name = saved(aws_block(s3_server, aws_client_parameters=settings), "with-settings")
    plain, by_host, queue = client(name), client(name, forcePathStyle=False), client(name, "sqs")

    both = {"addressing_style": "path", "payload_signing_enabled": True}
    assert [both, {**both, "addressing_style": "virtual"}] == [one.meta.config.s3 for one in (plain, by_host)]
    assert ["ours", "ours"] == [one.meta.config.user_agent_extra for one in (plain, queue)]
    assert ["2006-03-01", "2012-11-05"] == [one.meta.service_model.api_version for one in (plain, queue)]
    assert [str(authority)] * 2 == [str(one._endpoint.http_session._verify) for one in (plain, queue)]


def test_one_client(s3_server: S3Server) -> None:
    """Who asks with the same block shares a client; with a block that has changed since it is another one."""
    name = saved(aws_block(s3_server), "turned")
    one, same = client(name), client(name)
    saved(aws_block(s3_server, aws_secret_access_key="another-secret"), "turned")

    assert one is same
    assert one is not client(name)


def test_secrets(s3_server: S3Server) -> None:
    """All secrets of a block are hidden once it was asked for, the session token among them; it is loaded once."""
    name = saved(aws_block(s3_server, aws_session_token="token-of-the-session"), "with-token")
    asked: list[str] = []

    def find(name: str) -> Any:
        asked.append(name)
        return block_of_prefect(name)

    masker = Masker()
    blocks = Blocks(find, masker)
    assert blocks(name) is blocks(name)
    assert f"{MASK} {MASK} testkey" == masker.hide(f"{s3_server.secret_key} token-of-the-session testkey")
    assert [name] == asked
    assert s3_server.secret_key not in repr(blocks(name))


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sts]:
    """A server that gives credentials of roles, where boto3 finds it."""
    with sts_server("role-key", "role-secret") as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.endpoint)
        yield server


def test_role(s3_server: S3Server, sts: Sts, s3_relay: Relay) -> None:
    """The role of a block is assumed with its keys, and again before its credentials expire."""
    from prefect_aws.assume_role_parameters import AssumeRoleParameters  # as above

    terms = AssumeRoleParameters(ExternalId="theirs")
    name = saved(aws_block(s3_server, assume_role_arn=ROLE, assume_role_kwargs=terms), "with-role")
    sts.lifetime = timedelta(minutes=1)
    asking = client(name, endpointOverride=f"http://127.0.0.1:{s3_relay.port}")
    for _ in range(2):
        with pytest.raises(asking.exceptions.ClientError):
            asking.list_buckets()

    said = {"RoleArn": ROLE, "RoleSessionName": "wdprefect", "ExternalId": "theirs", "signed by": "testkey"}
    assert [said] * 2 == [{key: each[key] for key in said} for each in sts.asked]
    assert ["token-1", "token-2"] == s3_relay.headers("X-Amz-Security-Token")


@pytest.mark.parametrize(
    "given", ["s3-bucket/ours", "aws-credentials/../x", "{% raw %}aws-credentials/{{ x }}{% endraw %}"]
)
def test_no_name(given: str) -> None:
    """What a template gives must be the name of such a block, too: nothing else is looked for."""
    said = error_of("List", f"bucket: box\ncredentialsBlock: \"{given}{{{{ '' }}}}\"")
    name = given.removeprefix("{% raw %}").removesuffix("{% endraw %}")
    form = "write 'aws-credentials/NAME' or 'minio-credentials/NAME', NAME with lower-case letters, digits and dashes"
    assert f"'credentialsBlock': {form}, not '{name}'" == said


@pytest.mark.parametrize("kind", ["aws-credentials", "minio-credentials"])
def test_no_block(kind: str) -> None:
    """A block that is not there fails the task with its name and what to do."""
    said = error_of("List", f"bucket: box\ncredentialsBlock: {kind}/nosuch")
    step = f"make one in Prefect's UI, or with 'prefect block create {kind}'"
    assert f"there is no Prefect block '{kind}/nosuch': {step}" == said


def test_no_server() -> None:
    """Without its API a block cannot be had: trying again may help, and `retry` does."""
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), pytest.raises(Unavailable) as raised:
        aws_account("aws-credentials/ours")
    step = "(start it, or correct PREFECT_API_URL: it keeps the block 'aws-credentials/ours')"
    assert str(raised.value).startswith("the Prefect API at http://127.0.0.1:9/api does not answer: ")
    assert str(raised.value).endswith(step)


def test_no_server_for_a_run(tmp_path: Path) -> None:
    """A run on the local engine needs no server, and its task with a block says that it does."""
    flow = tmp_path / "flow.yaml"
    listing = task("List", "bucket: box\ncredentialsBlock: aws-credentials/ours")
    flow.write_text(f"id: made\nnamespace: team\ntasks:\n{textwrap.indent(listing, '  ')}\n")
    said = run_command("run", flow, "--engine", "local", env={"PREFECT_API_URL": "http://127.0.0.1:9/api"})
    assert 1 == said.code
    assert "task 'it': the Prefect API at http://127.0.0.1:9/api does not answer: " in said.err
    assert "(start it, or correct PREFECT_API_URL: it keeps the block 'aws-credentials/ours')" in said.err


def test_server_that_cannot(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API that answers with an error of its own has not given the block: trying again may help."""
    from prefect_aws import AwsCredentials  # as above

    def refuse(*_: Any, **__: Any) -> Any:
        request = httpx.Request("GET", "http://127.0.0.1/api")
        raise httpx.HTTPStatusError("", request=request, response=httpx.Response(500, request=request))

    # The edge to Prefect: its server has no errors of its own to show.
    monkeypatch.setattr(AwsCredentials, "load", refuse)
    with pytest.raises(Unavailable) as raised:
        aws_account("aws-credentials/ours")
    reason = "500 Internal Server Error; try again"
    assert f"the Prefect API has not given the block 'aws-credentials/ours': {reason}" == str(raised.value)


def test_no_prefect() -> None:
    """Where flows are made without Prefect there are no blocks."""
    connection = Connection.model_validate({"credentialsBlock": "aws-credentials/ours"})
    expected = "the Prefect block 'aws-credentials/ours' cannot be had here: blocks are kept by a Prefect server"
    with pytest.raises(TaskFailed) as raised:
        client_of(connection)
    assert expected == str(raised.value)


def test_unfit_blocks(s3_server: S3Server, tmp_path: Path) -> None:
    """A block that cannot be followed here is named, with what is wrong, and without what it holds."""
    from prefect_aws import AwsClientParameters  # as above

    authority = tmp_path / "ca.pem"
    authority.write_text("")
    settings = AwsClientParameters(verify=True, verify_cert_path=authority)
    certificate = saved(aws_block(s3_server, aws_client_parameters=settings), "certificate")
    authority.unlink()
    config = saved(aws_block(s3_server, aws_client_parameters=AwsClientParameters(config={"nosuch": 1})), "config")
    half = saved(aws_block(s3_server, aws_secret_access_key=None), "half")
    profile = saved(aws_block(s3_server, profile_name="nobody", assume_role_arn=ROLE), "profile")
    expected = {
        certificate: "the block 'aws-credentials/certificate' is not valid here: "
        "'aws_client_parameters.verify_cert_path': Path does not point to a file; correct it in Prefect's UI",
        config: "the block 'aws-credentials/config': its AWS Client Parameters cannot be followed: "
        "Got unexpected keyword argument 'nosuch'",
        half: "the block 'aws-credentials/half' has an access key or a secret, and not both: "
        "give both keys, or neither to use the worker's credentials",
        profile: f"cannot connect to {s3_server.endpoint} with the block 'aws-credentials/profile': "
        "The config profile (nobody) could not be found",
    }
    assert expected == {name: error_of("List", f"bucket: box\ncredentialsBlock: {name}") for name in expected}


def test_nobody_to_assume_a_role(s3_server: S3Server) -> None:
    """A block with a role and without keys, where there are none."""
    block = aws_block(s3_server, aws_access_key_id=None, aws_secret_access_key=None, assume_role_arn=ROLE)
    name = saved(block, "nobody")
    step = f"there are no credentials to do it with; put keys into the block '{name}', or set the AWS_… variables"
    said = error_of("List", f"bucket: box\ncredentialsBlock: {name}")
    assert f"cannot assume the role '{ROLE}': {step}" == said


def test_wrong_secret(s3_server: S3Server, s3: BaseClient, bucket: str) -> None:
    """What S3 refuses is said without the secret, and with where it may stand."""
    name = saved(minio_block(s3_server, minio_root_password="hidden-secret-1"), "wrong")
    said = error_of("List", f"bucket: {bucket}\ncredentialsBlock: {name}")
    assert said.startswith("cannot list ")
    assert said.endswith("check 'accessKeyId' and 'secretKeyId', or else the block, the AWS_… variables or the profile")
    assert "hidden-secret-1" not in said
