"""Embedded rows mark the record that they belong to."""

from __future__ import annotations

import pytest
from django.db import transaction

from django_connec import connec_disabled
from tests.app.models import Invoice, InvoiceLine
from tests.other.models import Tracked, Ware, WareLine

pytestmark = pytest.mark.django_db


@pytest.fixture
def invoice(company):
    made = Invoice.objects.create(company=company, number="1")
    unmark()
    return made


def unmark():
    Invoice._base_manager.update(connec_changed_at=None)


def is_marked(invoice):
    return Invoice.objects.pending().filter(pk=invoice.pk).exists()


def test_saving_a_row_marks_its_parent_in_one_update(invoice, statements):
    line = InvoiceLine(invoice=invoice, description="x")
    for save in (line.save, line.save, lambda: line.save(update_fields=["description"])):
        unmark()
        with transaction.atomic(), statements() as seen:
            save()
        assert is_marked(invoice)
        assert len([sql for sql in seen.sql if "app_invoice" in sql and "app_invoiceline" not in sql]) == 1
        assert len(seen.sql) == 2


def test_deleting_a_row_marks_its_parent(invoice):
    line = InvoiceLine.objects.create(invoice=invoice, description="x")
    unmark()
    line.delete()
    assert is_marked(invoice)
    InvoiceLine.objects.create(invoice=invoice, description="x")
    unmark()
    invoice.lines.all().delete()
    assert is_marked(invoice)


def test_deleting_the_parent_goes_through(invoice, company, statements):
    InvoiceLine.objects.create(invoice=invoice, description="x")
    other = Invoice.objects.create(company=company, number="2")
    InvoiceLine.objects.create(invoice=other, description="x")
    third = Invoice.objects.create(company=company, number="3")
    InvoiceLine.objects.create(invoice=third, description="x")
    with statements() as seen:
        invoice.delete()
        Invoice.objects.filter(pk=other.pk).delete()
    assert not [sql for sql in seen.sql if sql.startswith("UPDATE")], "there is nothing left to mark"
    company.delete()
    assert not Invoice.objects.exists()
    assert not InvoiceLine.objects.exists()


def test_disabled_block_and_fixtures_mark_nothing(invoice):
    line = InvoiceLine.objects.create(invoice=invoice, description="x")
    unmark()
    with connec_disabled():
        line.save()
        line.delete()
    InvoiceLine(invoice=invoice, description="y").save_base(raw=True)
    assert not is_marked(invoice)


@pytest.mark.django_db(transaction=True)
def test_rows_wake_the_group_of_their_parent(queue, group, invoice):
    group.__class__.objects.update(wake_requested_at=None)
    queue.clear()
    with transaction.atomic():
        for n in range(5):
            InvoiceLine.objects.create(invoice=invoice, description=f"{n}")
    assert queue == [("drain_group", (group.pk,))]


def test_the_named_parent_is_marked_and_no_other():
    ware, other = Ware.objects.create(name="x"), Tracked.objects.create(name="y")
    Ware._base_manager.update(connec_changed_at=None)
    Tracked._base_manager.update(connec_changed_at=None)
    WareLine.objects.create(ware=ware, other=other, text="z")
    assert Ware.objects.pending().count() == 1
    assert Tracked.objects.pending().count() == 0
    Ware._base_manager.update(connec_changed_at=None)
    other.delete()
    assert Ware.objects.pending().count() == 1, "a line that goes with something else is a change of its record"


def lines(invoice, count=3):
    return InvoiceLine.objects.bulk_create([InvoiceLine(invoice=invoice, description=f"{n}") for n in range(count)])


def test_bulk_writes_mark_the_records_of_all_rows_at_once(invoice, company, statements):
    other = Invoice.objects.create(company=company, number="2")
    unmark()
    lines(invoice)
    assert is_marked(invoice)
    assert not is_marked(other)
    lines(other)
    unmark()
    made = list(InvoiceLine.objects.all())
    for line in made:
        line.description = "changed"
    InvoiceLine.objects.bulk_update(made, ["description"])
    assert is_marked(invoice)
    assert is_marked(other)
    unmark()
    with transaction.atomic(), statements() as seen:
        InvoiceLine.objects.filter(invoice=invoice).update(description="again")
    assert is_marked(invoice)
    assert not is_marked(other)
    assert len(seen.sql) == 3
    unmark()
    with transaction.atomic(), statements() as seen:
        InvoiceLine.objects.all().delete()
    assert is_marked(invoice)
    assert is_marked(other)
    assert len([sql for sql in seen.sql if sql.startswith("UPDATE")]) == 1


def test_rows_that_move_mark_both_records(invoice, company):
    other = Invoice.objects.create(company=company, number="2")
    lines(invoice)
    unmark()
    InvoiceLine.objects.update(invoice=other)
    assert is_marked(invoice)
    assert is_marked(other)


def test_row_saved_without_marking(invoice):
    unmark()
    line = InvoiceLine(invoice=invoice, description="x")
    line.save(connec=False)
    InvoiceLine.objects.update(connec_id="hub-1")
    with connec_disabled():
        lines(invoice)
        InvoiceLine.objects.update(description="y")
        InvoiceLine.objects.all().delete()
    assert not is_marked(invoice)


@pytest.mark.django_db(transaction=True)
def test_row_and_the_mark_of_its_record_are_one_change(invoice, monkeypatch):
    line = InvoiceLine.objects.create(invoice=invoice, description="before")
    unmark()

    def fail(*args):
        raise RuntimeError("killed")

    monkeypatch.setattr("django_connec.tracking.rows.mark_parents", fail)
    line.description = "after"
    with pytest.raises(RuntimeError):
        line.save()
    with pytest.raises(RuntimeError):
        line.delete()
    assert InvoiceLine.objects.get().description == "before"
