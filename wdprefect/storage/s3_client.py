"""boto3 clients, made alike wherever their credentials come from, and one for each identity in a process."""

from __future__ import annotations

import os
from collections.abc import Callable, Hashable
from contextlib import suppress
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.client import BaseClient

# As many files at a time as there are workers, four parts of each.
CONNECTIONS = 128
CONNECT_SECONDS = 10
# botocore waits twice as long, three times. The slowest answer of a healthy server is that of a long copy.
READ_SECONDS = 30


def make_client(session: Any, service: str = "s3", *, config: Any = None, **parameters: Any) -> BaseClient:
    """A client of a boto3 session that 128 threads may use at a time, and that tries again where that may help.

    config: a botocore Config whose settings win. parameters: as of `Session.client`, such as `endpoint_url`.
    """
    from botocore.config import Config  # whoever has a session has paid for it

    own_server = parameters.get("endpoint_url") or any(map(os.environ.get, ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")))
    usual = Config(  # type: ignore[no-untyped-call]  # boto3 has no types
        max_pool_connections=CONNECTIONS,
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        # Three tries with pauses by chance; what lasts longer is waited for by the storage itself.
        retries={"mode": "standard"},
        # Few servers besides Amazon's answer to a host name per bucket.
        s3={"addressing_style": "path"} if own_server else None,
    )
    _read_times_fast(session)
    client: BaseClient = session.client(service, config=merged(usual, config), **parameters)
    return client


def merged(first: Any, second: Any) -> Any:
    """Two botocore Configs as one, in which the second wins, setting by setting also among those of S3.

    Either may be None.
    """
    from botocore.config import Config  # as above

    if first is None or second is None:
        return first or second
    both = first.merge(second)
    # botocore takes the second's for all of them.
    s3 = {**(first.s3 or {}), **(second.s3 or {})}
    return both.merge(Config(s3=s3)) if s3 else both  # type: ignore[no-untyped-call]  # as above


def _read_times_fast(session: Any) -> None:
    """Let a session's clients read times without dateutil: most of what a listing costs, a tenth of a GetObject."""
    # boto3 has no public way to the session of botocore that it wraps.
    factory = session._session.get_component("response_parser_factory")  # noqa: SLF001
    factory.set_parser_defaults(timestamp_parser=read_time)


def read_time(value: Any) -> datetime:
    """A time as servers tell it, always with a zone. Raises ValueError for what is none."""
    from botocore.utils import parse_timestamp  # loaded already: a client is being used

    if isinstance(value, str):
        with suppress(ValueError):
            if value.endswith("Z"):
                return datetime.fromisoformat(value[:-1]).replace(tzinfo=timezone.utc)
            if value.endswith(" GMT"):
                return parsedate_to_datetime(value)
    moment: datetime = parse_timestamp(value)  # type: ignore[no-untyped-call]  # boto3 has no types
    return moment


def client_from_environment() -> BaseClient:
    """An S3 client with what boto3 finds by itself: AWS_… variables, profiles, the machine's role."""
    return shared_client("environment", _client_of_environment)


def shared_client(identity: Hashable, make: Callable[[], BaseClient]) -> BaseClient:
    """The one client of this process for `identity`, made by `make` when it is asked for the first time.

    Where AWS_… variables have changed since, it is another one.
    """
    variables = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_")))
    # Not in a child after a fork: both would speak on the same connections.
    return _CLIENTS.get((os.getpid(), variables, identity), make)


class _Clients:
    """The clients of this process, of which those are kept that were used last."""

    MOST = 32

    def __init__(self) -> None:
        self._lock, self._found = Lock(), dict[Hashable, "BaseClient"]()

    def get(self, key: Hashable, make: Callable[[], BaseClient]) -> BaseClient:
        # Locked while one is made, too: several would be made by threads that begin together, and boto3 cannot do it
        # in two threads at a time.
        with self._lock:
            client = self._found.pop(key, None) or make()
            self._found[key] = client
            while len(self._found) > self.MOST:
                del self._found[next(iter(self._found))]
            return client


# A client holds its connections, which are what is worth sharing; it has no other state.
_CLIENTS = _Clients()


def _client_of_environment() -> BaseClient:
    import boto3  # a quarter of a second, which only S3 pays

    # A session of its own: boto3's default one is not safe to use from several threads.
    return make_client(boto3.session.Session())  # type: ignore[no-untyped-call]  # as above
