"""Where a repository is, apart from who may read it: urls are taken to pieces once, and refused here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from wdprefect.errors import TaskFailed

Protocol = Literal["http", "https", "ssh", "file"]

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
# `git@host:path`, and no `helper::address`, which would start a program of that name.
_SCP_LIKE = re.compile(r"(?:[\w.-]+@)?(\[[0-9A-Fa-f:]+\]|\w[\w.-]*):(?!:)[^-]")
# Git undoes the `%41` of an ssh url before it takes it to pieces, and might find another host there than we do.
_SSH_USER = re.compile(r"[\w.+~@=-]*")
_DEFAULT_PORTS = {"http": ":80", "https": ":443", "ssh": ":22", "file": ""}
_CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s@']+@")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and a password or token; neither shows in the `repr`."""

    username: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository's address, free of credentials; `host` carries its port and is empty for a `file://` url."""

    url: str
    protocol: Protocol
    host: str

    @property
    def takes_password(self) -> bool:
        return self.protocol in {"http", "https"}

    @property
    def server(self) -> str:
        """The host with its port, which is left out where it is the protocol's usual one."""
        return self.host.removesuffix(_DEFAULT_PORTS[self.protocol])

    def is_same_server(self, other: Remote) -> bool:
        return (self.protocol, self.server) == (other.protocol, other.server)


def parse_url(text: str) -> tuple[Remote, Credentials | None]:
    """The address and the credentials that stood in it.

    Raises TaskFailed for everything but http, https, ssh (also as `git@host:path`) and file, and for what git could
    take for an option.
    """
    text = text.strip()
    if not text or text.startswith("-") or re.search(r"[\s\x00-\x1f\x7f]", text):
        raise TaskFailed(f"'{without_credentials(text)}' is no url of a git repository")
    if not (scheme := _SCHEME.match(text)):
        return _parse_scp_like(text), None
    protocol = scheme[1].lower()
    if protocol not in {"http", "https", "ssh", "file"}:
        raise TaskFailed(f"the protocol '{protocol}' is not allowed for a git repository (use https, ssh or file)")
    return _parse(cast("Protocol", protocol), text[scheme.end() :])


def without_credentials(text: str) -> str:
    """The text with the user names and passwords of urls cut out."""
    return _CREDENTIALS_IN_URL.sub("", text)


def _parse_scp_like(text: str) -> Remote:
    if match := _SCP_LIKE.match(text):
        return Remote(text, "ssh", match[1].lower())
    hint = f"file://{text}" if text.startswith("/") else "https://…, ssh://…, git@host:path or file:///…"
    raise TaskFailed(f"'{without_credentials(text)}' is no url of a git repository (write {hint})")


def _parse(protocol: Protocol, rest: str) -> tuple[Remote, Credentials | None]:
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    clean = f"{protocol}://{host}{slash}{path}"
    if protocol == "file":
        if authority or not path:
            raise TaskFailed(f"'{clean}' is no url of a git repository (write file:///path)")
        return Remote(clean, protocol, ""), None
    if not path or not _is_host(host):
        raise TaskFailed(f"'{clean}' is no url of a git repository")
    name, colon, password = user.partition(":")
    if protocol == "ssh":
        if colon or name.startswith("-"):
            raise TaskFailed(f"'{clean}' carries a password, which ssh does not take from a url (use a key)")
        if not _SSH_USER.fullmatch(user) or "%" in host:
            raise TaskFailed(f"'{clean}' is no url of a git repository (write the user and the host as they are)")
        return Remote(f"ssh://{user}{at}{host}/{path}", protocol, host.lower()), None
    found = Credentials(unquote(name), unquote(password)) if name or password else None
    return Remote(clean, protocol, host.lower()), found


def _is_host(host: str) -> bool:
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # Raises for a port that is no number.
    except ValueError:
        return False
    return bool(parts.hostname) and not host.startswith("-")
