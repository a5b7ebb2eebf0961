"""Whether a storage does all that runs want of it, tried with files that are gone afterwards."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wdprefect.errors import StorageError, Unavailable
from wdprefect.model.ports import Storage
from wdprefect.storage.content import MIB
from wdprefect.storage.local import LocalStorage

# missing: a run can do without it. untried: because of something before it.
Verdict = Literal["ok", "missing", "failed", "untried"]
PROBE = b"wdprefect storage check\n"
LITTLE_MIB = 500


@dataclass(frozen=True, slots=True)
class Finding:
    """How one thing that was tried went. detail: what was seen, or what is wrong; step: what to do about it."""

    name: str
    verdict: Verdict
    detail: str = ""
    step: str = ""


def works(findings: list[Finding]) -> bool:
    """Whether runs can use the storage."""
    return not any(finding.verdict in {"failed", "untried"} for finding in findings)


def check_storage(storage: Storage) -> list[Finding]:
    """Try everything, in the order in which one needs the other. Nothing is left behind where that is allowed."""
    if isinstance(storage, LocalStorage):
        return check_folder(storage)
    from wdprefect.storage.s3 import S3Storage
    from wdprefect.storage.s3_check import check_bucket

    assert isinstance(storage, S3Storage)
    return check_bucket(storage)


def check_folder(storage: LocalStorage) -> list[Finding]:
    """The findings for a folder."""
    made = [folder for folder in (storage.root, *storage.root.parents) if not folder.exists()]
    uri = f"kestra:///_check-{secrets.token_hex(8)}/probe"
    tried = {
        "put": lambda: _is(storage.put(uri, PROBE).size, len(PROBE)),
        "head": lambda: _is(storage.size(uri), len(PROBE)),
        "get": lambda: _is(storage.read(uri), PROBE),
        "list": lambda: _is(storage.list(uri.rpartition("/")[0]), [uri]),
        "replace": lambda: _is(storage.put(uri, b"").size, 0),
        "delete": lambda: _is((storage.delete(uri), storage.exists(uri)), (True, False)),
    }
    findings = _tried(tried)
    with suppress(StorageError, Unavailable):
        storage.delete(uri)
    if storage.root.exists():
        findings.append(_space(storage.root))
    for folder in made:
        with suppress(OSError):
            folder.rmdir()
    return findings


def _tried(checks: dict[str, Callable[[], None]]) -> list[Finding]:
    """Each in turn; without the first the others cannot be tried."""
    findings: list[Finding] = []
    for name, check in checks.items():
        if findings and findings[0].verdict == "failed":
            findings.append(Finding(name, "untried"))
            continue
        try:
            check()
            findings.append(Finding(name, "ok"))
        except (StorageError, Unavailable) as error:
            findings.append(Finding(name, "failed", str(error)))
    return findings


def _is(found: object, expected: object) -> None:
    if found != expected:
        raise StorageError(f"the answer is {found!r:.100} where it must be {expected!r:.100}")


def _space(root: Path) -> Finding:
    free = shutil.disk_usage(root).free // MIB
    step = "free some space there, or keep files elsewhere with --storage" if free < LITTLE_MIB else ""
    return Finding("space", "missing" if step else "ok", f"{free:,} MiB are free", step)
