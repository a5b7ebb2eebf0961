"""What is taken for a private key, and what is said of a text that is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.servers.sshd import make_key
from wdprefect.errors import TaskFailed
from wdprefect.plugins.git._private_key import tidy_private_key

FORMS = [
    pytest.param("RFC4716", "", id="openssh"),
    pytest.param("PEM", "", id="pem"),
    pytest.param("PEM", "locked", id="pem with headers"),
    pytest.param("PKCS8", "locked", id="pkcs8"),
]


@pytest.mark.parametrize(("form", "passphrase"), FORMS)
@pytest.mark.parametrize(
    "pasted",
    [
        pytest.param(lambda key: key, id="as it is"),
        pytest.param(lambda key: key.replace("\n", "\r\n"), id="windows"),
        pytest.param(lambda key: key.replace("\n", "\r"), id="old mac"),
        pytest.param(lambda key: key.rstrip(), id="no end of the last line"),
        pytest.param(lambda key: f"\n\n  {key}\n \t", id="blanks around"),
        pytest.param(lambda key: "".join(f"    {line}  \n" for line in key.splitlines()), id="indented"),
        pytest.param(lambda key: key.replace("\n", "\\n"), id="line ends written out"),
        pytest.param(lambda key: key.replace("\n", "\\r\\n"), id="those of windows written out"),
        pytest.param(lambda key: key.replace("\n", " "), id="folded"),
        pytest.param(lambda key: f"\ufeff{key}", id="byte order mark"),
        pytest.param(lambda key: f"Bag Attributes\n    friendlyName: x\n{key}", id="text before"),
    ],
)
def test_pasted(tmp_path: Path, form: str, passphrase: str, pasted: Callable[[str], str]) -> None:
    """However a key was pasted, it becomes the text that it was, in lines that ssh reads."""
    key = make_key(tmp_path / "key", "ecdsa", passphrase=passphrase, form=form).read_text()

    found = tidy_private_key(pasted(key))

    assert "".join(key.split()) == "".join(found.split())
    assert found == tidy_private_key(found)
    assert max(map(len, found.splitlines())) < 80
    assert ("" in found.splitlines()) is (form == "PEM" and passphrase != "")


# Parts of a key that nobody needs to keep.
BODY = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQyNTUx"
BEGIN, END = "-----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "is empty (is the secret set?", id="empty"),
        pytest.param(" \n\t", "is empty (is the secret set?", id="blank"),
        pytest.param(f"ssh-ed25519 AAAA{BODY} me@here", "is a public key (give the private one", id="public"),
        pytest.param(f"ecdsa-sha2-nistp256 AAAA{BODY}", "is a public key (", id="public ecdsa"),
        pytest.param(f"sk-ssh-ed25519@openssh.com AAAA{BODY}", "is a public key (", id="public of a device"),
        pytest.param(f"-----BEGIN PUBLIC KEY-----\n{BODY}\n", "is a public key (", id="public pem"),
        pytest.param(f"---- BEGIN SSH2 PUBLIC KEY ----\n{BODY}\n", "is a public key (", id="public ssh2"),
        pytest.param(f"-----BEGIN CERTIFICATE-----\n{BODY}\n", "is a certificate (give the private key", id="cert"),
        pytest.param(f"-----BEGIN PGP PRIVATE KEY BLOCK-----\n{BODY}", "is a key of PGP (", id="pgp"),
        pytest.param(f"PuTTY-User-Key-File-3: ssh-ed25519\n{BODY}", "is a key of PuTTY (export it: puttygen", id="ppk"),
        pytest.param("/home/me/.ssh/id_ed25519", "is a path (give the key's text", id="path"),
        pytest.param("~/.ssh/id_rsa\n", "is a path (", id="path of home"),
        pytest.param("keys/deploy", "is a path (", id="relative path"),
        pytest.param("deploy.pem", "is a path (", id="file name"),
        pytest.param("id_ed25519", "is a path (", id="usual name"),
        pytest.param("kestra:///team/key", "is a path (", id="uri"),
        pytest.param("LS0tLS1CRUdJTiBPUEVOU1NIIFBSSVZBVEU", "is in base64 (write", id="base64"),
        pytest.param(f"{BODY}\n{BODY}", "lacks its first and its last line", id="body alone"),
        pytest.param(f"{BEGIN}\n{BODY}\n", "is cut off or damaged", id="cut off"),
        pytest.param(f"{BEGIN}\n{BODY}§\n{END}", "is cut off or damaged", id="foreign character"),
        pytest.param(f"{BEGIN}\n{BODY}\n{END}\n" * 2, "holds 2 private keys (give the one", id="two"),
        pytest.param("s3cret", "is no private key (it begins with", id="something else"),
    ],
)
def test_no_key(text: str, message: str) -> None:
    """A text that is no private key is refused by what it looks like, with what to do, and is not repeated."""
    with pytest.raises(TaskFailed) as caught:
        tidy_private_key(text)

    assert str(caught.value).startswith(f"'privateKey' {message}")
    for word in (BODY[20:], "home/me", "s3cret", "me@here"):
        assert word not in str(caught.value)
