"""Connec! API v2, section 1: where things are, who may see them, which headers count."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.helpers import APP, GROUP, KEY, ORG, Api, own


def plain(url, path, auth=(APP, KEY), **headers):
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{url}{path}", auth=auth, headers=headers, timeout=10)


def test_the_emulators_base_path(api, url):
    """Connec! API v2, section 1.1: the old API sandbox has base path /connec/api/v2."""
    api.post("items", name="Bolt")
    answer = plain(url, f"/connec/api/v2/{GROUP}/items")
    assert answer.json()["items"][0]["name"] == "Bolt"
    assert {"items": {"href": f"/connec/api/v2/{GROUP}/items"}} in plain(url, f"/connec/api/v2/{GROUP}").json()[
        "_links"
    ]


def test_slashes_and_suffix(api, url):
    """Connec! API v2, section 1.2: trailing slashes are trimmed; a .json suffix works."""
    id = api.post("items", name="Bolt").json()["items"]["id"]
    for path in ("items/", "items.json", f"items/{id}/", f"items/{id}.json"):
        assert plain(url, f"/api/v2/{GROUP}/{path}").status_code == 200


def test_tenants_address_organisations(hub, api, url):
    """Connec! API v2, sections 1.2 and 1.3: org-... in the same place with tenant credentials."""
    hub.add_application("tenant", "t", tenant=True)
    api.post("items", name="Bolt")
    answer = plain(url, f"/api/v2/{ORG}/items", ("tenant", "t"))
    assert [(r["name"], r["channel_id"], r["group_id"]) for r in answer.json()["items"]] == [("Bolt", ORG, ORG)]
    assert plain(url, "/api/v2/org-none/items", ("tenant", "t")).status_code == 401
    assert plain(url, f"/api/v2/{ORG}/items").status_code == 401, "an application is no tenant"


def test_developers_address_their_organisations(hub, url):
    """Connec! API v2, section 1.3: developer credentials see organisations of their user, addressed by org-...."""
    hub.add_application("developer", "d")
    hub.add_group(ORG, api_id="developer", org=ORG)
    assert plain(url, f"/api/v2/{ORG}/items", ("developer", "d")).status_code == 200
    assert plain(url, "/api/v2/org-else/items", ("developer", "d")).status_code == 401


def test_a_session_in_place_of_credentials(hub, url):
    """Connec! API v2, section 1.3: sso_session={token} for a logged-in user, with org-... in the path."""
    hub.add_session("token-1", ORG)
    assert plain(url, f"/api/v2/{ORG}/items?sso_session=token-1", None).status_code == 200
    assert plain(url, "/api/v2/org-else/items?sso_session=token-1", None).status_code == 401
    assert plain(url, f"/api/v2/{GROUP}/items?sso_session=token-1", None).status_code == 401
    assert plain(url, f"/api/v2/{ORG}/items?sso_session=wrong", None).status_code == 401


@pytest.mark.parametrize("media", ["application/vnd.api+json", "application/json"])
def test_both_media_types(api, media):
    """Connec! API v2, section 1.5: application/json is sent and asked for too; both work."""
    body = '{"items": {"name": "Bolt"}}'
    headers = {"Content-Type": media, "Accept": media}
    assert api.session.post(f"{api.root}/items", data=body, headers=headers, timeout=10).status_code == 201


@pytest.mark.parametrize("header", ["CONNEC-COUNTRY-FORMAT", "Connec-Country-Format"])
def test_countries(api, url, hub, header):
    """Connec! API v2, section 1.5: alpha-2 with the header, full English names without it."""
    address = {"billing": {"line1": "12 Quay St", "country": "Australia"}, "billing2": {}}
    id = api.post("organizations", name="Pelican", address=address).json()["organizations"]["id"]
    path = f"/api/v2/{GROUP}/organizations/{id}"
    shown = plain(url, path, **{header: "alpha2"}).json()["organizations"]["address"]
    assert shown == {"billing": {"line1": "12 Quay St", "country": "AU"}, "billing2": {}}
    assert plain(url, path).json()["organizations"]["address"] == address
    written = api.session.put(
        f"{api.root}/organizations/{id}",
        data='{"organizations": {"address": {"shipping": {"country": "NZ"}}}}',
        headers={header: "alpha2"},
        timeout=10,
    )
    assert written.json()["organizations"]["address"] == {"shipping": {"country": "NZ"}}
    assert hub.get(ORG, "organizations", id)["address"] == {"shipping": {"country": "New Zealand"}}


def test_what_is_no_country_stays(api, url):
    """Connec! API v2, section 1.5: the format of countries says nothing of texts that are none."""
    api.post("organizations", name="P", address={"billing": {"country": "Atlantis"}}, country=5)
    record = plain(url, f"/api/v2/{GROUP}/organizations", **{"CONNEC-COUNTRY-FORMAT": "alpha2"}).json()[
        "organizations"
    ][0]
    assert (record["address"]["billing"]["country"], record["country"]) == ("Atlantis", 5)


def test_notifications_keep_full_names(hub, api, receiver):
    """Connec! API v2, section 1.5: the country format is not applied to webhooks."""
    told = receiver()
    hub.add_application("app-two", "key two", webhook_url=told.url)
    headers = {"CONNEC-COUNTRY-FORMAT": "alpha2"}
    body = '{"organizations": {"name": "P", "address": {"billing": {"country": "GB"}}}}'
    assert api.session.post(f"{api.root}/organizations", data=body, headers=headers, timeout=10).status_code == 201
    assert hub.flush()
    assert told.records("organizations")[0]["address"]["billing"]["country"] == "United Kingdom"


def test_external_ids_off_by_false(api):
    """Connec! API v2, section 1.5: CONNEC-EXTERNAL-IDS false gives plain strings."""
    api.post("items", id=[own("1")], name="Bolt")
    answer = api.session.get(f"{api.root}/items", headers={"CONNEC-EXTERNAL-IDS": "false"}, timeout=10)
    assert isinstance(answer.json()["items"][0]["id"], str)


def test_an_application_sees_its_groups_only(hub, url):
    """Connec! API v2, sections 1.2 and 1.3: per-application credentials, access per group."""
    hub.add_application("third", "3")
    for auth in (("third", "3"), ("app-two", "key two")):
        assert plain(url, f"/api/v2/{GROUP}/items", auth).status_code == 401
        assert Api(url, auth=auth).post("items", name="x").status_code == 401
