"""What all calls of the account API have in common (Maestrano SDK, section D)."""

from __future__ import annotations

import pytest

from tests.sandbox.applications import Account
from tests.sandbox.helpers import APP, GROUP, KEY, OTHER_GROUP, OTHER_KEY

KINDS = ["users", "groups", "bills", "recurring_bills"]


def test_ping(account):
    """Maestrano SDK, section D: /ping (under /api/v1) GET → data.msg."""
    assert account("GET", "ping")["data"]["msg"]


@pytest.mark.parametrize("auth", [None, ("", ""), (APP, "wrong"), (APP, OTHER_KEY), ("app-nobody", KEY)])
@pytest.mark.parametrize("path", ["ping", "account/users", "account/nothing"])
def test_bad_credentials_are_401_with_errors_authentication(url, auth, path):
    """Maestrano SDK, section D: bad credentials → 401 errors.authentication."""
    body = Account(url, auth)("GET", path, 401)
    assert (body["data"], list(body["errors"])) == (None, ["authentication"])


def test_key_may_hold_a_colon(hub, url):
    """Maestrano SDK, section D: Basic(api.id, api.key); only the first colon divides them (section C)."""
    hub.add_application(APP, "a:b:c")
    assert Account(url, (APP, "a:b:c"))("GET", "ping")["success"] is True


def test_success_has_no_errors(account):
    """Maestrano SDK, section D: {"success":bool, "errors":{field:[msg]}, "data":object|array|null}."""
    assert account("GET", "account/bills") == {"success": True, "errors": {}, "data": []}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("id", ["none-1", "%20", "a%2Fb"])
def test_show_of_a_missing_id_is_200_without_success(account, kind, id):
    """Maestrano SDK, section D: show of a missing id → HTTP 200 with success:false, errors.id."""
    body = account("GET", f"account/{kind}/{id}")
    assert (body["success"], body["data"], list(body["errors"])) == (False, None, ["id"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_anothers_is_as_if_it_were_not(account, hub, kind):
    """Maestrano SDK, section D: not established for other tenants' groups; here as a missing id, for every kind."""
    theirs = {"price_cents": 1, "description": "x"}
    id = {
        "groups": lambda: OTHER_GROUP,
        "users": lambda: hub.add_user(name="Maud", groups={OTHER_GROUP: "Member"}).uid,
        "bills": lambda: hub.bills.create(OTHER_GROUP, theirs)["id"],
        "recurring_bills": lambda: hub.bills.create_recurring(OTHER_GROUP, theirs)["id"],
    }[kind]()
    body = account("GET", f"account/{kind}/{id}")
    assert (body["success"], list(body["errors"])) == (False, ["id"])
    assert id not in [one["id"] for one in account("GET", f"account/{kind}")["data"]]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "account/nothing"),
        ("POST", "account/users"),
        ("POST", "account/groups"),
        ("DELETE", f"account/groups/{GROUP}"),
        ("PUT", "account/bills/bill-1"),
        # What the PHP SDK's save does.
        ("POST", "account/bills/bill-1"),
        ("PUT", "account/recurring_bills/rbill-1"),
        ("POST", "account/resellers"),
    ],
)
def test_unknown_paths_and_verbs_are_refused(account, method, path):
    """Maestrano SDK, section D: the table of endpoints and verbs; none updates."""
    account(method, path, 404, data={"name": "Maud"})


def test_crash_is_500_with_errors_system(account, hub, monkeypatch):
    """Maestrano SDK, section D: crash → 500 errors.system."""
    monkeypatch.setattr(hub.accounts, "users", lambda: 1 / 0)
    assert list(account("GET", "account/users", 500)["errors"]) == ["system"]


def test_lists_are_not_paged(account, hub):
    """Maestrano SDK, section D: pagination: none."""
    for _ in range(130):
        hub.bills.create(GROUP, {"price_cents": 1, "description": "x"})
    assert len(account("GET", "account/bills")["data"]) == 130


# Maestrano SDK, section D: filters on any column, with their suffixes; an unknown column leaves nothing.
@pytest.mark.parametrize(
    ("kind", "query", "found"),
    [
        ("bills", "", 3),
        ("bills", "price_cents=200", 1),
        ("bills", "price_cents_greater_than=200", 2),
        ("bills", "price_cents_strictly_greater_than=200", 1),
        ("bills", "price_cents_lower_than=200", 2),
        ("bills", "price_cents_strictly_lower_than=200", 1),
        ("bills", "created_at_after=2018-03-01T04:05:07Z", 2),
        ("bills", "created_at_strictly_after=2018-03-01T04:05:07Z", 1),
        ("bills", "created_at_before=2018-03-01T04:05:07Z", 2),
        ("bills", "created_at_strictly_before=2018-03-01T05:05:07%2B01:00", 1),
        ("bills", "created_at_after=2018-03-01T04:05:07Z&created_at_before=2018-03-01T04:05:07Z", 1),
        ("bills", "created_at=2018-03-01T04:05:07.000Z", 1),
        ("bills", "description=b&status=submitted", 1),
        ("bills", "third_party=false", 3),
        ("bills", "period_started_at_after=2000-01-01T00:00:00Z", 0),
        ("bills", f"group_id={GROUP}", 3),
        ("bills", f"group_id={OTHER_GROUP}", 0),
        ("bills", "colour=red", 0),
        ("bills", "colour_after=2000-01-01", 0),
        ("bills", "object=account_bill", 0),
        ("recurring_bills", "start_date_strictly_after=2018-03-01T04:05:06Z", 2),
        ("recurring_bills", "cycles_lower_than=2", 2),
        ("recurring_bills", "period=month&frequency=1", 3),
        ("recurring_bills", f"group_id={GROUP}", 3),
        ("recurring_bills", f"group_id={OTHER_GROUP}", 0),
        ("users", "created_at_strictly_after=2018-03-01T04:05:06Z", 2),
        ("users", "email=b@pelican.example", 1),
        ("users", "surname_greater_than=b", 2),
        ("users", "surname_strictly_greater_than=b&country=US", 1),
        ("users", f"group_id={GROUP}", 2),
        ("users", "group_id=cld-b", 1),
        ("users", f"group_id={GROUP}&email=c@pelican.example", 0),
        ("users", f"group_id={OTHER_GROUP}", 0),
        ("users", "colour=red", 0),
        ("groups", "free_trial_end_at_before=2018-03-31T04:05:06Z", 1),
        ("groups", "free_trial_end_at_strictly_after=2018-03-31T04:05:06Z", 2),
        ("groups", "name=Pelican%20b", 1),
        ("groups", "has_credit_card=true", 1),
        ("groups", "status=terminated", 0),
        ("groups", "metadata_greater_than=a", 0),
        ("groups", "group_id=cld-b", 0),
        ("resellers/rsl-449s8fsd/groups", "name=Pelican%20b", 1),
        ("resellers/rsl-449s8fsd/groups", "colour=red", 0),
    ],
)
def test_filters(account, hub, clock, kind, query, found):
    for number, name in enumerate("abc", 1):
        account.bill(price_cents=100 * number, description=name)
        account.bill(kind="recurring_bills", price_cents=1, description=name, cycles=number)
        group = GROUP if name == "a" else f"cld-{name}"
        hub.add_group(group, api_id=APP, org=f"org-{name}", name=f"Pelican {name}", has_credit_card=name == "c")
        joined = "cld-b" if name == "c" else GROUP
        hub.add_user(surname=name, email=f"{name}@pelican.example", groups={joined: "Member"})
        clock.tick()
    hub.add_user(groups={OTHER_GROUP: "Member"})
    assert len(account("GET", f"account/{kind}?{query}")["data"]) == found
