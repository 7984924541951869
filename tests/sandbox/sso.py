"""The other side of a sign-on, as the SDKs have it: requests to send, and answers taken apart."""

from __future__ import annotations

import base64
import zlib
from typing import Any
from urllib.parse import quote, quote_plus

from lxml import etree

ACS = "http://127.0.0.1:8000/maestrano/auth/saml/consume/default"
IDP = "http://127.0.0.1:8765/api/v1/auth/saml"
NS = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
SAMLP, SAML = f'xmlns:samlp="{NS["samlp"]}"', f'xmlns:saml="{NS["saml"]}"'
POST = 'ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"'
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
FORMAT = "urn:oasis:names:tc:SAML:2.0:nameid-format"

#: The page's own example, and what each SDK's XML writer makes of it, character by character.
REQUESTS = {
    "reference": (
        f'<samlp:AuthnRequest {SAMLP} ID="{{id}}" Version="2.0"\n  IssueInstant="{{at}}" Destination="{IDP}" '
        f'AssertionConsumerServiceURL="{{acs}}">\n  <saml:Issuer {SAML}>{{issuer}}</saml:Issuer>\n'
        f'  <samlp:NameIDPolicy AllowCreate="true" Format="{FORMAT}:persistent"/>\n</samlp:AuthnRequest>'
    ),
    # REXML: single quotes, attributes in the order of their names, no line breaks.
    "ruby": (
        f"<samlp:AuthnRequest AssertionConsumerServiceURL='{{acs}}' Destination='{IDP}' ID='{{id}}' "
        f"IssueInstant='{{at}}' Version='2.0' xmlns:samlp='{NS['samlp']}'><saml:Issuer xmlns:saml='{NS['saml']}'>"
        f"{{issuer}}</saml:Issuer><samlp:NameIDPolicy AllowCreate='true' Format='{FORMAT}:persistent' "
        f"xmlns:samlp='{NS['samlp']}'/></samlp:AuthnRequest>"
    ),
    "php": (
        f'<samlp:AuthnRequest\n    {SAMLP}\n    {SAML}\n    ID="{{id}}"\n    Version="2.0"\n    IssueInstant="{{at}}"\n'
        f'    {POST}\n    AssertionConsumerServiceURL="{{acs}}">\n    <saml:Issuer>{{issuer}}</saml:Issuer>\n'
        '    <samlp:NameIDPolicy\n        Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"\n'
        '        AllowCreate="true"></samlp:NameIDPolicy>\n    <samlp:RequestedAuthnContext Comparison="exact">\n'
        f"        <saml:AuthnContextClassRef>{PASSWORD}</saml:AuthnContextClassRef>\n"
        "    </samlp:RequestedAuthnContext>\n</samlp:AuthnRequest>"
    ),
    # The context is not inside what it belongs to.
    "java": (
        f'<samlp:AuthnRequest {SAMLP} ID="{{id}}" Version="2.0" IssueInstant="2018-03-01T4:05:06+0000" {POST} '
        f'AssertionConsumerServiceURL="{{acs}}"><saml:Issuer {SAML}>{{issuer}}</saml:Issuer>'
        f'<samlp:NameIDPolicy Format="{FORMAT}:unspecified" AllowCreate="true"></samlp:NameIDPolicy>'
        '<samlp:RequestedAuthnContext Comparison="exact"></samlp:RequestedAuthnContext>'
        f"<saml:AuthnContextClassRef {SAML}>{PASSWORD}</saml:AuthnContextClassRef></samlp:AuthnRequest>"
    ),
    "python": (
        f'<samlp:AuthnRequest {SAMLP} AssertionConsumerServiceURL="{{acs}}" ID="{{id}}" '
        f'IssueInstant="2018-03-01T04:05:06" {POST} Version="2.0"><saml:Issuer {SAML}>{{issuer}}</saml:Issuer>'
        f'<samlp:NameIDPolicy AllowCreate="true" Format="{FORMAT}:persistent"/>'
        '<samlp:RequestedAuthnContext Comparison="exact">'
        f"<saml:AuthnContextClassRef {SAML}>{PASSWORD}</saml:AuthnContextClassRef>"
        "</samlp:RequestedAuthnContext></samlp:AuthnRequest>"
    ),
}
# Its format is lost on the way.
REQUESTS["bundle"] = REQUESTS["php"].replace("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress", "")


def authn_request(issuer: str, kind: str = "reference", id: str = "_5f0c", acs: str = ACS) -> str:
    """The forms that the SDKs send (Maestrano SDK, A3)."""
    return REQUESTS[kind].format(issuer=issuer, id=id, acs=acs, at="2018-03-01T04:05:06Z")


def packed(xml: str) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(deflater.compress(xml.encode()) + deflater.flush()).decode()


def packed_as(kind: str, xml: str) -> str:
    """What stands behind ``SAMLRequest=``, escaped: Ruby's encoder breaks lines after 60 characters."""
    text = packed(xml)
    if kind == "ruby":
        text = "".join(f"{text[at : at + 60]}\n" for at in range(0, len(text), 60))
    return quote_plus(text)


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
