"""Answers that must sign nobody on, by name: what is made of a request, and the reason that the log must give.

``None`` as the reason: any will do, as which screen stops it first decides nothing.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Callable
from typing import Any

from lxml import etree

from tests.sso.idp import (
    DIGESTS,
    NS,
    SIGNATURES,
    AuthnRequest,
    Idp,
    clone,
    find,
    key_pair,
    remove,
    sign_element,
    stamp,
)

Case = Callable[[Idp, AuthnRequest], "bytes | str"]
CASES: dict[str, tuple[Case, str | None]] = {}
SAML, DS = f"{{{NS['saml']}}}", f"{{{NS['ds']}}}"


def case(name: str, reason: str | None = None) -> Callable[[Case], Case]:
    def keep(function: Case) -> Case:
        assert name not in CASES
        CASES[name] = (function, reason)
        return function

    return keep


def before(name: str, reason: str | None, change: Callable[[Any], Any]) -> None:
    """The identity provider itself signs a changed answer."""

    def build(idp: Idp, request: AuthnRequest) -> bytes:
        root = idp.document(request)
        change(root)
        return bytes(etree.tostring(idp.sign(root)))

    case(name, reason)(build)


def after(name: str, reason: str | None, change: Callable[[Any], Any]) -> None:
    """A good answer is changed on its way; a change may return another root."""

    def build(idp: Idp, request: AuthnRequest) -> bytes:
        root = idp.sign(idp.document(request))
        other = change(root)
        return bytes(etree.tostring(root if other is None else other))

    case(name, reason)(build)


def raw(name: str, reason: str | None, change: Callable[[bytes], bytes | str]) -> None:
    """The bytes of a good answer are changed on their way."""

    def build(idp: Idp, request: AuthnRequest) -> bytes | str:
        return change(etree.tostring(idp.sign(idp.document(request))))

    case(name, reason)(build)


def setting(path: str, name: str, value: str | None) -> Callable[[Any], None]:
    def change(root: Any) -> None:
        element = root if path == "." else find(root, path)
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return change


def text(path: str, value: str | None) -> Callable[[Any], None]:
    def change(root: Any) -> None:
        find(root, path).text = value

    return change


def without(path: str) -> Callable[[Any], None]:
    return lambda root: remove(find(root, path))


def attribute(root: Any, name: str) -> Any:
    found = root.xpath(f'.//saml:Attribute[@Name="{name}"]/saml:AttributeValue', namespaces=NS)
    assert found
    return found[0]


def evil(assertion: Any) -> Any:
    """A copy of an assertion for somebody else, unsigned."""
    other = clone(assertion)
    other.set("ID", "_evil")
    for signature in other.findall("ds:Signature", NS):
        other.remove(signature)
    find(other, "saml:NameID").text = "usr-evil"
    attribute(other, "uid").text = "usr-evil"
    attribute(other, "mno_uid").text = "usr-evil"
    return other


# Content changed after signing ---------------------------------------------------------------------------------

for _name, _value in (
    ("uid", "usr-evil"),
    ("group_uid", "cld-other"),
    ("group_role", "Super Admin"),
    ("email", "x@y.z"),
):
    after(
        f"tampered {_name}",
        "signature",
        lambda root, n=_name, v=_value: setattr(attribute(root, n), "text", v),
    )
after("tampered NameID", "signature", text(".//saml:NameID", "usr-evil"))
after("tampered audience", "audience", text(".//saml:Audience", "https://evil.example/"))
after("tampered digest value", "signature", text(".//ds:DigestValue", base64.b64encode(b"x" * 32).decode()))
after("tampered signature value", "signature", text(".//ds:SignatureValue", base64.b64encode(b"x" * 256).decode()))
after("empty signature value", "signature-form", text(".//ds:SignatureValue", ""))
after(
    "attribute added",
    None,
    lambda root: find(root, "saml:AttributeStatement").append(clone(find(root, "saml:Attribute"))),
)
after("times extended", "signature", setting("saml:Assertion/saml:Conditions", "NotOnOrAfter", stamp(99_999)))

# No signature, or somebody else's -----------------------------------------------------------------------------

after("unsigned", "unsigned", without(".//ds:Signature"))
after("signature without a value", "signature-form", without(".//ds:SignatureValue"))
after("signature without SignedInfo", "signature-form", without(".//ds:SignedInfo"))


@case("forged key", "signature")
def forged(idp: Idp, request: AuthnRequest) -> bytes:
    forged = key_pair("attacker")
    # The genuine certificate in KeyInfo, another key behind the value.
    root = idp.document(request)
    idp.sign(root, keys=forged)
    find(root, "ds:X509Certificate").text = idp.keys.body
    return bytes(etree.tostring(root))


@case("attacker's certificate in KeyInfo", "signature")
def foreign_certificate(idp: Idp, request: AuthnRequest) -> bytes:
    return bytes(etree.tostring(idp.sign(idp.document(request), keys=key_pair("attacker"))))


@case("attacker's key as KeyValue", "signature")
def key_value(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request), keys=key_pair("attacker"))
    find(root, "ds:X509Data").tag = DS + "KeyName"
    return bytes(etree.tostring(root))


@case("two certificates, the genuine one second", "signature")
def two_certificates(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request), keys=key_pair("attacker"))
    second = etree.SubElement(find(root, "ds:X509Data"), DS + "X509Certificate")
    second.text = idp.keys.body
    return bytes(etree.tostring(root))


@case("retrieval method", "signature-form")
def retrieval(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request))
    etree.SubElement(find(root, "ds:KeyInfo"), DS + "RetrievalMethod").set("URI", "http://127.0.0.1:9/key")
    return bytes(etree.tostring(root))


# Algorithms and the form of the signature ----------------------------------------------------------------------


@case("HMAC with the certificate as its key", "algorithm")
def hmac(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request))
    find(root, "ds:SignatureMethod").set("Algorithm", NS["ds"] + "hmac-sha1")
    return bytes(etree.tostring(root))


for _name, _algorithm in {
    "HMAC-SHA256": "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    "RSA-MD5": "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
    "DSA": NS["ds"] + "dsa-sha1",
    "unknown": "urn:none",
    "empty": "",
    "absent": None,
}.items():
    after(f"signature algorithm {_name}", "algorithm", setting(".//ds:SignatureMethod", "Algorithm", _algorithm))
for _name, _algorithm in {"MD5": "http://www.w3.org/2001/04/xmldsig-more#md5", "unknown": "urn:none"}.items():
    after(f"digest algorithm {_name}", "algorithm", setting(".//ds:DigestMethod", "Algorithm", _algorithm))


def _signed_with(algorithm: str) -> Case:
    return lambda idp, request: bytes(etree.tostring(idp.sign(idp.document(request), algorithm=algorithm)))


case("SHA-1 where it is not allowed", "algorithm")(_signed_with("sha1"))


def signing(change: Callable[[Any], None], reason: str, name: str, **options: Any) -> None:
    """The identity provider's key signs, but with another form of signature."""

    def build(idp: Idp, request: AuthnRequest) -> bytes:
        root = idp.document(request)
        target = find(root, "saml:Assertion")
        template = etree.fromstring(
            f'<ds:Signature xmlns:ds="{NS["ds"]}"><ds:SignedInfo>'
            '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
            f'<ds:SignatureMethod Algorithm="{SIGNATURES["sha256"]}"/>'
            f'<ds:Reference URI="#{target.get("ID")}"><ds:Transforms>'
            f'<ds:Transform Algorithm="{NS["ds"]}enveloped-signature"/>'
            '<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>'
            f'<ds:DigestMethod Algorithm="{DIGESTS["sha256"]}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>'
            f"<ds:SignatureValue/></ds:Signature>"
        )
        change(template)
        sign_element(target, idp.keys, template=template)
        return bytes(etree.tostring(root))

    case(name, reason)(build)


signing(
    setting(".//ds:CanonicalizationMethod", "Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "signature-form",
    "inclusive canonicalisation of SignedInfo",
)
signing(
    lambda t: t.findall(".//ds:Transform", NS)[1].set("Algorithm", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    "signature-form",
    "inclusive canonicalisation as a transform",
)
signing(lambda t: remove(t.findall(".//ds:Transform", NS)[1]), "signature-form", "enveloped transform alone")
signing(
    lambda t: t.findall(".//ds:Transform", NS)[1].set(
        "Algorithm", "http://www.w3.org/2001/10/xml-exc-c14n#WithComments"
    ),
    "signature-form",
    "canonicalisation with comments",
)


@case("whole document by an empty URI", "signature-form")
def empty_uri(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request))
    find(root, "ds:Reference").set("URI", "")
    return bytes(etree.tostring(root))


after("reference without a URI", "signature-form", setting(".//ds:Reference", "URI", None))
after("reference to another id", "signature-form", setting(".//ds:Reference", "URI", "#_other"))
after("reference with XPointer", "signature-form", setting(".//ds:Reference", "URI", "#xpointer(/)"))
after("reference to the network", "signature-form", setting(".//ds:Reference", "URI", "http://127.0.0.1:9/"))
after("reference with a type", "signature-form", setting(".//ds:Reference", "Type", NS["ds"] + "Object"))
after(
    "second reference",
    "signature-form",
    lambda root: find(root, "ds:SignedInfo").append(clone(find(root, "ds:Reference"))),
)
after(
    "third transform",
    "signature-form",
    lambda root: find(root, "ds:Transforms").append(clone(find(root, "ds:Transform"))),
)


@case("XSLT transform", None)
def xslt(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request))
    transform = root.findall(".//ds:Transform", NS)[1]
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
    transform.append(etree.fromstring('<x:stylesheet xmlns:x="http://www.w3.org/1999/XSL/Transform" version="1.0"/>'))
    return bytes(etree.tostring(root))


@case("XPath transform", None)
def xpath(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request))
    transform = root.findall(".//ds:Transform", NS)[1]
    transform.set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    etree.SubElement(transform, DS + "XPath").text = "not(ancestor-or-self::node())"
    return bytes(etree.tostring(root))


@case("eleven prefixes", "signature-form")
def prefixes(idp: Idp, request: AuthnRequest) -> bytes:
    names = " ".join(f"p{n}" for n in range(11))
    return bytes(etree.tostring(idp.sign(idp.document(request), inclusive=names)))


@case("truncated HMAC length", "algorithm")
def truncated(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request))
    etree.SubElement(find(root, "ds:SignatureMethod"), DS + "HMACOutputLength").text = "1"
    return bytes(etree.tostring(root))


# Wrapping: a signed assertion stays somewhere, another is meant to be read -------------------------------------


def wrap(name: str, reason: str | None = None) -> Callable[[Callable[[Any, Any, Any], Any]], None]:
    def keep(change: Callable[[Any, Any, Any], Any]) -> None:
        def build(idp: Idp, request: AuthnRequest) -> bytes:
            root = idp.sign(idp.document(request))
            good = find(root, "saml:Assertion")
            other = change(root, good, evil(good))
            return bytes(etree.tostring(root if other is None else other))

        case(f"wrapped: {name}", reason)(build)

    return keep


@wrap("forged assertion before", "shape")
def wrap_before(root: Any, good: Any, bad: Any) -> None:
    good.addprevious(bad)


@wrap("forged assertion behind", "shape")
def wrap_behind(root: Any, good: Any, bad: Any) -> None:
    good.addnext(bad)


@wrap("signed one inside the forged", "shape")
def wrap_inside(root: Any, good: Any, bad: Any) -> None:
    root.replace(good, bad)
    bad.append(good)


@wrap("forged one inside the signed", "shape")
def wrap_around(root: Any, good: Any, bad: Any) -> None:
    good.append(bad)


@wrap("signed one as Advice", "shape")
def wrap_advice(root: Any, good: Any, bad: Any) -> None:
    root.replace(good, bad)
    advice = etree.Element(SAML + "Advice")
    advice.append(good)
    find(bad, "saml:Conditions").addnext(advice)


@wrap("signed one in an attribute's value", "shape")
def wrap_value(root: Any, good: Any, bad: Any) -> None:
    root.replace(good, bad)
    attribute(bad, "group_city").append(good)


@wrap("signed one in Extensions", "shape")
def wrap_extensions(root: Any, good: Any, bad: Any) -> None:
    root.replace(good, bad)
    extensions = etree.Element(f"{{{NS['samlp']}}}Extensions")
    extensions.append(good)
    find(root, "samlp:Status").addprevious(extensions)


@wrap("signed one in StatusDetail")
def wrap_detail(root: Any, good: Any, bad: Any) -> None:
    root.replace(good, bad)
    etree.SubElement(find(root, "samlp:Status"), f"{{{NS['samlp']}}}StatusDetail").append(good)


@wrap("signed one in the forged one's Signature as Object")
def wrap_object(root: Any, good: Any, bad: Any) -> None:
    root.replace(good, bad)
    signature = find(good, "ds:Signature")
    remove(signature)
    bad.insert(1, signature)
    etree.SubElement(signature, DS + "Object").append(good)


@wrap("signature moved to the forged one")
def wrap_moved(root: Any, good: Any, bad: Any) -> None:
    bad.insert(1, find(good, "ds:Signature"))
    good.addprevious(bad)


@wrap("signature on the forged one, reference to the signed one")
def wrap_moved_alone(root: Any, good: Any, bad: Any) -> None:
    root.replace(good, bad)
    bad.insert(1, find(good, "ds:Signature"))


@wrap("same id", None)
def wrap_same_id(root: Any, good: Any, bad: Any) -> None:
    bad.set("ID", good.get("ID"))
    good.addprevious(bad)


@wrap("same id as Id")
def wrap_other_id(root: Any, good: Any, bad: Any) -> None:
    find(root, "samlp:Status").set("Id", good.get("ID"))


@wrap("same id as xml:id")
def wrap_xml_id(root: Any, good: Any, bad: Any) -> None:
    find(root, "samlp:Status").set("{http://www.w3.org/XML/1998/namespace}id", good.get("ID"))


@wrap("signed Response inside a forged one")
def wrap_response(root: Any, good: Any, bad: Any) -> Any:
    outer = clone(root)
    outer.set("ID", "_outer")
    outer.replace(find(outer, "saml:Assertion"), bad)
    outer.append(root)
    return outer


@wrap("two signatures")
def wrap_two(root: Any, good: Any, bad: Any) -> None:
    root.insert(1, clone(find(good, "ds:Signature")))


@wrap("signature at the Response over the Assertion")
def wrap_detached(root: Any, good: Any, bad: Any) -> None:
    root.insert(1, find(good, "ds:Signature"))


@wrap("signature deep inside")
def wrap_deep(root: Any, good: Any, bad: Any) -> None:
    find(good, "saml:Subject").insert(0, find(good, "ds:Signature"))


@wrap("encrypted assertion beside")
def wrap_encrypted(root: Any, good: Any, bad: Any) -> None:
    etree.SubElement(root, SAML + "EncryptedAssertion")


@wrap("another root")
def wrap_root(root: Any, good: Any, bad: Any) -> Any:
    outer = etree.Element("Envelope")
    outer.append(root)
    return outer


@wrap("assertion alone")
def wrap_alone(root: Any, good: Any, bad: Any) -> Any:
    return good


@case("two signed assertions", "shape")
def two_signed(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request))
    root.append(find(idp.sign(idp.document(request, idp.person(uid="usr-2", mno_uid="usr-2"))), "saml:Assertion"))
    return bytes(etree.tostring(root))


@case("both signed, the Assertion and the Response", "shape")
def both_signed(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.sign(idp.document(request))
    sign_element(root, idp.keys)
    return bytes(etree.tostring(root))


@case("no assertion", None)
def no_assertion(idp: Idp, request: AuthnRequest) -> bytes:
    root = idp.document(request)
    remove(find(root, "saml:Assertion"))
    sign_element(root, idp.keys)
    return bytes(etree.tostring(root))


# Wrong or absent, although the identity provider signed it -----------------------------------------------------

_DATA = ".//saml:SubjectConfirmationData"
_ASSERTION = "saml:Assertion"
for _name, _path, _attribute, _wrong, _reason in (
    ("status", "samlp:Status/samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder", "status"),
    ("version of the response", ".", "Version", "1.1", "version"),
    ("version of the assertion", _ASSERTION, "Version", "2.1", "version"),
    ("destination", ".", "Destination", "https://other.example/consume", "destination"),
    ("InResponseTo of the response", ".", "InResponseTo", "_another", "unknown-request"),
    ("InResponseTo of the assertion", _DATA, "InResponseTo", "_another", "in-response-to"),
    ("recipient", _DATA, "Recipient", "https://other.example/consume", "recipient"),
    ("end of the confirmation", _DATA, "NotOnOrAfter", stamp(-3600), None),
    ("beginning of the conditions", ".//saml:Conditions", "NotBefore", stamp(3600), None),
    ("end of the conditions", ".//saml:Conditions", "NotOnOrAfter", stamp(-3600), None),
    ("confirmation method", ".//saml:SubjectConfirmation", "Method", "urn:x:holder-of-key", "subject"),
    ("instant of the response", ".", "IssueInstant", stamp(-200_000), None),
    ("instant of the assertion", _ASSERTION, "IssueInstant", "yesterday", None),
):
    before(f"wrong {_name}", _reason, setting(_path, _attribute, _wrong))
    before(f"empty {_name}", None, setting(_path, _attribute, ""))
    before(f"absent {_name}", None, setting(_path, _attribute, None))
    if _reason in ("destination", "recipient"):
        before(f"prefix of {_name}", _reason, setting(_path, _attribute, "https://books.example/"))
        before(
            f"{_name} with a space",
            _reason,
            setting(_path, _attribute, "https://books.example/maestrano/auth/saml/consume "),
        )

before("times that are no times", None, setting(".//saml:Conditions", "NotOnOrAfter", "9999"))
before("year 10000", None, setting(".//saml:Conditions", "NotOnOrAfter", "10000-01-01T00:00:00Z"))
before("confirmation with NotBefore", "times", setting(_DATA, "NotBefore", stamp(-5)))
before("session that has ended", None, setting(".//saml:AuthnStatement", "SessionNotOnOrAfter", stamp(-3600)))

for _path, _name in (
    ("saml:Issuer", "issuer of the response"),
    (f"{_ASSERTION}/saml:Issuer", "issuer of the assertion"),
):

    def _issuer(value: str | None, path: str = _path) -> Callable[[Any], None]:
        def change(root: Any) -> None:
            root.find(path, NS).text = value

        return change

    before(f"wrong {_name}", "issuer", _issuer("https://evil.example/api/v1/auth/saml"))
    before(f"{_name} of another request", "issuer", _issuer("https://api-hub.example/api/v1/auth/saml?SAMLRequest=x"))
    before(f"{_name} with more behind", "issuer", _issuer("https://api-hub.example/api/v1/auth/saml/x"))
    before(f"{_name} with other parameters", "issuer", _issuer("https://api-hub.example/api/v1/auth/saml?x=1"))
    before(f"empty {_name}", "issuer", _issuer(None))
    before(f"absent {_name}", "shape", lambda root, p=_path: root.find(p, NS).getparent().remove(root.find(p, NS)))

before("wrong audience", "audience", text(".//saml:Audience", "https://other.example/"))
before("audience without its slash", "audience", text(".//saml:Audience", "https://books.example"))
before("empty audience", "audience", text(".//saml:Audience", None))
before("absent audience", "shape", without(".//saml:Audience"))
before("absent audience restriction", "shape", without(".//saml:AudienceRestriction"))
before(
    "second audience",
    "shape",
    lambda root: find(root, "saml:AudienceRestriction").append(clone(find(root, "saml:Audience"))),
)
before(
    "second audience restriction",
    "shape",
    lambda root: find(root, "saml:Conditions").append(clone(find(root, "saml:AudienceRestriction"))),
)
for _path in (
    "samlp:Status",
    "saml:Assertion",
    ".//saml:Subject",
    ".//saml:NameID",
    ".//saml:SubjectConfirmation",
    ".//saml:SubjectConfirmationData",
    ".//saml:Conditions",
    ".//saml:AuthnStatement",
    ".//saml:AttributeStatement",
):
    after(f"absent {_path.rpartition(':')[2]}", None, without(_path))
    if _path != "saml:Assertion":
        before(f"signed without {_path.rpartition(':')[2]}", None, without(_path))
before("status without a code", "status", without(".//samlp:StatusCode"))
before("empty NameID", "subject", text(".//saml:NameID", None))
before("blank NameID", "subject", text(".//saml:NameID", "  "))
before(
    "second confirmation",
    "shape",
    lambda root: find(root, "saml:SubjectConfirmation").addnext(clone(find(root, "saml:SubjectConfirmation"))),
)
before("unknown condition", "shape", lambda root: etree.SubElement(find(root, "saml:Conditions"), SAML + "Condition"))
before("response without an id", None, setting(".", "ID", None))

# Identities that do not agree, or that a user's own text has smuggled in ---------------------------------------

before("uid is not the subject", "identity", lambda root: setattr(attribute(root, "uid"), "text", "usr-other"))
before("no group", "identity", lambda root: setattr(attribute(root, "group_uid"), "text", ""))
before("group id with a slash", "identity", lambda root: setattr(attribute(root, "group_uid"), "text", "cld/../x"))
before(
    "group id with a line break", "identity", lambda root: setattr(attribute(root, "group_uid"), "text", "cld-1\ncld-2")
)
before("group id of 151 characters", "identity", lambda root: setattr(attribute(root, "group_uid"), "text", "c" * 151))


def smuggled(root: Any) -> None:
    attribute(root, "company_name").text = "x"
    extra = clone(attribute(root, "group_uid").getparent())
    extra[0].text = "cld-evil"
    attribute(root, "company_name").getparent().addnext(extra)


before("smuggled second group_uid", "attributes", smuggled)
before(
    "second value of group_uid",
    "attributes",
    lambda root: attribute(root, "group_uid").addnext(clone(attribute(root, "group_uid"))),
)
before("attribute without a value", "attributes", lambda root: remove(attribute(root, "group_city")))
before("attribute without a name", "attributes", lambda root: attribute(root, "group_city").getparent().set("Name", ""))
before("element in a value", "shape", lambda root: etree.SubElement(attribute(root, "group_city"), "b"))

# Bytes --------------------------------------------------------------------------------------------------------

raw("comment in a value", "markup", lambda d: d.replace(b">usr-4c1<", b">usr-4c1<!-- -->.evil<", 1))
raw("comment in the subject", "markup", lambda d: re.sub(rb"(persistent\">)usr-", rb"\1us<!-- -->r-", d))
raw("comment at the end", "markup", lambda d: d + b"<!-- -->")
raw("processing instruction", "markup", lambda d: b"<?x y?>" + d)
raw("instruction behind the declaration", "markup", lambda d: b'<?xml version="1.0"?><?x y?>' + d)
raw("CDATA", "markup", lambda d: d.replace(b">Perth<", b"><![CDATA[Perth]]><"))
raw("DTD", "markup", lambda d: b"<!DOCTYPE x>" + d)
raw("entity", "markup", lambda d: b'<!DOCTYPE x [<!ENTITY e "usr-evil">]>' + d.replace(b">usr-4c1<", b">&e;<"))
raw(
    "external entity",
    "markup",
    lambda d: b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + d.replace(b">Perth<", b">&e;<"),
)
raw(
    "billion laughs",
    "markup",
    lambda d: (
        b"<!DOCTYPE x ["
        + b"".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "ha"}">'.encode() for n in range(10))
        + b"]>"
        + d.replace(b">Perth<", b">&e9;<")
    ),
)
raw("undeclared entity", "not-xml", lambda d: d.replace(b">Perth<", b">&perth;<"))
raw("DTD for default attributes", "markup", lambda d: b'<!DOCTYPE x [<!ATTLIST saml:Assertion ID CDATA "_evil">]>' + d)
raw("id attribute declared", "markup", lambda d: b"<!DOCTYPE x [<!ATTLIST samlp:Status Id ID #IMPLIED>]>" + d)
raw("not XML", "not-xml", lambda d: d[: len(d) // 2])
raw("empty document", "encoding", lambda d: "")
raw("text", "encoding", lambda d: b"hello")
raw("UTF-16", "encoding", lambda d: d.decode().encode("utf-16"))
raw("UTF-16 without a mark", "encoding", lambda d: d.decode().encode("utf-16-be"))
raw("UTF-7 declared", "encoding", lambda d: b'<?xml version="1.0" encoding="UTF-7"?>' + d)
raw("Latin-1 declared", "encoding", lambda d: b"<?xml version='1.0' encoding = 'ISO-8859-1'?>" + d)
raw("byte order mark", "encoding", lambda d: b"\xef\xbb\xbf" + d)
raw("bad UTF-8", "encoding", lambda d: d.replace(b">Perth<", b">P\xe9rth<"))
raw("NUL", "not-xml", lambda d: d.replace(b">Perth<", b">Pe\0rth<"))
raw("leading space", "encoding", lambda d: b" " + d)
raw("deflated", "encoding", lambda d: zlib.compress(d)[2:-4])
raw("deflated bomb", "encoding", lambda d: zlib.compress(b"<" + b" " * 20_000_000)[2:-4])
raw("base64 with strange characters", "encoding", lambda d: base64.b64encode(d).decode() + "!")
raw(
    "base64 without its end",
    "encoding",
    lambda d: base64.b64encode(d + b" " * (-(len(d) + 2) % 3)).decode().rstrip("="),
)
raw(
    "base64 of the other alphabet",
    None,
    lambda d: base64.urlsafe_b64encode(d.replace(b">Perth<", ">ü?>ü?>ü?ßßßßßÿÿÿÿ~~~<".encode())).decode(),
)
raw("base64 beyond ASCII", "encoding", lambda d: "é" * 20)
raw("too long", "body", lambda d: d + b" " * 70_000)
raw("much too long", "body", lambda d: d + b" " * 200_000)
raw("a thousand elements", "too-complex", lambda d: d.replace(b"<saml:Subject>", b"<b/>" * 1500 + b"<saml:Subject>"))
raw("ten thousand levels", None, lambda d: b"<b>" * 8_000 + b"</b>" * 8_000)
raw(
    "a thousand prefixes",
    "too-complex",
    lambda d: d.replace(
        b"<saml:Subject>",
        b"<saml:Subject " + b" ".join(f'xmlns:p{n}="urn:x:{n}"'.encode() for n in range(1000)) + b">",
    ),
)
raw(
    "many attributes",
    None,
    lambda d: d.replace(
        b"<saml:Subject>", b"<saml:Subject " + b" ".join(f'a{n}="{n}"'.encode() for n in range(4000)) + b">"
    ),
)
raw("a prefix that is not declared", "not-xml", lambda d: d.replace(b"<saml:Subject>", b"<zz:x/><saml:Subject>"))
raw("two documents", "not-xml", lambda d: d + d)
