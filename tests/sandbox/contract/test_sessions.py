"""Whether a session still holds, and how it ends (Maestrano SDK, sections A2 and A6)."""

from __future__ import annotations

from urllib.parse import quote

import pytest
import requests

from tests.sandbox.browsing import sign_on
from tests.sandbox.helpers import APP, GROUP, control
from tests.sandbox.sso import address, authn_request, opened, said


def check(url, uid, session):
    answer = requests.get(f"{url}/api/v1/auth/saml/{quote(uid)}?session={session}", timeout=10)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer.json()


def test_session_check_needs_no_credentials(url, ines):
    """Maestrano SDK, section A6: GET {IdP SSO URL}/{uid}?session={token}, an unauthenticated endpoint."""
    assert check(url, ines.uid, ines.sso_session) == {"valid": True, "recheck": "2018-03-01T04:08:06Z"}


def test_token_is_the_assertions(hub, url, ines):
    """Maestrano SDK, section A5: mno_session, an opaque SSO session token; section A6: it is what is asked about."""
    values = said(opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields))
    assert check(url, values["uid"], values["mno_session"])["valid"] is True


def test_next_check_is_in_three_minutes(url, ines, clock):
    """Maestrano SDK, section A6: at most one call per 3 minutes, now+3 min."""
    clock.tick(100)
    assert check(url, ines.uid, ines.sso_session)["recheck"] == "2018-03-01T04:09:46Z"


@pytest.mark.parametrize("name", ["uid", "virtual_uid", "virtual_email"])
def test_virtual_identities_lead_to_the_session(hub, url, ines, name):
    """Maestrano SDK, section A6: accepts uid, virtual uid or virtual email, cut at the first dot."""
    values = said(opened(hub.idp.answer(address(authn_request(APP)), user=ines.uid).fields))
    assert check(url, values[name], ines.sso_session)["valid"] is True


@pytest.mark.parametrize(("uid", "session"), [("usr-1", ""), ("usr-1", "other"), ("usr-9", "x"), (".cld-7p2k", "x")])
def test_what_is_no_session(hub, url, ines, uid, session):
    """Maestrano SDK, section A6: the answer is {"valid":bool,"recheck":"ISO"}, whoever asks."""
    assert check(url, uid, session) == {"valid": False, "recheck": "2018-03-01T04:08:06Z"}
    assert hub.idp.check("", "")["valid"] is False


def test_another_users_session_is_not_ones_own(hub, url, ines):
    """Maestrano SDK, section A6: user and token belong together."""
    maud = hub.add_user(name="Maud", groups={GROUP: "Member"})
    assert check(url, maud.uid, ines.sso_session)["valid"] is False


@pytest.mark.parametrize("query", ["?user_uid=usr-1", ""])
def test_logout_page_ends_the_session_everywhere(browser, url, ines, query):
    """Maestrano SDK, section A2: logout page /app_logout[?user_uid=usr-x]; section A6: polling is single logout."""
    browser.submit("/switch", user=ines.uid)
    assert check(url, ines.uid, ines.sso_session)["valid"] is True
    browser.see(f"/app_logout{query}")
    assert check(url, ines.uid, ines.sso_session)["valid"] is False
    assert not browser.cookies


def test_next_sign_on_has_another_token(browser, hub, url, ines):
    """Maestrano SDK, section A6: after a logout the way is back through init."""
    browser.see(f"/app_logout?user_uid={ines.uid}")
    path, parameters = sign_on()
    browser.see(path, params=parameters | {"user_uid": ines.uid})
    token = hub.accounts.user(ines.uid).sso_session
    assert token != ines.sso_session
    assert check(url, ines.uid, token)["valid"] is True


def test_operator_ends_a_session(url, ines):
    """Maestrano SDK, section A6: an ended session is invalid at the next check."""
    assert control(url, "sign-out", {"user": ines.uid}).status_code == 200
    assert check(url, ines.uid, ines.sso_session)["valid"] is False
