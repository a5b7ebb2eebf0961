"""Images: there already, or pulled by the policy, with progress and with the credentials of their registry alone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any

from wdprefect.errors import TaskFailed
from wdprefect.model.ports import TaskLog
from wdprefect.model.stop import Stop
from wdprefect.workspace.containers.engine import Engine, explained
from wdprefect.workspace.containers.settings import ContainerSettings, Registry

# As Kestra: five tries, the first pause 5 seconds, each twice as long as the one before.
TRIES = 5
FIRST_PAUSE_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 120.0
PROGRESS_SECONDS = 5.0
POLL_SECONDS = 0.1
# What no second try mends, in the words of engines and registries.
REFUSED = ("denied", "unauthorized", "authentication required", "no basic auth")
MISSING = ("not found", "manifest unknown", "does not exist", "no such host")
INVALID = ("invalid reference", "must be lowercase")
FINAL = (*REFUSED, *MISSING, *INVALID, "no space left")
DOCKER_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")

# What the engine says of a pull, an error, or None at its end.
Events = queue.Queue["dict[str, Any] | BaseException | None"]


def provide_image(engine: Engine, settings: ContainerSettings, log: TaskLog, stop: Stop) -> None:
    """Pull the image where the policy asks for it. Raises TaskFailed: an old image never stands in for a new one."""
    image, auth = settings.image, auth_for(settings.image, settings.registries)
    if settings.pull == "ALWAYS" or not _is_there(engine, image):
        if settings.pull == "NEVER":
            msg = f"the image '{image}' is not on the engine, and 'pullPolicy' is NEVER (pull it, or change the policy)"
            raise TaskFailed(msg)
        _pull(engine, image, auth, log, stop)


def _is_there(engine: Engine, image: str) -> bool:
    import docker  # loaded already by who made the engine

    with explained(engine, f"the image '{image}' cannot be looked for"):
        try:
            engine.client.inspect_image(image)
        except docker.errors.ImageNotFound:
            return False
        return True


def _pull(engine: Engine, image: str, auth: Mapping[str, str] | None, log: TaskLog, stop: Stop) -> None:
    import tenacity  # few runs pull

    started = monotonic()
    log.write("INFO", f"pulling the image '{image}'")

    def sleep(seconds: float) -> None:
        stop.wait(seconds)

    def say(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        pause = state.next_action.sleep if state.next_action else 0
        log.write("WARN", f"{error}; trying again in {pause:.0f} s")

    for attempt in tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(_MayPass),
        stop=tenacity.stop_after_attempt(TRIES),
        wait=tenacity.wait_exponential(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS),
        sleep=sleep,
        before_sleep=say,
        reraise=True,
    ):
        with attempt:
            _pull_once(engine, image, auth, log, stop)
    log.write("INFO", f"pulled the image '{image}' in {monotonic() - started:.1f} s")


class _MayPass(TaskFailed):
    """A pull failed in a way that another try may mend."""


def _pull_once(engine: Engine, image: str, auth: Mapping[str, str] | None, log: TaskLog, stop: Stop) -> None:
    events: Events = queue.Queue()
    # The SDK's stream cannot be interrupted; what nobody waits for any more goes on in the engine, and is there later.
    arguments = (engine, image, auth, events)
    threading.Thread(target=_read_events, args=arguments, name="wdprefect-pull", daemon=True).start()
    progress = _Progress(image, log)
    while True:
        if stop.requested:
            raise TaskFailed(f"pulling the image '{image}' was stopped")
        try:
            event = events.get(timeout=POLL_SECONDS)
        except queue.Empty:
            continue
        if event is None:
            return
        if isinstance(event, BaseException):
            raise event
        if "error" in event:
            raise _failure(image, str(event["error"]))
        progress.take(event)


def _read_events(engine: Engine, image: str, auth: Mapping[str, str] | None, events: Events) -> None:
    import docker  # loaded already by who made the engine
    from docker.utils import parse_repository_tag

    repository, tag = parse_repository_tag(image)
    try:
        with explained(engine, f"the image '{image}' cannot be pulled"):
            try:
                # Without credentials of ours the SDK takes those of the user's own `docker login`.
                stream = engine.client.pull(
                    repository, tag or "latest", stream=True, decode=True, auth_config=dict(auth) if auth else None
                )
                for event in stream:
                    events.put(event)
            except docker.errors.APIError as error:
                events.put(_failure(image, str(error.explanation or error)))
    except BaseException as error:  # noqa: BLE001  it goes on in the thread that waits
        events.put(_MayPass(str(error)))
    else:
        events.put(None)


def _failure(image: str, words: str) -> TaskFailed:
    hint = ""
    if any(word in words.lower() for word in REFUSED):
        hint = " (is the name right? a private image needs 'credentials' of the task runner)"
    kind = TaskFailed if any(word in words.lower() for word in FINAL) else _MayPass
    return kind(f"the image '{image}' cannot be pulled: {words.strip()}{hint}")


def auth_for(image: str, registries: Sequence[Registry]) -> Mapping[str, str] | None:
    """The credentials for the registry of the image, and for no other."""
    import docker  # loaded already by who made the engine

    try:
        own = _registry(docker.auth.resolve_repository_name(image)[0])
    except docker.errors.InvalidRepository as error:
        raise TaskFailed(f"'{image}' is no name of an image: {error}") from None
    return next((each.auth for each in registries if each.address is None or _registry(each.address) == own), None)


def _registry(address: str) -> str:
    """A registry's name as images have it: `https://index.docker.io/v1/` is `docker.io`."""
    name = address.partition("://")[2] or address
    host = name.partition("/")[0].lower()
    return "docker.io" if host in DOCKER_HUB else host


class _Progress:
    """Says how far a pull is, from time to time."""

    def __init__(self, image: str, log: TaskLog) -> None:
        self._image, self._log = image, log
        self._layers: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()
        self._next = monotonic() + PROGRESS_SECONDS

    def take(self, event: Mapping[str, Any]) -> None:
        layer, detail = str(event.get("id", "")), event.get("progressDetail") or {}
        status = event.get("status")
        if status in ("Pull complete", "Already exists"):
            self._done.add(layer)
        elif status == "Downloading" and detail.get("total"):
            self._layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif status == "Download complete" and layer in self._layers:
            # Of the last part of a layer the engine says nothing else.
            self._layers[layer] = (self._layers[layer][1],) * 2
        if monotonic() >= self._next:
            self._next = monotonic() + PROGRESS_SECONDS
            here, size = (
                (sum(part) / 1e6 for part in zip(*self._layers.values(), strict=True)) if self._layers else (0, 0)
            )
            text = f"pulling '{self._image}': {here:.0f} of {size:.0f} MB, {len(self._done)} layers are complete"
            self._log.write("INFO", text)
