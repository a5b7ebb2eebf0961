"""Large files are never whole in memory."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.s3 import S3Server

SIZE_MIB = 200
MOST_MIB = 100
# In a process of its own, whose memory nothing else has used; the first small file pays for the imports.
SCRIPT = """
import re, resource, sys
from pathlib import Path
from wdprefect.storage import open_storage

def peak_mib():
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux getrusage begins with the memory of whoever has started this.
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 / 1024

url, folder = sys.argv[1], Path(sys.argv[2])
storage = open_storage(url)
storage.put("kestra:///small", b"x")
storage.get("kestra:///small", folder / "small")
before = peak_mib()
storage.put("kestra:///large", folder / "large")
storage.get("kestra:///large", folder / "copy")
with storage.open("kestra:///large") as file:
    while file.read(1024 * 1024):
        pass
print(peak_mib() - before)
"""
FILES, BYTES = 10_000, 4096
MANY = (
    SCRIPT.partition('storage.put("kestra:///large"')[0]
    + f"""
storage.put_many((f"kestra:///many/{{number}}", b"x" * {BYTES}) for number in range({FILES}))
print(peak_mib() - before)
"""
)


@pytest.mark.parametrize("kind", ["local", pytest.param("s3", marks=pytest.mark.s3)])
def test_memory_stays_flat(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """Storing, fetching and reading a file of 200 MiB takes less than 100 MiB more than a small file does."""
    url, environment = f"file://{tmp_path}/storage", dict(os.environ)
    if kind == "s3":
        server: S3Server = request.getfixturevalue("s3_server")
        url = f"s3://{request.getfixturevalue('s3_bucket')}/memory"
        environment |= server.environment
    with (tmp_path / "large").open("wb") as file:
        file.truncate(SIZE_MIB * 1024 * 1024)
    command = [sys.executable, "-c", SCRIPT, url, str(tmp_path)]
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert MOST_MIB > float(found.stdout)
    assert (tmp_path / "large").stat().st_size == (tmp_path / "copy").stat().st_size


@pytest.mark.s3
@pytest.mark.slow
def test_many_files(s3_server: S3Server, s3_bucket: str, tmp_path: Path) -> None:
    """Storing 10,000 small files takes no memory for each that is not the answer."""
    command = [sys.executable, "-c", MANY, f"s3://{s3_bucket}/memory", str(tmp_path)]
    environment = os.environ | s3_server.environment
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    assert MOST_MIB / 2 > float(found.stdout)
