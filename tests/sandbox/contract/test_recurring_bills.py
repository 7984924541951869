"""Recurring bills: what an application charges a group again and again (Maestrano SDK, section D)."""

from __future__ import annotations

import pytest

from tests.sandbox.helpers import GROUP, control


def recurring(account, expected=200, **fields):
    return account.bill(expected, kind="recurring_bills", **{"price_cents": 900, "description": "Seats"} | fields)


def execute(url, id="rbill-1", expected=200):
    answer = control(url, "execute", {"id": id})
    assert answer.status_code == expected, answer.text
    return answer.json()


def test_recurring_bill_has_the_references_fields_and_defaults(account):
    """Maestrano SDK, section D: account_recurring_bill: + start_date, period, frequency, cycles, initial_cents, …."""
    bill = recurring(account)["data"]
    assert account("GET", f"account/recurring_bills/{bill['id']}")["data"] == bill
    assert bill == {
        "object": "account_recurring_bill",
        "id": "rbill-1",
        "group_id": GROUP,
        "created_at": "2018-03-01T04:05:06Z",
        "updated_at": "2018-03-01T04:05:06Z",
        "price_cents": 900,
        "status": "submitted",
        "currency": "AUD",
        "description": "Seats",
        "start_date": "2018-03-01T04:05:06Z",
        "period": "month",
        "frequency": 1,
        "cycles": None,
        "initial_cents": 0,
        "last_execution_at": None,
        "next_execution_at": "2018-03-01T04:05:06Z",
        "remaining_cycles": None,
    }
    assert account("GET", "account/bills")["data"] == []


@pytest.mark.parametrize("period", ["Day", "Week", "SemiMonth", "Month", "Year", "YEAR", "day"])
def test_period_is_stored_in_lower_case(account, period):
    """Maestrano SDK, section D: period (Day|Week|SemiMonth|Month|Year, stored lower-case, default month)."""
    assert recurring(account, period=period)["data"]["period"] == period.lower()


def test_initial_cents_make_a_bill_at_once(account):
    """Maestrano SDK, section D: initial_cents(0 → creates an "Initial: …" bill)."""
    assert recurring(account, initial_cents=50, currency="EUR")["data"]["initial_cents"] == 50
    (initial,) = account("GET", "account/bills")["data"]
    assert (initial["description"], initial["price_cents"]) == ("Initial: Seats", 50)
    assert (initial["currency"], initial["group_id"]) == ("EUR", GROUP)


@pytest.mark.parametrize(
    ("name", "value", "fine"),
    [
        ("start_date", "2018-03-01T03:05:07Z", True),
        ("start_date", "2018-03-01T03:05:06Z", False),
        ("start_date", "2019-01-01T00:00:00Z", True),
        ("start_date", "soon", False),
        ("period", "Hour", False),
        ("frequency", "12", True),
        ("frequency", "13", False),
        ("frequency", "0", False),
        ("frequency", "-1", False),
        ("cycles", "3", True),
        ("cycles", "0", False),
        ("cycles", "some", False),
        ("initial_cents", "1.5", False),
    ],
)
def test_what_may_be_given(account, name, value, fine):
    """Maestrano SDK, section D: start_date not >1h past, period of the list; validation on create → 400."""
    body = recurring(account, 200 if fine else 400, **{name: value})
    assert list(body["errors"]) == ([] if fine else [name])
    assert len(account("GET", "account/recurring_bills")["data"]) == int(fine)


def test_cycles_are_counted_down_until_it_has_expired(account, url, clock):
    """Maestrano SDK, section D: cycles, last_execution_at, next_execution_at, remaining_cycles; active, expired."""
    made = recurring(account, cycles=2, currency="EUR")["data"]
    assert (made["remaining_cycles"], made["status"]) == (2, "submitted")
    clock.tick()
    first = execute(url)
    assert (first["remaining_cycles"], first["status"], first["cycles"]) == (1, "active", 2)
    assert first["last_execution_at"] == "2018-03-01T04:05:06Z"
    assert first["next_execution_at"] == "2018-04-01T04:05:06Z"
    assert first["updated_at"] == "2018-03-01T04:05:07Z"
    last = execute(url)
    assert (last["remaining_cycles"], last["status"]) == (0, "expired")
    assert (last["last_execution_at"], last["next_execution_at"]) == ("2018-04-01T04:05:06Z", None)
    assert account("GET", "account/recurring_bills/rbill-1")["data"] == last
    assert execute(url, expected=400)
    bills = account("GET", "account/bills")["data"]
    assert [(b["price_cents"], b["currency"], b["description"]) for b in bills] == [(900, "EUR", "Seats")] * 2
    assert (bills[1]["period_started_at"], bills[1]["period_ended_at"]) == (
        "2018-04-01T04:05:06Z",
        "2018-05-01T04:05:06Z",
    )


@pytest.mark.parametrize(
    ("period", "frequency", "start", "expected"),
    [
        ("Day", 1, "2018-12-31", ["2019-01-01", "2019-01-02", "2019-01-03"]),
        ("Week", 2, "2018-12-31", ["2019-01-14", "2019-01-28", "2019-02-11"]),
        ("SemiMonth", 1, "2018-12-10", ["2018-12-25", "2019-01-10", "2019-01-25"]),
        ("SemiMonth", 1, "2018-12-20", ["2019-01-05", "2019-01-20", "2019-02-05"]),
        ("SemiMonth", 1, "2019-01-31", ["2019-02-16", "2019-02-28", "2019-03-16", "2019-03-31"]),
        # The month's last day comes back.
        ("Month", 1, "2018-12-31", ["2019-01-31", "2019-02-28", "2019-03-31"]),
        ("Month", 12, "2018-12-31", ["2019-12-31", "2020-12-31", "2021-12-31"]),
        ("Year", 1, "2020-02-29", ["2021-02-28", "2022-02-28", "2023-02-28"]),
    ],
)
def test_next_execution_is_a_cycle_later(hub, account, url, period, frequency, start, expected):
    """Maestrano SDK, section D: period and frequency; next_execution_at."""
    recurring(account, period=period, frequency=frequency, start_date=f"{start}T10:00:00Z")
    found = [execute(url)["next_execution_at"] for _ in expected]
    assert found == [f"{day}T10:00:00Z" for day in expected]
    assert hub.bills.get("recurring_bill", "rbill-1")["remaining_cycles"] is None


def test_cancelled_one_charges_nothing_more(account, url):
    """Maestrano SDK, section D: DELETE = cancel; status submitted|active|cancelled|expired."""
    recurring(account, cycles=5)
    execute(url)
    assert account("DELETE", "account/recurring_bills/rbill-1")["data"]["status"] == "cancelled"
    assert account("DELETE", "account/recurring_bills/rbill-1")["data"]["status"] == "cancelled"
    execute(url, expected=400)
    assert len(account("GET", "account/bills")["data"]) == 1
    execute(url, "rbill-9", expected=400)


@pytest.mark.parametrize(
    ("id", "status", "fine"),
    [
        ("bill-1", "invoiced", True),
        ("bill-1", "active", False),
        ("rbill-1", "active", True),
        ("rbill-1", "expired", True),
        ("rbill-1", "invoiced", False),
        ("rbill-1", "paid", False),
    ],
)
def test_status_is_one_of_its_kind(account, url, id, status, fine):
    """Maestrano SDK, section D: bill submitted|invoiced|cancelled; recurring submitted|active|cancelled|expired."""
    account.bill(price_cents=1, description="x")
    recurring(account)
    answer = control(url, "bill", {"id": id, "status": status})
    assert answer.status_code == (200 if fine else 400)
    if fine:
        assert answer.json()["status"] == status
