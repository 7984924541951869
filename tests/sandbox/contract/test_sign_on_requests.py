"""How the identity provider reads what an application sends (Maestrano SDK, section A3)."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import quote

import pytest

from django_connec.sandbox import SignOnRefused
from tests.sandbox.helpers import APP, GROUP, KEY
from tests.sandbox.sso import ACS, IDP, NS, REQUESTS, address, authn_request, opened, packed, packed_as, said


def refusal(hub, url, user):
    with pytest.raises(SignOnRefused) as refused:
        hub.idp.answer(url, user=user.uid)
    return refused.value.reason


@pytest.mark.parametrize(
    ("kind", "id"),
    [
        ("reference", "_5f0c"),
        ("ruby", "_3f1e5a70-ff5c-0135-8c5d-0242ac110002"),
        ("php", "Maestrano8d7c1b5d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b"),
        ("java", "_0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("python", "0f8fad5bd9cb469fa16570867728950e"),
        ("bundle", "Maestrano8d7c1b5d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6b"),
    ],
)
def test_the_request_of_each_sdk_is_understood(hub, ines, kind, id):
    """Maestrano SDK, section A3: raw DEFLATE, base64, escaped; Ruby's base64 has line breaks, its XML single quotes."""
    query = packed_as(kind, authn_request(APP, kind, id=id))
    answer = hub.idp.answer(f"{IDP}?SAMLRequest={query}", user=ines.uid)
    assert answer.url == ACS
    assert opened(answer.fields).get("InResponseTo") == id


@pytest.mark.parametrize("kind", REQUESTS)
def test_what_a_request_asks_for_beside_is_ignored(hub, ines, kind):
    """Maestrano SDK, section A3: NameIDPolicy, ProtocolBinding and AuthnContext are ignored by the IdP."""
    document = opened(hub.idp.answer(address(authn_request(APP, kind)), user=ines.uid).fields)
    (name,) = document.iterfind(".//saml:NameID", NS)
    assert name.get("Format") == "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    (context,) = document.iterfind(".//saml:AuthnContextClassRef", NS)
    assert context.text == "urn:federation:authentication:windows"


def test_a_signature_beside_the_request_is_not_read(hub, ines):
    """Maestrano SDK, section A3: requests are unsigned."""
    assert hub.idp.answer(address(authn_request(APP), SigAlg="rsa", Signature="bm9uZQ=="), user=ines.uid).url == ACS


@pytest.mark.parametrize(
    ("found", "instead"),
    [
        ("saml:Issuer", "ns1:Issuer"),
        ("saml:Issuer", "Issuer"),
        (f">{APP}<", f">\n{APP}\n<"),
        # What pysaml2 makes where it is not told the prefixes.
        ("saml:", "ns1:"),
    ],
)
def test_issuer_that_the_pattern_does_not_find(hub, ines, found, instead):
    """Maestrano SDK, sections A3 and A7: the prefix must be literally saml:, on one line; ns0: and ns1: are not."""
    xml = authn_request(APP).replace("samlp:", "ns0:") if instead == "ns1:" else authn_request(APP)
    assert refusal(hub, address(xml.replace(found, instead)), ines) == "application"


def test_the_issuer_is_the_api_id(hub, ines):
    """Maestrano SDK, section A3: the issuer is api.id; the old bundle's token is nobody's here."""
    assert refusal(hub, address(authn_request(KEY, "bundle")), ines) == "application"


def test_the_first_id_and_the_first_consume_url_count(hub, ines):
    """Maestrano SDK, section A3: the first ID, the first AssertionConsumerServiceURL."""
    more = '<samlp:Extensions ID="_later" AssertionConsumerServiceURL="http://127.0.0.1:1/"/></samlp:AuthnRequest>'
    answer = hub.idp.answer(address(authn_request(APP).replace("</samlp:AuthnRequest>", more)), user=ines.uid)
    assert (answer.url, opened(answer.fields).get("InResponseTo")) == (ACS, "_5f0c")


def test_consume_url_is_taken_without_resolving_entities(hub, ines):
    """Maestrano SDK, section A3: taken without XML-unescaping, a consume URL with & breaks."""
    answer = hub.idp.answer(address(authn_request(APP, acs="http://127.0.0.1:8000/c?a=1&amp;b=2")), user=ines.uid)
    assert answer.url == "http://127.0.0.1:8000/c?a=1&amp;b=2"


def test_consume_url_is_the_requests_not_the_registered_one(hub, ines):
    """Maestrano SDK, section A3: PHP can override the consume host per request (setConsumerHost)."""
    hub.add_application(APP, KEY, host="http://127.0.0.1:8000")
    elsewhere = "http://127.0.0.1:8001/maestrano/consume/?marketplace=x"
    answer = hub.idp.answer(address(authn_request(APP, "php", acs=elsewhere)), user=ines.uid)
    assert answer.url == elsewhere
    assert opened(answer.fields).findtext(".//{*}Audience") == "http://127.0.0.1:8001/"


@pytest.mark.parametrize(
    "more",
    [
        # Rails forwards its own routing parameters, Java and PHP whatever the application was called with.
        "&controller=maestrano%2Fauth%2Fsaml&action=init&tenant=default",
        "&marketplace=else&settings=1",
        # The old bundle escapes nothing.
        "&group_id=cld 7p2k/é",
        "&=&&a",
    ],
)
def test_parameters_that_the_identity_provider_does_not_know_are_ignored(hub, ines, more):
    """Maestrano SDK, section A3: every parameter may be forwarded; meaningful are group_id and, here, user_uid."""
    answer = hub.idp.answer(address(authn_request(APP)) + more, user=ines.uid)
    assert set(answer.fields) == {"SAMLResponse"}
    assert said(opened(answer.fields))["group_uid"] == GROUP


def test_relay_state_passes_through_and_is_never_made(hub, ines):
    """Maestrano SDK, section A3: RelayState only passes through if the caller put it in the params."""
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
        "SAMLRequest=" + quote(base64.b64encode(authn_request(APP).encode()).decode(), safe=""),
        "SAMLRequest=" + quote(packed("<samlp:AuthnRequest/>"), safe=""),
        "SAMLRequest=" + quote(packed(authn_request(APP, acs="javascript:alert(1)")), safe=""),
        "SAMLRequest=" + quote(packed(authn_request(APP) + " " * 100_000), safe=""),
        "SAMLRequest=" + quote(packed(authn_request(APP))[:-40], safe=""),
    ],
)
def test_what_is_no_request(hub, ines, query):
    """Maestrano SDK, section A3: raw DEFLATE, without zlib's header; request id and consume URL are load-bearing."""
    assert refusal(hub, f"{IDP}?{query}", ines) == "request"
