"""`wdprefect trigger`: how triggers do, what became of objects, running with one again, and trying a trigger."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Cli, Write, result
from tests.servers.credentials_block import aws_block, saved
from tests.servers.s3 import S3Server, s3_server
from tests.servers.unruly import Fault, unruly_in_front_of
from wdprefect.intake.book import Book, open_book
from wdprefect.intake.objects import Batch, SeenObject

__all__ = ["s3_server"]

KEY = "company.team_take_arrived"
NAME = "company.team.take/arrived"
LEASE = timedelta(seconds=30)
FLOW = """\
id: take
namespace: company.team
tasks:
  - {{id: say, type: io.kestra.plugin.core.log.Log, message: hello}}
triggers:
  - id: arrived
    type: io.kestra.plugin.aws.s3.Trigger
    bucket: {bucket}
    prefix: raw/
    action: NONE
    maxFiles: 2
    endpointOverride: {endpoint}
    accessKeyId: testkey
    secretKeyId: {secret}
    region: us-east-1
"""


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Book]:
    """The configured book, in which one trigger is."""
    url = f"sqlite:///{tmp_path / 'book.db'}"
    monkeypatch.setenv("WDPREFECT_BOOK", url)
    made = open_book(url)
    made.enroll(KEY, "company.team.take", "arrived")
    made.baseline_taken(KEY)
    yield made
    made.close()


def seen(key: str, version: str = "v1") -> SeenObject:
    return SeenObject("inbox", key, version, "etag", 3, datetime(2026, 1, 2, tzinfo=timezone.utc))


def started(book: Book, *keys: str) -> Batch:
    book.observe(KEY, "CREATE_OR_UPDATE", [seen(key) for key in keys], source="poll")
    (batch,) = book.claim(KEY, "me", LEASE, runs=1, size=len(keys), max_bytes=10_000)
    batch = book.staged(batch, "me", {one.id: f"kestra:///{one.id}" for one in batch.objects})
    return book.started(batch, "me", "run-1")


def test_ls(cli: Cli, book: Book) -> None:
    """Each trigger with its objects, runs, times and health; also as JSON."""
    book.ended(started(book, "raw/a"), "me", succeeded=False, error="exit 1")
    started(book, "raw/b")
    for _ in range(2):
        book.report(KEY, "AccessDenied", "cannot list the bucket 'inbox'")
    head, line = cli("trigger", "ls").out.splitlines()
    assert "trigger objects runs last success last failure since health" == " ".join(head.split())
    assert line.startswith(f"{NAME}  1 failed, 1 started  1     never")
    assert line.endswith("AccessDenied, 2 in a row, never worked: cannot list the bucket 'inbox'")
    (facts,) = result(cli("trigger", "ls", "company.team.take", "--format", "json"))
    assert (NAME, KEY, {"failed": 1, "started": 1}, 1) == tuple(
        facts[name] for name in ("trigger", "stateKey", "objects", "runs")
    )
    assert (False, 2, "AccessDenied") == tuple(facts["health"][name] for name in ("ok", "errorsInARow", "code"))
    assert (True, None) == (bool(facts["lastFailure"]), facts["lastSuccess"])


def test_ls_when_all_is_well(cli: Cli, book: Book) -> None:
    """A trigger that works is ok; of a flow that was never listened for that is said."""
    assert "not looked yet" in cli("trigger", "ls").out
    book.report(KEY)
    assert cli("trigger", "ls").out.rstrip().endswith("  ok")
    said = cli("trigger", "ls", "company.other")
    assert (0, "", "no trigger of 'company.other' was ever listened for\n") == (said.code, said.out, said.err)


@pytest.mark.parametrize("name", [KEY, NAME, "arrived"])
def test_show(cli: Cli, book: Book, name: str) -> None:
    """One line for each object, by any name of the trigger; chosen by status, prefix and number."""
    book.ended(started(book, "raw/a\n\x1b[2J"), "me", succeeded=False, error="exit 1")
    book.observe(KEY, "CREATE_OR_UPDATE", [seen("raw/b"), seen("raw/c")], source="poll")
    said = cli("trigger", "show", name)
    rows = [line.split() for line in said.out.splitlines()]
    assert ["id", "key", "version", "status", "run", "error"] == rows[0]
    assert ["1", r"raw/a\n\x1b[2J", "v1", "failed", "run-1", "exit", "1"] == rows[3]
    assert "3 objects\n" == said.err
    (failed,) = result(cli("trigger", "show", name, "--status", "failed", "--format", "json"))
    assert ("raw/a\n\x1b[2J", "run-1", "exit 1") == (failed["key"], failed["run"], failed["error"])
    assert ["raw/c"] == [one["key"] for one in result(cli("trigger", "show", name, "--limit", "1", "--format", "json"))]
    assert [] == result(cli("trigger", "show", name, "--prefix", "x", "--format", "json"))


@pytest.mark.parametrize("name", ["1", "raw/a"])
def test_history(cli: Cli, book: Book, name: str) -> None:
    """All that has happened to an object, by its id or its key."""
    book.ended(started(book, "raw/a"), "me", succeeded=False, error="exit 1")
    rows = [line.split()[1:] for line in cli("trigger", "show", "arrived", name).out.splitlines()[1:]]
    assert ["seen", "poll"] == rows[0]
    assert ["started", "me", "run", "run-1"] == rows[3]
    assert ["failed", "me", "exit", "1"] == rows[4]
    (facts,) = result(cli("trigger", "show", "arrived", name, "--format", "json"))
    assert ["seen", "claimed", "staged", "started", "failed"] == [line["status"] for line in facts["history"]]


def test_replay(cli: Cli, book: Book) -> None:
    """Objects whose course has ended wait again, by id or all that failed; it is said which, and what they were."""
    batch = book.ended(started(book, "raw/a", "raw/b"), "me", succeeded=False, error="exit 1")
    first, second = (one.id for one in batch.objects)
    said = cli("trigger", "replay", "arrived", first)
    assert (0, f"{first}  raw/a: waits for a run again, was failed\n") == (said.code, said.out)
    assert f"1 object waits for a listener of {NAME}\n" == said.err
    assert (
        f"{second}  raw/b: waits for a run again, was failed\n" == cli("trigger", "replay", "arrived", "--failed").out
    )
    assert {"seen"} == {one.status for one in book.objects(KEY)}
    assert "by `wdprefect trigger replay`" in (book.history(first)[-1].who or "")
    assert "nothing has failed\n" == cli("trigger", "replay", "arrived", "--failed").err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("show", "nothing"), f"there is no trigger 'nothing' in the book 'BOOK'; there are: {NAME}", id="no"
        ),
        pytest.param(
            ("show", "arrived", "x"),
            f"the trigger has no object with the id or key 'x': `wdprefect trigger show {NAME}` lists them",
            id="no object",
        ),
        pytest.param(("show", "arrived", "--limit", "0"), "--limit is a number from 1 on", id="limit"),
        pytest.param(("replay", "arrived"), "name the objects by their ids, or all that failed by --failed", id="none"),
        pytest.param(
            ("replay", "arrived", "1", "--failed"),
            "name the objects by their ids, or all that failed by --failed",
            id="both",
        ),
        pytest.param(
            ("replay", "arrived", "raw/a"),
            "'raw/a' is no object's id: `wdprefect trigger show` says the ids, which are numbers",
            id="no id",
        ),
        pytest.param(
            ("replay", "arrived", "1"),
            "the object 1 is 'started': only one whose course has ended can run again",
            id="still in work",
        ),
    ],
)
def test_refused(cli: Cli, book: Book, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    """What cannot be meant is refused, with what there is."""
    started(book, "raw/a")
    said = cli("trigger", *arguments)
    assert (2, f"wdprefect: {message.replace('BOOK', str(tmp_path / 'book.db'))}\n") == (said.code, said.err)


def test_ambiguous(cli: Cli, book: Book) -> None:
    """An id that several triggers have is refused with their names."""
    book.enroll("other", "company.team.other", "arrived")
    expected = f"'arrived' may be any of these: {NAME} with the state key '{KEY}', company.team.other/arrived with the "
    assert expected in cli("trigger", "show", "arrived").err


def test_no_book(cli: Cli, tmp_path: Path) -> None:
    """A book that is not there is not made by looking."""
    path = tmp_path / "none.db"
    said = cli("trigger", "ls", "--book", f"sqlite:///{path}")
    expected = f"there is no book '{path}' yet: `wdprefect listen` makes it, and --book names another one"
    assert (2, f"wdprefect: {expected}\n", False) == (said.code, said.err, path.exists())


@pytest.fixture
def flow(s3_server: S3Server, write: Write) -> Iterator[tuple[Any, str, str]]:
    """A client, a new bucket, and a flow with a trigger for it."""
    with s3_server.client() as client:
        bucket = f"try-{uuid.uuid4().hex[:12]}"
        client.create_bucket(Bucket=bucket)
        text = FLOW.format(bucket=bucket, endpoint=s3_server.endpoint, secret=s3_server.secret_key)
        yield client, bucket, write("take.yaml", text)


@pytest.mark.s3
def test_trial(cli: Cli, book: Book, flow: tuple[Any, str, str]) -> None:
    """What would be taken, in which runs, and what would be left and why; the book is as it was."""
    client, bucket, path = flow
    for key in ("raw/a", "raw/b", "raw/c", "raw/d", "other"):
        client.put_object(Bucket=bucket, Key=key, Body=b"abc")
    (facts,) = result(cli("trigger", "test", path, "--format", "json"))
    assert (4, [2, 2], []) == (facts["listed"], [len(batch) for batch in facts["batches"]], facts["left"])
    known = [one for batch in facts["batches"] for one in batch if one["key"] in {"raw/a", "raw/b"}]
    head = client.head_object(Bucket=bucket, Key="raw/a")
    rows = [SeenObject(bucket, one["key"], one["version"], "e", 3, head["LastModified"]) for one in known]
    book.observe(KEY, "CREATE_OR_UPDATE", rows[:1], source="poll")
    book.observe(KEY, "UPDATE", rows[1:], source="poll")
    before = book.objects(KEY)
    said = cli("trigger", "test", path)
    lines = [line.strip() for line in said.out.splitlines()]
    assert [
        f"{NAME}: s3://{bucket}/raw/, 4 listed",
        "would take 3 in 2 runs (at most 2 objects each, one after the other)",
    ] == lines[:2]
    assert ["run 1:", "again", "CREATE", "run 2:", "CREATE", "would", "ignored"] == [
        line if line.startswith("run") else line.split()[0] for line in lines[2:]
    ]
    assert ("ignored (object 2)  3 B", "raw/b") == (lines[-1][:23], lines[-1][-5:])
    assert before == book.objects(KEY)


@pytest.mark.s3
@pytest.mark.server
@pytest.mark.usefixtures("prefect_api")
def test_trial_with_a_block(cli: Cli, flow: tuple[Any, str, str], s3_server: S3Server, write: Write) -> None:
    """A trigger asks with what a Prefect block says; one that is not there is said with its place, before anything."""
    client, bucket, _ = flow
    client.put_object(Bucket=bucket, Key="raw/a", Body=b"abc")
    start = FLOW.partition("    endpointOverride")[0].format(bucket=bucket)
    name = saved(aws_block(s3_server), "of-trials")
    (facts,) = result(
        cli("trigger", "test", write("take.yaml", f"{start}    credentialsBlock: {name}\n"), "--format", "json")
    )
    assert ["raw/a"] == [one["key"] for batch in facts["batches"] for one in batch]
    path = write("take.yaml", f"{start}    credentialsBlock: minio-credentials/nosuch\n")
    said = cli("trigger", "test", path)
    expected = "trigger 'arrived': there is no Prefect block 'minio-credentials/nosuch': make one in Prefect's UI, or"
    assert (1, True) == (said.code, f"{path}:6:5: {expected}" in said.err), said.err
    name = saved(aws_block(s3_server, aws_secret_access_key="hidden-secret-2"), "of-trials")
    said = cli("trigger", "test", write("take.yaml", f"{start}    credentialsBlock: {name}\n"))
    step = "check the access key and its secret: the trigger's properties or block, the AWS_… variables, or the profile"
    assert f"(SignatureDoesNotMatch); {step}\n" in said.err
    assert "hidden-secret-2" not in said.err


@pytest.mark.s3
def test_trial_of_a_first_start(cli: Cli, tmp_path: Path, flow: tuple[Any, str, str]) -> None:
    """Where nothing was ever listened for, `--from` says what is left; no book is made."""
    client, bucket, path = flow
    client.put_object(Bucket=bucket, Key="raw/a", Body=b"abc")
    place = tmp_path / "none.db"
    (facts,) = result(cli("trigger", "test", path, "--from", "now", "--book", f"sqlite:///{place}", "--format", "json"))
    assert ([], ["ignored"], False) == (facts["batches"], [one["status"] for one in facts["left"]], place.exists())


@pytest.mark.s3
def test_trial_that_cannot_be(cli: Cli, book: Book, s3_server: S3Server, write: Write) -> None:
    """Where listing is refused it is exit code 1, with the server's code and what to do, without the secret."""
    path = write(
        "take.yaml", FLOW.format(bucket="nowhere-at-all", endpoint=s3_server.endpoint, secret="hidden-secret-1")
    )
    said = cli("trigger", "test", path)
    expected = (
        "the secret does not belong to the access key (SignatureDoesNotMatch); check the access key and its secret"
    )
    assert (1, "", True) == (said.code, said.out, expected in said.err)
    assert "hidden-secret-1" not in said.err
    assert "the flow has no S3 trigger 'x'; it has: arrived\n" in cli("trigger", "test", path, "--trigger", "x").err


@pytest.mark.s3
def test_trial_that_nobody_answers(cli: Cli, book: Book, s3_server: S3Server, write: Write) -> None:
    """An endpoint that does not answer, or sends everybody away, is exit code 3; a refusal beside it makes that 1."""
    with unruly_in_front_of(s3_server.endpoint) as proxy:
        given = {"bucket": "nowhere-at-all", "endpoint": proxy.endpoint, "secret": s3_server.secret_key}
        path = write("take.yaml", FLOW.format(**given))
        place = f"{NAME}: cannot list the bucket 'nowhere-at-all' at {proxy.endpoint}"
        busy = Fault("answer", ".", times=1000)
        proxy.faults.append(busy)
        said = cli("trigger", "test", path)
        assert (3, "", f"{place}: the server has too much to do (SlowDown); try again later\n") == (
            said.code,
            said.out,
            said.err,
        )
        busy.times = 0
        assert (1, True) == ((said := cli("trigger", "test", path)).code, "(NoSuchBucket)" in said.err)
        proxy.leave()
        step = "check the endpoint's address and port, the network and the proxy"
        said = cli("trigger", "test", path)
        assert (3, f"{place}: the server cannot be reached (EndpointConnectionError); {step}\n") == (
            said.code,
            said.err,
        )
        other = FLOW.partition("triggers:\n")[2].replace("arrived", "other")
        given["endpoint"] = s3_server.endpoint
        path = write("both.yaml", Path(path).read_text() + other.format(**given))
        said = cli("trigger", "test", path)
        assert (1, True, True) == (said.code, "(EndpointConnectionError)" in said.err, "(NoSuchBucket)" in said.err)


def test_automation(cli: Cli, write: Write) -> None:
    """The entry of prefect.yaml for a trigger whose runs an automation starts; that another needs none is said."""
    text = FLOW.format(bucket="inbox", endpoint="http://127.0.0.1:9", secret="hidden-secret-1")
    said = cli("trigger", "show", write("take.yaml", text), "--automation")
    assert ("", True) == (
        said.out,
        said.err.startswith(f"{NAME}: its runs are started directly, and need no automation"),
    )
    text = text.replace("maxFiles: 2", "startBy: automation")
    said = cli("trigger", "show", write("take.yaml", text), "--automation")
    assert '    triggers:\n      - type: event\n        name: "company.team.take/arrived"\n' in said.out
    assert 'prefect.resource.id: "s3://inbox/raw/*"' in said.out
    assert 'wdprefect_trigger: "{{ event.payload.wdprefect_trigger }}"' in said.out
