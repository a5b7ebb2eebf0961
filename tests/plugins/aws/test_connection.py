"""The connection of AWS types: whose client it is, whom it asks, and with which credentials."""

from __future__ import annotations

import multiprocessing
import os
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.plugins.aws.objects import error_of, keys, outputs_of, put, run_task
from tests.running import messages
from tests.servers.relay import Relay, s3_relay
from tests.servers.s3 import S3Server
from tests.servers.sts import Sts, sts_server
from wdprefect.errors import TaskFailed
from wdprefect.plugins.aws._connection import Connection, client_of

if TYPE_CHECKING:
    from botocore.client import BaseClient

__all__ = ["s3_relay"]
KEYS = {"access_key_id": "key", "secret_key_id": "secret"}
ROLE = "arn:aws:iam::123456789012:role/reader"


def connection(kind: type[Connection] = Connection, /, **given: Any) -> Connection:
    """A connection with these properties, by the names of its fields."""
    return kind.model_validate({kind.model_fields[name].alias: value for name, value in given.items()})


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """No credentials of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


def test_one_client() -> None:
    """The same connection has the same client, whichever type it is of, and in all threads."""

    class Other(Connection):
        more: str = ""

    clients: list[Any] = []
    threads = [threading.Thread(target=lambda: clients.append(client_of(connection(**KEYS)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {id(client_of(connection(Other, **KEYS, more="x")))} == {id(client) for client in clients}


@pytest.mark.parametrize(
    "other",
    [
        {"access_key_id": "other"},
        {"secret_key_id": "other"},
        {"session_token": "token"},
        {"region": "eu-west-1"},
        {"endpoint_override": "http://127.0.0.1:9"},
        {"force_path_style": True},
        {"sts_role_arn": ROLE},
        {"sts_role_arn": ROLE, "sts_role_external_id": "x"},
        {"sts_role_arn": ROLE, "sts_role_session_duration": timedelta(hours=1)},
    ],
    ids=" ".join,
)
def test_other_clients(other: dict[str, Any]) -> None:
    """Another identity, or another server, has another client."""
    assert client_of(connection(**KEYS)) is not client_of(connection(**{**KEYS, **other}))


def test_other_service() -> None:
    """So has another service, and the same one at another address."""
    given = connection(**KEYS, region="eu-west-1")
    queue = client_of(given, "sqs", "http://127.0.0.1:7")

    assert ("http://127.0.0.1:7", "sqs") == (queue.meta.endpoint_url, queue.meta.service_model.service_name)
    assert 3 == len({id(client) for client in (queue, client_of(given), client_of(given, "sqs"))})


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys the environment says who asks, each time anew."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    one = client_of(connection())
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "two")
    two = client_of(connection())

    assert ["one", "two"] == [client._request_signer._credentials.access_key for client in (one, two)]


def _say_client(pipe: Pipe) -> None:
    pipe.send(id(client_of(connection(**KEYS))))


def test_other_process() -> None:
    """A process that was forked has a client of its own: connections cannot be shared."""
    ours = client_of(connection(**KEYS))
    here, there = multiprocessing.Pipe()

    process = multiprocessing.get_context("fork").Process(target=_say_client, args=(there,))
    process.start()
    process.join()

    assert id(ours) != here.recv()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({"region": "eu-west-1"}, "https://box.s3.amazonaws.com/a", id="Amazon's"),
        pytest.param(
            {"region": "eu-west-1", "force_path_style": True},
            "https://s3.eu-west-1.amazonaws.com/box/a",
            id="Amazon's by path",
        ),
        pytest.param({"endpoint_override": "https://s3.example.org"}, "https://s3.example.org/box/a", id="another"),
        pytest.param(
            {"endpoint_override": "https://s3.example.org", "compatibility_mode": True, "force_path_style": True},
            "https://s3.example.org/box/a",
            id="another by path",
        ),
        pytest.param(
            {"endpoint_override": "https://s3.example.org", "force_path_style": False},
            "https://box.s3.example.org/a",
            id="another by host",
        ),
        pytest.param({"endpoint_override": "", "region": ""}, "https://box.s3.amazonaws.com/a", id="empty texts"),
    ],
)
def test_addresses(given: dict[str, Any], expected: str) -> None:
    """Buckets of other servers than Amazon's are in the path, unless the connection says otherwise."""
    address = client_of(connection(**KEYS, **given)).generate_presigned_url("get_object", {"Bucket": "box", "Key": "a"})

    assert expected == address.partition("?")[0]


@pytest.mark.parametrize(
    ("given", "service", "expected"),
    [
        pytest.param(
            {"endpoint_override": "127.0.0.1"}, "s3", "cannot connect to 127.0.0.1: Invalid endpoint", id="no address"
        ),
        pytest.param({}, "sqs", "cannot connect to the service sqs of AWS: You must specify a region", id="no region"),
    ],
)
def test_no_client(given: dict[str, Any], service: str, expected: str) -> None:
    """A connection that no client can be made of is said."""
    with pytest.raises(TaskFailed) as raised:
        client_of(connection(**KEYS, **given), service)
    assert str(raised.value).startswith(expected)


def test_unknown_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a profile that does not exist."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(TaskFailed, match=r"cannot connect to .*: The config profile \(nobody\) could not be found"):
        client_of(connection())


@pytest.mark.s3
def test_keys_of_the_task(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys, region and address stand in the task; the secret is nowhere to be seen."""
    monkeypatch.setenv("SECRET_THE_KEY", s3_server.secret_key)
    with s3_server.client() as s3:
        s3.create_bucket(Bucket="keys-of-the-task")
        put(s3, "keys-of-the-task", "a")
    properties = f"""
        bucket: keys-of-the-task
        accessKeyId: {s3_server.access_key}
        secretKeyId: "{{{{ secret('THE_KEY') }}}}"
        region: us-east-1
        endpointOverride: {s3_server.endpoint}
        """

    execution = run_task("List", properties)

    assert ["a"] == [item["key"] for item in execution.task_outputs["it"]["objects"]]
    assert not any(s3_server.secret_key in line for line in messages(execution))


@pytest.mark.s3
def test_profile(s3: BaseClient, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys a profile of the worker says who asks."""
    put(s3, bucket, "a")
    names = ("aws_access_key_id", "aws_secret_access_key")
    lines = [f"{name} = {os.environ[name.upper()]}" for name in names]
    (tmp_path / "credentials").write_text("[tests]\n" + "\n".join(lines))
    for name in names:
        monkeypatch.delenv(name.upper())
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_PROFILE", "tests")

    assert 1 == outputs_of("DeleteList", f"bucket: {bucket}")["count"]
    assert [] == keys(s3, bucket)


@pytest.fixture
def sts() -> Iterator[Sts]:
    """A server that gives credentials of roles."""
    with sts_server("role-key", "role-secret") as server:
        yield server


def as_role(sts: Sts, relay: Relay, **more: Any) -> BaseClient:
    """The client of a connection with a role."""
    return client_of(
        connection(
            endpoint_override=f"http://127.0.0.1:{relay.port}",
            region="eu-west-1",
            sts_role_arn=ROLE,
            sts_endpoint_override=sts.endpoint,
            **more,
        )
    )


def ask(client: BaseClient) -> None:
    """Send a request, which is refused."""
    with pytest.raises(client.exceptions.ClientError):
        client.list_buckets()


@pytest.mark.s3
def test_role(sts: Sts, s3_relay: Relay) -> None:
    """The keys assume the role once, and the role's own credentials sign what follows."""
    client = as_role(
        sts,
        s3_relay,
        **KEYS,
        sts_role_external_id="ours",
        sts_role_session_name="nightly",
        sts_role_session_duration=timedelta(minutes=20),
    )
    assert [] == sts.asked
    ask(client)
    ask(client)

    said = {"RoleArn": ROLE, "RoleSessionName": "nightly", "ExternalId": "ours", "DurationSeconds": "1200"}
    expected = {**said, "Action": "AssumeRole", "Version": "2011-06-15", "signed by": "key"}
    assert [expected] == sts.asked
    signed = [re.search(r"Credential=([^/]+)/\d+/([^/]+)/", line) for line in s3_relay.headers("Authorization")]
    assert [("role-key", "eu-west-1")] * 2 == [found.groups() for found in signed if found]
    assert ["token-1"] * 2 == s3_relay.headers("X-Amz-Security-Token")


@pytest.mark.s3
def test_role_is_renewed(sts: Sts, s3_relay: Relay) -> None:
    """Credentials that are about to expire are fetched anew."""
    sts.lifetime = timedelta(minutes=1)
    client = as_role(sts, s3_relay, **KEYS)
    ask(client)
    ask(client)

    assert ["token-1", "token-2"] == s3_relay.headers("X-Amz-Security-Token")


@pytest.mark.s3
def test_role_of_the_environment(sts: Sts, s3_relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without keys the environment's credentials assume it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-worker")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    ask(as_role(sts, s3_relay))

    assert [("of-the-worker", "wdprefect")] == [(each["signed by"], each["RoleSessionName"]) for each in sts.asked]


def test_role_that_is_refused(sts: Sts) -> None:
    """A role that may not be assumed is said as such."""
    sts.refuses = True
    said = error_of(
        "List",
        f"""
        bucket: box
        accessKeyId: key
        secretKeyId: secret
        region: eu-west-1
        endpointOverride: http://127.0.0.1:9
        stsRoleArn: {ROLE}
        stsEndpointOverride: {sts.endpoint}
        """,
    )

    reason = "the role cannot be assumed: not for you (AccessDenied, bucket 'box' at http://127.0.0.1:9)"
    step = "let these credentials assume it (sts:AssumeRole); check 'stsRoleArn', 'stsRoleExternalId' or the block"
    assert f"cannot list 's3://box/': {reason}; {step}" == said


def test_nobody_to_assume_a_role() -> None:
    """Without any credentials no role can be assumed."""
    step = "there are no credentials to do it with; give 'accessKeyId' and 'secretKeyId', or set the AWS_… variables"
    with pytest.raises(TaskFailed, match=f"cannot assume the role '{ROLE}': {step}"):
        client_of(connection(sts_role_arn=ROLE))
