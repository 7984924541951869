"""Bills: what an application charges a group once (Maestrano SDK, section D)."""

from __future__ import annotations

import pytest

from tests.sandbox.applications import Account
from tests.sandbox.helpers import GROUP, OTHER, OTHER_GROUP, OTHER_KEY


def test_bill_has_the_references_fields_and_defaults(account):
    """Maestrano SDK, section D: bill object:'account_bill', id, group_id, …, currency default AUD."""
    bill = account.bill(price_cents="2400", description="Seats & more")["data"]
    assert account("GET", f"account/bills/{bill['id']}")["data"] == bill
    assert bill == {
        "object": "account_bill",
        "id": "bill-1",
        "group_id": GROUP,
        "created_at": "2018-03-01T04:05:06Z",
        "updated_at": "2018-03-01T04:05:06Z",
        "price_cents": 2400,
        "status": "submitted",
        "currency": "AUD",
        "description": "Seats & more",
        "units": 1.0,
        "period_started_at": None,
        "period_ended_at": None,
        "third_party": False,
    }


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("currency", "EUR", "EUR"),
        ("units", "2.5", 2.5),
        ("units", "0.129", 0.13),
        ("third_party", "true", True),
        ("third_party", "1", True),
        ("period_started_at", "2018-03-01T00:00:00+02:00", "2018-02-28T22:00:00Z"),
        ("period_ended_at", "2018-04-01T00:00:00.000Z", "2018-04-01T00:00:00Z"),
        # Only the bill's own attributes can be given.
        ("status", "invoiced", "submitted"),
        ("id", "bill-77", "bill-1"),
    ],
)
def test_what_may_be_given(account, name, given, shown):
    """Maestrano SDK, section D: currency(ISO), units(decimal 10,2), period_started_at, third_party(bool)."""
    assert account.bill(price_cents=1, description="x", **{name: given})["data"][name] == shown


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"price_cents": "1", "description": "x", "units": "0"}, {"units"}),
        ({"price_cents": "1", "description": "x", "units": "-1"}, {"units"}),
        ({"price_cents": "1", "description": "x", "units": "many"}, {"units"}),
        ({"price_cents": "1", "description": "x", "period_started_at": "soon"}, {"period_started_at"}),
        ({"price_cents": "1", "description": "x", "period_ended_at": "1"}, {"period_ended_at"}),
    ],
)
def test_wrong_units_and_times_are_400_with_the_attribute(account, fields, wrong):
    """Maestrano SDK, section D: validation on create → 400; units(decimal 10,2 >0)."""
    assert set(account.bill(400, **fields)["errors"]) == wrong
    assert account("GET", "account/bills")["data"] == []


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, {"price_cents", "description"}),
        ({"price_cents": "0", "description": "x"}, {"price_cents"}),
        ({"price_cents": "-1", "description": "x"}, {"price_cents"}),
        ({"price_cents": "1.5", "description": "x"}, {"price_cents"}),
        ({"price_cents": "1", "description": ""}, {"description"}),
        ({"price_cents": "1", "description": "x", "currency": "euro"}, {"currency"}),
        ({"price_cents": "1", "description": "x", "currency": "ZZZ"}, {"currency"}),
        ({"price_cents": "1", "description": "x", "group_id": "cld-none"}, {"group_id"}),
        ({"price_cents": "1", "description": "x", "group_id": OTHER_GROUP}, {"group_id"}),
        ({"price_cents": "1", "description": "x", "group_id": ""}, {"group_id"}),
    ],
)
@pytest.mark.parametrize("kind", ["bills", "recurring_bills"])
def test_wrong_bills_are_400_with_the_attribute(account, fields, wrong, kind):
    """Maestrano SDK, section D: validation or unknown group on create → 400; needs group_id, price_cents, …."""
    body = account.bill(400, kind=kind, **fields)
    assert (set(body["errors"]), body["data"]) == (wrong, None)
    assert account("GET", f"account/{kind}")["data"] == []


@pytest.mark.parametrize(
    ("status", "expected"), [("submitted", "cancelled"), ("cancelled", "cancelled"), ("invoiced", None)]
)
def test_only_what_was_not_invoiced_can_be_cancelled(account, hub, status, expected):
    """Maestrano SDK, section D: DELETE = cancel; only non-invoiced bills can be cancelled (error on status)."""
    id = account.bill(price_cents=1, description="a")["data"]["id"]
    hub.bills.set_status("bill", id, status)
    answer = account("DELETE", f"account/bills/{id}", 200 if expected else 400)
    if expected:
        assert answer["data"]["status"] == expected
    else:
        assert list(answer["errors"]) == ["status"]
    assert account("GET", f"account/bills/{id}")["data"]["status"] == (expected or status)


@pytest.mark.parametrize("kind", ["bills", "recurring_bills"])
def test_what_is_not_ones_own_cannot_be_cancelled(account, url, kind):
    """Maestrano SDK, section D: validation/unknown group on create or cancel → 400."""
    id = account.bill(kind=kind, price_cents=1, description="a")["data"]["id"]
    assert list(account("DELETE", f"account/{kind}/{id}9", 400)["errors"]) == ["id"]
    assert list(Account(url, (OTHER, OTHER_KEY))("DELETE", f"account/{kind}/{id}", 400)["errors"]) == ["id"]
    assert account("GET", f"account/{kind}/{id}")["data"]["status"] == "submitted"


def test_final_bill_after_a_cancellation(account, hub, subscriber):
    """Maestrano SDK, section C: group cancels the app: final bill if due."""
    hub.cancel(GROUP)
    assert account.bill(price_cents=1, description="Final")["success"] is True
