"""Fourth step: the one Signature, its form first, then its value, with the pinned key alone.

Enveloped over its own parent, exclusive canonicalisation, one reference, algorithms from the list below: nothing
of XML Signature that this does not need is let through to the library that computes it.
"""

from __future__ import annotations

from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.saml.names import DS, ENVELOPED, EXCLUSIVE, Element, ds

__all__ = ["check_form"]

_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_ENC = "http://www.w3.org/2001/04/xmlenc#"
SIGNATURES = frozenset({_MORE + "rsa-sha256", _MORE + "rsa-sha384", _MORE + "rsa-sha512"})
DIGESTS = frozenset({_ENC + "sha256", _MORE + "sha384", _ENC + "sha512"})
SIGNATURE_SHA1 = DS + "rsa-sha1"
DIGEST_SHA1 = DS + "sha1"

# Long prefix lists cost seconds before the signature is known to be wrong.
MAX_PREFIXES = 10
_PREFIX_LIST = f"{{{EXCLUSIVE}}}InclusiveNamespaces"


def check_form(signature: Element, *, allow_sha1: bool) -> None:
    """Check that a Signature is nothing but an enveloped signature over its own parent.

    Args:
        signature: The document's only Signature.
        allow_sha1: Take RSA-SHA1 and SHA-1 digests too.

    Raises:
        Refused: Its form or one of its algorithms is not allowed.
    """
    info, value, *rest = _children(signature, "SignedInfo", "SignatureValue", "KeyInfo?")
    if not (value.text or "").strip() or any(len(element) for element in (value,)):
        raise Refused(Reason.SIGNATURE_FORM)
    for key_info in rest:
        _key_info(key_info)
    method, algorithm, reference = _children(info, "CanonicalizationMethod", "SignatureMethod", "Reference")
    _exclusive(method)
    _algorithm(algorithm, SIGNATURES | ({SIGNATURE_SHA1} if allow_sha1 else set()))
    identifier = signature.getparent().get("ID")
    if not identifier or reference.get("URI") != f"#{identifier}" or set(reference.attrib) - {"URI", "Id"}:
        raise Refused(Reason.SIGNATURE_FORM)
    transforms, digest, digest_value = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    if len(digest_value):
        raise Refused(Reason.SIGNATURE_FORM)
    _algorithm(digest, DIGESTS | ({DIGEST_SHA1} if allow_sha1 else set()))
    enveloped, exclusive = _children(transforms, "Transform", "Transform")
    if enveloped.get("Algorithm") != ENVELOPED or len(enveloped):
        raise Refused(Reason.SIGNATURE_FORM)
    _exclusive(exclusive)


def _exclusive(element: Element) -> None:
    if element.get("Algorithm") != EXCLUSIVE or len(element) > 1:
        raise Refused(Reason.SIGNATURE_FORM)
    for child in element:
        prefixes = (child.get("PrefixList") or "").split()
        if child.tag != _PREFIX_LIST or len(child) or len(prefixes) > MAX_PREFIXES:
            raise Refused(Reason.SIGNATURE_FORM)


def _algorithm(element: Element, allowed: frozenset[str] | set[str]) -> None:
    # A child would be a parameter, such as a truncated length.
    if element.get("Algorithm") not in allowed or len(element):
        raise Refused(Reason.ALGORITHM)


def _key_info(element: Element) -> None:
    for child in element.iter():
        if child.tag == ds("RetrievalMethod"):
            raise Refused(Reason.SIGNATURE_FORM)


def _children(element: Element, *pattern: str) -> list[Element]:
    left = list(element)
    found: list[Element] = []
    for entry in pattern:
        if left and left[0].tag == ds(entry.rstrip("?")):
            found.append(left.pop(0))
        elif not entry.endswith("?"):
            raise Refused(Reason.SIGNATURE_FORM)
    if left:
        raise Refused(Reason.SIGNATURE_FORM)
    return found
