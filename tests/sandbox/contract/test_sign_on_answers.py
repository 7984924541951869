"""The form of the identity provider's answers (Maestrano SDK, sections A2 and A4)."""

from __future__ import annotations

import base64
import datetime as dt

import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from lxml import etree
from saml2.xml.schema import validate

from django_connec.sandbox import AnswerStyle, SandboxHub
from tests.sandbox.helpers import APP, GROUP
from tests.sandbox.sso import ACS, NS, address, authn_request, opened, said


@pytest.fixture
def document(hub, ines):
    return opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)


def one(document, path):
    found = document.xpath(path, namespaces=NS)
    assert len(found) == 1, path
    return found[0]


def verify(hub, document):
    """Verify the assertion's signature with the certificate that the application was given."""
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(hub.idp.certificate.encode(), xmlsec.constants.KeyDataFormatCertPem)
    context.register_id(one(document, "saml:Assertion"), "ID")
    context.verify(one(document, "//ds:Signature"))


def test_answer_is_valid_by_the_schema(document):
    """Maestrano SDK, section A4: the Ruby SDK checks saml20protocol_schema.xsd."""
    validate(etree.tostring(document).decode())


def test_response_names_what_it_answers(document):
    """Maestrano SDK, section A4: Destination and InResponseTo set, Consent unspecified; Status Success."""
    assert (document.get("Destination"), document.get("InResponseTo")) == (ACS, "_5f0c")
    assert document.get("Version") == "2.0"
    assert document.get("Consent") == "urn:oasis:names:tc:SAML:2.0:consent:unspecified"
    assert one(document, "samlp:Status/samlp:StatusCode/@Value") == "urn:oasis:names:tc:SAML:2.0:status:Success"


def test_name_is_the_real_uid(document):
    """Maestrano SDK, section A4: NameID persistent = real usr-x."""
    name = one(document, "saml:Assertion/saml:Subject/saml:NameID")
    assert (name.text, name.get("Format")) == ("usr-1", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")


def test_subject_is_confirmed_for_three_minutes(document):
    """Maestrano SDK, section A4: bearer SubjectConfirmation NotOnOrAfter +3 min, Recipient = ACS."""
    bearer = one(document, ".//saml:SubjectConfirmation[@Method='urn:oasis:names:tc:SAML:2.0:cm:bearer']")
    assert dict(bearer[0].attrib) == {
        "InResponseTo": "_5f0c",
        "Recipient": ACS,
        "NotOnOrAfter": "2018-03-01T04:08:06Z",
    }


def test_conditions_hold_for_an_hour(document):
    """Maestrano SDK, section A4: Conditions -5 s … +60 min."""
    conditions = one(document, ".//saml:Conditions")
    assert dict(conditions.attrib) == {"NotBefore": "2018-03-01T04:05:01Z", "NotOnOrAfter": "2018-03-01T05:05:06Z"}


def test_statement_of_authentication(document):
    """Maestrano SDK, section A4: AuthnContextClassRef; SessionIndex = assertion id; no SessionNotOnOrAfter."""
    context = one(document, ".//saml:AuthnContextClassRef")
    assert context.text == "urn:federation:authentication:windows"
    statement = one(document, ".//saml:AuthnStatement")
    assert statement.get("SessionIndex") == one(document, "saml:Assertion/@ID")
    assert statement.get("SessionNotOnOrAfter") is None


def test_only_the_assertion_is_signed_with_its_certificate_beside(hub, document):
    """Maestrano SDK, section A4: one signed Assertion, enveloped-signature + exc-c14n, cert in KeyInfo."""
    signature = one(document, "//ds:Signature")
    assertion = one(document, "saml:Assertion")
    assert signature.getparent() is assertion
    assert one(document, "//ds:Reference/@URI") == "#" + assertion.get("ID")
    assert one(document, "//ds:CanonicalizationMethod/@Algorithm") == "http://www.w3.org/2001/10/xml-exc-c14n#"
    assert document.xpath("//ds:Transform/@Algorithm", namespaces=NS) == [
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    ]
    body = one(document, "//ds:X509Certificate").text
    assert "".join(body.split()) in "".join(hub.idp.certificate.split())


def test_readers_of_the_sdks_find_what_they_look_for(document):
    """Maestrano SDK, section A4: exactly 1 Assertion and the signed id (PHP), ds: as prefix (Ruby), one Signature."""
    assert [e.get("ID") for e in document.iter("{*}Assertion")] == [one(document, "//ds:Reference/@URI")[1:]]
    # The Ruby SDK asks for //ds:DigestMethod without saying what ds is.
    assert {element.prefix for element in document.iter(f"{{{NS['ds']}}}*")} == {"ds"}
    found = document.xpath(
        "/samlp:Response/saml:Assertion[@ID=$id]/saml:AttributeStatement/saml:Attribute/saml:AttributeValue",
        id=one(document, "saml:Assertion/@ID"),
        namespaces=NS,
    )
    # The Java SDK reads every attribute that there is.
    assert len(found) == len(list(document.iter("{*}Attribute"))) == len(said(document))


def test_embedded_certificate_has_the_configured_fingerprint(hub, document):
    """Maestrano SDK, section A4: the Ruby SDK compares the embedded certificate's SHA-1 with the fingerprint."""
    found = x509.load_der_x509_certificate(base64.b64decode(one(document, "//ds:X509Certificate").text))
    assert found.fingerprint(hashes.SHA1()).hex(":") == hub.idp.fingerprint


def test_signature_verifies_and_a_changed_value_does_not(hub, document):
    """Maestrano SDK, section A4: verified with the configured certificate."""
    verify(hub, document)
    one(document, "//saml:Attribute[@Name='group_role']/saml:AttributeValue").text = "Super Admin"
    with pytest.raises(xmlsec.VerificationError):
        verify(hub, document)


@pytest.mark.parametrize(
    ("algorithm", "signature", "digest"),
    [
        ("sha1", "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1"),
        (
            "sha256",
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2001/04/xmlenc#sha256",
        ),
    ],
)
def test_algorithm_is_a_setting(hub, ines, algorithm, signature, digest):
    """Maestrano SDK, section A4: RSA-SHA1/SHA1 in the SDKs' sandbox; production's algorithms are not established."""
    hub.idp.style = AnswerStyle(algorithm)
    document = opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)
    assert one(document, "//ds:SignatureMethod/@Algorithm") == signature
    assert one(document, "//ds:DigestMethod/@Algorithm") == digest
    verify(hub, document)
    with pytest.raises(ValueError, match="algorithm"):
        AnswerStyle("md5")


def test_issuer_is_the_address_up_to_its_first_ampersand(hub, ines):
    """Maestrano SDK, section A4: Issuer = the sign-on's address cut at the first &, different each time."""
    addresses = [address(authn_request(APP, id=id), group_id=GROUP) for id in ("_one", "_two")]
    issuers = []
    for url in addresses:
        document = opened(hub.idp.answer(url, user=ines.uid).fields)
        issuers += document.xpath("//saml:Issuer/text()", namespaces=NS)
        assert issuers[-2:] == [url.partition("&")[0]] * 2
    assert len(set(issuers)) == 2
    assert all("?SAMLRequest=" in issuer for issuer in issuers)


@pytest.mark.parametrize(
    ("consume", "origin"),
    [
        (ACS, "http://127.0.0.1:8000/"),
        ("https://books.example/maestrano/consume/?marketplace=x", "https://books.example/"),
    ],
)
def test_audience_is_the_origin_of_the_consume_url(hub, ines, consume, origin):
    """Maestrano SDK, section A4: Audience = scheme+host+/ of the ACS URL, not the app id."""
    document = opened(hub.idp.answer(address(authn_request(APP, acs=consume)), user=ines.uid).fields)
    assert one(document, "//saml:Audience").text == origin


def test_issuer_and_audience_of_another_marketplace(hub, ines):
    """Maestrano SDK, section A7: whether production mimics issuer and audience is unknown; here they are settings."""
    hub.idp.style = AnswerStyle(issuer="https://market.example", audience=APP)
    document = opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)
    assert set(document.xpath("//saml:Issuer/text()", namespaces=NS)) == {"https://market.example"}
    assert one(document, "//saml:Audience").text == APP


def test_attributes_have_no_format_and_values_no_type(document):
    """Maestrano SDK, section A4: Attribute has no NameFormat."""
    for element in document.iterfind(".//saml:Attribute", NS):
        assert list(element.attrib) == ["Name"]
        assert not element[0].attrib


def test_values_are_text_of_any_kind(hub, ines):
    """Maestrano SDK, section A4: nil is the empty string, Hash and Array JSON text, booleans true and false."""
    hub.add_user(ines.uid, company_name=None)
    hub.accounts.save_group(GROUP, has_credit_card=True, city=None)
    values = said(opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields))
    assert (values["company_name"] or "", values["group_city"] or "") == ("", "")
    assert (values["organizations"], values["app_owner"], values["group_has_credit_card"]) == ("{}", "true", "true")


def test_values_are_escaped(hub, ines):
    """Maestrano SDK, section A4: the SDKs' sandbox does not; here a name cannot make another attribute."""
    smuggled = '</AttributeValue></Attribute><Attribute Name="group_uid"><AttributeValue>cld-else'
    hub.accounts.save_group(GROUP, name=f"Pelican & Freight{smuggled}")
    document = opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)
    assert said(document)["group_name"] == f"Pelican & Freight{smuggled}"
    assert [e.get("Name") for e in document.iterfind(".//saml:Attribute", NS)].count("group_uid") == 1


def test_certificate_is_self_signed_and_outlives_development(hub):
    """Maestrano SDK, section A2: self-signed, RSA, valid for years; a fingerprint of its SHA-1."""
    found = x509.load_pem_x509_certificate(hub.idp.certificate.encode())
    assert found.issuer == found.subject
    found.verify_directly_issued_by(found)
    assert found.public_key().key_size >= 2048
    assert found.not_valid_after_utc - dt.datetime.now(dt.UTC) > dt.timedelta(days=3000)
    assert hub.idp.fingerprint == found.fingerprint(hashes.SHA1()).hex(":")


def test_key_is_made_once_and_kept_in_the_file(tmp_path):
    """Maestrano SDK, section A2: certificates differ between platforms; each sandbox makes its own at first start."""
    file = str(tmp_path / "hub.sqlite3")
    with SandboxHub(file) as first:
        certificate = first.idp.certificate
    with SandboxHub(file) as second:
        assert second.idp.certificate == certificate
    with SandboxHub(str(tmp_path / "other.sqlite3")) as other:
        assert other.idp.certificate != certificate
    assert "PRIVATE" not in repr(first.idp.keys)
