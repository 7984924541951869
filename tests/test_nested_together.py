"""A host saves rows while their record is being applied or sent: nobody waits for ever, nothing is lost."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction

from django_connec.models import ConnecGroup
from tests.app.models import Company, Invoice, InvoiceLine
from tests.conftest import ORG, drain
from tests.test_nested import apply, line, record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time"),
]


class Saver(threading.Thread):
    """Saves a row in a transaction that is held open until the engine has met it."""

    def __init__(self, row):
        super().__init__()
        self.row = row
        self.has_row = threading.Event()
        self.go_on = threading.Event()
        self.error = None

    def run(self):
        try:
            with transaction.atomic():
                # As save() does, in two steps: first the row, then the mark of its record.
                InvoiceLine._base_manager.filter(pk=self.row.pk).update(description="Ours")
                self.has_row.set()
                assert self.go_on.wait(20)
                self.row.description = "Ours"
                self.row.save()
        except Exception as error:
            self.error = error
        finally:
            connections.close_all()


@pytest.mark.parametrize("direction", ["in", "out"])
def test_row_that_a_host_is_saving_makes_no_deadlock(hub, direction, monkeypatch):
    group = ConnecGroup.objects.create(uid="cld-7p2k", org_uid=ORG)
    company = Company.objects.create(name="Pelican", connec_group=group)
    apply(group, record(line(1)))
    saver = Saver(InvoiceLine.objects.get())
    if direction == "out":
        Invoice.objects.all().delete()
        invoice = Invoice.objects.create(company=company, number="7")
        saver.row = InvoiceLine.objects.create(invoice=invoice, description="x")
    # The host goes on as soon as the engine has found the row taken.
    met = []

    def pause(seconds):
        met.append(seconds)
        saver.go_on.set()
        saver.join(10)

    monkeypatch.setattr("django_connec.sql.time.sleep", pause)
    saver.start()
    assert saver.has_row.wait(20)
    if direction == "in":
        apply(group, record(line(1, quantity=9), at="2030-01-02T00:00:00Z"))
    else:
        drain(group)
    saver.join(10)
    assert met, "the engine did not meet the row"
    assert saver.error is None
    row = InvoiceLine.objects.get()
    assert row.description == "Ours"
    if direction == "in":
        assert row.quantity == 9
        assert Invoice.objects.get().connec_changed_at is not None
