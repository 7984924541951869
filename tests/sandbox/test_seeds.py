"""Seeds: realistic, the same every time, consistent, and what the hub itself would have computed."""

from __future__ import annotations

import re

import pytest

from django_connec.sandbox import SandboxHub
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR, linked_resource, referred_resource
from django_connec.sandbox.computing import complete
from django_connec.sandbox.layouts import LAYOUTS
from django_connec.sandbox.seeds import rows_of, sizes
from django_connec.sandbox.sqlite import SQLiteStore
from tests.sandbox.helpers import GROUP, ORG, control, furnish

COUNTS = sizes("small")
ROWS = {resource: list(rows_of(ORG, resource, COUNTS)) for resource in LAYOUTS}
IDS = {resource: {row.id for row in rows} for resource, rows in ROWS.items()}
PERSON_ID = "9bf54ea7-3ac6-4a91-8df8-000000000000"
PERSON_CREATED = "2018-04-25T18:11:25Z"
PERSON_NAME = ("Cleo", "Nettle")


def references(resource, block):
    for name, value in block.items():
        target = referred_resource(resource, name)
        if target is not None:
            yield target, value
        for row in value if isinstance(value, list) else []:
            linked = linked_resource(name, row)
            if linked is not None:
                yield linked, row["id"]
            yield from references(resource, row)


def test_sizes():
    assert set(COUNTS) == COLLECTIONS | SINGULAR
    assert all(COUNTS.values())
    assert [sum(sizes(size).values()) for size in ("small", "large", 50, 12_345, 1_000_000)] == [
        600,
        100_000,
        50,
        12_345,
        1_000_000,
    ]
    assert sizes({"items": 3, "company": 9}) == {"items": 3, "company": 1}


@pytest.mark.parametrize(
    "size",
    [
        "huge",
        "",
        3,
        -1,
        True,
        1.5,
        None,
        1_000_001,
        {"gadgets": 1},
        {"items": -1},
        {"items": "3"},
        {"items": 2_000_000},
    ],
)
def test_what_is_no_size(size):
    with pytest.raises(ValueError, match=r"size|at most"):
        sizes(size)


def test_the_same_records_every_time():
    # Whoever wrote a test against them finds them again, in a later version too.
    again = {resource: list(rows_of(ORG, resource, sizes("small"))) for resource in LAYOUTS}
    assert again == ROWS
    first = ROWS["people"][0]
    assert (first.id, first.created_at) == (PERSON_ID, PERSON_CREATED)
    assert (first.body["first_name"], first.body["last_name"]) == PERSON_NAME
    assert next(rows_of("org-2", "people", COUNTS)).id != first.id


@pytest.mark.parametrize("resource", sorted(LAYOUTS))
def test_records_have_all_attributes_and_lead_somewhere(resource):
    assert len(IDS[resource]) == len(ROWS[resource]) == COUNTS[resource]
    for row in ROWS[resource]:
        assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", row.id)
        assert set(row.body) == set(LAYOUTS[resource]) | ({"code"} if resource not in SINGULAR else set())
        for target, id in references(resource, row.body):
            assert id in IDS[target], (resource, target)


@pytest.mark.parametrize("resource", sorted(LAYOUTS))
def test_what_the_hub_computes_is_already_there(resource):
    rates = {row.id: row.body["sale_tax_rate"] for row in ROWS["tax_codes"]}
    for row in ROWS[resource]:
        assert complete(resource, row.body, {}, lambda id, sale: rates.get(id)) == row.body


def test_addresses_are_nobodys():
    for row in ROWS["people"]:
        assert row.body["email"]["address"].endswith(".example")


@pytest.mark.parametrize("make", [None, SQLiteStore])
def test_a_group_is_filled(make):
    with furnish(SandboxHub(delay=0, store=make and make())) as hub:
        assert hub.seed(GROUP, "small") == COUNTS
        assert {resource: hub.store.count(ORG, resource) for resource in COUNTS} == COUNTS
        before = hub.records(ORG, "invoices")
        changed = before[0]["id"]
        hub.update(ORG, "invoices", changed, title="Changed")
        assert hub.create(ORG, "people", first_name="New")["code"] == f"PE{COUNTS['people'] + 1}"
        hub.seed(ORG, "small")
        assert hub.records(ORG, "invoices") == before
        assert hub.create(ORG, "people", first_name="New")["code"] == f"PE{COUNTS['people'] + 2}"
        assert hub.deliveries == []


def test_seeded_records_survive_the_api(hub, api):
    hub.seed(ORG, "small")
    for resource in sorted(COLLECTIONS):
        record = api.get(resource, top=1).json()[resource][0]
        same = api.put(resource, record["id"], **{k: v for k, v in record.items() if k != "id"})
        assert same.json()[resource] == record


def test_seeding_by_control(hub, url):
    assert control(url, "seed", {"org": ORG, "size": 40}).json() == {"loaded": 40}
    for bad in ({}, {"org": 1}, {"org": ORG, "size": "huge"}, {"org": ORG, "size": []}):
        assert control(url, "seed", bad).status_code == 400
