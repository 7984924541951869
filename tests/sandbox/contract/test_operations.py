"""Connec! API v2, section 2: operations, filters, options, errors."""

from __future__ import annotations

import pytest

from django_connec.sandbox import Behaviour
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR
from tests.sandbox.helpers import GROUP, ORG, OTHER, OTHER_GROUP, OTHER_KEY, connec, own


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


def behave(hub, **settings):
    hub.behaviour = Behaviour(**settings)


# 2: the table of operations -----------------------------------------------------------------------------------


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


def test_the_envelope_of_the_java_sdk(api):
    """Connec! API v2, section 2.1: "resource" beside the record is optional."""
    body = {"resource": "organizations", "organizations": {"name": "Pelican"}}
    assert api.call("POST", "organizations", body).json()["organizations"]["name"] == "Pelican"


# 2.2, 2.3 -----------------------------------------------------------------------------------------------------


def test_page_cap_is_a_setting(hub, api):
    """Connec! API v2, section 2.2: the maximum of $top is not stated."""
    hub.load(ORG, "items", [{"id": f"{n}", "name": "x"} for n in range(30)])
    behave(hub, page_cap=20)
    assert len(api.get("items").json()["items"]) == 20
    assert api.get("items", top=25).json()["pagination"]["top"] == 20


def test_default_order_is_a_setting(hub, api):
    """Connec! API v2, section 2.3: the default order is unknown."""
    hub.load(ORG, "items", [{"id": n, "name": n} for n in "bca"])
    assert api.names() == ["b", "c", "a"]
    behave(hub, default_order="name DESC")
    assert api.names() == ["c", "b", "a"]
    assert api.names(orderby="name ASC") == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("name eq 'a' or name eq 'c'", "ac"),
        ("(name eq 'a' or name eq 'b') and n gt 1", "b"),
        ("name eq 'a' or name eq 'b' and n gt 1", "ab"),
        ("not name eq 'a'", "bcd"),
        ("not (name eq 'a' or n gte 3)", "bd"),
        ("not n gt 1", "ad"),
        ("((name eq 'a'))", "a"),
    ],
)
def test_wide_filters_are_a_setting(hub, api, condition, names):
    """Connec! API v2, sections 2.3 and 8: or, parentheses and not were never seen."""
    hub.load(ORG, "items", [{"id": n, "name": n} | ({"n": i} if i < 4 else {}) for i, n in enumerate("abcd", 1)])
    assert api.get("items", filter=condition).status_code == 400
    behave(hub, wide_filters=True)
    assert "".join(api.names(filter=condition)) == names


@pytest.mark.parametrize("condition", ["(name eq 'a'", "name eq 'a')", "()", "not", "(" * 50 + "a eq 1" + ")" * 50])
def test_wide_filters_that_cannot_be_read(hub, api, condition):
    """Connec! API v2, section 2.3: what does not follow the grammar is refused."""
    behave(hub, wide_filters=True)
    assert api.get("items", filter=condition).status_code == 400


def test_likely_duplicates(hub, api, external):
    """Connec! API v2, section 2.3: $expand=matching_records on fetch-one."""
    people = [
        {"first_name": "Ines", "last_name": "Okafor", "email": {"address": "i@x.example"}},
        {"first_name": "Ines", "last_name": "Okafor"},
        {"first_name": "I.", "email": {"address": "i@x.example"}},
        {"first_name": "Ines", "last_name": "Brandt"},
        {"first_name": "Ines"},
    ]
    hub.load(ORG, "people", [{"id": f"{n}", **one} for n, one in enumerate(people)])
    external.put("people", "2", id=[own("41")])
    found = api.get("people/0", expand="matching_records").json()["people"]["matching_records"]
    assert found == [{"match_id": [connec("1")]}, {"match_id": [connec("2"), own("41")]}]
    assert api.get("people/4", expand="matching_records").json()["people"]["matching_records"] == []
    assert "matching_records" not in api.get("people/0").json()["people"]
    assert "matching_records" not in api.get("people/0", expand="else").json()["people"]


# 2.4, 2.5, 2.6 --------------------------------------------------------------------------------------------------


def test_plain_ids_are_a_setting(hub, api):
    """Connec! API v2, section 2.4: the emulator refuses a plain id with 409; production is unknown."""
    assert api.post("items", id="x", name="Bolt").status_code == 409
    behave(hub, refuse_plain_ids=False)
    record = api.post("items", id="x", name="Bolt")
    assert record.status_code == 201
    assert record.json()["items"]["id"] != "x"


def test_any_matching_field_is_a_setting(hub, api):
    """Connec! API v2, section 2.5: whether several matching_fields mean AND could not be read."""
    api.post("items", name="Bolt", reference="A")
    options = {"matching_fields": ["name", "reference"]}
    assert api.post("items", name="Bolt", reference="B", opts=options).status_code == 201
    assert api.post("items", name="Bolt", opts=options).status_code == 201, "one of them is not there"
    behave(hub, matching="any")
    assert api.post("items", name="Bolt", reference="C", opts=options).status_code == 200
    assert api.post("items", name="New", opts=options).status_code == 201


def test_deep_merge_is_a_setting(hub, api):
    """Connec! API v2, section 2.5: deep-merge rules are not documented; the emulator merges the top level only."""
    address = {"billing": {"line1": "12 Quay St", "city": "Cairns"}, "shipping": {"city": "Perth"}}
    id = api.post("organizations", name="P", address=address).json()["organizations"]["id"]
    change = {"billing": {"line1": "1 Quay St"}}
    behave(hub, deep_merge=True)
    changed = api.put("organizations", id, address=change).json()["organizations"]["address"]
    assert changed == {"billing": {"line1": "1 Quay St", "city": "Cairns"}, "shipping": {"city": "Perth"}}
    assert api.put("organizations", id, address={}).json()["organizations"]["address"] == {}
    behave(hub)
    assert api.put("organizations", id, address=change).json()["organizations"]["address"] == change


def test_default_organization(api):
    """Connec! API v2, section 2.5: create_default_organization makes one for a person who has none."""
    options = {"create_default_organization": True}
    person = api.post("people", first_name="Ines", last_name="Okafor", opts=options).json()["people"]
    organization = api.get(f"organizations/{person['organization_id']}").json()["organizations"]
    assert organization["name"] == "Ines Okafor"
    again = api.put("people", person["id"], title="Ms.", opts=options).json()["people"]
    assert again["organization_id"] == organization["id"]
    assert api.get("organizations").json()["pagination"]["total"] == 1


def test_opportunities_are_attached_by_the_writers_own_id(api):
    """Connec! API v2, section 2.5: attached_to_org is the application's id of the organisation."""
    organization = api.post("organizations", id=[own("12")], name="Pelican").json()["organizations"]["id"]
    made = api.post("opportunities", id=[own("o-1")], name="Fleet", opts={"attached_to_org": "12"})
    assert made.json()["opportunities"]["organization_id"] == organization
    assert api.post("opportunities", id=[own("o-2")], name="F", opts={"attached_to_org": "13"}).status_code == 400


def test_deletion_is_a_setting(hub, api):
    """Connec! API v2, sections 2 and 2.6: DELETE is deprecated and not routed; status is set instead."""
    id = api.post("items", name="Bolt").json()["items"]["id"]
    assert api.call("DELETE", f"items/{id}").status_code == 405
    behave(hub, delete_deactivates=True)
    answer = api.call("DELETE", f"items/{id}")
    assert (answer.status_code, answer.json()["items"]["status"]) == (200, "INACTIVE")
    assert api.call("DELETE", "items/nobody").status_code == 404
    assert api.call("DELETE", "items").status_code == 405


def test_batch_cap_is_a_setting(hub, api):
    """Connec! API v2, section 2.7: the server's limit is not stated."""
    operations = [api.op("get", "items")] * 3
    behave(hub, batch_cap=2)
    assert api.batch(operations).status_code == 400
    assert api.batch(operations[:2]).status_code == 200


def test_singular_resources_in_a_batch(api):
    """Connec! API v2, sections 2.1 and 2.7: connectors send POST /company/ and PUT /company/<id> in a batch."""
    posted = api.batch([api.op("post", "company/", company={"name": "Pelican"})]).json()["results"][0]
    assert posted["status"] == 201
    id = posted["body"]["company"]["id"]
    result = api.batch([api.op("put", f"company/{id}", company={"name": "Pelican Pty"})]).json()["results"][0]
    assert (result["status"], result["body"]["company"]["name"]) == (200, "Pelican Pty")


def test_duplicate_codes_are_a_setting(hub, api):
    """Connec! API v2, sections 2.8 and 8: what the hub answers to a clash of codes could not be read."""
    first = api.post("items", name="A", code="C").json()["items"]["id"]
    second = api.post("items", name="B", code="C").json()["items"]["id"]
    behave(hub, unique_codes=True)
    answer = api.post("items", name="C", code="C")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "code-has-already-been-taken"
    assert api.put("items", second, name="BB").status_code == 400
    hub.store.delete(ORG, "items", second)
    assert api.put("items", first, name="AA").status_code == 200


def test_the_error_entry(api):
    """Connec! API v2, section 2.8: id, href, status, code, title, detail."""
    (error,) = api.post("items").json()["errors"]
    assert set(error) == {"id", "href", "status", "code", "title", "detail"}
    assert all(isinstance(value, str) for value in error.values())
