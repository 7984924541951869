"""No answer but a good one signs anybody on: each attack after a sign-on of its own, and a good one as control."""

from __future__ import annotations

import datetime as dt
import logging
import re
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from django_connec.conf import get_marketplace
from django_connec.models import ConnecGroup, ConnecIdentity
from django_connec.sso.handshake import COOKIE
from django_connec.sso.refusal import Refused
from django_connec.sso.saml.crypto import InProcess
from django_connec.sso.saml.document import parse
from django_connec.sso.saml.presence import Expected
from django_connec.sso.saml.provider import judge
from django_connec.sso.saml.shape import screen
from tests.sso.attacks import CASES
from tests.sso.conftest import Browser, binaries
from tests.sso.idp import AuthnRequest, Idp, key_pair, pack
from tests.sso.places import CONSUME, INIT, SIGN_ON, connec

PERSONAL = re.compile(r"usr-|cld-|ines|silva|pelican|@|<|token-of", re.IGNORECASE)


def refusals(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        match[1]
        for record in caplog.records
        if record.name == "django_connec.sso"
        and (match := re.fullmatch(r"sign-on refused: ([a-z-]+) \(marketplace default\)", record.getMessage()))
    ]


@pytest.mark.parametrize("name", CASES)
def test_attack_is_refused_and_a_good_answer_is_not(
    name: str, either: None, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    build, reason = CASES[name]
    document = build(browser.idp, browser.begin())
    caplog.set_level(logging.DEBUG)
    response = browser.post(document)
    assert response.status_code in (400, 403)
    assert not browser.is_signed_on
    assert not get_user_model().objects.exists()
    assert not ConnecIdentity.objects.exists()
    assert not ConnecGroup.objects.exists()
    found = refusals(caplog)
    assert len(found) == 1
    assert reason in (None, found[0])
    assert found[0] != "internal"
    said = [r.getMessage() for r in caplog.records if r.name.partition(".")[0] in ("django_connec", "saml2")]
    assert not any(PERSONAL.search(line) for line in said), said
    assert browser.took < 1.0
    # The door that refuses everybody would pass all of the above.
    assert browser.sign_on().status_code == 302
    assert browser.is_signed_on
    assert browser.user.connec_identities.get().uid == "usr-4c1"


def test_page_is_the_same_whatever_was_wrong(browser: Browser) -> None:
    pages = set()
    for name in ("unsigned", "forged key", "wrong audience", "DTD", "smuggled second group_uid", "text"):
        response = browser.post(CASES[name][0](browser.idp, browser.begin()))
        assert response["Cache-Control"].find("no-store") >= 0
        pages.add(response.content)
    assert len(pages) == 1


@pytest.mark.parametrize(
    "name",
    [
        "wrong recipient",
        "wrong destination",
        "wrong InResponseTo of the response",
        "wrong audience",
        "wrong issuer of the assertion",
        "wrong end of the conditions",
        "wrong end of the confirmation",
        "wrong status",
        "tampered uid",
    ],
)
def test_pysaml2_alone_refuses_too(name: str, settings: Any) -> None:
    """A second line that holds by itself, should a screen ever fail."""
    settings.CONNEC = connec()
    request = AuthnRequest("_request", "app-1a2b", f"https://books.example{CONSUME}", SIGN_ON, None)
    expected = Expected(request.id, request.consume_url, "https://books.example/", lambda value: value == SIGN_ON)
    backend = InProcess(get_marketplace("default"))
    idp = Idp(key_pair("idp"))
    assert judge(screen(parse(idp.answer(request))), expected, backend) > 0
    with pytest.raises(Refused):
        judge(screen(parse(CASES[name][0](idp, request))), expected, backend)


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("signs", ["Assertion", "Response"])
def test_good_answers(either: None, browser: Browser, algorithm: str, signs: str) -> None:
    browser.idp.algorithm, browser.idp.signs = algorithm, signs
    browser.idp.inclusive = "saml samlp"
    assert browser.sign_on().status_code == 302
    assert browser.is_signed_on


def test_broken_lines_and_a_declaration_are_no_attack(browser: Browser) -> None:
    import base64

    document = b'<?xml version="1.0" encoding="UTF-8"?>\n' + browser.idp.answer(browser.begin())
    assert browser.post(base64.encodebytes(document).decode()).status_code == 302


@pytest.mark.parametrize("binary", binaries())
def test_sha1_and_short_keys_only_where_allowed(db: None, binary: str | None) -> None:
    short = key_pair("short", 1024)
    top = {"SSO_XMLSEC1_BINARY": binary} if binary else {}
    for allowed in (False, True):
        settings = connec(top, SSO_X509_CERTIFICATE=short.certificate, SSO_ALLOW_SHA1=allowed)
        with override_settings(CONNEC=settings):
            for algorithm in ("sha1", "sha256"):
                browser = Browser(Idp(short, algorithm=algorithm))
                assert browser.sign_on().status_code == (302 if allowed else 403)
                assert browser.is_signed_on is allowed
    with override_settings(CONNEC=connec(top, SSO_ALLOW_SHA1=False)):
        browser = Browser(Idp(key_pair("idp"), algorithm="sha1"))
        assert browser.sign_on().status_code == 403
    with override_settings(CONNEC=connec(top, SSO_ALLOW_SHA1=True)):
        assert browser.sign_on().status_code == 302


def test_fingerprint_pins_the_certificate_that_the_answer_carries(db: None, caplog: pytest.LogCaptureFixture) -> None:
    from cryptography.hazmat.primitives import hashes

    mine, other = key_pair("idp"), key_pair("attacker")
    for algorithm in (hashes.SHA1(), hashes.SHA256()):
        for text in (mine.fingerprint(algorithm), mine.fingerprint(algorithm).replace(":", "").upper()):
            with override_settings(CONNEC=connec(SSO_X509_CERTIFICATE=None, SSO_X509_FINGERPRINT=text)):
                assert Browser(Idp(mine)).sign_on().status_code == 302
                assert Browser(Idp(other)).sign_on().status_code == 403
                forged = Browser(Idp(other))
                document = forged.idp.answer(forged.begin()).replace(other.body.encode(), mine.body.encode())
                assert forged.post(document).status_code == 403
                bare = Browser(Idp(mine))
                document = re.sub(rb"<ds:KeyInfo>.*</ds:KeyInfo>", b"", bare.idp.answer(bare.begin()))
                assert bare.post(document).status_code == 403
    assert set(refusals(caplog)) == {"key", "signature"}
    # Both configured: they must agree.
    both = connec(SSO_X509_FINGERPRINT=other.fingerprint(hashes.SHA256()))
    with override_settings(CONNEC=both):
        assert Browser(Idp(mine)).sign_on().status_code == 403


@pytest.mark.parametrize("form", ["body", "escaped"])
def test_certificate_may_be_written_in_other_ways(db: None, form: str) -> None:
    keys = key_pair("idp")
    text = keys.body if form == "body" else keys.certificate.replace("\n", "\\n")
    with override_settings(CONNEC=connec(SSO_X509_CERTIFICATE=text)):
        assert Browser(Idp(keys)).sign_on().status_code == 302


class TestIssuerAndAudience:
    """Exactly the configured string, or exactly what the sandbox sends."""

    def answer(self, browser: Browser, *, issuer: str | None = None, audience: str | None = None) -> int:
        def change(root: Any) -> None:
            for element in root.iter("{*}Issuer"):
                element.text = issuer or element.text
            for element in root.iter("{*}Audience"):
                element.text = audience or element.text

        return int(browser.post(browser.idp.answer(browser.begin(), before=change)).status_code)

    def test_default_forms(self, browser: Browser) -> None:
        assert self.answer(browser) == 302
        assert self.answer(browser, issuer="https://api-hub.example/api/v1/auth/saml") == 302
        assert self.answer(browser, issuer="https://api-hub.example/api/v1/auth/saml?SAMLRequest=") == 403
        assert self.answer(browser, audience="app-1a2b") == 403

    def test_configured(self, browser: Browser) -> None:
        with override_settings(CONNEC=connec(SSO_ISSUER="urn:hub", SSO_AUDIENCE="app-1a2b")):
            assert self.answer(browser, issuer="urn:hub", audience="app-1a2b") == 302
            assert self.answer(browser, issuer="urn:hub") == 403
            assert self.answer(browser, audience="app-1a2b") == 403
            assert self.answer(browser, issuer="urn:hub ", audience="app-1a2b") == 403


class TestHandshake:
    """An answer is good once, in the browser that asked, for the request that it answers."""

    def test_replay(self, either: None, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
        document = browser.idp.answer(browser.begin())
        cookie = browser.client.cookies[COOKIE].value
        assert browser.post(document).status_code == 302
        browser.client.logout()
        assert browser.post(document).status_code == 403
        # The cookie as it was: the database remembers.
        browser.client.cookies[COOKIE] = cookie
        assert browser.post(document).status_code == 403
        assert not browser.is_signed_on
        assert refusals(caplog) == ["unknown-request", "spent-request"]

    def test_other_browser(self, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
        document = browser.idp.answer(browser.begin())
        other = Browser(browser.idp)
        assert other.post(document).status_code == 403
        other.begin()
        assert other.post(document).status_code == 403
        assert not other.is_signed_on
        assert refusals(caplog) == ["unknown-request"] * 2
        assert browser.post(document).status_code == 302

    def test_first_answer_uses_the_request_up_good_or_bad(self, browser: Browser) -> None:
        for bad in ("unsigned", "text", "absent InResponseTo of the response", "too long", "wrong audience"):
            request = browser.begin()
            assert browser.post(CASES[bad][0](browser.idp, request)).status_code in (400, 403)
            assert browser.post(browser.idp.answer(request)).status_code == 403, bad
            assert not browser.is_signed_on
        assert browser.sign_on().status_code == 302

    def test_same_assertion_under_another_request(self, browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
        def same_id(root: Any) -> None:
            root.find("{*}Assertion").set("ID", "_the-same")

        for _ in range(2):
            browser.post(browser.idp.answer(browser.begin(), before=same_id))
        assert refusals(caplog) == ["replay"]

    def test_two_tabs(self, browser: Browser) -> None:
        first, second = browser.begin(), browser.begin()
        assert browser.post(browser.idp.answer(first)).status_code == 302
        assert browser.post(browser.idp.answer(second)).status_code == 302

    def test_old_and_forged_cookies(self, browser: Browser, time_machine: Any) -> None:
        request = browser.begin()
        good = browser.client.cookies[COOKIE].value
        browser.client.cookies[COOKIE] = good[:-1] + ("A" if good[-1] != "A" else "B")
        assert browser.post(browser.idp.answer(request)).status_code == 403
        request = browser.begin()
        time_machine.move_to(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1, seconds=5))
        assert browser.post(browser.idp.answer(request)).status_code == 403

    def test_cookie_goes_where_the_answer_comes(self, browser: Browser) -> None:
        browser.begin()
        cookie = browser.client.cookies[COOKIE]
        assert (cookie["samesite"], cookie["secure"], cookie["httponly"]) == ("None", True, True)
        assert cookie["path"] == "/maestrano/auth/saml/"
        with override_settings(CONNEC=connec(APP_HOST="http://localhost:8000")):
            plain = Browser(browser.idp, Client())
            plain.begin()
            cookie = plain.client.cookies[COOKIE]
            assert (cookie["samesite"], cookie["secure"]) == ("", "")
        with override_settings(CONNEC=connec(APP_HOST="http://books.example")):
            plain = Browser(browser.idp, Client())
            plain.begin()
            assert plain.client.cookies[COOKIE]["secure"], "a mistake of configuration makes nothing unsafe"

    def test_cookie_stays_small(self, browser: Browser) -> None:
        for _ in range(12):
            browser.begin(next="/x?" + "y" * 1000)
            assert len(browser.client.cookies[COOKIE].value) <= 3500
        request = browser.begin(next="/x?" + "".join(chr(97 + n * n % 25) for n in range(9000)))
        assert len(browser.client.cookies[COOKIE].value) <= 3500
        assert browser.post(browser.idp.answer(request)).status_code == 302

    def test_other_marketplace(self, browser: Browser) -> None:
        settings = connec()
        settings["MARKETPLACES"]["second"] = settings["MARKETPLACES"]["default"]
        with override_settings(CONNEC=settings):
            document = browser.idp.answer(browser.begin())
            assert browser.post(document, f"{CONSUME}/second").status_code == 403
            request = browser.begin(f"{INIT}/second")
            assert request.consume_url.endswith("/consume/second")
            assert browser.post(browser.idp.answer(request), f"{CONSUME}/second").status_code == 302


@pytest.mark.parametrize("method", ["get", "head", "put", "delete", "patch"])
def test_only_post(browser: Browser, method: str) -> None:
    document = browser.idp.answer(browser.begin())
    answer = getattr(browser.client, method)(f"{CONSUME}?SAMLResponse={pack(document)}"[:2000], secure=True)
    assert answer.status_code == 405
    assert browser.post(document).status_code == 302, "and nothing was used up"


def test_strange_forms(browser: Browser) -> None:
    for data in ({}, {"SAMLResponse": ["a", "b"]}, {"RelayState": "x"}, {f"f{n}": "x" for n in range(2000)}):
        browser.begin()
        assert browser.client.post(CONSUME, data, secure=True).status_code in (400, 403)
    for body, kind in ((b"x" * 400_000, "application/x-www-form-urlencoded"), (b"{}", "application/json")):
        browser.begin()
        assert browser.client.post(CONSUME, body, content_type=kind, secure=True).status_code in (400, 403)


def test_unknown_marketplace(browser: Browser) -> None:
    assert browser.client.get(f"{INIT}/nowhere", secure=True).status_code == 404
    assert browser.client.post(f"{CONSUME}/nowhere", secure=True).status_code == 404


def test_unfinished_configuration(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    for missing in ({"SSO_X509_CERTIFICATE": None}, {"APP_HOST": None}, {"API_HOST": None}):
        with override_settings(CONNEC=connec(**missing)):
            assert browser.client.get(INIT, secure=True).status_code == 403
    assert refusals(caplog) == ["not-configured"] * 3


SPEND = """
import sys, django
from django.conf import settings
django.setup()
from django_connec.sso.spent import spend
sys.stdin.readline()
print(sum(spend("request", "default", f"_{n}", seconds=60) for n in range(200)))
"""


@pytest.mark.django_db(transaction=True)
def test_id_is_spent_once_by_many_processes(tmp_path: Any, django_db_blocker: Any) -> None:
    import os

    from django.db import connection

    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    if connection.vendor == "sqlite":
        environment["CONNEC_TEST_LIVE_DB"] = str(tmp_path / "spent.sqlite3")
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0", "django_connec"], env=environment, check=True)
    else:
        environment["CONNEC_TEST_LIVE_DB"] = str(connection.settings_dict["NAME"])
    workers = [
        subprocess.Popen([sys.executable, "-c", SPEND], env=environment, stdin=-1, stdout=-1, text=True)
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert sum(int(worker.communicate(timeout=60)[0]) for worker in workers) == 200
