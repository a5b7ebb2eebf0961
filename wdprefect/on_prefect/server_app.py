"""The local server's process, seen from inside: detached from whoever started it, then Prefect's application.

`python -m wdprefect.on_prefect.server_app HOME FD` prints the pid of a server that answers on the bound socket FD. By
HOME others tell which directory's server a process is; Prefect itself reads it, like all else, from the environment.
"""

from __future__ import annotations

import os
import socket
import sys


def main() -> None:
    """Run the server in a session of its own, as a child of nobody: the process that was called returns at once."""
    _home, descriptor = sys.argv[1:]
    listener = socket.socket(fileno=int(descriptor))
    if os.fork():
        # Without the interpreter's own end, which belongs to the other half.
        os._exit(0)
    os.setsid()
    print(os.getpid(), flush=True)  # noqa: T201 - this is how the caller learns the pid
    # The caller reads up to the end of its pipe; from here on all goes to the log.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    _serve(listener)


def _serve(listener: socket.socket) -> None:
    # After the fork: these take seconds, and it must not find threads that they start.
    import uvicorn
    from prefect.server.api.server import create_app

    from wdprefect.on_prefect.server_guard import OwnPagesOnly

    config = uvicorn.Config(
        OwnPagesOnly(create_app(final=True)),
        log_level="warning",
        lifespan="on",
        proxy_headers=False,
        # A page that is open in a browser does not hold up the end.
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
