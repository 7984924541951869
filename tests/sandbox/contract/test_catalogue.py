"""Connec! API v2, sections 3.2, 5.1 and 5.2: the resources, what every record carries, the values that were seen."""

from __future__ import annotations

import re

import pytest

from django_connec.sandbox import Behaviour
from tests.sandbox.helpers import GROUP, ORG

COLLECTIONS = [
    "accounts",
    "organizations",
    "people",
    "contacts",
    "items",
    "tax_codes",
    "tax_rates",
    "invoices",
    "payments",
    "quotes",
    "sales_orders",
    "purchase_orders",
    "journals",
    "opportunities",
    "projects",
    "warehouses",
    "stock_adjustments",
    "employees",
    "work_locations",
    "pay_items",
    "pay_schedules",
    "time_sheets",
    "time_activities",
    "pay_runs",
    "pay_stubs",
    "leave_applications",
    "events",
    "venues",
    "event_orders",
    "app_users",
    "teams",
    "payment_methods",
    "transaction_logs",
    "connector_syncs",
]
#: Not proven, or embedded in other records.
NO_RESOURCES = [
    "transactions",
    "payment_lines",
    "credit_notes",
    "transfers",
    "leads",
    "tasks",
    "notes",
    "locations",
    "tickets",
    "employee_salaries",
]
#: Records that were seen without one.
WITHOUT_STATUS = {"app_users", "opportunities", "employees"}
MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

GENERIC = "ACTIVE INACTIVE ARCHIVED"
#: Resource, where the attribute is, and its values; the first status is that of a new record.
ENUMERATIONS = [
    *((resource, "status", GENERIC) for resource in ("items", "people", "organizations", "accounts", "payments")),
    ("invoices", "status", "DRAFT SUBMITTED AUTHORISED PAID VOIDED INACTIVE"),
    ("sales_orders", "status", "DRAFT SUBMITTED AUTHORISED DELIVERED PAID CLOSED CANCELLED VOIDED"),
    ("purchase_orders", "status", "DRAFT AUTHORISED DELIVERED RECEIVED CANCELLED"),
    ("quotes", "status", "DRAFT PENDING REVIEWED ACCEPTED REJECTED"),
    ("time_sheets", "status", "DRAFT SUBMITTED APPROVED PROCESSED REJECTED"),
    ("events", "status", "DRAFT LIVE COMPLETED"),
    ("warehouses", "status", "ACTIVE INACTIVE CLOSED"),
    ("transaction_logs", "status", "ERROR"),
    ("invoices", "type", "CUSTOMER SUPPLIER"),
    ("payments", "type", "CUSTOMER SUPPLIER"),
    ("items", "type", "PURCHASED PRODUCT SERVICE"),
    ("accounts", "class", "ASSET LIABILITY EQUITY REVENUE EXPENSE"),
    (
        "accounts",
        "type",
        "BANK ACCOUNTSRECEIVABLE OTHERCURRENTASSET FIXEDASSET OTHERASSET ACCOUNTSPAYABLE CREDITCARD "
        "OTHERCURRENTLIABILITY LONGTERMLIABILITY EQUITY INCOME OTHERINCOME COSTOFGOODSSOLD EXPENSE OTHEREXPENSE",
    ),
    ("employees", "gender", "M F"),
    ("pay_items", "type", "LEAVE TIMEOFF REIMBURSEMENT DEDUCTION BENEFIT EARNINGS"),
    ("pay_items", "category", "UNPAID"),
    ("pay_schedules", "schedule_type", "WEEKLY BIWEEKLY SEMIMONTHLY MONTHLY"),
    *((document, "lines/status", "ACTIVE") for document in ("invoices", "quotes", "sales_orders", "purchase_orders")),
    ("payments", "payment_lines/status", "ACTIVE"),
    ("employees", "employee_salaries/type", "HOURLY MONTHLY SALARY"),
    ("employees", "employee_salaries/frequency", "MONTHLY"),
]


def schema_at(properties, path):
    """The schema of an attribute; ``/`` leads into rows."""
    *rows, name = path.split("/")
    for row in rows:
        properties = properties[row]["items"]["properties"]
    return properties[name]


def inside(path, value):
    rows, divider, name = path.partition("/")
    return {rows: [{name: value}]} if divider else {path: value}


def test_all_resources(api):
    """Connec! API v2, sections 1.2 and 5.1: the catalogue, in snake case and plural, but for the company."""
    links = api.call("GET", api.root).json()["_links"]
    assert sorted(name for link in links for name in link) == sorted([*COLLECTIONS, "company"])


@pytest.mark.parametrize("name", [*NO_RESOURCES, "companies", "Items", "item", "taxCodes"])
def test_what_is_no_resource(api, name):
    """Connec! API v2, sections 2.8 and 5.1: never seen as an address of its own; an unknown resource is a 400."""
    assert [api.get(name).status_code, api.post(name, name="N").status_code] == [400, 400]


@pytest.mark.parametrize("resource", COLLECTIONS)
def test_what_every_record_carries(api, resource):
    """Connec! API v2, section 3.2: id, code, times, group, channel and resource; a status where one was seen."""
    record = api.post(resource, name="N", first_name="F").json()[resource]
    assert re.fullmatch(UUID, record["id"])
    assert re.fullmatch(r"[A-Z]+1", record["code"])
    assert re.fullmatch(MOMENT, record["created_at"])
    assert re.fullmatch(MOMENT, record["updated_at"])
    assert (record["group_id"], record["channel_id"], record["resource_type"]) == (GROUP, ORG, resource)
    assert ("status" in record) == (resource not in WITHOUT_STATUS)


@pytest.mark.parametrize("resource", COLLECTIONS)
def test_what_nobody_can_write(api, resource):
    """Connec! API v2, section 3.2: all of these are read-only but code and status."""
    record = api.post(resource, name="N", first_name="F").json()[resource]
    names = ("created_at", "updated_at", "group_id", "channel_id", "resource_type")
    changed = api.put(resource, record["id"], id=[], code="MINE", **dict.fromkeys(names, "theirs")).json()[resource]
    assert changed == record | {"code": "MINE"}
    schema = api.call("GET", f"{api.url}/api/v2/json_schema/{resource}").json()["properties"][resource]["items"]
    assert {"id", *names} <= {name for name, one in schema["properties"].items() if one.get("readOnly")}
    assert "readOnly" not in schema["properties"]["code"]


@pytest.mark.parametrize(
    ("resource", "letters"),
    [
        ("organizations", "OR"),
        ("people", "PE"),
        ("items", "IT"),
        ("app_users", "US"),
        ("opportunities", "POT"),
        ("employees", "EM"),
        ("invoices", "INV"),
        ("payments", "PAY"),
        ("events", "EV"),
        ("warehouses", "WH"),
    ],
)
def test_codes(api, resource, letters):
    """Connec! API v2, sections 3.2 and 5: letters and a number, given by the hub where there is none."""
    given = [{}, {"code": "MINE"}, {"code": ""}, {"code": None}]
    codes = [api.post(resource, name="N", first_name="F", **one).json()[resource]["code"] for one in given]
    assert codes == [f"{letters}1", "MINE", f"{letters}2", f"{letters}3"]


@pytest.mark.parametrize(("resource", "path", "values"), ENUMERATIONS)
def test_the_values_that_were_seen(hub, api, resource, path, values):
    """Connec! API v2, section 5.2: the schema names them; each is taken, and others are where nothing is checked."""
    properties = api.call("GET", f"{api.url}/api/v2/json_schema/{resource}").json()["properties"][resource]["items"]
    assert sorted(schema_at(properties["properties"], path)["enum"]) == sorted(values.split())
    assert api.post(resource, name="N", first_name="F", **inside(path, "NEVERSEEN")).status_code == 201
    hub.behaviour = Behaviour(check_values=True)
    for value in values.split():
        record = api.post(resource, name="N", first_name="F", **inside(path, value)).json()[resource]
        row, divider, name = path.partition("/")
        assert (record[row][0][name] if divider else record[path]) == value
    assert api.post(resource, name="N", first_name="F", **inside(path, "NEVERSEEN")).status_code == 400


@pytest.mark.parametrize(
    ("resource", "values"), [(resource, values) for resource, path, values in ENUMERATIONS if path == "status"]
)
def test_the_first_status(api, resource, values):
    """Connec! API v2, section 5.2: a new record has the first one of its resource."""
    assert api.post(resource, name="N", first_name="F").json()[resource]["status"] == values.split()[0]


def test_sub_types_of_accounts_are_not_closed(hub, api):
    """Connec! API v2, sections 5.2 and 5.10: only a part of them was seen, and those are rough."""
    hub.behaviour = Behaviour(check_values=True)
    assert api.post("accounts", name="Till", sub_type="PETTYCASH").json()["accounts"]["sub_type"] == "PETTYCASH"
