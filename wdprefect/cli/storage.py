"""`wdprefect storage check [URL]`."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from wdprefect.api import open_run_storage
from wdprefect.errors import EXIT_SURROUNDINGS
from wdprefect.model.ports import Storage
from wdprefect.storage.check import Finding, check_storage, works
from wdprefect.storage.local import LocalStorage


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("action", choices=["check"], help="try everything, and leave nothing behind")
    parser.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        help="file:///folder, s3://bucket/prefix or s3-bucket/NAME (default: the storage of runs on this machine)",
    )
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how the result is printed")


def execute(args: argparse.Namespace) -> int:
    """Print what works and what does not; exit code 3 where runs cannot use the storage."""
    storage = open_run_storage(args.url)
    findings = check_storage(storage)
    does_work = works(findings)
    if args.format == "json":
        facts = {"storage": _name(storage), "works": does_work, "findings": [asdict(item) for item in findings]}
        print(json.dumps(facts, ensure_ascii=False, indent=2))
    else:
        print(_name(storage))
        for finding in findings:
            _print(finding)
        word = "works" if does_work else "cannot be used by runs"
        print(f"the storage {word}", file=sys.stderr)
    return 0 if does_work else EXIT_SURROUNDINGS


def _name(storage: Storage) -> str:
    if isinstance(storage, LocalStorage):
        return storage.root.absolute().as_uri()
    from wdprefect.storage.s3 import S3Storage  # only where it is one

    assert isinstance(storage, S3Storage)
    return f"s3://{storage.bucket}/{storage.base} at {storage.endpoint}"


def _print(finding: Finding) -> None:
    detail = f"  {finding.detail}" if finding.detail else ""
    print(f"{finding.verdict:8} {finding.name:18}{detail}".rstrip())
    if finding.step:
        print(f"{'':8} {'':18}  -> {finding.step}")
