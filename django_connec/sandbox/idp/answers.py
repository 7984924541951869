"""The Response of a sign-on: pysaml2 writes it, python-xmlsec signs the assertion in this process."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from urllib.parse import urlsplit

import xmlsec
from lxml import etree
from saml2 import saml, samlp, xmldsig
from saml2.s_utils import factory
from saml2.sigver import pre_signature_part

from django_connec.sandbox.idp.keys import KeyPair
from django_connec.sandbox.idp.requests import SignOnRequest
from django_connec.sandbox.idp.style import AnswerStyle
from django_connec.sandbox.times import stamp

__all__ = ["make_response"]

ALGORITHMS: dict[str, tuple[str, str]] = {
    "sha1": (xmldsig.SIG_RSA_SHA1, xmldsig.DIGEST_SHA1),
    "sha256": (xmldsig.SIG_RSA_SHA256, xmldsig.DIGEST_SHA256),
}
CONTEXT_CLASS = "urn:federation:authentication:windows"
CONSENT = "urn:oasis:names:tc:SAML:2.0:consent:unspecified"
PREFIXES = {"samlp": samlp.NAMESPACE, "saml": saml.NAMESPACE, "ds": xmldsig.NAMESPACE}
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

# Maestrano SDK, response: seconds before and after the moment at which it is made.
NOT_BEFORE, VALID, CONFIRMED = -5, 3600, 180


def make_response(
    request: SignOnRequest,
    name_id: str,
    attributes: Mapping[str, str],
    *,
    keys: KeyPair,
    style: AnswerStyle,
    now: dt.datetime,
) -> bytes:
    """Return the XML of a Response to a request.

    Args:
        name_id: Uid of the real user.
        attributes: The assertion's, in this order.
        now: Aware.
    """
    issued, assertion_id = stamp(now), f"_{uuid.uuid4()}"
    issuer = style.issuer or request.address.partition("&")[0]
    origin = urlsplit(request.consume_url)
    signature, digest = ALGORITHMS[style.algorithm]
    assertion = factory(
        saml.Assertion,
        id=assertion_id,
        version="2.0",
        issue_instant=issued,
        issuer=saml.Issuer(text=issuer),
        signature=pre_signature_part(assertion_id, keys.certificate_body, digest_alg=digest, sign_alg=signature),
        subject=saml.Subject(
            name_id=saml.NameID(format=saml.NAMEID_FORMAT_PERSISTENT, text=name_id),
            subject_confirmation=[
                saml.SubjectConfirmation(
                    method=BEARER,
                    subject_confirmation_data=saml.SubjectConfirmationData(
                        in_response_to=request.id, not_on_or_after=_later(now, CONFIRMED), recipient=request.consume_url
                    ),
                )
            ],
        ),
        conditions=saml.Conditions(
            not_before=_later(now, NOT_BEFORE),
            not_on_or_after=_later(now, VALID),
            audience_restriction=[
                saml.AudienceRestriction(
                    audience=[saml.Audience(text=style.audience or f"{origin.scheme}://{origin.netloc}/")]
                )
            ],
        ),
        authn_statement=[
            saml.AuthnStatement(
                authn_instant=issued,
                session_index=assertion_id,
                authn_context=saml.AuthnContext(authn_context_class_ref=saml.AuthnContextClassRef(text=CONTEXT_CLASS)),
            )
        ],
        attribute_statement=[
            saml.AttributeStatement(attribute=[_attribute(name, text) for name, text in attributes.items()])
        ],
    )
    response = samlp.Response(
        id=f"_{uuid.uuid4()}",
        version="2.0",
        issue_instant=issued,
        destination=request.consume_url,
        consent=CONSENT,
        in_response_to=request.id,
        issuer=saml.Issuer(text=issuer),
        status=samlp.Status(status_code=samlp.StatusCode(value=samlp.STATUS_SUCCESS)),
        assertion=[assertion],
    )
    return _signed(response.to_string(PREFIXES), keys)


def _signed(xml: bytes, keys: KeyPair) -> bytes:
    document = etree.fromstring(xml)
    (assertion,) = document.findall(f"{{{saml.NAMESPACE}}}Assertion")
    (signature,) = assertion.findall(f"{{{xmldsig.NAMESPACE}}}Signature")
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(keys.private_key.encode(), xmlsec.constants.KeyDataFormatPem)
    context.register_id(assertion, "ID")
    context.sign(signature)
    return bytes(etree.tostring(document))


def _attribute(name: str, text: str) -> saml.Attribute:
    value = saml.AttributeValue(text=text)
    # pysaml2 would add a type, a format, and say of an empty text that there is none.
    value.extension_attributes = {}
    attribute = saml.Attribute(name=name, attribute_value=[value])
    attribute.name_format = None
    return attribute


def _later(moment: dt.datetime, seconds: int) -> str:
    return stamp(moment + dt.timedelta(seconds=seconds))
