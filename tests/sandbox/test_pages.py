"""The sandbox's pages: what they do, and whom they refuse."""

from __future__ import annotations

import re

import pytest
import requests

from tests.sandbox.helpers import APP, GROUP, KEY, ORG, OTHER, OTHER_KEY, control

# Who is let in.


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "127.0.0.1@evil"])
@pytest.mark.parametrize("path", ["/", "/people", "/api/v1/auth/saml", "/activity/rows", "/_sandbox/log"])
def test_other_names_of_this_machine_are_refused(url, host, path):
    assert requests.get(url + path, headers={"Host": host}, timeout=10).status_code in (400, 421)


def test_localhost_is_this_machine_too(url):
    port = url.rpartition(":")[2]
    assert requests.get(url, headers={"Host": f"localhost:{port}"}, timeout=10).status_code == 200


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "https://127.0.0.1", "http://127.0.0.1:1"])
@pytest.mark.parametrize(
    "path", ["/people", "/switch", f"/groups/{GROUP}/cancel", "/trouble", f"/data/{GROUP}/items/new"]
)
def test_forms_of_other_sites_are_refused(hub, url, origin, path):
    headers = {} if origin is None else {"Origin": origin}
    fields = {"name": "Maud", "kind": "down", "field:name": "Bolt"}
    answer = requests.post(url + path, data=fields, headers=headers, timeout=10, allow_redirects=False)
    assert answer.status_code == 403
    assert (hub.accounts.users(), hub.faults.remaining(), hub.records(GROUP, "items")) == ([], [], [])
    assert "Set-Cookie" not in answer.headers


def test_every_page_forbids_scripts_of_others_and_frames(browser, ines):
    for path in ("/", "/people", "/activity", f"/data/{GROUP}", f"/data/{GROUP}/people", "/app_logout", "/nowhere/x"):
        headers = browser.get(browser.url + path).headers
        if headers["Content-Type"].startswith("text/html"):
            assert "default-src 'none'; script-src 'self'" in headers["Content-Security-Policy"]
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "<script>" not in browser.see("/")


def test_what_users_are_called_is_text(browser, ines):
    assert "Oka&lt;for&gt;" in browser.see("/people")
    assert "Oka<for>" not in browser.see("/people")


def test_going_back_leads_to_the_sandbox_only(browser, ines):
    for back, to in (("/people", "/people"), ("//evil.example", "/"), ("https://evil.example", "/"), ("/\\evil", "/")):
        answer = browser.post(
            browser.url + "/switch",
            data={"user": ines.uid, "back": back},
            headers={"Origin": browser.url},
            allow_redirects=False,
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, to)


def test_what_there_is_not(browser):
    browser.see("/data/cld-none", 404)
    browser.see(f"/data/{GROUP}/colours", 404)
    browser.see(f"/data/{GROUP}/items/none", 404)
    browser.see("/static/settings.py", 404)
    browser.see("/static/..%2Frouter.py", 404)
    assert browser.put(browser.url + "/people").status_code == 405


# The marketplace.


def test_tile_of_an_application_without_a_host(browser, hub):
    before = browser.see("/").count("host is not registered")
    hub.add_application(APP, KEY, host="http://127.0.0.1:8000")
    assert before - browser.see("/").count("host is not registered") == 1


def test_groups_and_people_are_made_by_form(browser, hub):
    browser.submit("/groups", api_id=APP, org="org-2", name="Heron & Co", uid="")
    group = next(group for group in hub.accounts.groups() if group.org == "org-2")
    assert (group.name, group.api_id, hub.store.org_of(group.uid, APP)) == ("Heron & Co", APP, "org-2")
    browser.submit("/groups", 400, api_id="app-nobody", org="org-2")
    browser.submit("/people", name="Maud", surname="Heron", email="maud@heron.example")
    (user,) = hub.accounts.users()
    assert (user.name, user.email, user.country) == ("Maud", "maud@heron.example", "US")
    browser.submit(f"/people/{user.uid}/member", group=group.uid, role="Power User")
    browser.submit(f"/people/{user.uid}/member", 400, group=group.uid, role="King")
    assert [m.role for m in hub.accounts.members(user=user.uid)] == ["Power User"]
    browser.submit(f"/people/{user.uid}/sign-out")
    assert hub.accounts.user(user.uid).sso_session != user.sso_session


def test_cancelling_removing_and_subscribing_again(browser, hub, ines):
    hub.add_application(APP, KEY, host="http://127.0.0.1:9")
    browser.submit(f"/people/{ines.uid}/leave", group=GROUP)
    browser.submit(f"/groups/{GROUP}/cancel")
    assert [(n.kind, n.status) for n in hub.notices.log] == [("leave", 0), ("cancel", 0)]
    rows = browser.see("/activity/rows")
    assert f"DELETE http://127.0.0.1:9/maestrano/account/groups/{GROUP}/users/{ines.uid}/default" in rows
    assert "nobody answered" in rows
    assert "Subscribe again" in browser.see("/")
    browser.submit(f"/groups/{GROUP}/resume")
    assert hub.store.org_of(GROUP, APP) == ORG


# The data.


def test_list_is_paged_and_searched(browser, hub):
    hub.load(ORG, "people", [{"first_name": f"Nr{n:02}", "updated_at": f"2018-01-01T00:00:{n:02}Z"} for n in range(55)])
    assert re.search(r">people</a>\s*<span[^>]*>55<", browser.see(f"/data/{GROUP}"))

    def names(page):
        return re.findall(r">(Nr\d\d)</a>", page)

    first = browser.see(f"/data/{GROUP}/people")
    assert names(first) == [f"Nr{n:02}" for n in range(54, 29, -1)]
    assert "page=2" in first
    last = browser.see(f"/data/{GROUP}/people?page=3")
    assert names(last) == [f"Nr{n:02}" for n in range(4, -1, -1)]
    assert "page=4" not in last
    found = browser.see(f"/data/{GROUP}/people?q=nr07")
    assert names(found) == ["Nr07"]
    browser.see(f"/data/{GROUP}/people?page=x", 400)


def test_record_is_changed_as_another_application_would(browser, hub, receiver):
    told = receiver()
    hub.add_application(APP, KEY, webhook_url=told.url)
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines", "last_name": "Abe", "is_lead": True, "balance": 4}])
    form = {"field:first_name": "Inês", "was:first_name": "Ines", "field:last_name": "Abe", "was:last_name": "Abe"}
    form |= {"field:is_lead": "false", "was:is_lead": "true", "field:balance": "5.5", "was:balance": "4"}
    form |= {"field:email": '{"address": "i@pelican.example"}', "was:email": "", "raw": '{"colour": "red"}'}
    page = browser.submit(f"/data/{GROUP}/people/p-1", **form)
    assert "Saved." in page
    held = hub.get(ORG, "people", "p-1")
    assert (held["first_name"], held["is_lead"], held["balance"], held["colour"]) == ("Inês", False, 5.5, "red")
    assert held["email"] == {"address": "i@pelican.example"}
    assert hub.flush()
    assert [record["first_name"] for record in told.records("people")] == ["Inês"]


def test_what_was_not_touched_is_not_sent(browser, hub):
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines", "last_name": "Abe"}])
    page = browser.see(f"/data/{GROUP}/people/p-1")
    assert '<input type="hidden" name="was:last_name" value="Abe">' in page
    # Meanwhile somebody else changes the other attribute.
    hub.update(ORG, "people", "p-1", last_name="Okafor")
    form = {"field:first_name": "Inês", "was:first_name": "Ines", "field:last_name": "Abe", "was:last_name": "Abe"}
    browser.submit(f"/data/{GROUP}/people/p-1", **form)
    held = hub.get(ORG, "people", "p-1")
    assert (held["first_name"], held["last_name"]) == ("Inês", "Okafor")


def test_emptied_field_is_cleared(browser, hub):
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines", "job_title": "Buyer"}])
    browser.submit(f"/data/{GROUP}/people/p-1", **{"field:job_title": "", "was:job_title": "Buyer"})
    assert hub.get(ORG, "people", "p-1")["job_title"] is None


def test_new_record_and_the_company(browser, hub):
    page = browser.submit(f"/data/{GROUP}/people/new", **{"field:first_name": "Maud", "was:first_name": ""})
    assert "Maud" in page
    assert [record["first_name"] for record in hub.records(ORG, "people")] == ["Maud"]
    browser.submit(f"/data/{GROUP}/company/company", **{"field:name": "Heron", "was:name": ""})
    browser.submit(f"/data/{GROUP}/company/company", **{"field:name": "Pelican", "was:name": "Heron"})
    assert [record["name"] for record in hub.records(ORG, "company")] == ["Pelican"]


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"field:first_name": "", "was:first_name": "Ines"}, "blank"),
        ({"field:email": "{", "was:email": "", "field:first_name": "Kept"}, "email is not JSON"),
        ({"field:balance": "many", "was:balance": "4"}, "balance must be a number"),
        ({"raw": "[1]"}, "JSON object"),
    ],
)
def test_what_cannot_be_saved_says_why_and_keeps_what_was_typed(browser, hub, form, message):
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines", "balance": 4}])
    page = browser.submit(f"/data/{GROUP}/people/p-1", 400, **form)
    assert re.search(f'role="alert">[^<]*{message}', page)
    if form.get("field:first_name") == "Kept":
        assert 'value="Kept"' in page
    assert hub.get(ORG, "people", "p-1")["first_name"] == "Ines"


def test_data_of_a_cancelled_group_is_refused_as_its_application_is(browser, hub):
    hub.revoke(GROUP)
    browser.see(f"/data/{GROUP}", 401)


# The log, and trouble.


def test_log_shows_calls_and_nothing_new_is_nothing(browser, hub, api):
    assert api.get("people").status_code == 200
    rows = browser.see("/activity/rows")
    assert f"GET /api/v2/{GROUP}/people" in rows
    (again,) = re.findall(r'hx-get="([^"]*)"', rows)
    assert browser.see(again, 204) == ""
    assert api.get("items").status_code == 200
    assert "/items" in browser.see(again)
    browser.submit("/activity/forget")
    assert not hub.calls


def test_pages_are_not_in_the_log_and_trouble_does_not_befall_them(browser, hub, api):
    browser.submit("/trouble", kind="down", back="/")
    assert "503" in browser.see("/")
    assert api.get("people").status_code == 503
    browser.submit("/trouble/end")
    assert api.get("people").status_code == 200
    assert {call.path for call in hub.calls} == {f"/api/v2/{GROUP}/people"}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("slow", ("slow", -1, 503, None, 3)),
        ("down", ("status", -1, 503, None, 0)),
        ("busy", ("status", 5, 429, 30, 0)),
        ("lose", ("lose_answer", 1, 503, None, 0)),
        ("garbage", ("garbage", 1, 503, None, 0)),
    ],
)
def test_each_button_sets_its_fault(browser, hub, kind, expected):
    browser.submit("/trouble", kind=kind)
    (fault,) = hub.faults.remaining()
    assert (fault.kind, fault.times, fault.status, fault.retry_after, fault.seconds) == expected
    assert "Waiting to happen" in browser.see("/activity")
    browser.submit("/trouble", 404, kind="earthquake")


def test_redelivery(browser, hub, receiver):
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
    hub.create(ORG, "items", name="Bolt")
    assert hub.flush()
    number = re.search(r'name="number" value="(\d+)"', browser.see("/activity/rows"))[1]
    browser.submit("/activity/redeliver", number=number)
    assert [record["name"] for record in told.records("items")] == ["Bolt", "Bolt"]
    browser.submit("/activity/redeliver", 404, number="99")


def test_controls_still_refuse_pages(url):
    headers = {"Origin": url}
    assert requests.get(f"{url}/_sandbox/log", headers=headers, timeout=10).status_code == 403
    assert control(url, "log", method="GET").status_code == 200
