"""The local server's garbage: whoever collects it may have to wait for SQLite, and the event loop must not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

# One connection has the lock, the other waits for it, with a cursor of it among the garbage; then comes a moment at
# which Python collects. Says what the one who waited got.
SCRIPT = """
import gc, sqlite3, sys, threading, time
from wdprefect.on_prefect.server_app import collect_garbage_aside

def connect():
    return sqlite3.connect(sys.argv[1], isolation_level=None, timeout=5, check_same_thread=False)

class Loop:
    pass

def leave_garbage():
    loop = Loop()
    loop.itself, loop.cursor = loop, waiting.execute("SELECT 1")

def wait():
    try:
        waiting.execute("BEGIN IMMEDIATE")
        said.append("got the lock")
    except sqlite3.OperationalError as error:
        said.append(str(error))

holding, waiting, said = connect(), connect(), []
holding.execute("PRAGMA journal_mode = wal")
holding.execute("CREATE TABLE t (x)")
if sys.argv[2] == "aside":
    collect_garbage_aside(0.01)
gc.collect()
holding.execute("BEGIN IMMEDIATE")
leave_garbage()
thread = threading.Thread(target=wait)
thread.start()
time.sleep(0.5)
kept = [[] for _ in range(2000)]
holding.execute("COMMIT")
thread.join()
print(said[0])
"""


@pytest.mark.parametrize(
    ("who", "said"),
    [pytest.param("aside", "got the lock", id="a thread"), pytest.param("", "database is locked", id="whoever comes")],
)
def test_waiting_for_sqlite(tmp_path: Path, who: str, said: str) -> None:
    """A thread of its own waits alone; left to Python, who holds the lock waits for who wants it."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "x.db"), who]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said == done.stdout.strip()
