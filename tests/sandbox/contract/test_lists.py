"""Connec! API v2, sections 2.2 and 2.3: pages, filters, orders, searches."""

from __future__ import annotations

import json
from urllib.parse import quote, urlencode

import pytest

from django_connec.sandbox import Behaviour
from tests.sandbox.helpers import GROUP, ORG, connec, own


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


def behave(hub, **settings):
    hub.behaviour = Behaviour(**settings)


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


def test_mappings_are_ignored(api):
    """Connec! API v2, section 2.3: mappings[] is the console's; docs/sandbox.md says that it is ignored."""
    api.post("items", name="Bolt")
    wanted = {"mappings[]": json.dumps({"group_id": GROUP, "exclude": True})}
    assert api.call("GET", "items", params=wanted).json()["pagination"]["total"] == 1


def test_the_references_page(hub, api):
    """Connec! API v2, section 2.2: skip, top and total, and next: absolute, its dollars escaped. No previous."""
    hub.load(ORG, "items", [{"id": f"{n}", "name": f"{n}"} for n in range(412)])
    answer = api.get("items", top=50, skip=100).json()
    assert [record["name"] for record in answer["items"]] == [f"{n}" for n in range(100, 150)]
    following = f"{api.url}/api/v2/{GROUP}/items?%24skip=150&%24top=50"
    assert answer["pagination"] == {"skip": 100, "top": 50, "total": 412, "next": following}


@pytest.mark.parametrize("skip", [0, 3, 6])
def test_no_page_has_a_previous(hub, api, skip):
    """Connec! API v2, section 2.2: a previous link was never seen."""
    hub.load(ORG, "items", [{"id": f"{n}", "name": f"{n}"} for n in range(9)])
    pagination = api.get("items", top=3, skip=skip).json()["pagination"]
    assert set(pagination) == {"skip", "top", "total"} | ({"next"} if skip < 6 else set())


def test_paging_by_the_total(hub, api):
    """Connec! API v2, section 2.2: one client adds top to $skip until it holds total records."""
    hub.load(ORG, "items", [{"id": f"{n}", "name": f"{n}"} for n in range(23)])
    seen, skip, total = [], 0, 1
    while len(seen) < total:
        answer = api.get("items", top=5, skip=skip).json()
        seen += [record["name"] for record in answer["items"]]
        skip, total = skip + answer["pagination"]["top"], answer["pagination"]["total"]
    assert seen == [f"{n}" for n in range(23)]


#: What clients were seen to ask for, and which of ``FILTERED`` that is.
EXAMPLES = [
    ("updated_at gt '2018-03-01T00:00:00Z'", "cd"),
    ("updated_at gte '2018-03-01T10:00:00+10:00'", "bcd"),
    ("type eq 'CUSTOMER' and status eq 'DRAFT'", "a"),
    ("type eq 'CUSTOMER' AND status eq 'DRAFT'", "a"),
    ("type eq 'CUSTOMER' AND status ne 'DRAFT' and is_lead eq true", "c"),
    ("is_lead eq true", "bc"),
    ("status ne 'ARCHIVED'", "abd"),
    ("status ne 'INACTIVE'", "abc"),
    ("name match /ham/", "ab"),
    ("email eq null", "ab"),
    ("email ne null", "cd"),
    ("_id in ['a','d','x']", "ad"),
    ("balance lt 2", "a"),
    ("balance lte 2", "ab"),
    ("balance gt 2", "cd"),
    ("balance gte 2", "bcd"),
    ("is_lead eq false", "a"),
]
FILTERED = [
    {"id": "a", "name": "ham", "type": "CUSTOMER", "status": "DRAFT", "balance": 1, "is_lead": False},
    {"id": "b", "name": "shame", "type": "SUPPLIER", "status": "DRAFT", "balance": 2, "is_lead": True, "email": {}},
    {"id": "c", "name": "x", "type": "CUSTOMER", "status": "ARCHIVED", "balance": 3, "is_lead": True},
    {"id": "d", "name": "y", "type": "CUSTOMER", "status": "INACTIVE", "balance": 4},
]


@pytest.fixture
def filtered(hub):
    """Invoices that were changed on one day after the other; the last two have an address."""
    days = ("2018-02-28", "2018-03-01", "2018-03-02", "2018-03-03")
    for record, day in zip(FILTERED, days, strict=True):
        address = {"email": {"address": "x@y.example"}} if record["id"] in "cd" else {}
        hub.load(ORG, "invoices", [{**record, **address, "updated_at": f"{day}T00:00:00Z"}])


@pytest.mark.parametrize("way", ["alone", "in a batch", "in a batch, as params"])
@pytest.mark.parametrize(("condition", "ids"), EXAMPLES)
def test_every_example_of_a_filter(api, filtered, way, condition, ids):
    """Connec! API v2, section 2.3: the grammar's operators and values; "and" in either case; also in a batch."""
    if way == "alone":
        found = api.get("invoices", filter=condition).json()
    else:
        query = {"$filter": condition}
        asked = api.op("get", "invoices", **query)
        if way == "in a batch":
            asked = api.op("get", f"invoices?{urlencode(query, quote_via=quote)}")
        (result,) = api.batch([asked]).json()["results"]
        assert result["status"] == 200
        found = result["body"]
    assert "".join(record["id"] for record in found["invoices"]) == ids
    assert found["pagination"]["total"] == len(ids)


@pytest.mark.parametrize("status", ["ARCHIVED", "INACTIVE", "VOIDED", "CANCELLED"])
def test_lists_include_what_is_no_longer_active(api, status):
    """Connec! API v2, section 2.3: lists include such records unless they are filtered out."""
    api.post("sales_orders", title="One")
    gone = api.post("sales_orders", title="Two", status=status).json()["sales_orders"]["id"]
    assert [record["title"] for record in api.get("sales_orders").json()["sales_orders"]] == ["One", "Two"]
    kept = api.get("sales_orders", filter=f"status ne '{status}'").json()["sales_orders"]
    assert [record["title"] for record in kept] == ["One"]
    assert api.get(f"sales_orders/{gone}").status_code == 200


@pytest.mark.parametrize("parameter", ["$select", "$count", "$format", "locale"])
def test_parameters_that_were_never_seen_are_ignored(hub, api, parameter):
    """Connec! API v2, section 2.3: $select was not seen; docs/sandbox.md says that other parameters are ignored."""
    hub.load(ORG, "items", [{"id": "i-1", "name": "Bolt", "reference": "HB"}])
    asked = api.call("GET", "items", params={parameter: "name"}).json()
    assert asked == api.get("items").json()
