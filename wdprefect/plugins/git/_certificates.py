"""Certificates that one clone trusts besides those of the system; git knows only the one file that it is told."""

from __future__ import annotations

import os
import re
from pathlib import Path

from wdprefect.errors import TaskFailed

_LARGEST_BYTES = 4 << 20
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
# Debian and Alpine; Red Hat; macOS.
_OF_THE_SYSTEM = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def trust(file: Path | None, scratch: Path) -> dict[str, str]:
    """The environment in which git trusts the file's certificates, too. Raises TaskFailed if it holds none."""
    if file is None:
        return {}
    both = scratch / "certificates"
    both.write_text(_certificates(file) + _trusted_already(), encoding="utf-8")
    return {"GIT_SSL_CAINFO": str(both)}


def _certificates(file: Path) -> str:
    """Nothing but the certificates, so that no other file gets anywhere by this way."""
    if not file.is_file():
        raise TaskFailed(f"there is no file '{file}', which 'trustedCaPemPath' names")
    with file.open("rb") as stream:
        found = _CERTIFICATE.findall(stream.read(_LARGEST_BYTES).decode("latin-1"))
    text = "".join(f"{certificate}\n" for certificate in found)
    if not found or not _is_readable(text):
        raise TaskFailed(
            f"'{file}' of 'trustedCaPemPath' holds no certificate in PEM (it has lines BEGIN CERTIFICATE;"
            " convert others: openssl x509 -inform der)"
        )
    return text


def _is_readable(text: str) -> bool:
    # Deferred: costs 10 ms, and most clones need none.
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except ssl.SSLError:
        return False
    return True


def _trusted_already() -> str:
    places = [os.environ.get("GIT_SSL_CAINFO") or "", *_OF_THE_SYSTEM]
    bundle = next((Path(place) for place in places if place and Path(place).is_file()), None)
    return bundle.read_text(encoding="utf-8", errors="replace") if bundle else ""
