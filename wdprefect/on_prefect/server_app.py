"""The local server's process, seen from inside: detached from whoever started it, then Prefect's application.

`python -m wdprefect.on_prefect.server_app HOME FD` prints the pid of a server that answers on the bound socket FD. By
HOME others tell which directory's server a process is; Prefect itself reads it, like all else, from the environment.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
import time
from itertools import count

GARBAGE_SECONDS = 1.0
# So many times young objects are looked at, then all of them: half a second in which nothing is answered.
YOUNG_TIMES = 30


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

    app = OwnPagesOnly(create_app(final=True))
    collect_garbage_aside()
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="on",
        proxy_headers=False,
        # A page that is open in a browser does not hold up the end.
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[listener])


def collect_garbage_aside(seconds: float = GARBAGE_SECONDS) -> None:
    """Have garbage collected by a thread of its own, not by whichever thread makes an object at the wrong moment.

    An object of SQLite among the garbage waits for its connection. Where that waits for the database, whose holder
    waits for the event loop, and it is the event loop's thread that collects, the server stands still until SQLite
    gives up after a minute: half of all bursts of 40 runs ended so.
    """
    gc.collect()
    # What is there by now stays.
    gc.freeze()
    gc.disable()

    def collect() -> None:
        for number in count(1):
            time.sleep(seconds)
            gc.collect(1 if number % YOUNG_TIMES else 2)

    threading.Thread(target=collect, name="garbage", daemon=True).start()


if __name__ == "__main__":
    main()
