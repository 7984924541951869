"""An identity provider for the tests, as the sandbox's is known to write, that signs whatever it is told to."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import functools
import re
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree

NS = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
SIGNATURES = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "sha256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "sha512": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
}
DIGESTS = {
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"


@dataclass(frozen=True)
class KeyPair:
    key: bytes
    certificate: str
    der: bytes

    @property
    def body(self) -> str:
        return "".join(self.certificate.strip().splitlines()[1:-1])

    def fingerprint(self, algorithm: hashes.HashAlgorithm) -> str:
        digest = x509.load_der_x509_certificate(self.der).fingerprint(algorithm)
        return ":".join(f"{byte:02x}" for byte in digest)


@functools.cache
def key_pair(name: str, bits: int = 2048) -> KeyPair:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    return KeyPair(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        certificate.public_bytes(serialization.Encoding.PEM).decode(),
        certificate.public_bytes(serialization.Encoding.DER),
    )


@dataclass(frozen=True)
class AuthnRequest:
    """What the identity provider reads of a request, in the way it reads it: by patterns."""

    id: str
    issuer: str
    consume_url: str
    url: str
    group_id: str | None

    @classmethod
    def read(cls, location: str) -> AuthnRequest:
        query = urlsplit(location).query
        packed = parse_qs(query)["SAMLRequest"][0]
        text = zlib.decompress(base64.b64decode(packed), -15).decode()
        issuer = re.search(r"<saml:Issuer\s?.*>(.*)</saml:Issuer>", text)
        identifier = re.search(r'ID="([^"]*)"', text)
        address = re.search(r'AssertionConsumerServiceURL="([^"]*)"', text)
        assert issuer
        assert identifier
        assert address
        return cls(
            identifier[1],
            issuer[1],
            address[1],
            location.partition("&")[0],
            parse_qs(query).get("group_id", [None])[0],
        )


def stamp(seconds: float) -> str:
    return (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Idp:
    """Answers requests.

    Attributes:
        algorithm: With which it signs: sha1, sha256, sha512.
        signs: What it signs: Assertion or Response.
        inclusive: PrefixList of its exclusive canonicalisation; none where empty.
    """

    keys: KeyPair
    algorithm: str = "sha256"
    signs: str = "Assertion"
    inclusive: str = ""
    attributes: dict[str, str] = field(default_factory=dict)

    def person(self, **changed: str | None) -> dict[str, str]:
        values: dict[str, str | None] = {
            "mno_uid": "usr-4c1",
            "mno_session": "token-of-the-session",
            "mno_session_recheck": stamp(180),
            "group_uid": "cld-7p2k",
            "group_name": "Pelican Freight",
            "group_email": "office@pelican.example",
            "group_role": "Admin",
            "group_end_free_trial": stamp(86_400),
            "group_has_credit_card": "false",
            "group_currency": "AUD",
            "group_timezone": "Australia/Perth",
            "group_country": "AU",
            "group_city": "Perth",
            "uid": "usr-4c1",
            "virtual_uid": "usr-4c1.cld-7p2k",
            "email": "ines@pelican.example",
            "virtual_email": "usr-4c1.cld-7p2k@mail.hub.example",
            "name": "Ines",
            "surname": "Silva",
            "country": "AU",
            "company_name": "",
            "app_owner": "true",
            "organizations": "{}",
            **self.attributes,
            **changed,
        }
        return {name: value for name, value in values.items() if value is not None}

    def document(self, request: AuthnRequest, person: dict[str, str] | None = None) -> Any:
        """Return an unsigned, otherwise perfect answer as a tree."""
        person = self.person() if person is None else person
        origin = re.match(r"^.*?//.*?/", request.consume_url)
        assert origin
        uid = person.get("mno_uid", "usr-4c1")
        assertion_id = f"_{uuid.uuid4().hex}"
        issuer = request.url
        attributes = "".join(
            f'<saml:Attribute Name="{name}"><saml:AttributeValue>{_escape(value)}'
            "</saml:AttributeValue></saml:Attribute>"
            for name, value in person.items()
        )
        text = (
            f'<samlp:Response xmlns:samlp="{NS["samlp"]}" ID="_{uuid.uuid4().hex}" Version="2.0"'
            f' IssueInstant="{stamp(0)}" Destination="{request.consume_url}"'
            f' Consent="urn:oasis:names:tc:SAML:2.0:consent:unspecified" InResponseTo="{request.id}">'
            f'<saml:Issuer xmlns:saml="{NS["saml"]}">{issuer}</saml:Issuer>'
            f'<samlp:Status><samlp:StatusCode Value="{SUCCESS}"/></samlp:Status>'
            f'<saml:Assertion xmlns:saml="{NS["saml"]}" ID="{assertion_id}" IssueInstant="{stamp(0)}" Version="2.0">'
            f"<saml:Issuer>{issuer}</saml:Issuer>"
            "<saml:Subject>"
            '<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">'
            f"{_escape(uid)}</saml:NameID>"
            f'<saml:SubjectConfirmation Method="{BEARER}">'
            f'<saml:SubjectConfirmationData InResponseTo="{request.id}" NotOnOrAfter="{stamp(180)}"'
            f' Recipient="{request.consume_url}"></saml:SubjectConfirmationData>'
            "</saml:SubjectConfirmation></saml:Subject>"
            f'<saml:Conditions NotBefore="{stamp(-5)}" NotOnOrAfter="{stamp(3600)}">'
            f"<saml:AudienceRestriction><saml:Audience>{origin[0]}</saml:Audience></saml:AudienceRestriction>"
            "</saml:Conditions>"
            f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>"
            f'<saml:AuthnStatement AuthnInstant="{stamp(0)}" SessionIndex="{assertion_id}"><saml:AuthnContext>'
            "<saml:AuthnContextClassRef>urn:federation:authentication:windows</saml:AuthnContextClassRef>"
            "</saml:AuthnContext></saml:AuthnStatement></saml:Assertion></samlp:Response>"
        )
        return etree.fromstring(text)

    def sign(self, root: Any, **options: Any) -> Any:
        """Sign the Assertion (or the Response) of a tree in place; returns the tree."""
        target = root if self.signs == "Response" else find(root, "saml:Assertion")
        sign_element(
            target,
            options.get("keys", self.keys),
            algorithm=options.get("algorithm", self.algorithm),
            inclusive=options.get("inclusive", self.inclusive),
        )
        return root

    def answer(
        self,
        request: AuthnRequest,
        *,
        before: Callable[[Any], Any] | None = None,
        after: Callable[[Any], Any] | None = None,
        **changed: str | None,
    ) -> bytes:
        """Return a signed answer; ``before`` and ``after`` change the tree around the signing."""
        root = self.document(request, self.person(**changed))
        root = (before(root) if before else None) or root if before else root
        self.sign(root)
        result = after(root) if after else None
        if isinstance(result, bytes):
            return result
        return etree.tostring(root if result is None else result)


def sign_element(
    target: Any, keys: KeyPair, *, algorithm: str = "sha256", inclusive: str = "", template: Any = None
) -> None:
    """Sign an element, enveloped, the Signature behind its Issuer."""
    prefixes = f'<ec:InclusiveNamespaces xmlns:ec="{EXCLUSIVE}" PrefixList="{inclusive}"/>' if inclusive else ""
    signature = (
        template
        if template is not None
        else etree.fromstring(
            f'<ds:Signature xmlns:ds="{NS["ds"]}"><ds:SignedInfo>'
            f'<ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
            f'<ds:SignatureMethod Algorithm="{SIGNATURES[algorithm]}"/>'
            f'<ds:Reference URI="#{target.get("ID")}"><ds:Transforms><ds:Transform Algorithm="{ENVELOPED}"/>'
            f'<ds:Transform Algorithm="{EXCLUSIVE}">{prefixes}</ds:Transform></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{DIGESTS[algorithm]}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>'
            f"<ds:SignatureValue/><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{keys.body}</ds:X509Certificate>"
            "</ds:X509Data></ds:KeyInfo></ds:Signature>"
        )
    )
    target.insert(1, signature)
    context = xmlsec.SignatureContext()
    context.register_id(target, "ID")
    context.key = xmlsec.Key.from_memory(keys.key, xmlsec.constants.KeyDataFormatPem)
    context.sign(signature)


def find(root: Any, path: str) -> Any:
    found = root.find(f".//{path.removeprefix('.//')}", NS)
    assert found is not None, path
    return found


def remove(element: Any) -> None:
    element.getparent().remove(element)


def clone(element: Any) -> Any:
    return copy.deepcopy(element)


def pack(document: bytes) -> str:
    return base64.b64encode(document).decode()


def _escape(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;")


__all__ = ["NS", "AuthnRequest", "Idp", "KeyPair", "clone", "find", "key_pair", "pack", "remove", "stamp"]
