"""The request: exactly what the identity provider reads, and nothing of a caller's but what is meant for it."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from django.test import Client, override_settings
from lxml import etree

from tests.sso.conftest import Browser
from tests.sso.idp import NS, AuthnRequest
from tests.sso.places import CONSUME, INIT, SIGN_ON, connec


def location(client: Client, path: str = INIT, **query: str) -> str:
    return str(client.get(path, query, secure=True)["Location"])


def test_request_is_what_the_identity_provider_reads(browser: Browser) -> None:
    address = location(browser.client)
    read = AuthnRequest.read(address)
    assert (read.issuer, read.consume_url) == ("app-1a2b", f"https://books.example{CONSUME}")
    assert address.startswith(f"{SIGN_ON}?SAMLRequest=")
    text = zlib.decompress(base64.b64decode(parse_qs(urlsplit(address).query)["SAMLRequest"][0]), -15)
    root = etree.fromstring(text)
    assert root.tag == f"{{{NS['samlp']}}}AuthnRequest"
    assert root.prefix == "samlp"
    assert root.get("Version") == "2.0"
    assert root.get("Destination") == SIGN_ON
    assert root.get("IssueInstant").endswith("Z")
    assert b"\n" not in text
    assert root.find("saml:Issuer", NS).prefix == "saml"
    policy = root.find("samlp:NameIDPolicy", NS)
    assert policy.get("Format") == "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    assert policy.get("AllowCreate") == "true"
    assert not list(root.iter(f"{{{NS['ds']}}}Signature"))
    ids = {AuthnRequest.read(location(browser.client)).id for _ in range(20)}
    assert len(ids) == 20
    assert all(value.startswith("_") for value in ids)


def test_only_the_group_is_passed_on(browser: Browser) -> None:
    address = location(
        browser.client, group_id="cld-7p2k&x=y", RelayState="https://evil.example", user_uid="usr-1", next="/a/"
    )
    query = dict(parse_qsl(urlsplit(address).query))
    assert set(query) == {"SAMLRequest", "group_id"}
    assert query["group_id"] == "cld-7p2k&x=y"
    assert set(dict(parse_qsl(urlsplit(location(browser.client, group_id="c" * 200)).query))) == {"SAMLRequest"}


def test_paths_of_hosts_and_bases(browser: Browser) -> None:
    for changed, expected in (
        ({"API_HOST": "https://hub.example/", "API_BASE": "api/v1"}, "https://hub.example/api/v1/auth/saml?"),
        ({"API_BASE": ""}, "https://api-hub.example/auth/saml?"),
    ):
        with override_settings(CONNEC=connec(**changed)):
            assert location(browser.client).startswith(expected)
            assert browser.sign_on().status_code == 302


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("/books/?a=b&c=d", "/books/?a=b&c=d"),
        ("https://books.example/x", "https://books.example/x"),
        ("", "/accounts/profile/"),
        ("https://evil.example/", "/accounts/profile/"),
        ("//evil.example/", "/accounts/profile/"),
        ("http://books.example/x", "/accounts/profile/"),
        ("javascript:alert(1)", "/accounts/profile/"),
        ("https:evil.example", "/accounts/profile/"),
        ("/\\evil.example", "/accounts/profile/"),
    ],
)
def test_next_is_an_address_of_this_application(browser: Browser, wanted: str, expected: str) -> None:
    browser.sign_on()
    from django_connec.models import SyncRun

    SyncRun.objects.create(group_id=_group(), kind=SyncRun.Kind.IMPORT)
    request = browser.begin(next=wanted)
    # What comes back beside the answer is nobody's but the sender's.
    response = browser.post(
        browser.idp.answer(request), RelayState="https://evil.example/", next="https://evil.example"
    )
    assert response["Location"] == expected


def _group() -> int:
    from django_connec.models import ConnecGroup

    return int(ConnecGroup.objects.get().pk)


def test_strict_sessions_are_left_by_a_page(browser: Browser) -> None:
    with override_settings(SESSION_COOKIE_SAMESITE="Strict"):
        response = browser.post(browser.idp.answer(browser.begin()))
    assert response.status_code == 200
    assert b'http-equiv="refresh" content="0; url=/maestrano/auth/saml/importing"' in response.content


def test_logout_ends_the_session_here_and_at_the_hub(browser: Browser) -> None:
    browser.sign_on()
    assert browser.client.get("/maestrano/auth/saml/logout", secure=True).status_code == 405
    response = browser.client.post("/maestrano/auth/saml/logout", secure=True)
    assert response["Location"] == "https://api-hub.example/app_logout?user_uid=usr-4c1"
    assert not browser.is_signed_on
    assert browser.client.post("/maestrano/auth/saml/logout", secure=True)["Location"].endswith("/app_logout")
