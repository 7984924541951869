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
    empty = {"billing2": {}, "shipping": {}, "shipping2": {}}
    address = {"billing": {"line1": "12 Quay St", "country": "Australia"}, **empty}
    id = api.post("organizations", name="Pelican", address=address).json()["organizations"]["id"]
    path = f"/api/v2/{GROUP}/organizations/{id}"
    shown = plain(url, path, **{header: "alpha2"}).json()["organizations"]["address"]
    assert shown == {"billing": {"line1": "12 Quay St", "country": "AU"}, **empty}
    assert plain(url, path).json()["organizations"]["address"] == address
    written = api.session.put(
        f"{api.root}/organizations/{id}",
        data='{"organizations": {"address": {"shipping": {"country": "NZ"}}}}',
        headers={header: "alpha2"},
        timeout=10,
    )
    assert written.json()["organizations"]["address"]["shipping"] == {"country": "NZ"}
    assert hub.get(ORG, "organizations", id)["address"]["shipping"] == {"country": "New Zealand"}


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


def test_every_link_of_the_root_leads_somewhere(api, url):
    """Connec! API v2, sections 1.2 and 2: a singular resource has an address without an id, like a collection's."""
    api.call("PUT", "company", {"company": {"name": "Pelican"}})
    links = [link for entry in plain(url, f"/api/v2/{GROUP}").json()["_links"] for link in entry.items()]
    for name, link in links:
        answer = plain(url, link["href"])
        assert (answer.status_code, next(iter(answer.json()))) == (200, name)
        assert isinstance(answer.json()[name], dict if name == "company" else list)


@pytest.mark.parametrize(
    "path",
    [
        "{group}",
        "{group}/items",
        "{group}/items/i-1",
        "{group}/items/example",
        "{group}/company",
        "{group}/updates/0",
        "json_schema/items",
        "json_schema/company",
    ],
)
def test_the_suffix_on_every_address(hub, api, url, path):
    """Connec! API v2, section 1.2: a .json suffix works; one client sets it on every request."""
    hub.load(ORG, "items", [{"id": "i-1", "name": "Bolt"}])
    api.call("PUT", "company", {"company": {"name": "Pelican"}})
    path = f"/api/v2/{path.format(group=GROUP)}"
    bare, suffixed = plain(url, path), plain(url, f"{path}.json")
    assert (suffixed.status_code, suffixed.json()) == (200, bare.json())


@pytest.mark.parametrize("action", ["merge", "commit"])
def test_the_suffix_on_what_is_written(hub, api, action):
    """Connec! API v2, section 1.2: a .json suffix works on writes too."""
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines"}])
    assert api.call("PUT", f"people/p-1/{action}.json", {"ids": [], "mappings": []}).status_code == 200
    assert api.call("POST", "people.json", {"people": {"first_name": "Jo"}}).status_code == 201


def test_added_again_under_another_id(hub, api, url):
    """Connec! API v2, section 1.2: the group id changes when the application is removed and added again."""
    api.post("items", name="Bolt")
    hub.revoke(GROUP)
    hub.add_group("cld-again", api_id=APP, org=ORG)
    assert plain(url, f"/api/v2/{GROUP}/items").status_code == 401
    (record,) = plain(url, "/api/v2/cld-again/items").json()["items"]
    assert (record["name"], record["group_id"], record["channel_id"]) == ("Bolt", "cld-again", ORG)


def test_the_consoles_session(hub, url):
    """Connec! API v2, sections 1.3 and 2.11: the user's browser pages, searches and merges by its session."""
    hub.add_session("token-1", ORG)
    hub.load(ORG, "people", [{"id": f"p-{n}", "first_name": f"{n}"} for n in range(3)])
    page = plain(url, f"/api/v2/{ORG}/people.json?$top=2&sso_session=token-1", None).json()
    following = page["pagination"]["next"].removeprefix(url)
    assert [record["id"] for record in plain(url, following, None).json()["people"]] == ["p-2"]
    body = {"ids": ["p-1"], "people": {"id": "p-0", "title": "Ms."}}
    path = f"{url}/api/v2/{ORG}/people/p-0/merge?sso_session=token-1"
    merged = requests.put(path, json=body, headers={"CONNEC-EXTERNAL-IDS": "false"}, timeout=10)
    assert (merged.status_code, merged.json()["people"]["title"], merged.json()["people"]["id"]) == (200, "Ms.", "p-0")
    assert plain(url, "/api/v2/json_schema/people?sso_session=token-1", None).status_code == 200


def test_the_configuration_leads_to_the_hub(hub, url):
    """Connec! API v2, section 1.4: each marketplace's entry has the hub's host, base path and credentials."""
    hub.add_application(APP, KEY, env_key="env", env_secret="secret", host="http://127.0.0.1:9", external_ids=False)
    (entry,) = plain(url, "/api/config/v1/marketplaces", ("env", "secret")).json()["marketplaces"]
    connec, api = entry["connec"], entry["api"]
    assert (connec["timeout"], entry["webhooks"]["connec"]["external_ids"]) == (300, False)
    answer = requests.get(
        f"{connec['host']}{connec['base_path']}/{GROUP}/items", auth=(api["id"], api["key"]), timeout=10
    )
    assert answer.status_code == 200
    assert plain(url, "/api/config/v1/marketplaces", (APP, KEY)).status_code == 401


def test_bodies_are_plain(api):
    """Connec! API v2, section 1.5: whatever the media type says, bodies are no JSON:API documents."""
    document = {"data": {"type": "items", "attributes": {"name": "Bolt"}}}
    assert api.call("POST", "items", document).status_code == 400
    assert set(api.post("items", name="Bolt").json()) == {"items"}
    assert set(api.get("items").json()) == {"items", "pagination"}
