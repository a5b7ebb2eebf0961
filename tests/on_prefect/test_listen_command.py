"""`wdprefect listen` as a process: its end, its webhook, what it never says, what it refuses."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.commands import run_command
from tests.on_prefect.seen import Api
from tests.on_prefect.stopping import python
from tests.servers.credentials_block import minio_block, saved
from tests.servers.s3 import S3Server, s3_server
from wdprefect.intake.book import open_book

__all__ = ["s3_server"]

server = pytest.mark.server
pytestmark = pytest.mark.slow
BOUND_SECONDS = 90.0
FLOW = """\
id: take
namespace: company.team
tasks:
  - {{id: mark, type: io.kestra.plugin.scripts.shell.Commands, commands: ["{command}"]}}
triggers:
  - id: arrived
    type: io.kestra.plugin.aws.s3.Trigger
    interval: {interval}
    bucket: {bucket}
    prefix: raw/
    action: NONE
    endpointOverride: {endpoint}
    accessKeyId: testkey
    secretKeyId: "{{{{ secret('STORE_KEY') }}}}"
    region: us-east-1
"""
BROKEN = """\
import sys
from wdprefect.cli import main
from wdprefect.intake.desk import Desk

def broken(self):
    raise ZeroDivisionError("planted " + self.duty.client._request_signer._credentials.secret_key)

Desk._turn = broken
sys.exit(main(["listen", "--warm", "take.yaml"]))
"""


@dataclass
class Heard:
    """A listener's process and its lines."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()

    def line(self, pattern: str) -> re.Match[str]:
        """The first line that has this, as soon as it is there."""

        def found() -> re.Match[str] | None:
            return next(filter(None, (re.search(pattern, line) for line in self.lines)), None)

        with self.changed:
            match = self.changed.wait_for(found, BOUND_SECONDS)
        assert match, f"no line has '{pattern}': {self.lines}"
        return match


@dataclass
class Place:
    """A folder with a flow for a new bucket."""

    api: Api
    folder: Path
    client: Any
    bucket: str
    s3: S3Server

    def write(self, command: str = "true", interval: str = "PT1S") -> None:
        text = FLOW.format(command=command, interval=interval, bucket=self.bucket, endpoint=self.s3.endpoint)
        (self.folder / "take.yaml").write_text(text)

    def put(self, key: str) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=b"x")

    @contextmanager
    def listening(self, *options: str, arguments: Sequence[str] = (), **variables: str) -> Iterator[Heard]:
        own = {"WDPREFECT_BOOK": f"sqlite:///{self.folder / 'book.db'}", "SECRET_STORE_KEY": self.s3.secret_key}
        command = arguments or ("-m", "wdprefect", "listen", "--warm", "take.yaml", *options)
        with python(self.api, self.folder, *command, **{**own, **variables}) as process:
            heard = Heard(process)
            thread = threading.Thread(target=heard.read)
            thread.start()
            try:
                yield heard
            finally:
                process.kill()
                thread.join()


@pytest.fixture
def place(api: Api, s3_server: S3Server, tmp_path: Path) -> Iterator[Place]:
    """A new bucket and its flow."""
    with s3_server.client() as client:
        bucket = f"listen-{uuid.uuid4().hex[:12]}"
        client.create_bucket(Bucket=bucket)
        made = Place(api, tmp_path, client, bucket, s3_server)
        made.write()
        yield made


@server
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end(place: Place, number: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end a listener with exit code 0, and what it had is free for others at once."""
    place.put("raw/a")
    with place.listening() as heard:
        heard.line("raw/a: succeeded")
        start = time.monotonic()
        heard.process.send_signal(number)
        assert 0 == heard.process.wait(BOUND_SECONDS)
        print(f"ended {time.monotonic() - start:.2f} s after {number.name}")
    assert not any("Traceback" in line for line in heard.lines)


@server
def test_end_at_once(place: Place) -> None:
    """A run that lasts gets some time; the second Ctrl-C ends the listener without it."""
    place.write(f"touch {place.folder}/begun && sleep 600")
    place.put("raw/a")
    with place.listening() as heard:
        run_id = heard.line(r"raw/a: run (\S+)")[1]
        place.api.until((place.folder / "begun").exists, bool)
        heard.process.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            # It waits for the run.
            heard.process.wait(1)
        start = time.monotonic()
        heard.process.send_signal(signal.SIGINT)
        assert 130 == heard.process.wait(BOUND_SECONDS)
        print(f"ended {time.monotonic() - start:.2f} s after the second Ctrl-C")
        heard.line("wdprefect: interrupted again, ended at once")
    assert "CRASHED" == place.api.end_state(run_id)


@server
def test_webhook(place: Place) -> None:
    """A store that posts with the token starts a run although the next poll is far; /health answers beside."""
    place.write(interval="PT1H")
    (place.folder / "token").write_text("token-of-the-store\n")
    with place.listening("--webhook", "127.0.0.1:0", "--webhook-token-file", "token") as heard:
        url = heard.line("stores may post to (http://.*)/$")[1]
        heard.line("0 objects there already")
        place.put("raw/a")
        record = {
            "eventSource": "minio:s3",
            "eventName": "s3:ObjectCreated:Put",
            "s3": {"bucket": {"name": place.bucket}, "object": {"key": "raw%2Fa"}},
        }
        assert 401 == httpx.post(url, json={"Records": [record]}).status_code
        token = {"Authorization": "Bearer token-of-the-store"}
        assert 200 == httpx.post(url, json={"Records": [record]}, headers=token).status_code
        heard.line("raw/a: succeeded")
        assert 200 == httpx.get(f"{url}/health").status_code
    assert not any("token-of-the-store" in line for line in heard.lines)


@server
def test_secrets(place: Place) -> None:
    """A wrong key is said without the key: in the log, in the book, by `trigger ls`; /health says that it fails."""
    with place.listening("--health", "127.0.0.1:0", SECRET_STORE_KEY="hidden-secret-1") as heard:
        url = heard.line("said at (http://.*/health)$")[1]
        heard.line(r"^ERROR company.team.take/arrived: 3 errors in a row; it is tried again and again")
        answer = httpx.get(url)
        expected = {"message": "company.team.take/arrived (SignatureDoesNotMatch)"}
        assert (503, expected) == (answer.status_code, answer.json())
        said = run_command("trigger", "ls", "--book", f"sqlite:///{place.folder / 'book.db'}")
    text = "the secret does not belong to the access key (SignatureDoesNotMatch)"
    assert any(text in line for line in heard.lines)
    assert "SignatureDoesNotMatch" in said.out
    with closing(open_book(f"sqlite:///{place.folder / 'book.db'}")) as book:
        (trigger,) = book.triggers()
    assert text in (trigger.health.text or "")
    assert "hidden-secret-1" not in "\n".join([*heard.lines, said.out, said.err, str(trigger)])


WITH_BLOCK = """\
id: take
namespace: company.team
tasks:
  - id: keep
    type: io.kestra.plugin.aws.s3.Upload
    bucket: {bucket}
    key: done/x
    from: "{{{{ trigger.objects[0].uri }}}}"
    credentialsBlock: {task}
triggers:
  - id: arrived
    type: io.kestra.plugin.aws.s3.Trigger
    interval: PT1S
    bucket: "{{{{ '{bucket}' }}}}"
    prefix: raw/
    maxFiles: 1
    action: DELETE
    credentialsBlock: {trigger}
"""


@server
def test_a_block(place: Place) -> None:
    """A trigger and a task of a warm run ask with what a block says; what a poll says anew does not load it anew."""
    name = saved(minio_block(place.s3), "of-listeners")
    text = WITH_BLOCK.format(bucket=place.bucket, trigger=name, task=name)
    (place.folder / "take.yaml").write_text(text)
    place.put("raw/a")
    with place.listening() as heard:
        heard.line("raw/a: deleted")
        saved(minio_block(place.s3, minio_root_password="hidden-secret-1"), "of-listeners")
        place.put("raw/b")
        # Its run reads the block as it is now.
        heard.line("raw/b: failed")
    with place.listening() as again:
        again.line(r"cannot list the bucket .*\(SignatureDoesNotMatch\); check the access key and its secret")
    assert place.client.get_object(Bucket=place.bucket, Key="done/x")["Body"].read() == b"x"
    said = "\n".join([*heard.lines, *again.lines])
    assert place.s3.secret_key not in said
    assert "hidden-secret-1" not in said


@server
def test_no_block(place: Place) -> None:
    """A block that is not there ends the listener before it begins, with the place of the trigger."""
    text = WITH_BLOCK.format(bucket=place.bucket, trigger="aws-credentials/nosuch", task="aws-credentials/nosuch")
    (place.folder / "take.yaml").write_text(text)
    with place.listening() as heard:
        assert 1 == heard.process.wait(BOUND_SECONDS)
        heard.line("take.yaml:11:5: trigger 'arrived': there is no Prefect block 'aws-credentials/nosuch': make one in")


@server
def test_a_book_that_is_not_there(place: Place) -> None:
    """A book that cannot be reached is exit code 3, and its password is not shown."""
    with place.listening("--book", "postgresql://me:hidden-secret-2@127.0.0.1:9/book") as heard:
        assert 3 == heard.process.wait(BOUND_SECONDS)
        heard.line("wdprefect: the book 'postgresql://127.0.0.1:9/book' cannot be used: ")
    assert "hidden-secret-2" not in "\n".join(heard.lines)


@server
def test_a_mistake(place: Place) -> None:
    """A mistake of ours ends the listener with its text, where it was, and exit code 1; a secret in it is hidden."""
    with place.listening(arguments=("-c", BROKEN)) as heard:
        assert 1 == heard.process.wait(BOUND_SECONDS)
        heard.line(r"in broken$")
        heard.line(
            "wdprefect: 'desk-company.team.take/arrived' has ended by a mistake, .*: ZeroDivisionError: planted [*]+$"
        )
    assert place.s3.secret_key not in "\n".join(heard.lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("--runs", "0"), "--runs is a number from 1 on", id="runs"),
        pytest.param(
            ("--runner", "docker"), "--runner is for --warm: workers are told where commands run by", id="runner"
        ),
        pytest.param(("--webhook", "8080"), "--webhook takes HOST:PORT, such as 127.0.0.1:8080, not '8080'", id="port"),
        pytest.param(("--webhook", "a:99999"), "--webhook takes HOST:PORT, such as 127.0.0.1:8080, not", id="high"),
        pytest.param(("--health", ":1"), "--health takes HOST:PORT, such as 127.0.0.1:8080, not ':1'", id="no host"),
        pytest.param(("--sns-topic", "x"), "--sns-topic is for --webhook HOST:PORT, which is not there", id="topic"),
        pytest.param(("--webhook-token-file", "x"), "--webhook-token-file is for --webhook HOST:PORT", id="token"),
        pytest.param(
            ("--webhook", "127.0.0.1:0", "--sns-topic", "mine"), "--sns-topic takes the ARN of a topic", id="no ARN"
        ),
        pytest.param(
            ("--webhook", "127.0.0.1:0", "--health", "127.0.0.1:0"),
            "--health is for listeners without --webhook, which answers /health at its own address",
            id="twice",
        ),
        pytest.param(
            ("--webhook", "127.0.0.1:0", "--webhook-token-file", "/nowhere"),
            "the file of the token '/nowhere' cannot be read: No such file or directory",
            id="no file",
        ),
        pytest.param(
            ("--webhook", "127.0.0.1:0", "--webhook-token-file", "/dev/null"),
            "the file of the token '/dev/null' is empty: write a token into it that is hard to guess",
            id="empty",
        ),
        pytest.param((), "no flow in FOLDER has an S3 trigger that could be listened for", id="no flow"),
    ],
)
def test_refused(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    """What makes no sense is refused before anything is started."""
    said = run_command("listen", tmp_path, *options)
    assert 2 == said.code
    assert said.err.startswith(f"wdprefect: {message.replace('FOLDER', str(tmp_path))}")
