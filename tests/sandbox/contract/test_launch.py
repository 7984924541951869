"""From the marketplace's tile to the application's consume URL (Maestrano SDK, sections A1 and A2)."""

from __future__ import annotations

import html
import re

import pytest

from django_connec.sandbox import SignOnRefused
from tests.sandbox.browsing import hidden, sign_on
from tests.sandbox.helpers import APP, GROUP, KEY, OTHER
from tests.sandbox.sso import address, authn_request, opened, said


@pytest.fixture
def second(hub, ines):
    """Another group of the same user."""
    hub.add_group("cld-second", api_id=APP, org="org-2", name="Heron & Co")
    hub.add_member(ines.uid, "cld-second")
    return "cld-second"


def refusal(hub, issuer, user, **choice):
    with pytest.raises(SignOnRefused) as refused:
        hub.idp.answer(address(authn_request(issuer), **choice), user=user)
    return refused.value.reason


# Maestrano SDK, section A1: step 1; section A2: init, its tenant form and PHP's.
@pytest.mark.parametrize(
    ("details", "tile"),
    [
        ({}, f"http://127.0.0.1:8000/maestrano/auth/saml/init/default?group_id={GROUP}"),
        ({"marketplace": "eu"}, f"http://127.0.0.1:8000/maestrano/auth/saml/init/eu?group_id={GROUP}"),
        (
            {"init_path": "/maestrano/auth/saml/init"},
            f"http://127.0.0.1:8000/maestrano/auth/saml/init?group_id={GROUP}",
        ),
        (
            {"init_path": "/maestrano/init/?marketplace=x"},
            f"http://127.0.0.1:8000/maestrano/init/?marketplace=x&group_id={GROUP}",
        ),
    ],
)
def test_tile_leads_to_init_with_the_group(browser, hub, details, tile):
    hub.add_application(APP, KEY, name="Pelican Books", host="http://127.0.0.1:8000", **details)
    page = browser.see("/")
    assert "Pelican Books" in page
    assert f'href="{html.escape(tile)}"' in page


def test_only_group_answers_whatever_group_id_says(hub, ines):
    """Maestrano SDK, section A1: 1 accessible group answers."""
    for parameters in ({}, {"group_id": GROUP}, {"group_id": "cld-else"}):
        answer = hub.idp.answer(address(authn_request(APP), **parameters), user=ines.uid)
        assert said(opened(answer.fields))["group_uid"] == GROUP


def test_several_groups_need_a_choice(hub, ines, second):
    """Maestrano SDK, section A1: several groups use group_id if it is one of them."""
    assert refusal(hub, APP, ines.uid) == "choice"
    assert refusal(hub, APP, ines.uid, group_id="cld-else") == "choice"
    asked = hub.idp.answer(address(authn_request(APP), group_id=second), user=ines.uid)
    assert said(opened(asked.fields))["group_uid"] == second
    chosen = hub.idp.answer(address(authn_request(APP)), user=ines.uid, group=GROUP)
    assert said(opened(chosen.fields))["group_uid"] == GROUP


def test_group_picker(browser, ines, second):
    """Maestrano SDK, section A1: several groups, and group_id none of them: a group picker."""
    browser.submit("/switch", user=ines.uid)
    path, parameters = sign_on(group_id="cld-else")
    page = browser.see(path, params=parameters)
    assert "Heron &amp; Co" in page
    links = [html.unescape(link) for link in re.findall(r'<a href="(/api/v1/auth/saml[^"]*)"', page)]
    assert [link.rpartition("group_id=")[2] for link in links] == [GROUP, second]
    assert "cld-else" not in "".join(links)
    assert said(opened(hidden(browser.see(links[1]))))["group_uid"] == second
    path, parameters = sign_on(group_id=GROUP)
    assert said(opened(hidden(browser.see(path, params=parameters))))["group_uid"] == GROUP


def test_groups_of_other_applications_and_revoked_ones_give_no_access(hub, ines):
    """Maestrano SDK, section A1: the accessible groups are those of the application that asks."""
    assert refusal(hub, OTHER, ines.uid) == "access"
    hub.revoke(GROUP)
    assert refusal(hub, APP, ines.uid) == "access"


def test_no_group_is_403_and_offers_others(browser, hub, ines):
    """Maestrano SDK, section A1: none is an HTTP 403 "Access denied" page."""
    maud = hub.add_user(name="Maud")
    browser.submit("/switch", user=maud.uid)
    path, parameters = sign_on()
    page = browser.see(path, 403, params=parameters)
    assert "Access denied" in page
    assert hidden(page) == {}
    assert f"user_uid={ines.uid}" in page


@pytest.mark.parametrize("issuer", ["app-nobody", "", APP.upper()])
def test_unknown_issuer_is_plain_text(browser, hub, ines, issuer):
    """Maestrano SDK, section A1: an unknown issuer is plain text "Wrong APP ID!…"."""
    assert refusal(hub, issuer, ines.uid) == "application"
    path, parameters = sign_on(issuer)
    answer = browser.get(browser.url + path, params=parameters)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.text.startswith("Wrong APP ID!")


def test_unknown_user(hub):
    """Maestrano SDK, section A1: nobody signs on who is not known."""
    assert refusal(hub, APP, "usr-nobody") == "user"


def test_answer_is_a_form_that_posts_itself(browser, ines):
    """Maestrano SDK, section A1: step 4, an auto-posted form with SAMLResponse to the consume URL."""
    browser.submit("/switch", user=ines.uid)
    path, parameters = sign_on(RelayState="a & b")
    answer = browser.get(browser.url + path, params=parameters)
    assert re.search(r'<form id="answer" method="post" action="http://127.0.0.1:8000/[^"]*consume', answer.text)
    assert '<script src="/static/post.js"' in answer.text
    assert "form-action http://127.0.0.1:8000 " in answer.headers["Content-Security-Policy"]
    fields = hidden(answer.text)
    assert fields["RelayState"] == "a & b"
    # The issuer is what the browser called, up to the first ampersand.
    assert opened(fields).findtext("{*}Issuer") == answer.url.partition("&")[0]


def test_nothing_begins_at_the_identity_provider(browser, ines):
    """Maestrano SDK, section A1: no IdP-initiated SSO, every login starts at init."""
    browser.submit("/switch", user=ines.uid)
    for query in ("", f"?group_id={GROUP}", "?SAMLRequest=x"):
        assert "SAMLResponse" not in browser.see(f"/api/v1/auth/saml{query}", 400)


def test_user_uid_chooses_who_signs_on(browser, hub, ines):
    """Maestrano SDK, section A3: meaningful are group_id and, in the sandbox, user_uid."""
    path, parameters = sign_on()
    page = browser.see(path, params=parameters)
    assert hidden(page) == {}
    (link,) = re.findall(r'<a href="(/api/v1/auth/saml[^"]*user_uid=usr-1)"', page)
    assert said(opened(hidden(browser.see(html.unescape(link)))))["uid"] == ines.uid
    # Now the browser knows who it is.
    assert hidden(browser.see(path, params=parameters))["SAMLResponse"]


@pytest.mark.parametrize("query", ["", "?err=internal"])
def test_unauthorised_page(browser, query):
    """Maestrano SDK, section A2: /app_access_unauthorized, to which Rails appends ?err=internal."""
    assert "could not sign you in" in browser.see(f"/app_access_unauthorized{query}")
