"""What computes a signature's value: libxml2 and OpenSSL in this process, or the ``xmlsec1`` program.

Both are pysaml2 back-ends, both stand behind the same screens and the same rules of form, and neither knows any
key but the pinned one. Whichever computes, pysaml2 asks it again when it judges the answer.
"""

from __future__ import annotations

import tempfile
from typing import Any, NoReturn

from lxml import etree
from saml2.sigver import CryptoBackend, CryptoBackendXmlSec1, XmlsecError

from django_connec.conf import Marketplace
from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.saml.document import parse
from django_connec.sso.saml.keys import pinned_certificate
from django_connec.sso.saml.names import Element, ds, saml, samlp
from django_connec.sso.saml.signature import check_form

__all__ = ["InProcess", "PinnedBackend", "Program", "backend_for"]

_NODE_NAMES = {saml("Assertion"), samlp("Response")}


class PinnedBackend(CryptoBackend):  # type: ignore[misc] # pysaml2 has no types
    """Verifies with a marketplace's pinned certificate, whatever certificate it is handed.

    Args:
        marketplace: Whose identity provider must have signed.
    """

    version = "1.2"

    def __init__(self, marketplace: Marketplace) -> None:
        super().__init__()
        self._marketplace = marketplace

    def verify(self, signature: Element) -> None:
        """Check the form of a Signature, then its value.

        Raises:
            Refused: One of them is wrong, or the key is.
        """
        check_form(signature, allow_sha1=self._marketplace.sso_allow_sha1)
        certificate = pinned_certificate(self._marketplace, signature)
        if not self._computes(signature, certificate):
            raise Refused(Reason.SIGNATURE)

    def validate_signature(
        self, signedtext: str | bytes, cert_file: str, cert_type: str, node_name: str, node_id: str
    ) -> bool:
        """Answer pysaml2: is the element with this name and id signed by the pinned key?"""
        root = parse(signedtext.encode() if isinstance(signedtext, str) else signedtext)
        found = [e for e in root.iter(*_NODE_NAMES) if e.get("ID") == node_id]
        if len(found) != 1 or etree.QName(found[0]).namespace + ":" + etree.QName(found[0]).localname != node_name:
            return False
        signatures = [child for child in found[0] if child.tag == ds("Signature")]
        if len(signatures) != 1:
            return False
        self.verify(signatures[0])
        return True

    def _computes(self, signature: Element, certificate: bytes) -> bool:
        raise NotImplementedError

    def _refuse(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Refused(Reason.SHAPE)

    encrypt = encrypt_assertion = decrypt = sign_statement = _refuse


class InProcess(PinnedBackend):
    """python-xmlsec: about a hundredth of the time that starting a program takes."""

    def _computes(self, signature: Element, certificate: bytes) -> bool:
        # Late, so that a broken installation is a message of the system checks and nothing else.
        import xmlsec

        context = xmlsec.SignatureContext()
        # This node alone: an id that is registered by attribute name could be another element's.
        context.register_id(signature.getparent(), "ID")
        # With the key set, nothing in KeyInfo is looked at.
        context.key = xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertPem)
        try:
            context.verify(signature)
        except xmlsec.Error:
            return False
        return True


class Program(PinnedBackend):
    """The ``xmlsec1`` program.

    Args:
        binary: Its path.
    """

    def __init__(self, marketplace: Marketplace, binary: str) -> None:
        super().__init__(marketplace)
        self._program = CryptoBackendXmlSec1(binary)

    def _computes(self, signature: Element, certificate: bytes) -> bool:
        signed = signature.getparent()
        name = etree.QName(signed)
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:
            file.write(certificate)
            file.flush()
            try:
                return bool(
                    self._program.validate_signature(
                        etree.tostring(signature.getroottree(), encoding="utf-8"),
                        file.name,
                        "pem",
                        f"{name.namespace}:{name.localname}",
                        signed.get("ID"),
                    )
                )
            except XmlsecError:
                return False


def backend_for(marketplace: Marketplace, binary: str | None) -> PinnedBackend:
    """Return what verifies a marketplace's answers: the program where one is configured."""
    return Program(marketplace, binary) if binary else InProcess(marketplace)
