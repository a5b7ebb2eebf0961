"""A template's process, seen from the runner: started, told, heard, ended."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from wdprefect.on_prefect.owned import api_environment
from wdprefect.on_prefect.warm.messages import Messages
from wdprefect.on_prefect.warm.owner import Lease

MODULE = "wdprefect.on_prefect.warm"
# Whether the server is of a release that fits has been asked by whoever created the runs: one request less for each.
OWN_ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false"}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a template is to hold: flow files by the names of their flows; storage and runner as in `wdprefect.run`.

    lease: what its runs look at, if anything: see `Lease`. forks: whether its runs are forked, or start anew.
    """

    flows: Mapping[str, Path]
    storage: str | None = None
    runner: str | None = None
    lease: Lease | None = None
    forks: bool = sys.platform == "linux"

    def text(self) -> str:
        """As the template reads them."""
        lease = {"file": str(self.lease.file.absolute()), "seconds": self.lease.seconds} if self.lease else None
        flows = {name: str(file.absolute()) for name, file in self.flows.items()}
        kinds = {"storage": self.storage, "runner": self.runner, "forks": self.forks}
        return json.dumps({"flows": flows, "lease": lease, **kinds})


class TemplateProcess:
    """One template, which is loading when this is made. `output` is what it writes."""

    def __init__(self, settings: Settings) -> None:
        ours, theirs = socket.socketpair()
        read, write = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(theirs.fileno())],
                env=os.environ | api_environment() | OWN_ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.PIPE,
                stdout=write,
                stderr=write,
                start_new_session=True,
                text=True,
            )
        except OSError:
            ours.close()
            os.close(read)
            raise
        finally:
            theirs.close()
            os.close(write)
        self.messages, self.output = Messages(ours), read
        assert self._process.stdin is not None
        # One that has died already is heard of like any other.
        with suppress(OSError), self._process.stdin as stdin:
            stdin.write(settings.text())

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, flow_run_id: UUID, flow: str, output: int) -> None:
        """Ask for a run whose output goes to an open file. Raises OSError when the template has died."""
        self.messages.send({"run": str(flow_run_id), "flow": flow, "file": True}, output)

    def finish(self) -> None:
        """Let it end, and its runs with it."""
        # It may have ended.
        with suppress(OSError):
            self.messages.finish()

    def wait(self, seconds: float) -> int:
        """Its exit code, after killing it when it takes too long."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
