"""Connec! API v2 and the SDK: statements that stand at the edge, and what the sandbox leaves out on purpose."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.helpers import APP, GROUP, KEY, ORG, OTHER, OTHER_KEY


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


def test_the_envelope_may_name_its_resource(api):
    """Connec! API v2, section 2.1: the Java SDK adds "resource" beside the attributes."""
    body = {"items": {"name": "Bolt"}, "resource": "items"}
    made = api.call("POST", "items", body)
    assert (made.status_code, list(made.json())) == (201, ["items"])
    assert "resource" not in made.json()["items"]


@pytest.mark.parametrize("name", ["accounts_summary", "balance_sheet", "income_statement"])
def test_reports_are_left_out(url, name):
    """Connec! API v2, section 2.10: docs/sandbox.md says that reports are a 404."""
    answer = requests.get(f"{url}/api/reports/{GROUP}/{name}", auth=(APP, KEY), timeout=10)
    assert (answer.status_code, answer.json()["errors"][0]["status"]) == (404, "404")


def test_contacts_are_a_resource_of_their_own(api):
    """Connec! API v2, section 5.1: a view of people and organisations; docs/sandbox.md says that it is none here."""
    api.post("people", first_name="Ines")
    assert api.get("contacts").json()["contacts"] == []


def test_an_error_of_a_sync_is_reported(api):
    """Connec! API v2, section 5.14: transaction_logs takes what could not be saved."""
    sent = {"entity_id": "e-1", "entity_name": "Employee", "message": "no name", "status": "ERROR"}
    assert sent.items() <= api.post("transaction_logs", **sent).json()["transaction_logs"].items()


def test_a_payment_leaves_what_is_owed(api):
    """Connec! API v2, sections 5.8 and 5.12: who sends balance; docs/sandbox.md says that payments do not change it."""
    invoice = api.post("invoices", amount={"total_amount": 50.0}).json()["invoices"]
    linked = [{"class": "Invoice", "id": invoice["id"], "applied_amount": 50.0}]
    assert api.post("payments", payment_lines=[{"amount": 50.0, "linked_transactions": linked}]).status_code == 201
    assert api.get(f"invoices/{invoice['id']}").json()["invoices"] == invoice
    assert invoice["balance"] == 50.0


def test_a_merge_itself_is_not_told(hub, api, receiver):
    """Connec! API v2, section 2.11: docs/sandbox.md says that the others are told of changed references only."""
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
    hub.load(ORG, "people", [{"id": id, "first_name": id} for id in ("kept", "lost")])
    hub.load(ORG, "invoices", [{"id": "i-1", "person_id": "lost"}, {"id": "i-2", "person_id": "kept"}])
    assert api.call("PUT", "people/kept/merge", {"ids": ["lost"]}).status_code == 200
    assert hub.flush()
    (body,) = told.bodies
    assert {resource: [record["id"][0]["id"] for record in records] for resource, records in body.items()} == {
        "invoices": ["i-1"]
    }
