"""The connection to a container engine, by the docker SDK, and what its errors mean."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from wdprefect.errors import TaskFailed

# Where engines listen: Docker's own, rootless ones, Docker Desktop's, Podman's, and Kestra's for Docker in Docker.
SOCKETS = (
    "/var/run/docker.sock",
    "{runtime}/docker.sock",
    "{home}/.docker/run/docker.sock",
    "{runtime}/podman/podman.sock",
    "/run/podman/podman.sock",
    "/dind/docker.sock",
)
# Pulling is streamed and has no limit; creating and starting may take long where many do.
TIMEOUT_SECONDS = 300
PING_SECONDS = 5
# With these variables the library below the SDK forgets what authority it was told.
CA_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
OUT_OF_DISK = "no space left on device"
# Podman's words where what is asked for needs a container that runs, or one that does not.
WRONG_STATE = "container state improper"

# Whose number a container's root is outside: root's, the caller's (a rootless engine), or somebody's.
Users = Literal["same", "rootless", "remapped"]


class Engine:
    """A container engine. Safe to use from several threads.

    client: of the docker SDK's low-level API. shown: how the engine is named in messages.
    """

    def __init__(self, client: Any, shown: str) -> None:
        self.client, self.shown = client, shown
        # Whether directories of this machine can be mounted: unknown before the first container.
        self.sees_directories: bool | None = None

    @cached_property
    def _info(self) -> dict[str, Any]:
        with explained(self, "cannot be asked"):
            found: dict[str, Any] = self.client.info()
            return found

    @cached_property
    def users(self) -> Users:
        """How users of containers are mapped to users of the engine's machine."""
        options = " ".join(self._info.get("SecurityOptions") or ())
        if "name=rootless" in options:
            return "rootless"
        return "remapped" if "name=userns" in options else "same"

    @property
    def relabels(self) -> bool:
        """Whether the engine's machine has SELinux, where a mounted directory is labelled for containers."""
        return any("name=selinux" in option for option in self._info.get("SecurityOptions") or ())


def usual_address() -> str:
    """The address of the engine that is used when none is named: DOCKER_HOST, else the first socket that exists."""
    if named := os.environ.get("DOCKER_HOST"):
        return named
    places = {"runtime": os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}"), "home": str(Path.home())}
    paths = [socket.format(**places) for socket in SOCKETS]
    return f"unix://{next((path for path in paths if Path(path).exists()), paths[0])}"


def engine_at(address: str | None) -> Engine:
    """The engine at an address, the usual one by default: one connection for the whole process, made when it is used.

    Raises TaskFailed when it does not answer, or the address is none.
    """
    return _engine(address or usual_address(), os.getpid())


@cache
def _engine(address: str, process: int) -> Engine:  # noqa: ARG001  a forked child has connections of its own
    import docker  # 0.1 s, and most runs need no container

    try:
        # It is asked for its version at once, which a healthy one answers soon.
        client = _client(address, PING_SECONDS)
    except (docker.errors.DockerException, ValueError) as error:
        raise TaskFailed(unreachable(address, error)) from error
    client.timeout = TIMEOUT_SECONDS
    return Engine(client, address)


def why_unreachable(address: str | None) -> str | None:
    """Why no engine answers at the address, the usual one by default; None when one does. Takes 5 seconds at most."""
    import docker  # as above
    import requests

    try:
        engine = engine_at(address)

        def ping() -> None:
            # It may have answered earlier.
            try:
                engine.client.ping()
            except (docker.errors.DockerException, requests.RequestException) as error:
                raise TaskFailed(unreachable(engine.shown, error)) from error

        in_time(ping, PING_SECONDS, f"no container engine answers at '{engine.shown}'")
    except TaskFailed as error:
        return str(error)
    return None


def _client(address: str, timeout_seconds: int) -> Any:
    """A client of the SDK that has asked the engine for its version. DOCKER_CERT_PATH and DOCKER_TLS_VERIFY count.

    Raises DockerException, and ValueError for an address that is none.
    """
    import docker  # as above

    tls = None if address.startswith("unix://") else docker.utils.kwargs_from_env().get("tls")
    return docker.APIClient(address, version="auto", timeout=timeout_seconds, tls=tls or False)


def unreachable(address: str, error: BaseException) -> str:
    """Why an engine does not answer, in a sentence."""
    path = urlsplit(address).path
    if address.startswith("unix://") and not Path(path).exists():
        reason = "there is no such socket"
    elif address.startswith("unix://") and not os.access(path, os.R_OK | os.W_OK):
        reason = "this user may not use the socket; its group is mostly 'docker'"
    else:
        reason = _words(error)
        bundle = next((name for name in CA_BUNDLES if os.environ.get(name)), None)
        if bundle and "certificate verify failed" in reason:
            reason += f"; {bundle} counts instead of the engine's own authority: unset it, or add that one to its file"
    return f"no container engine answers at '{address}': {reason}"


@contextmanager
def explained(engine: Engine, what: str, look: Callable[[str], None] | None = None) -> Iterator[None]:
    """Turn what the SDK raises in the block into a TaskFailed: `what` could not be done, and why.

    look: gets the engine's words first, and may raise an error of its own.
    """
    import docker  # as above
    import requests

    try:
        yield
    except docker.errors.APIError as error:
        words = str(error.explanation or error)
        if look:
            look(words)
        full = "the engine has no space left: " if OUT_OF_DISK in words else ""
        raise TaskFailed(f"{what}: {full}{words}") from error
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise TaskFailed(f"{what}: the engine at '{engine.shown}' does not answer ({_words(error)})") from error


def is_gone(error: Any) -> bool:
    """Whether an error of the API says that there is no such container.

    Podman calls it a failure of its own where the container goes away while it is asked for.
    """
    return error.status_code == HTTPStatus.NOT_FOUND or "no such container" in str(error.explanation).lower()


def _words(error: BaseException) -> str:
    """What the system said, where it is the cause of the error; else what the error says."""
    found: list[BaseException] = [error]
    for each in found:
        inner = [*each.args, each.__cause__, each.__context__, getattr(each, "reason", None)]
        found += [part for part in inner if isinstance(part, BaseException) and part not in found]
    said = [each.strerror for each in found if isinstance(each, OSError) and each.strerror]
    # A socket that waited in vain has no more to say.
    late = ["timed out" for each in found if isinstance(each, TimeoutError)]
    return [str(error), *late, *said][-1]


def in_time(work: Callable[[], None], seconds: float, what: str) -> None:
    """Do work that may wait for an engine which does not answer, no longer than that. Raises TaskFailed."""
    failed: list[TaskFailed] = []
    over = threading.Event()

    def do() -> None:
        try:
            work()
        except TaskFailed as error:
            failed.append(error)
        finally:
            over.set()

    threading.Thread(target=do, name="wdprefect-engine", daemon=True).start()
    if not over.wait(seconds):
        raise TaskFailed(f"{what}: the engine does not answer within {seconds:.0f} s")
    for error in failed:
        raise error
