"""Private keys as people paste them: put in order and opened, or refused by what the text is instead.

No key is ever repeated. A passphrase is in no file, argument or environment: it goes to `ssh-keygen` by a pipe.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import textwrap
from pathlib import Path

from wdprefect.errors import TaskFailed
from wdprefect.model.stop import Stop
from wdprefect.plugins.git._credentials import write_privately

_POLL_SECONDS = 0.05
_LINE_LENGTH = 64
_KEY = re.compile(
    r"-----BEGIN (?P<kind>(?:[A-Z0-9]+ )?PRIVATE KEY)-----\s"
    r"(?P<headers>(?:\s*[A-Za-z-]+: ?[^\s:]+)*)"
    r"(?P<body>[A-Za-z0-9+/=\s]+)"
    r"-----END (?P=kind)-----"
)
# The first row that matches counts. `LS0tLS1CRUdJT` is base64 of a BEGIN line, `b3BlbnNzaC1r` begins OpenSSH's keys.
_NO_KEYS = (
    (r"\s*$", "is empty (is the secret set? leave 'privateKey' out to use the keys of the worker's user)"),
    (r"\s*PuTTY-User-Key-File", "is a key of PuTTY (export it: puttygen KEY.ppk -O private-openssh-new -o KEY)"),
    (
        r"\s*(sk-)?(ssh|ecdsa)-[\w@.-]+ AAAA|\s*-{4,5} ?BEGIN [A-Z0-9 ]*PUBLIC KEY",
        "is a public key (give the private one, from the file whose name does not end with .pub)",
    ),
    (r"\s*-----BEGIN [A-Z ]*CERTIFICATE", "is a certificate (give the private key that belongs to it)"),
    (r"\s*-----BEGIN PGP ", "is a key of PGP (make one for ssh: ssh-keygen -t ed25519)"),
    (r"\s*LS0tLS1CRUdJT", "is in base64 (write \"{{ secret('KEY') | base64decode }}\")"),
    (r"\s*b3BlbnNzaC1r", "lacks its first and its last line (give the whole file)"),
    (r"\s*-----BEGIN [A-Z0-9 ]*PRIVATE KEY", "is cut off or damaged (give the whole file, with its last line)"),
    (
        r"\s*([a-z]+:/|~|\.{0,2}/|[\w.-]+/)[^\s=]*\s*$|\s*[\w.-]+\.(pem|key|ppk|pub)\s*$|\s*id_\w+\s*$",
        "is a path (give the key's text: \"{{ secret('KEY') }}\")",
    ),
    (r"", "is no private key (it begins with a line BEGIN … PRIVATE KEY: give the whole file)"),
)


def write_opened_key(file: Path, text: str, passphrase: str, stop: Stop) -> None:
    """Write the key to a private file, without its passphrase, so that ssh has nothing to ask for.

    Raises TaskFailed for a text that is no key, for a passphrase that is missing or another key's, and when stopped.
    """
    write_privately(file, tidy_private_key(text))
    program = shutil.which("ssh-keygen")
    if program is None:
        raise TaskFailed("ssh-keygen is not installed on the worker (install OpenSSH's client)")
    # Where there is no terminal it reads the passphrase from standard input. The new one is none.
    command = [program, "-q", "-p", "-N", "", "-f", str(file)]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
    with subprocess.Popen(
        command,
        env=environment,
        start_new_session=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        said = _talk(process, f"{passphrase}\n".encode(), stop)
    if process.returncode:
        raise TaskFailed(_why_not_opened(said.decode(errors="replace"), passphrase))


def _talk(process: subprocess.Popen[bytes], answer: bytes | None, stop: Stop) -> bytes:
    # A key that is locked with many rounds takes its time.
    while not stop.requested:
        try:
            return process.communicate(answer, timeout=_POLL_SECONDS)[1]
        except subprocess.TimeoutExpired:
            answer = None
    process.kill()
    raise TaskFailed("opening 'privateKey' was stopped")


def _why_not_opened(said: str, passphrase: str) -> str:
    reason = said.strip().rpartition(": ")[2]
    if "Failed to load key" not in said:
        return f"ssh-keygen does not work on the worker: {reason or 'it gave no reason'}"
    if "incorrect passphrase" not in said:
        return f"ssh cannot read 'privateKey': {reason} (is it whole? if so, make another one: ssh-keygen -t ed25519)"
    if passphrase:
        return "'passphrase' does not open 'privateKey' (is it the one of this key?)"
    return "'privateKey' is locked with a passphrase (set 'passphrase')"


def tidy_private_key(text: str) -> str:
    """The key as OpenSSH reads it, of a text with other line ends, or none, or written out, and with blanks around.

    Raises TaskFailed, which says what the text is and not what is in it, for one that holds no private key.
    """
    text = text.lstrip("\ufeff")
    keys = list(_KEY.finditer(with_line_ends(text)))
    if not keys:
        raise TaskFailed(f"'privateKey' {_what_it_is(text)}")
    if len(keys) > 1:
        raise TaskFailed(f"'privateKey' holds {len(keys)} private keys (give the one that the server knows)")
    headers = re.findall(r"[A-Za-z-]+: ?\S+", keys[0]["headers"])
    body = textwrap.wrap(re.sub(r"\s", "", keys[0]["body"]), _LINE_LENGTH)
    kind = keys[0]["kind"]
    lines = [f"-----BEGIN {kind}-----", *headers, *([""] if headers else []), *body, f"-----END {kind}-----"]
    return "\n".join(lines) + "\n"


def with_line_ends(text: str) -> str:
    """The text with unix's ends of lines, also where those of a text of one line are written out."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if "\n" in text.strip() else text.replace("\\r", "").replace("\\n", "\n")


def _what_it_is(text: str) -> str:
    return next(meaning for pattern, meaning in _NO_KEYS if re.match(pattern, text))
