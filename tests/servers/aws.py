"""What the servers of the tests that speak Amazon's protocols have in common: clients, and a start that is guarded."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from botocore.client import BaseClient

T = TypeVar("T")
STARTS = 3
# Ends the server with the tests, even with killed ones: then, too, the end of the pipe is read.
GUARD = '"$@" </dev/null & server=$!; read -r _; kill -9 "$server"; wait "$server"'


@dataclass(frozen=True, slots=True)
class AwsServer:
    """A running server. `environment` lets any boto3 client find it and get in."""

    endpoint: str
    access_key: str = "testkey"
    secret_key: str = "testsecret123"

    @property
    def environment(self) -> dict[str, str]:
        """The AWS_… variables; files of the person's that boto3 would read are put out of its sight."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    @contextmanager
    def client(self, service: str = "s3", attempts: int = 3) -> Iterator[BaseClient]:
        """A boto3 client, closed at the end."""
        import boto3  # a quarter of a second
        from botocore.config import Config

        config = Config(  # type: ignore[no-untyped-call]  # boto3 has no types
            max_pool_connections=64,
            retries={"mode": "standard", "total_max_attempts": attempts},
            s3={"addressing_style": "path"},
        )
        client = boto3.session.Session().client(  # type: ignore[no-untyped-call]  # as above
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=config,
        )
        try:
            yield client
        finally:
            client.close()


@contextmanager
def guarded(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server's process, by its guard, which is there while the block runs. It works and has its log in `folder`."""
    with (folder / "log").open("wb") as log:
        guard = subprocess.Popen(
            ["sh", "-c", GUARD, "guard", *command],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            # Ctrl-C is for the tests; they end the server.
            start_new_session=True,
        )
    with guard:  # closes the pipe, which is what the guard waits for, and waits for the guard
        yield guard


def first_that_starts(folder: Path, running: Callable[[Path], AbstractContextManager[T | None]]) -> Iterator[T]:
    """A server that is ready: between the choice of its ports and its start somebody else may take one."""
    for number in range(STARTS):
        with running(folder / str(number)) as server:
            if server is not None:
                yield server
                return
    log = (folder / str(STARTS - 1) / "log").read_text(errors="replace")
    pytest.fail(f"the server did not start; the end of its log:\n{log[-2000:]}")
