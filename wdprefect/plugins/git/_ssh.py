"""How hosts are reached by ssh: with which key, and by which of their own keys they are known.

What a task gives lies in files outside the working directory, readable by their owner only and gone when the clone is
over. Its key is for the repository's server alone, as a password is.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.model.stop import Stop
from wdprefect.plugins.git._credentials import write_privately
from wdprefect.plugins.git._private_key import with_line_ends, write_opened_key
from wdprefect.plugins.git._remote import Remote

_NO_AGENT = "-oIdentityAgent=none"
_OF_THE_MACHINE = "-oGlobalKnownHostsFile=/dev/null"
# Without the line that a host's key has been added to a file.
_ANY_HOST_KEY = ("-oStrictHostKeyChecking=no", "-oUserKnownHostsFile=/dev/null", _OF_THE_MACHINE, "-oLogLevel=ERROR")

_KNOWN_HOST = re.compile(r"(@[a-z-]+\s+)?[^\s@]\S*\s+(?!AAAA)[\w@.-]+\s+AAAA[A-Za-z0-9+/]+=*(\s.*)?")
_SERVER = re.compile(r"\[?(?P<name>[^\]]+?)\]?(:(?P<port>\d+))?")


@dataclass(frozen=True, slots=True)
class SshOptions:
    """What a task says about ssh; blank texts count as not set, but for the key.

    private_key: as `tidy_private_key` takes it; a passphrase that it does not need is not used.
    known_hosts: lines in the format of that file; they replace those of the worker's user and of the machine.
    checks_host_key: False believes whoever answers as the repository's host. Those of submodules elsewhere are checked.
    """

    private_key: str | None = field(default=None, repr=False)
    passphrase: str | None = field(default=None, repr=False)
    known_hosts: str | None = None
    checks_host_key: bool = True


@dataclass(frozen=True, slots=True)
class SshAccess:
    """The environment in which git reaches one host by ssh, and words for what that host or ssh may say."""

    environment: Mapping[str, str]
    refused: str
    unknown: str
    known_hosts: str


@dataclass(frozen=True, slots=True)
class SshLogin:
    """A task's options, and the files that hold them during its clone; `key` is for the server of `remote`."""

    remote: Remote
    options: SshOptions
    connect: timedelta
    key: Path | None
    known_hosts: Path | None

    def access_to(self, remote: Remote) -> SshAccess:
        """What holds for a repository, be it the task's own or a submodule."""
        is_own = remote.is_same_server(self.remote)
        identity, refused = self._identity(is_own=is_own)
        host_keys, unknown, known_hosts = self._host_keys(remote, is_own=is_own)
        return SshAccess(self._environment([*identity, *host_keys]), refused, unknown, known_hosts)

    def _identity(self, *, is_own: bool) -> tuple[list[str], str]:
        if self.options.private_key is None:
            return [], "refuses the ssh key (is it known to the server, and to the worker's user?)"
        if is_own and self.key:
            only = ["-oIdentitiesOnly=yes", f"-oIdentityFile={_quoted(self.key)}", _NO_AGENT]
            return only, "refuses the key of 'privateKey' (may its public half read this repository?)"
        nothing = ["-oPubkeyAuthentication=no", _NO_AGENT]
        return nothing, "asks for a key and gets none: 'privateKey' is for the repository's own host"

    def _host_keys(self, remote: Remote, *, is_own: bool) -> tuple[list[str], str, str]:
        if is_own and not self.options.checks_host_key:
            return [*_ANY_HOST_KEY], "is refused by ssh", "known_hosts"
        if self.known_hosts is None:
            return [], "is not known (add it to known_hosts of the worker's user, or set 'knownHosts')", "known_hosts"
        only = ["-oStrictHostKeyChecking=yes", f"-oUserKnownHostsFile={_quoted(self.known_hosts)}", _OF_THE_MACHINE]
        return only, f"is not in 'knownHosts' (add its line, which begins with '{_known_as(remote)}')", "'knownHosts'"

    def _environment(self, arguments: list[str]) -> dict[str, str]:
        given = os.environ.get("GIT_SSH_COMMAND") or shlex.quote(os.environ.get("GIT_SSH", ""))
        if given != "''":
            # The command of the worker's user stays, and what it says counts first.
            return {"GIT_SSH_COMMAND": f"{given} {shlex.join(arguments)}"} if arguments else {}
        # A configuration may name more keys, and connections that are open with one of those.
        no_configuration = [] if self.options.private_key is None else ["-F", os.devnull]
        always = ["-oBatchMode=yes", f"-oConnectTimeout={max(1, round(self.connect.total_seconds()))}"]
        return {"GIT_SSH_COMMAND": shlex.join(["ssh", *no_configuration, *always, *arguments])}


def ssh_login(remote: Remote, options: SshOptions, connect: timedelta, scratch: Path, stop: Stop) -> SshLogin:
    """The options, with files in a private directory that goes when the clone is over.

    Raises TaskFailed for a key or lines that ssh cannot use, and when `stop` is requested.
    """
    key = known_hosts = None
    if options.private_key is not None and remote.protocol == "ssh":
        key = scratch / "key"
        write_opened_key(key, options.private_key, options.passphrase or "", stop)
    if options.known_hosts:
        known_hosts = scratch / "known_hosts"
        write_privately(known_hosts, _checked_lines(options.known_hosts))
    return SshLogin(remote, options, connect, key, known_hosts)


def checked(options: SshOptions) -> SshOptions:
    """The options, blank ones left out. Raises TaskFailed where they contradict each other."""
    # Blanks may belong to a passphrase; the end of a secret's last line does not.
    passphrase = (options.passphrase or "").strip("\r\n")
    if not passphrase.strip():
        passphrase = ""
    known_hosts = (options.known_hosts or "").strip()
    if passphrase and options.private_key is None:
        raise TaskFailed("'passphrase' opens a 'privateKey', which is not set (set it, or leave 'passphrase' out)")
    if re.search(r"[\r\n\0]", passphrase):
        raise TaskFailed("'passphrase' holds a line break, which no passphrase of a key has (give one line)")
    if known_hosts and not options.checks_host_key:
        raise TaskFailed("'knownHosts' cannot be used with 'strictHostKeyChecking: false' (leave one of them out)")
    return replace(options, passphrase=passphrase or None, known_hosts=known_hosts or None)


def _checked_lines(text: str) -> str:
    lines = [line.strip() for line in with_line_ends(text).splitlines()]
    for number, line in enumerate(lines, 1):
        if line and not line.startswith("#") and not _KNOWN_HOST.fullmatch(line):
            hint = "write HOST TYPE KEY, as ssh-keyscan HOST prints it"
            raise TaskFailed(f"line {number} of 'knownHosts' is no line of known_hosts ({hint})")
    return "\n".join(lines) + "\n"


def _quoted(file: Path) -> str:
    # ssh splits values at blanks and replaces `%h`.
    return '"' + str(file).replace("%", "%%") + '"'


def _known_as(remote: Remote) -> str:
    """How known_hosts writes the host."""
    match = _SERVER.fullmatch(remote.server)
    assert match is not None
    return f"[{match['name']}]:{match['port']}" if match["port"] else match["name"]
