"""A strict service provider that the identity provider was not written with (Maestrano SDK, section A7)."""

from __future__ import annotations

import datetime as dt
from urllib.parse import parse_qs, urlsplit

import pytest
import xmlsec
from lxml import etree
from saml2.client import Saml2Client
from saml2.config import SPConfig
from saml2.sigver import CryptoBackend

from django_connec.sandbox import AnswerStyle, SandboxHub
from tests.sandbox.helpers import APP, GROUP
from tests.sandbox.sso import ACS, IDP, NS


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


@pytest.fixture
def hub():
    """By the machine's clock, with which pysaml2 compares."""
    with SandboxHub(sso=AnswerStyle(issuer=IDP)) as hub:
        hub.add_application(APP, "key")
        hub.add_group(GROUP, api_id=APP, org="org-1")
        hub.add_user(name="Ines", groups={GROUP: "Admin"})
        yield hub


@pytest.fixture
def client(hub, tmp_path):
    """Makes a pysaml2 client of an entity id, which knows the hub's certificate."""
    body = "".join(hub.idp.certificate.splitlines()[1:-1])
    metadata = tmp_path / "idp.xml"
    metadata.write_text(
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{IDP}"><IDPSSODescriptor '
        'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><KeyInfo '
        f'xmlns="{NS["ds"]}"><X509Data><X509Certificate>{body}</X509Certificate></X509Data></KeyInfo>'
        '</KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        f'Location="{IDP}"/></IDPSSODescriptor></EntityDescriptor>'
    )
    service = {
        "endpoints": {"assertion_consumer_service": [(ACS, "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")]},
        "want_response_signed": False,
        "want_assertions_signed": True,
        "allow_unsolicited": False,
    }

    def make(entity_id):
        config = SPConfig().load(
            {
                "entityid": entity_id,
                "crypto_backend": "XMLSecurity",
                "allow_unknown_attributes": True,
                "metadata": {"local": [str(metadata)]},
                "service": {"sp": service},
            }
        )
        made = Saml2Client(config=config)
        made.sec.crypto = InProcess()
        return made

    return make


def test_strict_service_provider_reads_the_answer(hub, client):
    """Maestrano SDK, section A7: with nsprefix the request is read, and the audience's origin gets the answer."""
    id, info = client(APP).prepare_for_authenticate(
        entityid=IDP, nsprefix={"saml": NS["saml"], "samlp": NS["samlp"]}, relay_state=""
    )
    url = dict(info["headers"])["Location"]
    assert parse_qs(urlsplit(url).query)["SAMLRequest"]
    response = client("http://127.0.0.1:8000/").parse_authn_request_response(
        hub.idp.answer(url, user="usr-1").fields["SAMLResponse"],
        "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
        outstanding={id: "/"},
        conv_info={"remote_addr": "127.0.0.1", "request_uri": ACS},
    )
    assert response.name_id.text == "usr-1"
    assert response.ava["group_uid"] == [GROUP]
    assert response.not_on_or_after > dt.datetime.now(dt.UTC).timestamp()
