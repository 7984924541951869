"""The account API's client, over real HTTP."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from django_connec.accounts import AccountClient, AccountUser
from django_connec.client import (
    ConnecAuthError,
    ConnecNotFound,
    ConnecProtocolError,
    ConnecRejected,
    ConnecUnavailable,
)
from django_connec.client.transport import Transport
from django_connec.conf import Marketplace
from django_connec.exceptions import ConnecConfigurationError
from tests.client.hub import answer, drop

UTC = dt.UTC
BILL = {
    "object": "account_bill",
    "id": "bill-1",
    "group_id": "cld-1",
    "created_at": "2018-03-01T10:00:00Z",
    "updated_at": "2018-03-01T10:00:00Z",
    "price_cents": 2300,
    "status": "submitted",
    "currency": "AUD",
    "units": "1.5",
    "description": "Extra seats",
    "period_started_at": "2018-03-01T10:00:00+10:00",
    "period_ended_at": None,
    "third_party": False,
}
RECURRING = {**BILL, "id": "rbill-1", "period": "month", "frequency": 1, "cycles": None, "initial_cents": 0}


def ok(data):
    return answer({"success": True, "errors": {}, "data": data})


def refused(errors, status=200):
    return answer({"success": False, "errors": errors, "data": None}, status=status)


@pytest.fixture
def account(platform):
    marketplace = Marketplace(
        name="default",
        api_id="app-1",
        api_key="very secret",
        connec_host="http://127.0.0.1:9",
        api_host=platform.origin,
    )
    with AccountClient(marketplace, transport=Transport(marketplace, sleep=lambda seconds: None)) as client:
        yield client


def test_a_user(account, platform):
    platform.otherwise = ok({"object": "account_user", "id": "usr-1", "name": "Ines", "email": "i@x.example", "new": 1})
    assert account.users.get("usr-1") == AccountUser(id="usr-1", name="Ines", email="i@x.example")
    (asked,) = platform.asked
    assert (asked.method, asked.path) == ("GET", "/api/v1/account/users/usr-1")
    assert asked.headers["Authorization"] == "Basic YXBwLTE6dmVyeSBzZWNyZXQ="
    assert asked.headers["Accept"] == "application/json"


def test_a_group_with_what_the_hub_says_of_sharing(account, platform):
    platform.otherwise = ok(
        {
            "id": "cld-1",
            "has_credit_card": True,
            "free_trial_end_at": "2018-03-01T00:00:00Z",
            "metadata": {"push_disabled": True, "pull_disabled": False},
            "main_accounting": None,
        }
    )
    group = account.groups.get("cld-1")
    assert (group.has_credit_card, group.push_disabled, group.pull_disabled) == (True, True, False)
    assert group.free_trial_end_at == dt.datetime(2018, 3, 1, tzinfo=UTC)
    assert group.main_accounting == ""


def test_a_list_with_filters(account, platform):
    platform.otherwise = ok([BILL])
    (bill,) = account.bills.list(group_id="cld-1", created_at_after=dt.datetime(2018, 1, 1, tzinfo=UTC))
    assert platform.asked[0].query == {"group_id": "cld-1", "created_at_after": "2018-01-01T00:00:00Z"}
    assert (bill.price_cents, bill.units, bill.currency) == (2300, Decimal("1.5"), "AUD")
    assert bill.period_started_at == dt.datetime(2018, 3, 1, 0, tzinfo=UTC)
    assert (bill.period_ended_at, bill.third_party) == (None, False)


def test_a_bill_is_made_and_cancelled(account, platform):
    platform.script = [ok(BILL), ok({**BILL, "status": "cancelled"})]
    made = account.bills.create(
        group_id="cld-1",
        price_cents=2300,
        description="Extra seats",
        units=Decimal("1.50"),
        period_started_at=dt.datetime(2018, 3, 1, tzinfo=UTC),
    )
    assert made.status == "submitted"
    assert platform.asked[0].headers["Content-Type"] == "application/json"
    assert platform.asked[0].json == {
        "group_id": "cld-1",
        "price_cents": 2300,
        "description": "Extra seats",
        "units": "1.50",
        "period_started_at": "2018-03-01T00:00:00Z",
    }
    assert account.bills.cancel("bill-1").status == "cancelled"
    assert (platform.asked[1].method, platform.asked[1].path) == ("DELETE", "/api/v1/account/bills/bill-1")


def test_a_recurring_bill(account, platform):
    platform.script = [ok(RECURRING), ok({**RECURRING, "status": "cancelled"})]
    made = account.recurring_bills.create(
        group_id="cld-1", price_cents=100, description="Plan", period="year", cycles=3
    )
    assert (made.id, made.period, made.cycles) == ("rbill-1", "month", None)
    assert platform.asked[0].json == {
        "group_id": "cld-1",
        "price_cents": 100,
        "description": "Plan",
        "period": "year",
        "frequency": 1,
        "cycles": 3,
        "initial_cents": 0,
    }
    assert account.recurring_bills.cancel("rbill-1").status == "cancelled"


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refused({"id": ["does not exist"]}), ConnecNotFound),
        (refused({"authentication": ["bad"]}), ConnecAuthError),
        (refused({"system": ["crash"]}), ConnecUnavailable),
        (refused({"status": ["is invoiced"]}), ConnecRejected),
        (refused({"group_id": ["is unknown"]}, status=400), ConnecRejected),
        (refused({"authentication": ["bad"]}, status=401), ConnecAuthError),
        (refused(None), ConnecRejected),
        (answer({"data": BILL}), ConnecProtocolError),
        (answer({"success": "yes", "data": BILL}), ConnecProtocolError),
        (ok(None), ConnecProtocolError),
        (ok([BILL]), ConnecProtocolError),
        (ok({"price_cents": 1}), ConnecProtocolError),
    ],
)
def test_what_goes_wrong_is_an_error_whatever_the_status(account, platform, reply, error):
    platform.otherwise = reply
    with pytest.raises(error) as caught:
        account.bills.get("bill-1")
    # Not one of its subclasses.
    assert type(caught.value) is error
    assert "bill-1" not in str(caught.value)


def test_the_words_of_a_refusal_are_kept(account, platform):
    platform.otherwise = refused({"status": ["is invoiced"]})
    with pytest.raises(ConnecRejected) as caught:
        account.bills.cancel("bill-1")
    assert caught.value.reason == "status: is invoiced"


@pytest.mark.parametrize("trouble", [drop, answer(b"", status=503)])
def test_only_reading_is_tried_again(account, platform, trouble):
    platform.script = [trouble, trouble, ok(BILL)]
    assert account.bills.get("bill-1").id == "bill-1"
    assert len(platform.asked) == 3
    for act in (
        lambda: account.bills.create(group_id="cld-1", price_cents=1, description="x"),
        lambda: account.bills.cancel("bill-1"),
        lambda: account.recurring_bills.create(group_id="cld-1", price_cents=1, description="x"),
        lambda: account.recurring_bills.cancel("rbill-1"),
    ):
        platform.asked.clear()
        platform.script = [trouble, ok(BILL)]
        with pytest.raises(ConnecUnavailable):
            act()
        assert len(platform.asked) == 1


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"price_cents": 12.5}, "price_cents"),
        ({"price_cents": True}, "price_cents"),
        ({"price_cents": 0}, "price_cents"),
        ({"description": ""}, "description"),
        ({"units": 0}, "units"),
        ({"units": 1.5}, "units"),
        ({"units": Decimal("1.234")}, "units"),
        ({"start_date": dt.datetime(2018, 1, 1)}, "start_date"),
        ({"period": "decade"}, "period"),
        ({"frequency": 0}, "frequency"),
        ({"cycles": True}, "cycles"),
        ({"initial_cents": -1}, "initial_cents"),
    ],
)
def test_values_that_cannot_be_right_are_not_sent(account, platform, values, named):
    with pytest.raises(ValueError, match=named):
        account.recurring_bills.create(**{"group_id": "cld-1", "price_cents": 1, "description": "x", **values})
    assert platform.asked == []


def test_an_id_cannot_lead_elsewhere(account, platform):
    platform.otherwise = ok(BILL)
    account.bills.get("../users?x=1")
    assert platform.asked[0].target == "/api/v1/account/bills/..%2Fusers%3Fx%3D1"
    with pytest.raises(ConnecRejected):
        account.bills.get("..")


def test_ping(account, platform):
    platform.otherwise = ok({"msg": "pong"})
    assert account.ping()
    assert platform.asked[0].path == "/api/v1/ping"


def test_missing_host_is_named():
    with pytest.raises(ConnecConfigurationError, match=r'\["API_HOST"\] is missing'):
        AccountClient(Marketplace(name="default", api_id="a", api_key="b", connec_host="http://127.0.0.1:9"))


def test_no_secret_and_no_person_in_the_logs(account, platform, caplog):
    platform.otherwise = ok([{"id": "usr-1", "email": "ines@pelican.example"}])
    with caplog.at_level("DEBUG", logger="django_connec"):
        account.users.list(email="ines@pelican.example", app_owner=True)
    assert platform.asked[0].query == {"email": "ines@pelican.example", "app_owner": "true"}
    assert "very secret" not in caplog.text
    assert "ines" not in caplog.text
