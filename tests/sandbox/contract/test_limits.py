"""Connec! API v2 and the SDK: statements that stand at the edge, and what the sandbox leaves out on purpose."""

from __future__ import annotations

import pytest
import requests

from tests.sandbox.helpers import APP, GROUP, KEY


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
