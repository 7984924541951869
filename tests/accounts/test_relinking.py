"""A customer who comes back under another group id keeps his rows, where the host says so."""

from __future__ import annotations

import pytest

from django_connec.exceptions import GroupBusy, RelinkError
from django_connec.leases import hold
from django_connec.models import ConnecGroup, SyncCursor
from django_connec.reading import import_group, poll_group
from django_connec.work import client_of
from tests.app.models import Company, Invoice, InvoiceLine, Person
from tests.conftest import API_ID, ORG, drain

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(hub, group, company):
    hub.load(ORG, "people", [{"first_name": "There"}])
    import_group(group, client_of(group))
    Person.objects.create(company=company, first_name="Here")
    gone = Person.objects.create(company=company, first_name="Gone")
    drain(group)
    gone.delete()
    drain(group)
    group.entities = {"items": {"pull": False, "push": True}}
    group.save()
    hub.revoke(group.uid)
    group.unlink()
    return group


def come_back(hub, org=ORG, told=ORG):
    hub.add_group("cld-new", api_id=API_ID, org=org)
    group = ConnecGroup(uid="cld-new", org_uid=told, name="Pelican Freight")
    group.link()
    return group


def test_rows_move_and_both_sides_stay_equal(hub, old, company):
    ids = set(Person.objects.values_list("connec_id", flat=True))
    Person.objects.filter(first_name="Here").update(last_name="While away")
    there = next(r for r in hub.records(ORG, "people") if r["first_name"] == "There")
    hub.update(ORG, "people", there["id"], last_name="While away")
    group = come_back(hub)
    assert list(group.predecessors()) == [old]
    assert group.relink_from(old) == 2
    company.refresh_from_db()
    assert company.connec_group == group
    assert set(Person.objects.values_list("connec_id", "connec_group")) == {(i, group.pk) for i in ids}
    assert group.entities == old.entities
    poll_group(group, client_of(group))
    drain(group)
    records = {r["first_name"]: r for r in hub.records(ORG, "people") if r.get("status") != "INACTIVE"}
    assert set(records) == {"There", "Here"}
    assert {r["last_name"] for r in records.values()} == {"While away"}
    assert set(Person.objects.values_list("first_name", "last_name")) == {(n, "While away") for n in records}
    hub.clear_log()
    drain(group)
    assert hub.paths() == []


def test_deleted_rows_stay_deleted(hub, old, company):
    group = come_back(hub)
    group.relink_from(old)
    import_group(group, client_of(group), full=True)
    assert set(Person.objects.values_list("first_name", flat=True)) == {"There", "Here"}


def test_another_organisation_gets_the_rows_as_new_ones(hub, old, company):
    invoice = Invoice.objects.create(company=company, number="1")
    Invoice.objects.update(connec_group=old, connec_id="inv-1")
    InvoiceLine.objects.create(invoice=invoice, description="x", connec_id="line-1")
    hub.add_organisation("org-2", {})
    group = come_back(hub, org="org-2", told="org-2")
    assert not group.predecessors().exists()
    assert group.relink_from(old) == 3
    assert InvoiceLine.objects.get().connec_id is None
    assert not Person.objects.filter(connec_id__isnull=False).exists()
    assert not SyncCursor.objects.filter(group=group).exists()
    drain(group)
    assert {r["first_name"] for r in hub.records("org-2", "people")} == {"There", "Here"}


def test_organisation_that_was_never_told_still_finds_its_records(hub, old, company):
    """Without org_uid the ids are not trusted, but ours, in the old realm, are still on the hub's records."""
    group = come_back(hub, told="")
    group.relink_from(old)
    assert group.effective_realm == old.uid
    before = len(hub.records(ORG, "people"))
    import_group(group, client_of(group))
    drain(group)
    assert len(hub.records(ORG, "people")) == before
    assert Person.objects.count() == 2


def test_refused_where_rows_would_mix(hub, old, company):
    group = come_back(hub)
    with pytest.raises(RelinkError):
        group.relink_from(group)
    other = Company.objects.create(name="Made too early", connec_group=group)
    with pytest.raises(RelinkError, match=r"app\.Company"):
        group.relink_from(old)
    Person.objects.create(company=other, first_name="New", connec_group=group)
    Person.objects.update(connec_group=group)
    with pytest.raises(RelinkError, match="rows of"):
        group.relink_from(old)


def test_refused_while_the_old_group_is_linked_or_a_worker_is_at_it(hub, old, company):
    group = come_back(hub)
    with hold(f"drain:{old.pk}"), pytest.raises(GroupBusy):
        group.relink_from(old)
    elsewhere = ConnecGroup.objects.create(uid="cld-x", marketplace="second", is_active=False)
    with pytest.raises(RelinkError):
        group.relink_from(elsewhere)
    old.link()
    with pytest.raises(RelinkError, match="still linked"):
        group.relink_from(old)
