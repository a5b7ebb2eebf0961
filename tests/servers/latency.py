"""A relay on the loopback behind which a server is far away: `python -m tests.servers.latency PORT MILLISECONDS`.

It is a process of its own, so that it does not compete with the program that is looked at.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

AT_ONCE = 256 * 1024


@contextmanager
def far_away(port: int, milliseconds: int) -> Iterator[int]:
    """The port of a relay in front of `port`; what goes there and what comes back takes half of the time each."""
    command = [sys.executable, "-m", __name__, str(port), str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as relay:
        assert relay.stdout is not None
        try:
            yield int(relay.stdout.readline())
        finally:
            relay.terminate()


async def _serve(port: int, delay: float) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pass_on(reader, back, delay), _pass_on(there, writer, delay))

    server = await asyncio.start_server(accept, "127.0.0.1", 0, limit=AT_ONCE)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Killed or not: with the program that has started this, its end of the pipe is closed.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(maxsize=64)

    async def read() -> None:
        data = b"-"
        while data:
            with suppress(OSError):
                data = await reader.read(AT_ONCE)
            await under_way.put((loop.time() + delay, data))

    reading = asyncio.create_task(read())
    with suppress(OSError):
        while (item := await under_way.get())[1]:
            await asyncio.sleep(max(0, item[0] - loop.time()))
            writer.write(item[1])
            await writer.drain()
    writer.close()
    reading.cancel()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2]) / 2000))
