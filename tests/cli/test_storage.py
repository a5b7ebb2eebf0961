"""`wdprefect storage check`: what it says of storages that work, and of those that do not."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.cli.commands import Cli, Said, result
from tests.servers.needed import is_missing
from tests.servers.s3 import WEED, S3Server, running, s3_server
from tests.servers.unruly import Fault, Unruly, unruly_in_front_of

__all__ = ["s3_server"]

ALL = ["clock", "list", "delete", "put", "head", "get", "copy", "conditional write", "multipart"]
BUCKET = "checked"
URL = f"s3://{BUCKET}/team/runs"
IDENTITIES = {
    "admin": ["Admin", "Read", "Write", "List", "Tagging"],
    "reader": [f"Read:{BUCKET}", f"List:{BUCKET}"],
    "nolist": [f"Read:{BUCKET}", f"Write:{BUCKET}"],
}
Check = Callable[..., Said]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server with identities that may do less, and a bucket."""
    if not WEED.exists():
        is_missing("the S3 server is not installed: run scripts/test-servers.sh")
    folder = tmp_path_factory.mktemp("identities")
    known = [
        {"name": name, "credentials": [credentials_of(name)], "actions": actions}
        for name, actions in IDENTITIES.items()
    ]
    (folder / "s3.json").write_text(json.dumps({"identities": known}))
    with running(folder / "server", f"-s3.config={folder / 's3.json'}") as found:
        assert found is not None, (folder / "server" / "log").read_text(errors="replace")[-2000:]
        with found.client() as client:
            client.create_bucket(Bucket=BUCKET)
        yield found


def credentials_of(name: str) -> dict[str, str]:
    """The keys of an identity; those of the tests are the administrator's."""
    if name == "admin":
        return {"accessKey": S3Server("").access_key, "secretKey": S3Server("").secret_key}
    return {"accessKey": name, "secretKey": f"{name}secret"}


@pytest.fixture
def check(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Check:
    """`wdprefect storage check` of the bucket, as somebody at a server."""

    def call(server: S3Server, *arguments: str) -> Said:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        return cli("storage", "check", *(arguments or (URL,)))

    return call


@pytest.fixture
def proxy(server: S3Server) -> Iterator[Unruly]:
    """A proxy in front of the server."""
    with unruly_in_front_of(server.endpoint) as found:
        yield found


def verdicts(said: Said) -> dict[str, str]:
    """What became of each check, of the text."""
    lines = [line for line in said.out.splitlines()[1:] if not line.startswith(" ")]
    return {line[9:27].strip(): line.split()[0] for line in lines}


def left_in(server: S3Server) -> list[str]:
    """What is in the bucket, unfinished uploads too."""
    with server.client() as client:
        objects = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        uploads = client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return [item["Key"] for item in [*objects, *uploads]]


@pytest.mark.s3
def test_a_bucket_that_works(check: Check, server: S3Server) -> None:
    """Everything is tried, said on a line each, and nothing is left."""
    said = check(server)
    assert 0 == said.code
    assert dict.fromkeys(ALL, "ok") == verdicts(said)
    assert said.out.startswith(f"s3://{BUCKET}/team/runs/ at {server.endpoint}\n")
    assert "the storage works\n" == said.err
    assert [] == left_in(server)


@pytest.mark.s3
def test_for_programs(check: Check, server: S3Server) -> None:
    """With --format json the same is data."""
    facts = result(check(server, URL, "--format", "json"))
    assert facts["works"]
    assert ALL == [finding["name"] for finding in facts["findings"]]
    assert {"name", "verdict", "detail", "step"} == set(facts["findings"][0])


@pytest.mark.s3
def test_versions(check: Check, server: S3Server) -> None:
    """A bucket that keeps versions has none of the check's afterwards."""
    with server.client() as client:
        client.create_bucket(Bucket="versioned")
        client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
        said = check(server, "s3://versioned")
        found = client.list_object_versions(Bucket="versioned")
    assert (0, dict.fromkeys(ALL, "ok")) == (said.code, verdicts(said))
    assert [] == [*found.get("Versions", []), *found.get("DeleteMarkers", [])]


@pytest.mark.s3
@pytest.mark.parametrize(
    ("changes", "url", "text", "step"),
    [
        pytest.param(
            {"secret_key": "wrong"},
            URL,
            "the secret does not belong to the access key (SignatureDoesNotMatch, bucket 'checked'",
            "check the access key and its secret: the AWS_… variables, the profile, or the Prefect block",
            id="secret",
        ),
        pytest.param(
            {"access_key": "nobody"},
            URL,
            "the access key is not known there (InvalidAccessKeyId, bucket 'checked'",
            "check the access key and its secret: the AWS_… variables, the profile, or the Prefect block",
            id="key",
        ),
        pytest.param(
            {},
            "s3://not-there/x",
            "there is no such bucket (NoSuchBucket, bucket 'not-there'",
            "make the bucket, or name another one with --storage",
            id="bucket",
        ),
    ],
)
def test_no_way_in(check: Check, server: S3Server, changes: dict[str, str], url: str, text: str, step: str) -> None:
    """Where nothing is possible the reason is said once, with what to do; the rest is not tried."""
    said = check(dataclasses.replace(server, **changes), url)
    assert 3 == said.code
    assert {"list": "failed"} == {name: word for name, word in verdicts(said).items() if word not in {"ok", "untried"}}
    assert text in said.out
    assert f"-> {step}\n" in said.out
    assert "the storage cannot be used by runs\n" == said.err


@pytest.mark.s3
def test_may_not_write(check: Check, server: S3Server) -> None:
    """Who may not delete is told which permission is missing, and nothing is written that would stay."""
    said = check(dataclasses.replace(server, access_key="reader", secret_key="readersecret"))
    assert 3 == said.code
    assert ("ok", "failed", "untried") == tuple(verdicts(said)[name] for name in ("list", "delete", "put"))
    assert f"access is denied (AccessDenied, bucket '{BUCKET}'" in said.out
    assert f"-> allow s3:DeleteObject on arn:aws:s3:::{BUCKET}/team/runs/*\n" in said.out
    assert "not tried: what is written could not be removed again" in said.out
    assert [] == left_in(server)


@pytest.mark.s3
def test_may_not_list(check: Check, server: S3Server) -> None:
    """Who may do all but list is told so; the rest is tried."""
    said = check(dataclasses.replace(server, access_key="nolist", secret_key="nolistsecret"))
    assert 3 == said.code
    assert ["list"] == [name for name, word in verdicts(said).items() if word == "failed"]
    assert "ok" == verdicts(said)["multipart"]
    assert f"-> allow s3:ListBucket on arn:aws:s3:::{BUCKET}\n" in said.out
    assert [] == left_in(server)


@pytest.mark.s3
@pytest.mark.parametrize(
    ("fault", "name", "text"),
    [
        pytest.param(
            Fault("answer", "^PUT ", times=100, status=507, code="XMinioStorageFull"),
            "put",
            "the storage is full (XMinioStorageFull",
            id="full",
        ),
        pytest.param(
            Fault("answer", "^POST .*uploads", times=100, status=403, code="AccessDenied"),
            "multipart",
            f"-> allow s3:PutObject and s3:AbortMultipartUpload on arn:aws:s3:::{BUCKET}/team/runs/*",
            id="no parts",
        ),
        pytest.param(
            Fault("flip down", "^GET .*probe", times=100, after=3),
            "get",
            "the bytes did not arrive as they were sent",
            id="damaged",
        ),
    ],
)
def test_what_does_not_work(check: Check, proxy: Unruly, server: S3Server, fault: Fault, name: str, text: str) -> None:
    """What goes wrong is said with its reason; nothing is left all the same."""
    proxy.faults.append(fault)
    said = check(dataclasses.replace(server, endpoint=proxy.endpoint))
    assert (3, "failed") == (said.code, verdicts(said)[name])
    assert text in said.out
    assert [] == left_in(server)


@pytest.mark.s3
def test_a_full_disk(check: Check, tmp_path: Path) -> None:
    """A server that has no room and does not say so: the error names the place where it does."""
    if not WEED.exists():
        is_missing("the S3 server is not installed: run scripts/test-servers.sh")
    with running(tmp_path / "server", "-volume.max=2", "-master.volumeSizeLimitMB=1") as full:
        assert full is not None
        with full.client() as client:
            client.create_bucket(Bucket=BUCKET)
            with suppress(client.exceptions.ClientError):
                for number in range(100):
                    client.put_object(Bucket=BUCKET, Key=str(number), Body=bytes(1_000_000))
        said = check(full)
    assert (3, "failed") == (said.code, verdicts(said)["put"])
    assert "the server is overloaded or broken (InternalError" in said.out
    assert "-> try again later, and look at the server's log: a full disk may look like this\n" in said.out


@pytest.mark.s3
def test_what_runs_do_without(check: Check, proxy: Unruly, server: S3Server) -> None:
    """A server that does not copy can be used, and it is said what is lost."""
    proxy.faults.append(Fault("answer", "^PUT .*/copy", times=100, status=501, code="NotImplemented"))
    said = check(dataclasses.replace(server, endpoint=proxy.endpoint))
    assert (0, "missing") == (said.code, verdicts(said)["copy"])
    assert "-> nothing is lost but MOVE of S3 triggers; look up the code in the S3 server's manual\n" in said.out


@pytest.mark.s3
@pytest.mark.parametrize(
    ("minutes", "code", "verdict"),
    [pytest.param(2, 0, "missing", id="little"), pytest.param(20, 3, "failed", id="much")],
)
def test_clocks(check: Check, proxy: Unruly, server: S3Server, minutes: int, code: int, verdict: str) -> None:
    """How far the clocks are apart is said."""
    date = format_datetime(datetime.now(timezone.utc) + timedelta(minutes=minutes), usegmt=True)
    proxy.faults.append(Fault("date", ".", times=100, date=date))
    said = check(dataclasses.replace(server, endpoint=proxy.endpoint))
    assert (code, verdict) == (said.code, verdicts(said)["clock"])
    assert "this machine's differs from the server's by 1" in said.out
    assert "-> set this machine's clock; S3 refuses what differs by 15 minutes\n" in said.out


def test_nobody_there(check: Check) -> None:
    """A server that does not answer is named, with what to look at."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        said = check(S3Server(endpoint))
    assert 3 == said.code
    assert f"the server cannot be reached (EndpointConnectionError, bucket '{BUCKET}'" in said.out
    assert "-> check the endpoint's address and port, the network and the proxy\n" in said.out


def test_a_folder(cli: Cli, tmp_path: Path) -> None:
    """A folder is tried as well, and nothing is left, not even the folder."""
    url = (tmp_path / "new" / "folder").as_uri()
    said = cli("storage", "check", url)
    assert (0, "the storage works\n") == (said.code, said.err)
    assert ["put", "head", "get", "list", "replace", "delete", "space"] == [*verdicts(said)]
    assert {"ok"} == {word for name, word in verdicts(said).items() if name != "space"}
    assert [] == [*tmp_path.iterdir()]


def test_the_default(cli: Cli) -> None:
    """Without a URL it is the storage of runs on this machine."""
    said = cli("storage", "check")
    assert 0 == said.code
    assert said.out.startswith("file:///")


def test_a_folder_that_is_none(cli: Cli, tmp_path: Path) -> None:
    """What cannot be written is said with the path and what to do."""
    (tmp_path / "file").write_text("")
    said = cli("storage", "check", (tmp_path / "file").as_uri())
    assert 3 == said.code
    assert ["failed", *["untried"] * 5] == [word for name, word in verdicts(said).items() if name != "space"]
    assert "a folder cannot have the name of a file beside it" in said.out
    assert ["file"] == [path.name for path in tmp_path.iterdir()]


def test_other_arguments(cli: Cli) -> None:
    """What names no storage is a wrong command line."""
    said = cli("storage", "check", "gs://bucket")
    assert 2 == said.code
    assert "'gs://bucket' names no storage" in said.err
