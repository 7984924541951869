"""The rows inside a record: matched by id, merged one by one, and sent back with what is theirs alone."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db.models.signals import post_save
from django.utils import timezone

from django_connec.client import ConnecClient
from django_connec.inbound import apply_records
from django_connec.models import Conflict, Failure, ParkedRecord
from django_connec.reading import poll_group
from django_connec.sandbox import Fault
from django_connec.signals import records_applied
from django_connec.work import client_of
from tests.app.models import Invoice, InvoiceLine, Item
from tests.conftest import ORG, PROVIDER, drain

pytestmark = pytest.mark.django_db


def hub_id(id):
    return [{"provider": "connec", "realm": ORG, "id": id}]


def record(*lines, at="2026-01-01T00:00:00Z", **attributes):
    return {"id": hub_id("inv-1"), "transaction_number": "118", "updated_at": at, "lines": list(lines), **attributes}


def line(n, own=None, **attributes):
    ids = hub_id(f"line-{n}") + ([{"provider": PROVIDER, "realm": "cld-7p2k", "id": str(own)}] if own else [])
    return {"id": ids, "description": f"Line {n}", "quantity": n, "tax_code_id": f"tax-{n}", **attributes}


def apply(group, *records, **options):
    return apply_records(group, "invoices", records, source="webhook", **options)


def shown():
    return list(InvoiceLine.objects.order_by("pk").values_list("connec_id", "description"))


def future(seconds=60):
    return (timezone.now() + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def applied(group, company):
    apply(group, record(line(1), line(2), line(3)))
    return Invoice.objects.get()


@pytest.fixture
def shared(hub, group, company):
    """An invoice of three lines that both sides hold."""
    made = hub.create(
        ORG,
        "invoices",
        {
            "transaction_number": "118",
            "lines": [{"description": f"Line {n}", "quantity": n, "note": f"kept {n}"} for n in (1, 2, 3)],
        },
    )
    poll_group(group, client_of(group))
    drain(group)
    hub.calls.clear()
    invoice = Invoice.objects.get()
    assert invoice.connec_id == hub_key(made)
    return invoice


@pytest.fixture
def sent(monkeypatch):
    """What is sent of records, as the client gets it."""
    seen = []
    original = ConnecClient.batch

    def batch(self, operations, **options):
        seen.extend(operation.attributes for operation in operations)
        return original(self, operations, **options)

    monkeypatch.setattr(ConnecClient, "batch", batch)
    return seen


def hub_key(record):
    id = record["id"]
    return id if isinstance(id, str) else next(e["id"] for e in id if e["provider"] == "connec")


def at_hub(hub, invoice):
    invoice.refresh_from_db()
    return hub.get(ORG, "invoices", invoice.connec_id)["lines"]


def settled(hub, group):
    """After a poll and a drain one more drain sends nothing."""
    poll_group(group, client_of(group))
    drain(group)
    hub.calls.clear()
    drain(group)
    assert not hub.operations
    assert not Failure.objects.exists()


# In ---------------------------------------------------------------------------------------------------------


def test_rows_arrive_with_their_record(applied):
    assert shown() == [("line-1", "Line 1"), ("line-2", "Line 2"), ("line-3", "Line 3")]
    assert applied.connec_changed_at is None
    assert {row.invoice_id for row in InvoiceLine.objects.all()} == {applied.pk}


def test_rows_are_matched_by_id_never_by_position(group, applied):
    before = dict(InvoiceLine.objects.values_list("connec_id", "pk"))
    apply(group, record(line(3), line(4), line(1, description="Other"), at="2026-01-02T00:00:00Z"))
    assert sorted(shown()) == [("line-1", "Other"), ("line-3", "Line 3"), ("line-4", "Line 4")]
    after = dict(InvoiceLine.objects.values_list("connec_id", "pk"))
    assert (after["line-1"], after["line-3"]) == (before["line-1"], before["line-3"])


def test_the_same_list_again_writes_nothing(group, applied):
    assert apply(group, record(line(3), line(1), line(2))).counts() == {"unchanged": 1}


def test_only_a_row_changed_counts_as_an_update(group, applied):
    heard = []
    records_applied.connect(lambda **kw: heard.append(kw["updated"]), weak=False, dispatch_uid="heard")
    try:
        outcome = apply(group, record(line(1), line(2, quantity=7), line(3), at="2026-01-02T00:00:00Z"))
    finally:
        records_applied.disconnect(dispatch_uid="heard")
    assert outcome.counts() == {"updated": 1}
    assert outcome.updated_pks == {"app.invoice": [applied.pk]}
    assert InvoiceLine.objects.get(connec_id="line-2").quantity == 7


def test_missing_list_keeps_and_empty_list_clears(group, applied):
    bare = record(at="2026-01-02T00:00:00Z")
    del bare["lines"]
    apply(group, bare)
    assert len(shown()) == 3
    apply(group, record(at="2026-01-03T00:00:00Z"))
    assert shown() == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("x", "lines: expected a list of rows, found text of 1 characters"),
        (["x"], "lines[0]: expected a block, found text of 1 characters"),
        (
            [line(1), {**line(2), "quantity": "many"}],
            "lines[1].quantity: expected an amount, found text of 4 characters",
        ),
        ([{**line(1), "deep": "\x00"}], "lines[0]: expected values that a database can hold"),
        ([line(1), {**line(2), "id": 3.5}], "lines[1].id: expected an id or a list of ids, found a number"),
    ],
)
def test_bad_row_fails_its_record_alone_and_is_named(group, company, lines, message):
    good = {**record(line(1)), "id": hub_id("inv-2")}
    outcome = apply(group, {**record(), "lines": lines}, good)
    assert outcome.counts() == {"created": 1, "failed": 1}
    assert Failure.objects.get().message.startswith(message)


def test_row_with_an_own_save_runs_it(group, company):
    heard = []
    post_save.connect(lambda instance, **kw: heard.append(instance.pk), InvoiceLine, weak=False, dispatch_uid="heard")
    try:
        apply(group, record(line(1)))
        apply(group, record(line(1, quantity=5), at="2026-01-02T00:00:00Z"))
    finally:
        post_save.disconnect(sender=InvoiceLine, dispatch_uid="heard")
    assert heard == [InvoiceLine.objects.get().pk] * 2
    assert Invoice.objects.get().connec_changed_at is None


def test_row_that_refers_to_what_is_not_here_parks_its_record(group, company):
    assert apply(group, record(line(1, item_id=hub_id("item-1")))).counts() == {"parked": 1}
    assert ParkedRecord.objects.get().field == "lines.item"
    apply_records(
        group,
        "items",
        [{"id": hub_id("item-1"), "name": "Bolt", "updated_at": "2026-01-01T00:00:00Z"}],
        source="webhook",
    )
    assert InvoiceLine.objects.get().item == Item.objects.get()


def test_missing_item_of_a_row_is_fetched(hub, group, company):
    item = hub.create(ORG, "items", {"name": "Bolt"})
    made = hub.create(ORG, "invoices", {"lines": [{"description": "x", "item_id": hub_key(item)}]})
    apply(group, hub.get(ORG, "invoices", hub_key(made)), client=client_of(group))
    assert InvoiceLine.objects.get().item == Item.objects.get()


# Out --------------------------------------------------------------------------------------------------------


def test_new_record_takes_its_rows_along_and_keeps_the_ids_of_the_answer(hub, group, company):
    item = Item.objects.create(company=company, name="Bolt")
    invoice = Invoice.objects.create(company=company, number="7")
    made = [InvoiceLine.objects.create(invoice=invoice, description=f"{n}", quantity=n, item=item) for n in (1, 2)]
    drain(group)
    theirs = at_hub(hub, invoice)
    assert [row["description"] for row in theirs] == ["1", "2"]
    assert [row["item_id"] for row in theirs] == [Item.objects.get().connec_id] * 2
    for row, at in zip(made, theirs, strict=True):
        row.refresh_from_db()
        assert row.connec_id == at["id"]
    assert Invoice.objects.get().connec_changed_at is None
    settled(hub, group)


def test_changed_row_goes_alone_whole_and_with_both_ids(hub, group, shared, sent):
    row = shared.lines.get(description="Line 2")
    row.quantity = Decimal("9.5")
    row.save()
    drain(group)
    (attributes,) = sent
    assert set(attributes) == {"lines"}
    (only,) = attributes["lines"]
    assert only["note"] == "kept 2"
    assert only["quantity"] == 9.5
    assert {e["provider"]: e["id"] for e in only["id"]} == {"connec": row.connec_id, PROVIDER: str(row.pk)}
    theirs = at_hub(hub, shared)
    assert [(r["description"], r["quantity"], r["note"]) for r in theirs] == [
        ("Line 1", 1, "kept 1"),
        ("Line 2", 9.5, "kept 2"),
        ("Line 3", 3, "kept 3"),
    ]
    settled(hub, group)


def test_added_row_leaves_the_others_alone(hub, group, shared):
    InvoiceLine.objects.create(invoice=shared, description="New")
    hub.update(ORG, "invoices", shared.connec_id, lines=[{"description": "By another"}])
    drain(group)
    poll_group(group, client_of(group))
    assert sorted(r["description"] for r in at_hub(hub, shared)) == ["By another", "Line 1", "Line 2", "Line 3", "New"]
    assert sorted(d for _, d in shown()) == ["By another", "Line 1", "Line 2", "Line 3", "New"]
    settled(hub, group)


def test_removed_row_goes_and_the_whole_list_says_so(hub, group, shared, sent):
    shared.lines.get(description="Line 2").delete()
    drain(group)
    (attributes,) = sent
    assert attributes["opts"] == {"sparse": False}
    assert [r["description"] for r in at_hub(hub, shared)] == ["Line 1", "Line 3"]
    assert [r["note"] for r in at_hub(hub, shared)] == ["kept 1", "kept 3"]
    settled(hub, group)


def test_all_rows_removed(hub, group, shared):
    shared.lines.all().delete()
    drain(group)
    assert at_hub(hub, shared) == []
    settled(hub, group)


def test_row_cleared_here_is_cleared_there(hub, group, shared):
    row = shared.lines.get(description="Line 2")
    row.quantity = None
    row.save()
    drain(group)
    assert [r.get("quantity") for r in at_hub(hub, shared)] == [1, None, 3]
    settled(hub, group)


def test_row_moved_to_another_record(hub, group, shared):
    other = Invoice.objects.create(company=shared.company, number="8")
    drain(group)
    row = shared.lines.get(description="Line 2")
    row.invoice = other
    row.save()
    drain(group)
    assert [r["description"] for r in at_hub(hub, shared)] == ["Line 1", "Line 3"]
    assert [r["description"] for r in at_hub(hub, other)] == ["Line 2"]
    settled(hub, group)
    assert InvoiceLine.objects.filter(description="Line 2").count() == 1


def test_lost_answer_duplicates_no_row(hub, group, company):
    invoice = Invoice.objects.create(company=company, number="7")
    InvoiceLine.objects.create(invoice=invoice, description="One")
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    assert Invoice.objects.get().connec_id is None
    InvoiceLine.objects.create(invoice=invoice, description="Two")
    drain(group)
    assert [r["description"] for r in at_hub(hub, invoice)] == ["One", "Two"]
    settled(hub, group)
    assert InvoiceLine.objects.count() == 2


def test_row_removed_while_its_creation_was_not_answered(hub, group, shared):
    row = InvoiceLine.objects.create(invoice=shared, description="New")
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    row.delete()
    poll_group(group, client_of(group))
    drain(group)
    assert [r["description"] for r in at_hub(hub, shared)] == ["Line 1", "Line 2", "Line 3"]
    assert len(shown()) == 3
    settled(hub, group)


def test_row_removed_while_its_creation_was_not_answered_and_shown_without_our_ids(hub, group, shared):
    """A notification in the plain form does not say that the new row is ours; the hub does, when it is asked."""
    row = InvoiceLine.objects.create(invoice=shared, description="New")
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    row.delete()
    plain = hub.get(ORG, "invoices", shared.connec_id)
    assert [line["description"] for line in plain["lines"]] == ["Line 1", "Line 2", "Line 3", "New"]
    apply(group, plain, client=client_of(group))
    assert len(shown()) == 3
    drain(group)
    assert [r["description"] for r in at_hub(hub, shared)] == ["Line 1", "Line 2", "Line 3"]
    settled(hub, group)


def test_own_rows_come_back_as_a_notification(hub, group, company):
    invoice = Invoice.objects.create(company=company, number="7")
    InvoiceLine.objects.create(invoice=invoice, description="One")
    drain(group)
    invoice.refresh_from_db()
    echo = hub.get(ORG, "invoices", invoice.connec_id)
    assert apply(group, echo).counts() == {"unchanged": 1}
    settled(hub, group)


def test_record_gone_at_the_hub_is_made_again_with_its_rows(hub, group, shared):
    hub.store.delete(ORG, "invoices", shared.connec_id)
    old = set(shared.lines.values_list("connec_id", flat=True))
    shared.number = "119"
    shared.save()
    drain(group)
    drain(group)
    assert [r["description"] for r in at_hub(hub, shared)] == ["Line 1", "Line 2", "Line 3"]
    assert not old & set(shared.lines.values_list("connec_id", flat=True))
    settled(hub, group)


def test_copied_row_is_a_new_one_and_a_stale_one_keeps_its_identity(hub, group, shared):
    row = shared.lines.get(description="Line 1")
    stale = InvoiceLine.objects.get(pk=row.pk)
    InvoiceLine.objects.filter(pk=row.pk).update(connec_id="moved")
    stale.save()
    assert InvoiceLine.objects.get(pk=row.pk).connec_id == "moved"
    row.pk = None
    row.save()
    assert InvoiceLine.objects.get(pk=row.pk).connec_id is None
    InvoiceLine.objects.bulk_create([InvoiceLine(invoice=shared, connec_id="x", description="b")])
    assert InvoiceLine.objects.get(description="b").connec_id is None


# Both at once -----------------------------------------------------------------------------------------------


def test_different_rows_and_fields_merge(hub, group, shared):
    one, two, three = shared.lines.order_by("pk")
    one.quantity = 11
    one.save()
    three.delete()
    hub.update(ORG, "invoices", shared.connec_id, lines=[{"id": hub_id(one.connec_id), "description": "Theirs"}])
    hub.update(ORG, "invoices", shared.connec_id, lines=[{"id": hub_id(two.connec_id), "quantity": 22}])
    poll_group(group, client_of(group))
    drain(group)
    assert [(r["description"], r["quantity"]) for r in at_hub(hub, shared)] == [("Theirs", 11), ("Line 2", 22)]
    assert not Conflict.objects.exists()
    settled(hub, group)


@pytest.mark.parametrize(("seconds", "survives"), [(60, False), (-60, True)])
def test_changed_here_and_removed_there(group, applied, seconds, survives):
    row = InvoiceLine.objects.get(connec_id="line-2")
    row.quantity = 22
    row.save()
    apply(group, record(line(1), line(3), at=future(seconds)))
    assert InvoiceLine.objects.filter(description="Line 2").exists() is survives
    conflict = Conflict.objects.get()
    assert (conflict.field, conflict.decision) == ("lines", "local" if survives else "connec")
    assert conflict.local_value["quantity"] == 22
    if survives:
        row.refresh_from_db()
        assert row.connec_id is None, "the hub knows nothing of it any longer: it is sent as a new one"


@pytest.mark.parametrize(("seconds", "survives"), [(60, True), (-60, False)])
def test_removed_here_and_changed_there(group, applied, seconds, survives):
    InvoiceLine.objects.get(connec_id="line-2").delete()
    apply(group, record(line(1), line(2, quantity=22), line(3), at=future(seconds)))
    assert InvoiceLine.objects.filter(description="Line 2").exists() is survives
    conflict = Conflict.objects.get()
    assert (conflict.field, conflict.decision) == ("lines", "connec" if survives else "local")
    assert conflict.remote_value["quantity"] == 22


def test_removed_here_and_unchanged_there_stays_removed(hub, group, shared):
    shared.lines.get(description="Line 2").delete()
    hub.update(ORG, "invoices", shared.connec_id, transaction_number="119")
    poll_group(group, client_of(group))
    assert len(shown()) == 2
    drain(group)
    assert [r["description"] for r in at_hub(hub, shared)] == ["Line 1", "Line 3"]
    assert not Conflict.objects.exists()
    settled(hub, group)


def test_field_of_a_row_changed_on_both_sides(group, applied):
    row = InvoiceLine.objects.get(connec_id="line-2")
    row.quantity = 22
    row.save()
    apply(group, record(line(1), line(2, quantity=33), line(3), at=future()))
    conflict = Conflict.objects.get()
    assert (conflict.model_label, conflict.object_id, conflict.field) == ("app.invoiceline", str(row.pk), "quantity")
    assert (conflict.local_value, conflict.remote_value) == (22, 33)
    assert InvoiceLine.objects.get(pk=row.pk).quantity == 33


def test_answer_without_our_ids_finds_its_rows_by_content(hub, group, company):
    invoice = Invoice.objects.create(company=company, number="7")
    rows = [InvoiceLine.objects.create(invoice=invoice, description=d) for d in ("same", "same", "other")]
    drain(group)
    invoice.refresh_from_db()
    seen = hub.get(ORG, "invoices", invoice.connec_id)
    ids = [row["id"] for row in seen["lines"]]
    InvoiceLine.objects.update(connec_id=None, connec_state=None)
    Invoice.objects.update(connec_state={"a": {}}, connec_changed_at=timezone.now())
    apply(group, seen)
    assert InvoiceLine.objects.count() == 3
    assert set(InvoiceLine.objects.values_list("connec_id", flat=True)) == set(ids)
    assert InvoiceLine.objects.get(pk=rows[2].pk).connec_id == ids[2]
