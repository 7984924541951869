"""Connec! API v2, sections 3.3, 3.4 and 5: which attributes lead to which records, and rows with ids of their own."""

from __future__ import annotations

import pytest

from django_connec.sandbox import Behaviour
from tests.sandbox.helpers import ORG, connec, own

#: Resource, where the reference is, and the resource that it leads to.
REFERENCES = [
    *((document, "organization_id", "organizations") for document in ("invoices", "quotes", "sales_orders")),
    *((document, "person_id", "people") for document in ("invoices", "quotes", "purchase_orders")),
    *((document, "lines/item_id", "items") for document in ("invoices", "quotes", "sales_orders", "purchase_orders")),
    ("invoices", "sales_order_id", "sales_orders"),
    ("invoices", "lines/tax_code_id", "tax_codes"),
    ("invoices", "lines/account_id", "accounts"),
    ("payments", "organization_id", "organizations"),
    ("payments", "person_id", "people"),
    ("payments", "account_id", "accounts"),
    ("payments", "payment_method.id", "payment_methods"),
    ("items", "sale_tax_code_id", "tax_codes"),
    ("items", "purchase_tax_code_id", "tax_codes"),
    ("items", "sale_account_id", "accounts"),
    ("items", "purchase_account_id", "accounts"),
    ("accounts", "tax_code_id", "tax_codes"),
    ("people", "organization_id", "organizations"),
    ("people", "assignee_id", "app_users"),
    ("organizations", "assignee_id", "app_users"),
    ("opportunities", "assignee_id", "app_users"),
    ("opportunities", "lead_id", "people"),
    ("contacts", "organization_id", "organizations"),
    ("projects", "organization_id", "organizations"),
    ("employees", "work_locations/work_location_id", "work_locations"),
    ("time_sheets", "employee_id", "employees"),
    ("time_sheets", "time_sheet_lines/employee_id", "employees"),
    ("time_sheets", "time_sheet_lines/project_id", "projects"),
    ("time_sheets", "time_sheet_lines/time_activities/employee_id", "employees"),
    ("time_activities", "employee_id", "employees"),
    ("leave_applications", "employee_id", "employees"),
    ("leave_applications", "pay_item_id", "pay_items"),
    ("pay_schedules", "employees/id", "employees"),
    ("app_users", "teams/id", "teams"),
    ("teams", "members/id", "app_users"),
    ("event_orders", "event_id", "events"),
    ("event_orders", "person_id", "people"),
    ("event_orders", "attendees/person_id", "people"),
]


def inside(path, value):
    """Attributes with a value at a path: ``/`` leads into rows, ``.`` into a block."""
    name, divider, rest = path.partition("/")
    if divider:
        return {name: [inside(rest, value)]}
    block, divider, name = path.rpartition(".")
    return {block: {name: value}} if divider else {name: value}


def at(record, path):
    """The value at a path, of the first row each."""
    for rows in path.split("/")[:-1]:
        record = record[rows][0]
    for name in path.rpartition("/")[2].split("."):
        record = record[name]
    return record


@pytest.fixture
def targets(hub):
    """A record of each resource that is referred to; ours is called 1."""
    for target in {target for *_, target in REFERENCES}:
        hub.load(ORG, target, [{"id": [connec(f"{target}-1"), own("1")], "name": "N", "first_name": "F"}])


@pytest.mark.parametrize(("resource", "path", "target"), REFERENCES)
def test_every_reference(hub, api, external, targets, resource, path, target):
    """Connec! API v2, sections 3.1, 3.3 and 5: given by our own ids, shown as the hub's id or as the list of all."""
    made = external.post(resource, name="N", first_name="F", **inside(path, [own("1")])).json()[resource]
    assert at(made, path) == [connec(f"{target}-1"), own("1")]
    id = made["id"][0]["id"]
    assert at(api.get(f"{resource}/{id}").json()[resource], path) == f"{target}-1"
    # It is our id of a record of that resource, not of any.
    hub.load(ORG, "venues", [{"id": [own("2")], "name": "N"}])
    assert external.post(resource, name="N", first_name="F", **inside(path, [own("2")])).status_code == 400


@pytest.mark.parametrize(("resource", "path", "target"), REFERENCES)
def test_references_follow_a_merge(hub, api, targets, resource, path, target):
    """Connec! API v2, section 2.11: what referred to the record that is lost refers to the one that is kept."""
    hub.load(ORG, target, [{"id": "kept", "name": "N", "first_name": "F"}])
    made = api.post(resource, name="N", first_name="F", **inside(path, f"{target}-1")).json()[resource]
    hub.merge(ORG, target, "kept", f"{target}-1")
    assert at(api.get(f"{resource}/{made['id']}").json()[resource], path) == "kept"


@pytest.mark.parametrize("id", [41, "41"])
def test_ids_are_numbers_or_texts(external, id):
    """Connec! API v2, section 3.3: values may be either, and are compared as texts, of references too."""
    made = external.post("organizations", id=[own(id)], name="Pelican").json()["organizations"]["id"]
    assert made[1:] == [own("41")]
    person = external.post("people", first_name="Ines", organization_id=[own(41)]).json()["people"]
    assert person["organization_id"] == made


@pytest.mark.parametrize("kind", ["AppUser", "Entity::AppUser"])
@pytest.mark.parametrize("resource", ["organizations", "people", "opportunities"])
def test_both_names_of_an_assignees_kind(hub, external, targets, resource, kind):
    """Connec! API v2, section 3.4: assignee_type is written either way, and leads to the same records."""
    hub.behaviour = Behaviour(check_values=True)
    assignee = {"assignee_id": [own("1")], "assignee_type": kind}
    made = external.post(resource, name="N", first_name="F", **assignee)
    assert made.status_code == 201
    record = made.json()[resource]
    assert (record["assignee_id"], record["assignee_type"]) == ([connec("app_users-1"), own("1")], kind)
    (found,) = external.get(resource, filter=f"assignee_type eq '{kind}'").json()[resource]
    assert found == record
    assert external.post(resource, name="N", first_name="F", assignee_type="Robot").status_code == 400


@pytest.mark.parametrize(("kind", "target"), [("Invoice", "invoices"), ("SalesOrder", "sales_orders")])
def test_both_classes_of_a_linked_transaction(hub, external, kind, target):
    """Connec! API v2, sections 3.4 and 5.12: the id of a linked transaction leads to what its class names."""
    hub.load(ORG, target, [{"id": [connec(f"{target}-1"), own("1")]}])
    linked = [{"class": kind, "id": [own("1")], "applied_amount": 50.0}]
    made = external.post("payments", payment_lines=[{"amount": 50.0, "linked_transactions": linked}])
    (line,) = made.json()["payments"]["payment_lines"]
    shown = {"class": kind, "id": [connec(f"{target}-1"), own("1")], "applied_amount": 50.0}
    assert line["linked_transactions"] == [shown]


#: Where rows are; ``/`` leads into rows.
ROWS = [
    ("invoices", "lines"),
    ("quotes", "lines"),
    ("sales_orders", "lines"),
    ("purchase_orders", "lines"),
    ("payments", "payment_lines"),
    ("journals", "journal_lines"),
    ("people", "notes"),
    ("people", "tasks"),
    ("employees", "work_locations"),
    ("employees", "employee_salaries"),
    ("projects", "tasks"),
    ("time_sheets", "time_sheet_lines"),
    ("time_sheets", "time_sheet_lines/time_activities"),
    ("leave_applications", "leave_periods"),
    ("events", "ticket_classes"),
    ("event_orders", "attendees"),
]


@pytest.mark.parametrize(("resource", "path"), ROWS)
def test_rows_have_ids_in_either_form(api, external, other, resource, path):
    """Connec! API v2, sections 3.1 and 3.3: the hub's id and ours; linked back by the list of both."""
    made = external.post(resource, first_name="F", **inside(f"{path}/id", [own("r1")])).json()[resource]
    row = at(made, f"{path}/id")
    assert (row[0]["provider"], row[0]["realm"], row[1:]) == ("connec", ORG, [own("r1")])
    id = made["id"][0]["id"]
    assert at(api.get(f"{resource}/{id}").json()[resource], f"{path}/id") == row[0]["id"]
    theirs = own("t1", "other-app")
    outer = inside(f"{path}/id", [*row, theirs])
    if "/" in path:
        (name,) = outer
        outer[name][0]["id"] = made[name][0]["id"]
    linked = other.put(resource, id, **outer).json()[resource]
    assert at(linked, f"{path}/id") == [*row, theirs]


@pytest.mark.parametrize(
    ("resource", "path"),
    [("time_sheets", "time_sheet_lines/project_task_id"), ("event_orders", "attendees/event_ticket_id")],
)
def test_references_to_rows_are_kept_as_written(external, resource, path):
    """Connec! API v2, section 3.3: some ids may still be plain texts; docs/sandbox.md says which are in the sandbox."""
    assert at(external.post(resource, **inside(path, "row-1")).json()[resource], path) == "row-1"
