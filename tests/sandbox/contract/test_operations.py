"""Connec! API v2, sections 2, 2.1 and 2.11: the table of operations, the envelope, the console."""

from __future__ import annotations

import pytest
import requests

from django_connec.sandbox import Behaviour
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR
from tests.sandbox.helpers import GROUP, ORG, OTHER, OTHER_GROUP, OTHER_KEY, own


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


def behave(hub, **settings):
    hub.behaviour = Behaviour(**settings)


@pytest.mark.parametrize("resource", sorted(COLLECTIONS))
def test_every_resource_is_made_read_listed_and_changed(api, resource):
    """Connec! API v2, sections 2 and 5.1: list, fetch one, create, update, of every collection of the catalogue."""
    made = api.post(resource, name="N", first_name="F")
    assert made.status_code == 201
    record = made.json()[resource]
    assert api.get(f"{resource}/{record['id']}").json() == made.json()
    assert api.get(resource).json()[resource] == [record]
    assert api.put(resource, record["id"], name="M").json()[resource]["name"] == "M"
    assert record["resource_type"] == resource
    assert record["code"]


def test_the_root_lists_every_resource(api):
    """Connec! API v2, section 2: API root."""
    links = api.call("GET", api.root).json()["_links"]
    assert {name for link in links for name in link} == COLLECTIONS | SINGULAR
    assert all(link[name]["href"] == f"/api/v2/{GROUP}/{name}" for link in links for name in link)


def test_merging_by_the_console(api):
    """Connec! API v2, section 2.11: PUT /{resource}/{id}/merge."""
    keeper, loser = (api.post("people", first_name=n).json()["people"]["id"] for n in "ab")
    body = {"ids": [loser], "people": {"id": keeper, "email": {"address": "x@y.z"}}}
    assert api.call("PUT", f"people/{keeper}/merge", body).json()["people"]["email"] == {"address": "x@y.z"}
    assert api.get(f"people/{loser}").json()["people"]["id"] == keeper


def test_committing_by_the_console(hub, api, receiver):
    """Connec! API v2, section 2.11: PUT /{resource}/{id}/commit sends a record to an application."""
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url, resources=["items"])
    hub.add_group("cld-55yy", api_id=OTHER, org=ORG)
    hub.add_group("cld-far", api_id=OTHER, org="org-far")
    id = api.post("people", first_name="Ines").json()["people"]["id"]
    body = {"mappings": [{"group_id": OTHER_GROUP, "commit": True}, {"group_id": "cld-55yy", "commit": False}]}
    answer = api.call("PUT", f"people/{id}/commit", body)
    assert (answer.status_code, answer.json()["people"]["id"]) == (200, id)
    assert hub.flush()
    assert [(r["group_id"], r["first_name"]) for r in told.records("people")] == [(OTHER_GROUP, "Ines")]
    for bad in ({}, {"mappings": {}}, {"mappings": [1]}, {"mappings": [{}]}, {"mappings": [{"group_id": "cld-far"}]}):
        assert api.call("PUT", f"people/{id}/commit", bad).status_code == 400
    assert api.call("PUT", "people/nobody/commit", body).status_code == 404
    assert api.call("PUT", "company/x/commit", body).status_code == 404


def test_the_feed_of_2014(hub, api):
    """Connec! API v2, section 2: GET /{group}/updates/{epoch ms}?$filter[entity]=Company,TaxCode,Invoice."""
    hub.load(ORG, "tax_codes", [{"id": n, "name": n, "updated_at": f"2018-0{n}-01T00:00:00Z"} for n in "123"])
    api.call("PUT", "company", {"company": {"name": "Pelican"}})
    api.post("people", first_name="Ines")
    path = "updates/1517443200000"  # 2018-02-01
    found = api.call("GET", path, params={"$filter[entity]": "Company,TaxCode,Invoice"}).json()
    assert set(found) == {"company", "tax_codes", "invoices"}
    assert [record["id"] for record in found["tax_codes"]] == ["2", "3"]
    assert (found["company"][0]["name"], found["invoices"]) == ("Pelican", [])
    assert api.call("GET", path, params={"$filter[entity]": "Person"}).json()["people"][0]["first_name"] == "Ines"
    assert set(api.call("GET", path).json()) == COLLECTIONS | SINGULAR
    assert api.call("GET", path, params={"$filter[entity]": "Gadget"}).status_code == 400
    for since in ("x", "9" * 40, "-9" * 15):
        assert api.call("GET", f"updates/{since}").status_code == 400


@pytest.mark.parametrize("resource", sorted(COLLECTIONS | SINGULAR))
def test_examples_and_schemas_of_every_resource(api, resource):
    """Connec! API v2, section 2: GET /{resource}/example in the envelope, json_schema/{collection} without a group."""
    example = api.get(f"{resource}/example").json()
    assert set(example) == {resource}
    answer = api.call("GET", f"{api.url}/api/v2/json_schema/{resource}")
    assert answer.status_code == 200
    assert set(answer.json()["properties"]) == {resource}
    assert set(answer.json()["properties"][resource]["items"]["properties"]) == set(example[resource])


def test_the_version(url):
    """Connec! API v2, section 2: GET {host}/version, of texts; it needs no credentials."""
    answer = requests.get(f"{url}/version", headers={"Accept": "application/json"}, timeout=10)
    assert answer.status_code == 200
    assert set(answer.json()) == {"ci_branch", "ci_build_number", "ci_commit"}
    assert all(isinstance(value, str) for value in answer.json().values())


def test_statuses_of_success(api):
    """Connec! API v2, section 2.1: 201 with a Location for what is new, 200 for everything else."""
    made = api.post("items", id=[own("1")], name="Bolt")
    id = made.json()["items"]["id"]
    assert (made.status_code, made.headers["Location"]) == (201, f"/api/v2/{GROUP}/items/{id}")
    options = {"matching_fields": ["name"]}
    answers = [
        api.get("items"),
        api.get(f"items/{id}"),
        api.post("items", id=[own("1")], name="Bolt"),
        api.post("items", name="Bolt", opts=options),
        api.put("items", id, name="Nut"),
    ]
    assert [(answer.status_code, "Location" in answer.headers) for answer in answers] == [(200, False)] * 5
