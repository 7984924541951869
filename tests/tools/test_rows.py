"""The tools and the rows inside a record."""

from __future__ import annotations

import pytest
from django.db import connection

from django_connec.work import poll_one
from tests.app.models import Invoice, InvoiceLine
from tests.conftest import ORG, drain
from tests.tools.running import run, run_json

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(hub, group, company):
    invoice = Invoice.objects.create(company=company, number="7")
    for name in ("Bolt", "Nut"):
        InvoiceLine.objects.create(invoice=invoice, description=name, quantity=1)
    drain(group)
    poll_one(group)
    drain(group)
    invoice.refresh_from_db()
    return invoice


def behind_django():
    """A row changed, one made, one removed, none of it through Django."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE app_invoiceline SET quantity = 5 WHERE description = 'Bolt'")
        cursor.execute("DELETE FROM app_invoiceline WHERE description = 'Nut'")
        cursor.execute("INSERT INTO app_invoiceline (description, invoice_id) SELECT 'New', id FROM app_invoice")


def audit(group, *arguments):
    found, code = run_json("connec_audit", "--group", group.uid, *arguments)
    return found["groups"][group.uid]["resources"]["invoices"], code


def at_hub(hub, invoice):
    rows = hub.get(ORG, "invoices", invoice.connec_id)["lines"]
    return sorted((row["description"], row.get("quantity")) for row in rows)


def here():
    return sorted(InvoiceLine.objects.values_list("description", "quantity"))


def test_equal_rows_are_no_difference(group, invoice):
    assert audit(group)[1] == 0


def test_rows_changed_behind_django_are_pushed(hub, group, invoice):
    behind_django()
    found, code = audit(group)
    assert (code, found["fields"]) == (1, {"lines": 1})
    assert audit(group, "--fix", "push")[1] == 0
    drain(group)
    assert at_hub(hub, invoice) == [("Bolt", 5), ("New", None)]
    poll_one(group)
    assert here() == [("Bolt", 5), ("New", None)]
    assert audit(group)[1] == 0


def test_rows_changed_behind_django_are_overwritten(hub, group, invoice):
    behind_django()
    InvoiceLine.objects.filter(description="New")._raw_delete("default")
    assert audit(group, "--fix", "pull")[1] == 0
    assert here() == at_hub(hub, invoice) == [("Bolt", 1), ("Nut", 1)]
    hub.calls.clear()
    drain(group)
    assert not hub.operations


def test_what_is_explained_of_rows(group, invoice):
    text, _ = run("connec_explain", "app.Invoice", invoice.pk)
    assert "2 rows" in text
    row = InvoiceLine.objects.get(description="Bolt")
    row.quantity = 9
    row.save()
    found, code = run_json("connec_explain", "app.Invoice", invoice.pk)
    assert code == 0
    assert found["would_send"]
    (only,) = found["operation"]["attributes"]["lines"]
    assert only["quantity"] == 9
    lines = next(entry for entry in found["fields"] if entry["name"] == "lines")
    assert (lines["value"], lines["is_sent"]) == ("1 of 2 rows", True)
    # Explaining has changed nothing.
    row.refresh_from_db()
    assert "s" not in row.connec_state
