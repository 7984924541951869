"""The identity provider against the reference, section by section (Maestrano SDK, A1 to A7)."""

from __future__ import annotations

import base64
import datetime as dt
import re
import zlib
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import xmlsec
from cryptography import x509
from lxml import etree
from saml2.config import SPConfig
from saml2.xml.schema import validate

from django_connec.sandbox import AnswerStyle, SandboxHub, SignOnRefused
from tests.sandbox.helpers import APP, GROUP, OTHER, OTHER_GROUP
from tests.sandbox.sso import ACS, IDP, NS, address, authn_request, opened, packed, said


@pytest.fixture
def ines(hub):
    hub.accounts.save_group(GROUP, name="Pelican & Freight", city="Porto", currency="EUR")
    return hub.add_user(
        name="Ines", surname="Oka<for>", email="ines@pelican.example", country="PT", groups={GROUP: "Admin"}
    )


@pytest.fixture
def document(hub, ines):
    return opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)


def one(document, path):
    found = document.xpath(path, namespaces=NS)
    assert len(found) == 1, path
    return found[0]


# A1: one group answers; several ask, or take group_id; none refuses; an unknown issuer too.


def test_only_group_answers_whatever_group_id_says(hub, ines):
    for parameters in ({}, {"group_id": GROUP}, {"group_id": "cld-else"}):
        answer = hub.idp.answer(address(authn_request(APP), **parameters), user=ines.uid)
        assert said(opened(answer.fields))["group_uid"] == GROUP


def test_several_groups_need_a_choice(hub, ines):
    hub.add_group("cld-second", api_id=APP, org="org-2")
    hub.add_member(ines.uid, "cld-second", "Member")
    with pytest.raises(SignOnRefused) as refused:
        hub.idp.answer(address(authn_request(APP)), user=ines.uid)
    assert refused.value.reason == "choice"
    with pytest.raises(SignOnRefused) as refused:
        hub.idp.answer(address(authn_request(APP), group_id="cld-else"), user=ines.uid)
    assert refused.value.reason == "choice"
    asked = hub.idp.answer(address(authn_request(APP), group_id="cld-second"), user=ines.uid)
    assert said(opened(asked.fields))["group_uid"] == "cld-second"
    chosen = hub.idp.answer(address(authn_request(APP)), user=ines.uid, group=GROUP)
    assert said(opened(chosen.fields))["group_uid"] == GROUP


def test_groups_of_other_applications_and_revoked_ones_give_no_access(hub, ines):
    with pytest.raises(SignOnRefused) as refused:
        hub.idp.answer(address(authn_request(OTHER)), user=ines.uid, group=GROUP)
    assert refused.value.reason == "access"
    hub.revoke(GROUP)
    with pytest.raises(SignOnRefused) as refused:
        hub.idp.answer(address(authn_request(APP)), user=ines.uid)
    assert refused.value.reason == "access"


def test_unknown_application_and_user(hub, ines):
    for issuer in ("app-nobody", ""):
        with pytest.raises(SignOnRefused, match="Wrong APP ID!") as refused:
            hub.idp.answer(address(authn_request(issuer)), user=ines.uid)
        assert refused.value.reason == "application"
    with pytest.raises(SignOnRefused) as refused:
        hub.idp.answer(address(authn_request(APP)), user="usr-nobody")
    assert refused.value.reason == "user"


# A3: the request is read by pattern.


@pytest.mark.parametrize("kind", ["ruby", "php", "java", "bundle"])
def test_the_requests_of_all_sdks_are_understood(hub, ines, kind):
    answer = hub.idp.answer(address(authn_request(APP, kind, id="_of-" + kind)), user=ines.uid)
    assert answer.url == ACS
    assert opened(answer.fields).get("InResponseTo") == f"_of-{kind}"


def test_prefix_has_to_be_saml_and_the_issuer_on_one_line(hub, ines):
    xml = authn_request(APP)
    for spoilt in (xml.replace("saml:Issuer", "ns1:Issuer"), xml.replace(f">{APP}<", f">\n{APP}\n<")):
        with pytest.raises(SignOnRefused) as refused:
            hub.idp.answer(address(spoilt), user=ines.uid)
        assert refused.value.reason == "application"


def test_consume_url_is_taken_without_resolving_entities(hub, ines):
    answer = hub.idp.answer(address(authn_request(APP, acs="http://127.0.0.1:8000/c?a=1&amp;b=2")), user=ines.uid)
    assert answer.url == "http://127.0.0.1:8000/c?a=1&amp;b=2"


def test_relay_state_passes_through_and_is_never_made(hub, ines):
    assert set(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields) == {"SAMLResponse"}
    answer = hub.idp.answer(address(authn_request(APP), RelayState="/next & more"), user=ines.uid)
    assert answer.fields["RelayState"] == "/next & more"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "SAMLRequest=",
        "SAMLRequest=%00",
        "SAMLRequest=PGE%2B",
        "SAMLRequest=" + quote(base64.b64encode(zlib.compress(authn_request(APP).encode())).decode(), safe=""),
        "SAMLRequest=" + quote(packed("<samlp:AuthnRequest/>"), safe=""),
        "SAMLRequest=" + quote(packed(authn_request(APP, acs="javascript:alert(1)")), safe=""),
        "SAMLRequest=" + quote(packed(authn_request(APP) + " " * 100_000), safe=""),
        "SAMLRequest=" + quote(packed(authn_request(APP))[:-40], safe=""),
    ],
)
def test_what_is_no_request(hub, ines, query):
    with pytest.raises(SignOnRefused) as refused:
        hub.idp.answer(f"{IDP}?{query}", user=ines.uid)
    assert refused.value.reason == "request"


# A4: the answer's form.


def test_answer_is_valid_by_the_schema(document):
    validate(etree.tostring(document).decode())


def test_response_says_what_the_reference_says(hub, document, clock):
    assert (document.get("Destination"), document.get("InResponseTo")) == (ACS, "_5f0c")
    assert document.get("Version") == "2.0"
    assert document.get("Consent") == "urn:oasis:names:tc:SAML:2.0:consent:unspecified"
    assert one(document, "samlp:Status/samlp:StatusCode/@Value") == "urn:oasis:names:tc:SAML:2.0:status:Success"
    name = one(document, "saml:Assertion/saml:Subject/saml:NameID")
    assert (name.text, name.get("Format")) == ("usr-1", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
    bearer = one(document, ".//saml:SubjectConfirmation[@Method='urn:oasis:names:tc:SAML:2.0:cm:bearer']")
    assert dict(bearer[0].attrib) == {
        "InResponseTo": "_5f0c",
        "Recipient": ACS,
        "NotOnOrAfter": "2018-03-01T04:08:06Z",
    }
    conditions = one(document, ".//saml:Conditions")
    assert dict(conditions.attrib) == {"NotBefore": "2018-03-01T04:05:01Z", "NotOnOrAfter": "2018-03-01T05:05:06Z"}
    context = one(document, ".//saml:AuthnContextClassRef")
    assert context.text == "urn:federation:authentication:windows"
    statement = one(document, ".//saml:AuthnStatement")
    assert statement.get("SessionIndex") == one(document, "saml:Assertion/@ID")
    assert statement.get("SessionNotOnOrAfter") is None


def test_only_the_assertion_is_signed_with_its_certificate_beside(hub, document):
    signature = one(document, "//ds:Signature")
    assertion = one(document, "saml:Assertion")
    assert signature.getparent() is assertion
    assert one(document, "//ds:Reference/@URI") == "#" + assertion.get("ID")
    assert document.xpath("//ds:Transform/@Algorithm", namespaces=NS) == [
        "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
        "http://www.w3.org/2001/10/xml-exc-c14n#",
    ]
    body = one(document, "//ds:X509Certificate").text
    assert "".join(body.split()) in "".join(hub.idp.certificate.split())


def test_signature_verifies_and_a_changed_value_does_not(hub, document):
    def verify():
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(hub.idp.certificate.encode(), xmlsec.constants.KeyDataFormatCertPem)
        context.register_id(one(document, "saml:Assertion"), "ID")
        context.verify(one(document, "//ds:Signature"))

    verify()
    one(document, "//saml:Attribute[@Name='group_role']/saml:AttributeValue").text = "Super Admin"
    with pytest.raises(xmlsec.VerificationError):
        verify()


@pytest.mark.parametrize(("algorithm", "ending"), [("sha1", "rsa-sha1"), ("sha256", "rsa-sha256")])
def test_algorithm_is_a_setting(hub, ines, algorithm, ending):
    hub.idp.style = AnswerStyle(algorithm)
    document = opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)
    assert one(document, "//ds:SignatureMethod/@Algorithm").endswith(ending)
    assert one(document, "//ds:DigestMethod/@Algorithm").endswith(algorithm)
    with pytest.raises(ValueError, match="algorithm"):
        AnswerStyle("md5")  # type: ignore[arg-type]


def test_issuer_is_the_address_up_to_its_first_ampersand(hub, ines):
    url = address(authn_request(APP), group_id=GROUP)
    document = opened(hub.idp.answer(url, user=ines.uid).fields)
    issuers = document.xpath("//saml:Issuer/text()", namespaces=NS)
    assert issuers == [url.partition("&")[0]] * 2
    assert "?SAMLRequest=" in issuers[0]


def test_audience_is_the_origin_of_the_consume_url(hub, document):
    assert one(document, "//saml:Audience").text == "http://127.0.0.1:8000/"


def test_issuer_and_audience_of_another_marketplace(hub, ines):
    hub.idp.style = AnswerStyle(issuer="https://market.example", audience=APP)
    document = opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)
    assert set(document.xpath("//saml:Issuer/text()", namespaces=NS)) == {"https://market.example"}
    assert one(document, "//saml:Audience").text == APP


def test_attributes_have_no_format_and_values_no_type(document):
    for element in document.iterfind(".//saml:Attribute", NS):
        assert list(element.attrib) == ["Name"]
        assert not element[0].attrib


# A5: the attributes.


def test_attributes_are_those_of_the_reference(hub, document, ines):
    assert said(document) == {
        "mno_uid": "usr-1",
        "mno_session": ines.sso_session,
        "mno_session_recheck": "2018-03-01T04:08:06Z",
        "group_uid": GROUP,
        "group_name": "Pelican & Freight",
        "group_end_free_trial": "2018-03-31T04:05:06Z",
        "group_role": "Admin",
        "group_has_credit_card": "false",
        "group_email": f"{GROUP}@example.com",
        "group_currency": "EUR",
        "group_timezone": "America/Los_Angeles",
        "group_country": "US",
        "group_city": "Porto",
        "group_org_uid": "org-9x1",
        "group_reseller_id": "rsl-449s8fsd",
        "uid": "usr-1",
        "virtual_uid": f"usr-1.{GROUP}",
        "email": "ines@pelican.example",
        "virtual_email": f"usr-1.{GROUP}@mno-api-sandbox-mail.maestrano.com",
        "name": "Ines",
        "surname": "Oka<for>",
        "country": "PT",
        "company_name": "",
        "app_owner": "true",
        "organizations": "{}",
    }


@pytest.mark.parametrize("role", ["Member", "Power User", "Admin", "Super Admin", None])
def test_roles(hub, ines, role):
    hub.add_member(ines.uid, GROUP, role)
    document = opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields)
    assert said(document)["group_role"] == (role or "Guest")


def test_reseller_is_named_on_a_resellers_login_only(hub, ines, document):
    assert not {"reseller_id", "reseller_name", "reseller_country"} & set(said(document))
    answer = hub.idp.answer(address(authn_request(APP), reseller_sso="1"), user=ines.uid)
    assert said(opened(answer.fields))["reseller_name"] == "Blue Consulting"


def test_details_that_xml_cannot_carry_are_refused_when_they_are_given(hub, ines):
    with pytest.raises(ValueError, match="surname"):
        hub.add_user(surname="Ok\x00afor")
    with pytest.raises(ValueError, match="uid"):
        hub.add_user("usr.1")
    with pytest.raises(ValueError, match="role"):
        hub.add_member(ines.uid, GROUP, "Owner")
    with pytest.raises(LookupError):
        hub.add_member("usr-99", GROUP)
    with pytest.raises(LookupError):
        hub.add_member(ines.uid, "cld-none")
    with pytest.raises(TypeError):
        hub.add_user(shoe_size="44")


# A6: the session check.


def test_session_holds_until_it_is_ended(hub, ines):
    for uid in (ines.uid, ines.virtual_uid(GROUP), ines.virtual_email(GROUP)):
        assert hub.idp.check(uid, ines.sso_session) == {"valid": True, "recheck": "2018-03-01T04:08:06Z"}
    hub.accounts.end_session(ines.uid)
    assert hub.idp.check(ines.uid, ines.sso_session)["valid"] is False


@pytest.mark.parametrize(("uid", "session"), [("", ""), ("usr-1", ""), ("usr-1", "other"), ("usr-9", "x"), (".", "x")])
def test_what_is_no_session(hub, ines, uid, session):
    assert hub.idp.check(uid, session)["valid"] is False


# A2 and the sandbox's own: the key.


def test_key_is_made_once_and_kept_in_the_file(tmp_path):
    file = str(tmp_path / "hub.sqlite3")
    with SandboxHub(file) as first:
        certificate, fingerprint = first.idp.certificate, first.idp.fingerprint
    with SandboxHub(file) as second:
        assert second.idp.certificate == certificate
    with SandboxHub(str(tmp_path / "other.sqlite3")) as other:
        assert other.idp.certificate != certificate
    assert re.fullmatch("([0-9a-f]{2}:){19}[0-9a-f]{2}", fingerprint)
    found = x509.load_pem_x509_certificate(certificate.encode())
    assert found.public_key().key_size == 2048
    assert "PRIVATE" not in repr(first.idp.keys)


# A7: pysaml2, with its strictness on, lets exactly the signed user in.


def test_strict_service_provider_reads_the_answer(tmp_path):
    from saml2.client import Saml2Client
    from saml2.sigver import CryptoBackend

    class InProcess(CryptoBackend):
        """Verifies as a service provider should: one element, one pinned certificate."""

        def version(self):
            return "1"

        def validate_signature(self, signedtext, cert_file, cert_type, node_name, node_id):
            document = etree.fromstring(signedtext)
            (node,) = document.xpath("//*[@ID=$id]", id=node_id)
            context = xmlsec.SignatureContext()
            context.key = xmlsec.Key.from_file(cert_file, xmlsec.constants.KeyDataFormatCertPem)
            context.register_id(node, "ID")
            context.verify(node.find("ds:Signature", NS))
            return True

    # pysaml2 compares with the machine's clock.
    with SandboxHub(sso=AnswerStyle(issuer=IDP)) as hub:
        hub.add_application(APP, "key")
        hub.add_group(GROUP, api_id=APP, org="org-1")
        user = hub.add_user(name="Ines", groups={GROUP: "Admin"})
        body = "".join(hub.idp.certificate.splitlines()[1:-1])
        metadata = tmp_path / "idp.xml"
        metadata.write_text(
            f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}"><IDPSSODescriptor '
            'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo '
            f'xmlns="{NS["ds"]}"><X509Data><X509Certificate>{body}</X509Certificate></X509Data></KeyInfo>'
            '</KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="{IDP}"/></IDPSSODescriptor></EntityDescriptor>'
        )

        def client(entity_id):
            config = SPConfig().load(
                {
                    "entityid": entity_id,
                    "crypto_backend": "XMLSecurity",
                    "allow_unknown_attributes": True,
                    "metadata": {"local": [str(metadata)]},
                    "service": {
                        "sp": {
                            "endpoints": {
                                "assertion_consumer_service": [(ACS, "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")]
                            },
                            "want_response_signed": False,
                            "want_assertions_signed": True,
                            "allow_unsolicited": False,
                        }
                    },
                }
            )
            made = Saml2Client(config=config)
            made.sec.crypto = InProcess()
            return made

        sp = client(APP)
        id, info = sp.prepare_for_authenticate(
            entityid=IDP, nsprefix={"saml": NS["saml"], "samlp": NS["samlp"]}, relay_state=""
        )
        url = dict(info["headers"])["Location"]
        assert parse_qs(urlsplit(url).query)["SAMLRequest"]
        answer = hub.idp.answer(url, user=user.uid)
        reader = client("http://127.0.0.1:8000/")
        response = reader.parse_authn_request_response(
            answer.fields["SAMLResponse"],
            "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
            outstanding={id: "/"},
            conv_info={"remote_addr": "127.0.0.1", "request_uri": ACS},
        )
        assert response.name_id.text == user.uid
        assert response.ava["group_uid"] == [GROUP]
        assert response.not_on_or_after > dt.datetime.now(dt.UTC).timestamp()


def test_groups_of_two_applications_are_apart(hub):
    user = hub.add_user(groups={GROUP: "Member", OTHER_GROUP: "Admin"})
    first = said(opened(hub.idp.answer(address(authn_request(APP)), user=user.uid).fields))
    second = said(opened(hub.idp.answer(address(authn_request(OTHER)), user=user.uid).fields))
    assert (first["group_uid"], first["group_role"]) == (GROUP, "Member")
    assert (second["group_uid"], second["group_role"]) == (OTHER_GROUP, "Admin")
    assert first["mno_session"] == second["mno_session"]
