"""Second screen: shape. One Response, one Assertion, one Signature, each where the schema puts it.

Every way of wrapping a signed assertion into an unsigned document needs an element that has no place here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django_connec.sso.refusal import Reason, Refused
from django_connec.sso.saml.names import DS, Element, ds, saml, samlp

__all__ = ["Answer", "screen"]

ID_ATTRIBUTES = ("ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id")

_OPTIONAL = "?"


@dataclass(frozen=True, slots=True)
class Answer:
    """The parts of a document whose shape is sound. Nothing of it is verified yet.

    Attributes:
        response: The root.
        assertion: Its one Assertion.
        signature: The one Signature, a direct child of ``signed``.
        signed: The Assertion, or the Response where that is what the marketplace signs.
        attributes: Values by attribute name, each with exactly one.
    """

    response: Element
    assertion: Element
    signature: Element
    signed: Element
    attributes: dict[str, str]

    def subject(self, name: str) -> Element:
        """Return an element of the Subject by its name: ``NameID`` or ``SubjectConfirmation``."""
        return self.assertion.find(f"{saml('Subject')}/{saml(name)}")

    @property
    def confirmation(self) -> Element:
        """The SubjectConfirmationData."""
        return self.subject("SubjectConfirmation")[0]

    @property
    def conditions(self) -> Element:
        """The Conditions."""
        return self.assertion.find(saml("Conditions"))


def screen(root: Element) -> Answer:
    """Check a parsed document's shape.

    Raises:
        Refused: An element is missing, too many or out of place, an id or an attribute name is used twice, or an
            attribute has no or several values.
    """
    _ids_are_unique(root)
    signatures = list(root.iter(ds("Signature")))
    if not signatures:
        raise Refused(Reason.UNSIGNED)
    if len(signatures) > 1:
        raise Refused(Reason.SHAPE)
    signature = signatures[0]
    if root.tag != samlp("Response"):
        raise Refused(Reason.SHAPE)
    issuer, *_, status, assertion = _children(
        root, saml("Issuer"), _OPTIONAL + ds("Signature"), samlp("Status"), saml("Assertion")
    )
    _children(issuer)
    if not len(status):
        raise Refused(Reason.STATUS)
    statement = _assertion(assertion)
    signed = signature.getparent()
    if signed is not root and signed is not assertion:
        raise Refused(Reason.SHAPE)
    _foreign_namespaces(root, signature)
    return Answer(root, assertion, signature, signed, _attributes(statement))


def _assertion(assertion: Element) -> Element:
    """Check an Assertion; returns its AttributeStatement."""
    tags = [child.tag for child in assertion]
    # The two statements are a choice in the schema: either may come first.
    statements = (saml("AuthnStatement"), saml("AttributeStatement"))
    if tags[-1:] == [saml("AuthnStatement")]:
        statements = (statements[1], statements[0])
    issuer, *_, subject, conditions, one, other = _children(
        assertion, saml("Issuer"), _OPTIONAL + ds("Signature"), saml("Subject"), saml("Conditions"), *statements
    )
    name_id, confirmation = _children(subject, saml("NameID"), saml("SubjectConfirmation"))
    (data,) = _children(confirmation, saml("SubjectConfirmationData"))
    restriction, *_ = _children(conditions, saml("AudienceRestriction"), _OPTIONAL + saml("OneTimeUse"))
    (audience,) = _children(restriction, saml("Audience"))
    for leaf in (issuer, name_id, data, audience):
        _children(leaf)
    return one if one.tag == saml("AttributeStatement") else other


def _attributes(statement: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for attribute in statement:
        if attribute.tag != saml("Attribute"):
            raise Refused(Reason.SHAPE)
        name = attribute.get("Name") or ""
        # The identity provider may not escape values: a user's own text could bring a second, signed group_uid.
        if not name or name in found or len(attribute) != 1 or attribute[0].tag != saml("AttributeValue"):
            raise Refused(Reason.ATTRIBUTES)
        _children(attribute[0])
        found[name] = (attribute[0].text or "").strip()
    return found


def _children(element: Element, *pattern: str) -> list[Element]:
    """Return an element's children, which must have these tags in this order; some may be missing."""
    left = list(element)
    found: list[Element] = []
    for entry in pattern:
        if left and left[0].tag == entry.removeprefix(_OPTIONAL):
            found.append(left.pop(0))
        elif not entry.startswith(_OPTIONAL):
            raise Refused(Reason.SHAPE)
    if left:
        raise Refused(Reason.SHAPE)
    return found


def _foreign_namespaces(root: Element, signature: Element) -> None:
    """Inside the Signature everything is XML Signature's, outside nothing is."""
    inside = set(signature.iter())
    for element in root.iter():
        if (element in inside) != (element.tag.startswith(f"{{{DS}}}") or _is_prefix_list(element)):
            raise Refused(Reason.SHAPE)


def _is_prefix_list(element: Element) -> bool:
    return bool(element.tag == "{http://www.w3.org/2001/10/xml-exc-c14n#}InclusiveNamespaces")


def _ids_are_unique(root: Element) -> None:
    seen: set[str] = set()
    for value in _ids(root):
        if value in seen:
            raise Refused(Reason.DUPLICATE_ID)
        seen.add(value)


def _ids(root: Element) -> Iterator[str]:
    for element in root.iter():
        for name in ID_ATTRIBUTES:
            value = element.get(name)
            if value is not None:
                yield value
