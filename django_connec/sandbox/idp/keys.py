"""The identity provider's key and certificate: made at its first start, kept with the sandbox's data."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

__all__ = ["KeyPair", "key_pair_of_this_process", "new_key_pair"]

BITS = 2048
DAYS = 3650


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A private key and its self-signed certificate, both PEM."""

    private_key: str = field(repr=False)
    certificate: str

    @property
    def fingerprint(self) -> str:
        """SHA-1 of the certificate, as the developer platform writes it."""
        digest = x509.load_pem_x509_certificate(self.certificate.encode()).fingerprint(
            hashes.SHA1()  # noqa: S303 - what the SDKs compare
        )
        return ":".join(f"{byte:02x}" for byte in digest)

    @property
    def certificate_body(self) -> str:
        """The certificate as a signature carries it: base64 without the lines around it."""
        return "".join(line for line in self.certificate.splitlines() if not line.startswith("-----"))


def new_key_pair() -> KeyPair:
    """Make a pair: RSA, 2048 bits, self-signed, ten years."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "django-connec sandbox")])
    # By the machine's clock, whatever the hub's says: who verifies has the machine's too.
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=DAYS))
        .sign(key, hashes.SHA256())
    )
    return KeyPair(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
    )


@functools.cache
def key_pair_of_this_process() -> KeyPair:
    """Return one pair for all hubs that keep nothing: a test does not wait for one of its own."""
    return new_key_pair()
