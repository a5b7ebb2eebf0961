"""Certificates of one's own for a server on the loopback and its one client."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Signer = tuple[x509.Name, ec.EllipticCurvePrivateKey]


@dataclass(frozen=True)
class Certificates:
    """A folder as DOCKER_CERT_PATH names it: `ca.pem`, and the client's `cert.pem` and `key.pem`."""

    folder: Path

    def of_server(self) -> list[str]:
        """The arguments of a Docker engine."""
        files = {"tlscacert": "ca", "tlscert": "server-cert", "tlskey": "server-key"}
        return ["--tlsverify", *(f"--{name}={self.folder / file}.pem" for name, file in files.items())]

    def of_client(self) -> dict[str, object]:
        """The arguments of the docker SDK's TLSConfig, as JSON has them."""
        pair = [str(self.folder / "cert.pem"), str(self.folder / "key.pem")]
        return {"client_cert": pair, "ca_cert": str(self.folder / "ca.pem"), "verify": True}


def make_certificates(folder: Path) -> Certificates:
    """A new authority, and what it signs for a server at 127.0.0.1 and for a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    authority = (_name("authority"), key)
    _write(folder / "ca.pem", _signed("authority", key, authority, is_authority=True))
    for name, place in {"server": "server-", "client": ""}.items():
        own = ec.generate_private_key(ec.SECP256R1())
        _write(folder / f"{place}cert.pem", _signed(name, own, authority, is_authority=False))
        form = serialization.PrivateFormat.PKCS8
        plain = serialization.NoEncryption()
        (folder / f"{place}key.pem").write_bytes(own.private_bytes(serialization.Encoding.PEM, form, plain))
    return Certificates(folder)


def _signed(name: str, key: ec.EllipticCurvePrivateKey, signer: Signer, *, is_authority: bool) -> x509.Certificate:
    now = datetime.now(timezone.utc)
    address = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(signer[0])
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(signer[1], hashes.SHA256())
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"wdprefect test {name}")])


def _write(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
