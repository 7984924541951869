"""Connec! API v2, section 5: what the hub computes, and the values that it knows."""

from __future__ import annotations

import pytest

from django_connec.sandbox import Behaviour
from tests.sandbox.helpers import ORG


@pytest.fixture
def taxed(hub):
    hub.load(ORG, "tax_codes", [{"id": "gst", "name": "GST", "sale_tax_rate": 10.0, "purchase_tax_rate": 5.0}])


def price(**amounts):
    return {"currency": "AUD"} | amounts


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (price(net_amount=1.2, tax_rate=10.0), {"net_amount": 1.2, "total_amount": 1.32, "tax_amount": 0.12}),
        (price(total_amount=1.32, tax_rate=10.0), {"net_amount": 1.2, "total_amount": 1.32, "tax_amount": 0.12}),
        (price(net_amount=0.3333, tax_rate=10), {"net_amount": 0.3333, "total_amount": 0.37}),
        (price(net_amount=5, tax_rate=0), {"total_amount": 5.0, "tax_amount": 0.0}),
        (price(net_amount=5), {"net_amount": 5}),
        (price(tax_rate=10.0), {"tax_rate": 10.0}),
        (price(net_amount="5", tax_rate=10.0), {"net_amount": "5"}),
        (price(net_amount=True, tax_rate=10.0), {"net_amount": True}),
        (price(net_amount=5, tax_rate=-100), {"tax_rate": -100}),
        ({}, {}),
    ],
)
def test_prices_are_completed(api, written, shown):
    """Connec! API v2, section 5.3: send one amount and the rate, and let Connec compute the rest."""
    found = api.post("items", name="Bolt", sale_price=written).json()["items"]["sale_price"]
    assert found == written | found
    assert found | shown == found
    assert set(found) - set(written) <= {"total_amount", "net_amount", "tax_amount", "tax_rate"}
    if not {"total_amount", "tax_amount"} & set(shown):
        assert found == written


def test_the_rate_of_a_tax_code(api, taxed):
    """Connec! API v2, section 5.3: tax_code_id in place of tax_rate, of the side that it is used on."""
    codes = {"sale_tax_code_id": "gst", "purchase_tax_code_id": "gst"}
    record = api.post("items", name="B", sale_price=price(net_amount=10), purchase_price=price(net_amount=10), **codes)
    item = record.json()["items"]
    assert (item["sale_price"]["total_amount"], item["purchase_price"]["total_amount"]) == (11.0, 10.5)
    line = {"quantity": 2, "unit_price": {"net_amount": 10}, "tax_code_id": "gst"}
    assert api.post("invoices", lines=[line]).json()["invoices"]["amount"]["total_amount"] == 22.0
    assert api.post("invoices", type="SUPPLIER", lines=[line]).json()["invoices"]["amount"]["total_amount"] == 21.0
    assert api.post("purchase_orders", lines=[line]).json()["purchase_orders"]["amount"]["total_amount"] == 21.0
    # A rate alone is no price.
    assert api.post("items", name="B", **codes).json()["items"]["sale_price"] == {}


def test_the_amount_that_was_written_last_counts(api):
    """Connec! API v2, section 5.3: either amount may be sent, at a change too."""
    item = api.post("items", name="B", sale_price=price(net_amount=10, tax_rate=10)).json()["items"]
    held = item["sale_price"]
    by_total = api.put("items", item["id"], sale_price=held | {"total_amount": 22}).json()["items"]["sale_price"]
    assert (by_total["net_amount"], by_total["tax_amount"]) == (20.0, 2.0)
    by_net = api.put("items", item["id"], sale_price=by_total | {"net_amount": 30}).json()["items"]["sale_price"]
    assert (by_net["total_amount"], by_net["tax_amount"]) == (33.0, 3.0)


@pytest.mark.parametrize("resource", ["invoices", "quotes", "sales_orders", "purchase_orders"])
def test_documents_are_added_up(api, resource):
    """Connec! API v2, section 5.8: lines from prices, the document from its lines, what is owed from that."""
    lines = [
        {"quantity": 100, "unit_price": price(net_amount=1.0, tax_rate=10.0)},
        {"quantity": 2, "unit_price": price(total_amount=5.5, tax_rate=10.0), "reduction_percent": 50},
        {"total_price": price(net_amount=7.0, tax_rate=0), "is_shipping": True},
        {"quantity": 9, "unit_price": price(net_amount=9, tax_rate=9), "status": "INACTIVE"},
    ]
    record = api.post(resource, lines=lines, deposit=10.0).json()[resource]
    totals = [line["total_price"]["total_amount"] for line in record["lines"]]
    assert totals == [110.0, 5.5, 7.0, 88.29]
    expected = {"total_amount": 122.5, "net_amount": 112.0, "tax_amount": 10.5, "currency": "AUD"}
    assert record["amount"] == expected
    assert record["balance"] == 112.5
    one = record["lines"][0]["id"]
    changed = api.put(resource, record["id"], lines=[{"id": one, "quantity": 200}]).json()[resource]
    assert (changed["amount"]["total_amount"], changed["balance"]) == (232.5, 222.5)


def test_nothing_is_lost_by_rounding_a_piece(api):
    """Connec! API v2, sections 5.8 and 7: tax was lost or wrong for a quantity above one."""
    line = {"quantity": 1000, "unit_price": price(net_amount=0.333, tax_rate=10.0)}
    total = api.post("invoices", lines=[line]).json()["invoices"]["lines"][0]["total_price"]
    assert (total["net_amount"], total["total_amount"], total["tax_amount"]) == (333.0, 366.3, 33.3)


def test_discounts(api):
    """Connec! API v2, section 5.8: discount_percent, discount_amount, apply_tax_after_discount."""
    lines = [{"quantity": 1, "unit_price": price(net_amount=100, tax_rate=10.0)}]
    for discount, total in (
        ({"discount_percent": 10}, 99.0),
        ({"discount_amount": 20}, 88.0),
        ({"discount_percent": 10, "apply_tax_after_discount": False}, 100.0),
        ({"discount_percent": 0}, 110.0),
    ):
        assert api.post("invoices", lines=lines, **discount).json()["invoices"]["amount"]["total_amount"] == total


def test_what_was_written_stays_where_nothing_can_be_computed(api):
    """Connec! API v2, section 5.8: a document whose lines have no prices keeps its writer's sums."""
    record = api.post("invoices", amount=price(total_amount=50.0), lines=[{"description": "x"}]).json()["invoices"]
    assert record["amount"] == price(total_amount=50.0)
    assert record["balance"] == 50.0
    paid = api.post("invoices", amount=price(total_amount=50.0), balance=0.0, deposit=50.0).json()["invoices"]
    assert paid["balance"] == 0.0
    again = api.put("invoices", paid["id"], title="x").json()["invoices"]
    assert again["balance"] == 0.0
    # What its writer said is owed is not overruled.
    part = api.post("invoices", amount=price(total_amount=50.0), balance=7.0).json()["invoices"]
    assert api.put("invoices", part["id"], amount=price(total_amount=60.0)).json()["invoices"]["balance"] == 7.0


@pytest.mark.parametrize("amounts", [(30.0, 20.0), ({"total_amount": 30.0, "currency": "AUD"}, 20)])
def test_a_payments_amount_comes_from_its_lines(api, amounts):
    """Connec! API v2, section 5.12: amount is read-only; a line's amount is a number or a block."""
    lines = [{"amount": amount} for amount in amounts]
    record = api.post("payments", amount=price(total_amount=999.0), payment_lines=lines).json()["payments"]
    assert record["amount"] == {"currency": "AUD", "total_amount": 50.0}


def test_classification(api):
    """Connec! API v2, section 5.10: class_type_sub_type, and __ when all three are missing."""
    made = {"class": "ASSET", "type": "BANK", "sub_type": "CHECKING"}
    account = api.post("accounts", name="Till", classification="mine", **made).json()["accounts"]
    assert account["classification"] == "ASSET_BANK_CHECKING"
    assert api.post("accounts", name="Till").json()["accounts"]["classification"] == "__"


def test_full_names(api):
    """Connec! API v2, section 5.9: employees show full_name."""
    made = api.post("employees", first_name="Tomas", last_name="Brandt").json()["employees"]
    assert made["full_name"] == "Tomas Brandt"


def test_computing_is_a_setting(hub, api):
    """Connec! API v2, section 5.3: a client must not rely on it alone."""
    hub.behaviour = Behaviour(compute=False)
    written = price(net_amount=1.2, tax_rate=10.0)
    assert api.post("items", name="B", sale_price=written).json()["items"]["sale_price"] == written


def test_empty_blocks(hub, api):
    """Connec! API v2, section 5.3: empty blocks come back as {}, not null, those that nobody wrote as well."""
    places = {"billing": {}, "billing2": {}, "shipping": {}, "shipping2": {}}
    record = api.post("organizations", name="P", address={"billing": None}, email=None).json()["organizations"]
    assert (record["address"], record["email"], record["phone"], record["website"]) == (places, {}, {}, {})
    assert api.post("accounts", name="Till").json()["accounts"]["bank_account"] == {}
    assert api.post("invoices", lines=[{"unit_price": None}]).json()["invoices"]["lines"][0]["unit_price"] == {}
    changed = api.put("organizations", record["id"], address={"billing": {"city": "Cairns"}}).json()["organizations"]
    assert changed["address"] == places | {"billing": {"city": "Cairns"}}
    # What is no block may be null.
    assert api.put("organizations", record["id"], description=None).json()["organizations"]["description"] is None
    hub.behaviour = Behaviour(fill_blocks=False)
    record = api.post("organizations", name="P", address={"billing": None}).json()["organizations"]
    assert (record["address"], "email" in record) == ({"billing": {}}, False)


def test_new_organisations_are_customers(hub, api):
    """Connec! API v2, section 5.5: is_customer is true unless told otherwise."""
    assert api.post("organizations", name="P").json()["organizations"]["is_customer"] is True
    assert api.post("organizations", name="P", is_customer=False).json()["organizations"]["is_customer"] is False
    hub.behaviour = Behaviour(default_customers=False)
    assert "is_customer" not in api.post("organizations", name="P").json()["organizations"]


@pytest.mark.parametrize(
    ("resource", "attributes"),
    [
        ("invoices", {"status": "SENT"}),
        ("invoices", {"type": "OTHER"}),
        ("invoices", {"lines": [{"status": "GONE"}]}),
        ("payments", {"payment_lines": [{"linked_transactions": [{"class": "Bill", "id": "x"}]}]}),
        ("employees", {"gender": 5}),
        ("employees", {"gender": ["M"]}),
    ],
)
def test_values_that_were_never_seen_are_a_setting(hub, api, resource, attributes):
    """Connec! API v2, section 5.2: the enumerations are those that were seen."""
    assert api.post(resource, **attributes).status_code == 201
    hub.behaviour = Behaviour(check_values=True)
    answer = api.post(resource, **attributes)
    assert answer.status_code == 400
    assert "is not included in the list" in answer.json()["errors"][0]["title"]
    assert api.post(resource, status=None).status_code == 201


def test_the_schema_names_what_was_seen(api):
    """Connec! API v2, sections 5.2 and 5.15: properties.{collection}.items.properties, with enum and format."""
    answer = api.call("GET", f"{api.url}/api/v2/json_schema/invoices").json()
    properties = answer["properties"]["invoices"]["items"]["properties"]
    assert properties["status"]["enum"] == ["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "INACTIVE"]
    assert properties["transaction_date"] == {"type": "string", "format": "date-time"}
    assert properties["lines"]["items"]["properties"]["quantity"] == {"type": "number"}
