"""Handing a password to git without showing it: a file that only git's own `credential-store` reads.

The file lies outside the working directory, is readable by its owner only and is gone when the block ends. It answers
for one protocol and one host, so neither a redirect nor a submodule carries the credentials to another server, and
nothing of them is in a url, an argument, the environment or `.git/config`.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._remote import Credentials, Remote

# GitHub and GitLab accept a token with any user name, but not with an empty one.
_ANY_USER = "git"


@contextmanager
def credential_settings(remote: Remote, credentials: Credentials | None, scratch: Path) -> Iterator[dict[str, str]]:
    """Git settings with which the remote's server, and no other, is answered with the credentials."""
    nobody = {"credential.helper": ""}
    if credentials is None or not remote.takes_password:
        yield nobody
        return
    file = scratch / "credentials"
    write_privately(file, _entry(remote, credentials))
    try:
        helper = f"store --file={shlex.quote(str(file))}"
        yield {**nobody, f"credential.{remote.protocol}://{remote.host}.helper": helper}
    finally:
        file.unlink(missing_ok=True)


def write_privately(file: Path, text: str) -> None:
    """Write a new file that only its owner may read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as stream:  # noqa: PTH123 - a descriptor is no path
        stream.write(text)


def _entry(remote: Remote, credentials: Credentials) -> str:
    if any(character in credentials.username + credentials.password for character in "\r\n\0"):
        raise TaskFailed("the user name or the password for git holds a line break, which no server accepts")
    username = quote(credentials.username or _ANY_USER, safe="")
    return f"{remote.protocol}://{username}:{quote(credentials.password, safe='')}@{remote.host}\n"
