"""A row that was deleted here comes back when the hub shows it anew, and what referred to it refers to it again."""

from __future__ import annotations

import datetime as dt
from threading import Thread

import pytest
from django.db import connection, connections
from django.db.models.signals import post_save
from django.utils import timezone

from django_connec.inbound import apply_records, tombstones
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, Tombstone
from django_connec.operating.pruning import prune_all
from django_connec.outbound.encoding import prepare
from django_connec.signals import records_applied
from tests.app.models import Company, Invoice, InvoiceLine, Item, Organization
from tests.conftest import ORG, drain

pytestmark = pytest.mark.django_db

FIRST, LATER = "2026-01-01T00:00:00Z", "2036-01-03T00:00:00Z"


def shown(id, at=FIRST, **attributes):
    return {"id": [{"provider": "connec", "realm": ORG, "id": id}], "updated_at": at, **attributes}


def apply(group, resource, *records):
    return apply_records(group, resource, records, source="webhook")


def delete_one(group, model, resource):
    """Let a record come in, its row be deleted and the hub be told."""
    apply(group, resource, shown("one", name="One", status="ACTIVE"))
    model.objects.get(connec_id="one").delete()
    drain(group)
    assert Tombstone.objects.get().sent_at is not None


def bring_back(group, resource):
    return apply(group, resource, shown("one", LATER, name="One again", status="ACTIVE"))


@pytest.fixture
def deleted_customer(hub, group, company):
    delete_one(group, Organization, "organizations")


@pytest.fixture
def deleted_item(hub, group, company):
    delete_one(group, Item, "items")


def test_reference_of_a_record_is_filled(deleted_customer, group, django_capture_on_commit_callbacks):
    apply(group, "invoices", shown("inv", transaction_number="1", organization_id="one"))
    assert Invoice.objects.get().customer is None
    heard, saved = [], []

    def hear(sender, resource, updated, **_):
        heard.append((sender, resource, updated))

    def see(instance, created, **_):
        saved.append((instance.pk, created))

    records_applied.connect(hear)
    post_save.connect(see, sender=Invoice)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            outcome = bring_back(group, "organizations")
    finally:
        records_applied.disconnect(hear)
        post_save.disconnect(see, sender=Invoice)
    invoice = Invoice.objects.get()
    assert outcome.counts() == {"created": 1}
    assert invoice.customer == Organization.objects.get(connec_id="one")
    # Nothing of it is a change of ours, and the host's receivers hear of the record that it changed.
    assert invoice.connec_changed_at is None
    assert "l" not in invoice.connec_state
    assert (Invoice, "invoices", [invoice.pk]) in heard
    assert saved == [(invoice.pk, False)]
    assert not Tombstone.objects.exists()


def test_reference_that_was_filled_is_agreed_on(deleted_customer, group):
    record = shown("inv", transaction_number="1", organization_id="one")
    apply(group, "invoices", record)
    bring_back(group, "organizations")
    assert apply(group, "invoices", record).counts() == {"unchanged": 1}
    # Emptying it now is a change of ours.
    invoice = Invoice.objects.get()
    invoice.customer = None
    invoice.save()
    operation = prepare(registry.for_model(Invoice), group, [invoice], first_link=None, using="default")[0].operation
    assert operation.attributes == {"organization_id": None}


def test_reference_of_a_row_inside_a_record_is_filled(deleted_item, group):
    line = {"id": "line", "description": "A", "item_id": "one"}
    apply(group, "invoices", shown("inv", transaction_number="1", lines=[line]))
    assert InvoiceLine.objects.get().item is None
    outcome = bring_back(group, "items")
    row = InvoiceLine.objects.get()
    assert row.item == Item.objects.get(connec_id="one")
    assert Invoice.objects.get().connec_changed_at is None
    assert outcome.updated_pks == {"app.invoice": [row.invoice_id]}


def test_reference_on_the_same_page_waits_for_what_comes_back(deleted_item, group):
    back = shown("one", LATER, name="One again", status="ACTIVE")
    for page in ([shown("two", name="Two", parent_item_id="one"), back], [back]):
        apply(group, "items", *page)
        assert Item.objects.get(connec_id="two").parent == Item.objects.get(connec_id="one")


def test_what_refers_to_something_else_by_now_is_left_alone(deleted_item, group):
    apply(group, "items", shown("two", name="Two", parent_item_id="one"), shown("three", name="Three"))
    two = Item.objects.get(connec_id="two")
    two.parent = Item.objects.get(connec_id="three")
    two.save()
    bring_back(group, "items")
    two.refresh_from_db()
    assert two.parent.connec_id == "three"
    assert two.connec_changed_at is not None


def test_reference_of_another_group_stays_as_it_is(deleted_customer, group):
    other = ConnecGroup.objects.create(uid="cld-other", org_uid="org-other")
    Company.objects.create(name="Other", connec_group=other)
    apply(other, "organizations", shown("one", name="Theirs", status="ACTIVE"))
    Organization.objects.get(connec_group=other).delete()
    apply(other, "invoices", shown("inv", transaction_number="1", organization_id="one"))
    bring_back(group, "organizations")
    assert Invoice.objects.get().customer is None


def test_tombstone_stays_until_its_record_is_written(deleted_item, group):
    """Whoever dies, or fails, before the row is back leaves everything as it was."""
    apply(group, "items", shown("two", name="Two", parent_item_id="one"))
    too_long = shown("one", LATER, name="One " * 100, status="ACTIVE")
    assert apply(group, "items", too_long).counts() == {"failed": 1}
    assert Tombstone.objects.exists()
    bring_back(group, "items")
    assert Item.objects.get(connec_id="two").parent == Item.objects.get(connec_id="one")


def test_tombstone_that_a_reference_is_empty_for_is_not_pruned(deleted_customer, group):
    apply(group, "invoices", shown("inv", transaction_number="1", organization_id="one"))
    Tombstone.objects.update(sent_at=timezone.now() - dt.timedelta(days=10_000))
    assert prune_all().counts["tombstones"] == 0
    Invoice.objects.all().delete()
    Tombstone.objects.filter(resource="invoices").delete()
    assert prune_all().counts["tombstones"] == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
def test_reference_that_is_left_empty_while_its_row_comes_back(deleted_customer, group, monkeypatch):
    """One worker has read the tombstone, another one brings the row back before the first one writes."""
    looked = tombstones.bury

    def bring_back_elsewhere():
        try:
            bring_back(group, "organizations")
        finally:
            connections.close_all()

    def bury(*args, **options):
        looked(*args, **options)
        other = Thread(target=bring_back_elsewhere)
        other.start()
        other.join()

    monkeypatch.setattr("django_connec.inbound.apply.bury", bury)
    apply(group, "invoices", shown("inv", transaction_number="1", organization_id="one"))
    assert Invoice.objects.get().customer == Organization.objects.get(connec_id="one")
