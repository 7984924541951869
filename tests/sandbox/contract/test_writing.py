"""Connec! API v2, sections 2.4 to 2.6: upserts, options, and what takes the place of deleting."""

from __future__ import annotations

import pytest

from django_connec.sandbox import Behaviour
from tests.sandbox.helpers import OTHER, OTHER_KEY, own


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


def behave(hub, **settings):
    hub.behaviour = Behaviour(**settings)


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
    empty = {"billing": {}, "billing2": {}, "shipping": {}, "shipping2": {}}
    behave(hub, deep_merge=True)
    changed = api.put("organizations", id, address=change).json()["organizations"]["address"]
    assert changed == empty | {"billing": {"line1": "1 Quay St", "city": "Cairns"}, "shipping": {"city": "Perth"}}
    assert api.put("organizations", id, address={}).json()["organizations"]["address"] == empty
    behave(hub)
    assert api.put("organizations", id, address=change).json()["organizations"]["address"] == empty | change


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


def test_the_references_create(external):
    """Connec! API v2, section 2.4: an id list, attributes, options; 201 where it is new, 200 where it is known."""
    attributes = {
        "reference": "HB-50",
        "name": "Hex bolt 50 mm",
        "sale_price": {"net_amount": 1.2, "currency": "AUD"},
    }
    sent = attributes | {"id": [own("sku-1009")], "opts": {"matching_fields": ["reference"]}}
    first, second = external.post("items", **sent), external.post("items", **sent)
    assert (first.status_code, second.status_code) == (201, 200)
    record = second.json()["items"]
    assert record == first.json()["items"]
    assert record["id"][1:] == [own("sku-1009")]
    assert attributes.items() <= record.items()


def test_alternatives_are_lists_of_lists(api):
    """Connec! API v2, section 2.5: nested arrays could not be read; docs/sandbox.md says that they are alternatives."""
    held = api.post("people", first_name="Ines", last_name="Okafor", title="Ms.").json()["people"]["id"]
    options = {"matching_fields": [["email.address"], ["first_name", "last_name"]]}
    found = api.post("people", first_name="Ines", last_name="Okafor", email={"address": "i@x.example"}, opts=options)
    assert (found.status_code, found.json()["people"]["id"]) == (200, held)
    by_address = api.post("people", first_name="I.", email={"address": "i@x.example"}, opts=options)
    assert (by_address.status_code, by_address.json()["people"]["id"]) == (200, held)
    assert api.post("people", first_name="Ines", last_name="Brandt", opts=options).status_code == 201


@pytest.mark.parametrize(
    ("resource", "name", "attribute", "values"),
    [
        ("invoices", "lines", "description", "ab"),
        ("quotes", "lines", "description", "ab"),
        ("sales_orders", "lines", "description", "ab"),
        ("purchase_orders", "lines", "description", "ab"),
        ("payments", "payment_lines", "line_number", (1, 2)),
        ("journals", "journal_lines", "description", "ab"),
        ("employees", "work_locations", "work_location_id", "ab"),
        ("employees", "employee_salaries", "name", "ab"),
        ("time_sheets", "time_sheet_lines", "line_order", (1, 2)),
        ("leave_applications", "leave_periods", "units", (1, 2)),
        ("projects", "tasks", "name", "ab"),
        ("events", "ticket_classes", "name", "ab"),
        ("event_orders", "attendees", "event_ticket_id", "ab"),
        ("people", "notes", "description", "ab"),
    ],
)
def test_rows_stay_unless_the_writer_says_that_it_sent_all(api, resource, name, attribute, values):
    """Connec! API v2, section 2.5: sparse false deletes the rows that a request lacks; they stay by default."""
    record = api.post(resource, first_name="I", **{name: [{attribute: value} for value in values]}).json()[resource]
    one, two = record[name]

    def put(**attributes):
        return api.put(resource, record["id"], **attributes).json()[resource][name]

    assert put(**{name: [{"id": two["id"]}]}) == [one, two]
    assert put(code="C") == [one, two]
    assert put(**{name: []}, opts={"sparse": True}) == [one, two]
    assert put(**{name: [{"id": two["id"]}]}, opts={"sparse": False}) == [two]


def test_rows_in_rows_are_merged_too(external, other):
    """Connec! API v2, sections 2.5 and 5.8: rows keep their ids, those inside other rows as well."""
    hours = [{"id": [own("h1")], "hours": 7}, {"id": [own("h2")], "hours": 3}]
    made = external.post("time_sheets", time_sheet_lines=[{"id": [own("l1")], "time_activities": hours}])
    sheet = made.json()["time_sheets"]
    id, (line,) = sheet["id"][0]["id"], sheet["time_sheet_lines"]
    first, second = (row["id"] for row in line["time_activities"])
    theirs = own("t1", "other-app")
    change = [{"id": line["id"], "time_activities": [{"id": [first[0], theirs], "minutes": 30}]}]
    (line,) = other.put("time_sheets", id, time_sheet_lines=change).json()["time_sheets"]["time_sheet_lines"]
    told = {"id": [*first, theirs], "hours": 7, "minutes": 30}
    assert line["time_activities"] == [told, {"id": second, "hours": 3}]
    change = [{"id": [own("l1")], "time_activities": [{"id": [own("h1")], "hours": 8}]}]
    whole = external.put("time_sheets", id, time_sheet_lines=change, opts={"sparse": False}).json()["time_sheets"]
    assert whole["time_sheet_lines"][0]["time_activities"] == [told | {"hours": 8}]


@pytest.mark.parametrize("resource", ["people", "contacts"])
def test_persons_are_attached_to_an_organisation_by_its_name(api, resource):
    """Connec! API v2, section 2.5: attach_to_organization, for a person or a contact, new or known."""
    held = api.post("organizations", name="Pelican").json()["organizations"]["id"]
    made = api.post(resource, first_name="Ines", opts={"attach_to_organization": "Pelican"}).json()[resource]
    assert made["organization_id"] == held
    moved = api.put(resource, made["id"], opts={"attach_to_organization": "Heron"}).json()[resource]
    assert api.get(f"organizations/{moved['organization_id']}").json()["organizations"]["name"] == "Heron"
    assert api.get("organizations").json()["pagination"]["total"] == 2


@pytest.mark.parametrize("option", ["create_only", "merge", "many_to_one"])
def test_options_that_were_never_found_do_nothing(api, option):
    """Connec! API v2, section 2.5: looked for and not found; docs/sandbox.md says that other options are ignored."""
    sent = {"id": [own("1")], "name": "Bolt", "opts": {option: True}}
    assert [api.post("items", **sent).status_code for _ in range(2)] == [201, 200]
    assert option not in api.get("items").text


@pytest.mark.parametrize(
    ("resource", "status"),
    [
        ("items", "INACTIVE"),
        ("accounts", "ARCHIVED"),
        ("organizations", "ARCHIVED"),
        ("invoices", "VOIDED"),
        ("invoices", "INACTIVE"),
        ("sales_orders", "CANCELLED"),
        ("purchase_orders", "CANCELLED"),
        ("warehouses", "CLOSED"),
    ],
)
def test_a_status_takes_the_place_of_deleting(hub, api, receiver, resource, status):
    """Connec! API v2, sections 2.6 and 4.3: the record stays, and the others are told of its status."""
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
    behave(hub, check_values=True)
    id = api.post(resource, name="N").json()[resource]["id"]
    assert hub.flush()
    ended = api.put(resource, id, status=status).json()[resource]
    assert (ended["id"], ended["status"]) == (id, status)
    assert api.get(f"{resource}/{id}").json()[resource] == ended
    assert hub.flush()
    last = told.records(resource)[-1]
    assert (last["id"][0]["id"], last["status"], last["created_at"]) == (id, status, ended["created_at"])
