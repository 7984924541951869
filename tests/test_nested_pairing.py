"""Which row of a list is which row here, where ids do not say it or say it wrongly; and lists of one direction."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from django_connec.models import Conflict
from django_connec.reading import poll_group
from django_connec.sandbox import Fault
from django_connec.work import client_of
from tests.app.models import Invoice, InvoiceLine
from tests.conftest import ORG, drain
from tests.test_nested import apply, at_hub, line, record, sent, settled, shared
from tests.test_nested_options import invoice_at, lines

__all__ = ["lines", "sent", "shared"]

pytestmark = pytest.mark.django_db


def rows():
    return sorted(InvoiceLine.objects.values_list("description", "quantity"))


def bare(description, quantity):
    """A row of the hub's without an id."""
    return {"description": description, "quantity": quantity}


def later(*listed, day=2, **attributes):
    return record(*listed, at=f"2026-01-{day:02}T00:00:00Z", **attributes)


def test_row_keeps_its_hub_id_although_another_one_claims_ours(group, company):
    """A restored database or a reused key: the hub's id wins."""
    apply(group, record(line(1)))
    row = InvoiceLine.objects.get()
    apply(group, later(line(9, own=row.pk), line(1)))
    row.refresh_from_db()
    assert (row.connec_id, InvoiceLine.objects.count()) == ("line-1", 2)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([("A", 5)], [("A", 1), ("A", 2)]),
        ([("A", 5), ("A", 6)], [("A", 1)]),
        ([("", 5)], [("", 1)]),
    ],
    ids=["two of theirs", "two of ours", "blank"],
)
def test_what_does_not_identify_one_row_on_either_side_is_no_guess(group, company, lines, ours, theirs):
    lines({"match_on": ["description"]})
    apply(group, record())
    invoice = Invoice.objects.get()
    for description, quantity in ours:
        InvoiceLine.objects.create(invoice=invoice, description=description, quantity=quantity)
    apply(group, later(*({**line(n), **bare(*row)} for n, row in enumerate(theirs))))
    assert rows() == sorted([*ours, *theirs])


@pytest.mark.parametrize("meta", [None, {"match_on": ["description"]}])
def test_rows_without_ids_are_known_by_what_was_agreed(group, company, lines, meta):
    """What has changed here is still the row that the hub shows as it was."""
    lines(meta)
    apply(group, record(bare("A", 1)))
    row = InvoiceLine.objects.get()
    row.quantity, row.description = 5, "Ours"
    row.save()
    apply(group, later(bare("A", 1), bare("B", 2)))
    assert rows() == [("B", 2), ("Ours", 5)]
    assert InvoiceLine.objects.filter(pk=row.pk).exists()
    assert not Conflict.objects.exists()


def test_rows_that_are_alike_are_counted(hub, group, company, sent):
    apply(group, record(bare("A", 1), bare("A", 1), bare("A", 1)))
    assert rows() == [("A", 1)] * 3
    apply(group, later(bare("A", 1), bare("A", 1)))
    assert rows() == [("A", 1)] * 2
    InvoiceLine.objects.first().delete()
    drain(group)
    # One of two that are alike has gone here: the hub is told by the whole list.
    assert sent[0]["opts"] == {"sparse": False}
    assert [entry["description"] for entry in sent[0]["lines"]] == ["A"]


def test_new_row_that_was_not_answered_is_remembered_past_a_notification(hub, group, shared):
    """It may have reached the hub: taken back here, it has to be taken back there."""
    row = InvoiceLine.objects.create(invoice=shared, description="New")
    before = hub.get(ORG, "invoices", shared.connec_id)
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    # Late: it was sent before the new row got there.
    first = before["lines"][0]
    apply(group, {**before, "lines": [{**first, "quantity": 11}, *before["lines"][1:]]})
    row.delete()
    drain(group)
    assert [r["description"] for r in at_hub(hub, shared)] == ["Line 1", "Line 2", "Line 3"]
    settled(hub, group)


def test_rows_that_are_only_sent_stay_when_the_hub_lets_them_go(hub, group, company, lines):
    lines(direction="push")
    invoice = Invoice.objects.create(company=company, number="7")
    row = InvoiceLine.objects.create(invoice=invoice, description="Ours")
    drain(group)
    hub.clock = lambda: timezone.now() + dt.timedelta(minutes=10)
    invoice.refresh_from_db()
    hub.update(ORG, "invoices", invoice.connec_id, lines=[], opts={"sparse": False})
    assert at_hub(hub, invoice) == []
    poll_group(group, client_of(group))
    row.refresh_from_db()
    assert row.connec_id is None
    row.description = "Ours again"
    row.save()
    drain(group)
    assert [r["description"] for r in at_hub(hub, invoice)] == ["Ours again"]


def test_list_that_is_set_once_is_not_read_again(hub, group, company, lines):
    lines(create_only=True)
    key = invoice_at(hub, group, "Bolt")
    hub.clock = lambda: timezone.now() + dt.timedelta(minutes=10)
    hub.update(ORG, "invoices", key, transaction_number="119", lines=[{"description": "Nut"}])
    poll_group(group, client_of(group))
    assert Invoice.objects.get().number == "119"
    assert InvoiceLine.objects.get().description == "Bolt"


def test_row_removed_before_the_create_of_its_record_was_answered(hub, group, company):
    """The hub may have it: the second try of the create says that the list is complete."""
    invoice = Invoice.objects.create(company=company, number="7")
    rows = [InvoiceLine.objects.create(invoice=invoice, description=d) for d in ("One", "Two")]
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    rows[0].delete()
    drain(group)
    assert [r["description"] for r in at_hub(hub, invoice)] == ["Two"]
    settled(hub, group)
