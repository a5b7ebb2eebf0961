"""What git's error output means, in one sentence with the next step."""

from __future__ import annotations

import re

from wdprefect.plugins.git._remote import Credentials, Remote, without_credentials
from wdprefect.plugins.git._ssh import SshAccess

_LAST_LINES = 5
_MASK = "********"

# The first row that matches counts; patterns are searched in git's English output.
_MEANINGS = (
    (
        r"[Cc]ould not resolve (host|proxy)|Name or service not known|Temporary failure in name resolution",
        "cannot reach '{url}': the host '{host}' is unknown (check the url and the network)",
    ),
    (
        r"Connection refused|Failed to connect|Couldn't connect",
        "cannot reach '{url}': the host '{host}' does not accept connections",
    ),
    (
        r"Authentication failed|returned error: 401",
        "'{url}' refuses the user name and password (401; check them, or whether the token has expired)",
    ),
    (
        r"could not read (Username|Password)|terminal prompts disabled",
        "'{url}' asks for a user name and a password or token (set 'username' and 'password')",
    ),
    (r"returned error: 403", "'{url}' denies access (403; may this user or token read the repository?)"),
    (
        r"repository '.*' not found|returned error: 404|Repository not found",
        "there is no repository at '{url}' (404; private ones often look so without the right credentials)",
    ),
    (
        r"is this a git repository\?|does not appear to be a git repository|not a git repository",
        "there is no git repository at '{url}'",
    ),
    (r"returned error: 30\d", "the repository at '{url}' has moved (use its new url)"),
    (
        r"SSL certificate|certificate verif|server certificate",
        "the TLS certificate of '{host}' is not trusted (name its authority's with 'trustedCaPemPath')",
    ),
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED",
        "the ssh host key of '{host}' is not the one in {ssh.known_hosts} (compare both before you replace it)",
    ),
    (
        r"REVOKED HOST KEY DETECTED",
        "the ssh host key of '{host}' is revoked in {ssh.known_hosts} (ask the host's owner for the new one)",
    ),
    (r"Host key verification failed", "the ssh host key of '{host}' {ssh.unknown}"),
    (r"Permission denied \(", "'{url}' {ssh.refused}"),
    (r"Operation too slow|timed out|Operation timed out", "'{url}' does not answer in time"),
    (r"transport '.*' not allowed", "'{url}' leads to a protocol that is not allowed"),
)


def explain(stderr: str, remote: Remote, credentials: Credentials | None, ssh: SshAccess) -> str:
    """What went wrong, from git's last lines where it is not known better; never with the credentials in it."""
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, stderr):
            return meaning.format(url=remote.url, host=remote.host or "localhost", ssh=ssh)
    lines = [line.strip() for line in hide(stderr, credentials).splitlines() if line.strip()]
    said = "; ".join(lines[-_LAST_LINES:]) or "git gave no reason"
    return f"cloning '{remote.url}' failed: {said}"


def hide(text: str, credentials: Credentials | None) -> str:
    """The text without the user names and passwords of urls, and without the given ones."""
    text = without_credentials(text)
    # A token may stand in the place of the user name, with no password.
    secret = (credentials.password or credentials.username) if credentials else ""
    return text.replace(secret, _MASK) if secret else text
