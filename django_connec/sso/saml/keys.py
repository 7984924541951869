"""The identity provider's pinned key: a certificate, or the fingerprint of the one that answers carry."""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import re
import textwrap

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from django_connec.conf import Marketplace
from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.saml.names import Element, ds

__all__ = ["MIN_BITS", "MIN_BITS_SHA1", "fingerprint_problem", "load_certificate", "pinned_certificate"]

MIN_BITS = 2048
#: With ``SSO_ALLOW_SHA1``: all three published certificates of 2013 have keys of this length.
MIN_BITS_SHA1 = 1024

_DIGESTS = {40: hashlib.sha1, 64: hashlib.sha256}


@functools.lru_cache(maxsize=64)
def load_certificate(text: str) -> x509.Certificate:
    """Return a certificate given as PEM, or as the base64 of its body alone.

    Raises:
        ValueError: It is neither, or its key is no RSA key.
    """
    text = text.replace("\\n", "\n").strip()
    if "-----" not in text:
        body = "\n".join(textwrap.wrap("".join(text.split()), 64))
        text = f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
    found = x509.load_pem_x509_certificate(text.encode())
    if not isinstance(found.public_key(), rsa.RSAPublicKey):
        raise ValueError("the certificate's key is not RSA")
    return found


def key_bits(certificate: x509.Certificate) -> int:
    """Return the length of a certificate's RSA key."""
    key = certificate.public_key()
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else 0


def fingerprint_problem(text: str) -> bool:
    """Tell whether a configured fingerprint is neither a SHA-1 nor a SHA-256 one."""
    return not re.fullmatch(r"[0-9a-f]+", _plain(text)) or len(_plain(text)) not in _DIGESTS


def has_fingerprint(certificate: x509.Certificate, text: str) -> bool:
    """Tell whether a certificate has exactly this fingerprint."""
    wanted = _plain(text)
    digest = _DIGESTS.get(len(wanted))
    if digest is None:
        return False
    return hmac.compare_digest(digest(certificate.public_bytes(Encoding.DER)).hexdigest(), wanted)


def pinned_certificate(marketplace: Marketplace, signature: Element) -> bytes:
    """Return the certificate (PEM) that must have signed.

    The one in the document is believed only where a fingerprint alone is configured, and only if it has exactly that.

    Raises:
        Refused: The configuration is unusable, the document's certificate is another, or the key is too short.
    """
    try:
        if marketplace.sso_x509_certificate:
            certificate = load_certificate(marketplace.sso_x509_certificate)
        else:
            certificate = _from_document(signature)
    except (ValueError, TypeError, binascii.Error):
        raise Refused(Reason.KEY) from None
    fingerprint = marketplace.sso_x509_fingerprint
    if fingerprint and not has_fingerprint(certificate, fingerprint):
        raise Refused(Reason.KEY)
    if key_bits(certificate) < (MIN_BITS_SHA1 if marketplace.sso_allow_sha1 else MIN_BITS):
        raise Refused(Reason.KEY)
    return certificate.public_bytes(Encoding.PEM)


def _from_document(signature: Element) -> x509.Certificate:
    found = list(signature.iter(ds("X509Certificate")))
    if len(found) != 1:
        raise ValueError("not exactly one certificate")
    # Not through the cache: anybody may fill a document with certificates.
    der = base64.b64decode("".join((found[0].text or "").split()), validate=True)
    return x509.load_der_x509_certificate(der)


def _plain(fingerprint: str) -> str:
    return re.sub(r"[\s:]", "", fingerprint).lower()
