"""The other side of a sign-on, as the SDKs have it: requests to send, and answers taken apart."""

from __future__ import annotations

import base64
import zlib
from typing import Any
from urllib.parse import quote

from lxml import etree

ACS = "http://127.0.0.1:8000/maestrano/auth/saml/consume/default"
IDP = "http://127.0.0.1:8765/api/v1/auth/saml"
NS = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
SAMLP, SAML = f'xmlns:samlp="{NS["samlp"]}"', f'xmlns:saml="{NS["saml"]}"'
CONTEXT = (
    '<samlp:RequestedAuthnContext Comparison="exact"><saml:AuthnContextClassRef '
    f"{SAML}>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>"
    "</samlp:RequestedAuthnContext>"
)


def authn_request(issuer: str, kind: str = "ruby", id: str = "_5f0c", acs: str = ACS) -> str:
    """The forms that the SDKs send (Maestrano SDK, A3)."""
    destination = f' Destination="{IDP}"' if kind == "ruby" else ""
    binding = "" if kind == "ruby" else ' ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"'
    formats = {
        "ruby": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        "php": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
        "java": "urn:oasis:names:tc:SAML:2.0:nameid-format:unspecified",
        "bundle": "",
    }
    return (
        f'<samlp:AuthnRequest {SAMLP} ID="{id}" Version="2.0" IssueInstant="2018-03-01T04:05:06Z"'
        f'{destination}{binding} AssertionConsumerServiceURL="{acs}">\n  <saml:Issuer {SAML}>{issuer}</saml:Issuer>\n'
        f'<samlp:NameIDPolicy AllowCreate="true" Format="{formats[kind]}"/>'
        f"{'' if kind == 'ruby' else CONTEXT}</samlp:AuthnRequest>"
    )


def packed(xml: str) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(deflater.compress(xml.encode()) + deflater.flush()).decode()


def address(xml: str, at: str = IDP, **parameters: str) -> str:
    more = "".join(f"&{name}={quote(value, safe='')}" for name, value in parameters.items())
    return f"{at}?SAMLRequest={quote(packed(xml), safe='')}{more}"


def opened(fields: dict[str, str]) -> Any:
    return etree.fromstring(base64.b64decode(fields["SAMLResponse"], validate=True))


def said(document: Any) -> dict[str, str]:
    """The attributes of an answer."""
    return {
        attribute.get("Name"): attribute.findtext("saml:AttributeValue", namespaces=NS)
        for attribute in document.iterfind(".//saml:Attribute", NS)
    }
