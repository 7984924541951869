"""Records that the hub does not find any more: gone, part of another one, or only said to be."""

from __future__ import annotations

import pytest

from django_connec.mapping import Field
from django_connec.models import Conflict, Failure, Tombstone
from django_connec.sandbox import Fault
from tests.app.models import Item, Organization, Person
from tests.conftest import ORG, drain
from tests.test_promises_push import mapped, pushed_person, sent

__all__ = ["mapped", "sent"]

pytestmark = pytest.mark.django_db


def test_record_that_moved_on_is_followed_and_the_change_goes_there(hub, group, company):
    """The hub answers an update of the loser with 404, and shows the winner when it is asked."""
    person = pushed_person(group, company)
    keeper = hub.create(ORG, "people", first_name="Keeper")
    hub.merge(ORG, "people", keeper["id"], person.connec_id)
    person.last_name = "Changed"
    person.save()
    hub.faults.add(Fault("operation", status=404, path=f"/people/{person.connec_id}"))
    drain(group)
    person.refresh_from_db()
    assert (person.connec_id, person.connec_changed_at) == (keeper["id"], None)
    assert hub.get(ORG, "people", keeper["id"])["last_name"] == "Changed"


def test_record_that_is_there_and_not_found_is_tried_later(hub, group, company, sent):
    """Neither made again nor sent for ever: others go on, and it waits for its next attempt."""
    person = pushed_person(group, company)
    other = Person.objects.create(company=company, first_name="Jo")
    person.last_name = "Changed"
    person.save()
    sent.clear()
    hub.faults.add(Fault("operation", status=404, times=5, path=f"/people/{person.connec_id}"))
    drain(group)
    assert len(sent) == 2
    other.refresh_from_db()
    assert other.connec_id
    assert Failure.objects.get().object_id == str(person.pk)
    hub.faults.clear()
    Failure.objects.update(next_attempt_at=None)
    drain(group)
    assert hub.get(ORG, "people", person.connec_id)["last_name"] == "Changed"
    assert len(hub.records(ORG, "people")) == 2
    assert not Failure.objects.exists()


def test_record_that_the_hub_will_say_nothing_about_holds_up_no_other(hub, group, company):
    person = pushed_person(group, company)
    other = Person.objects.create(company=company, first_name="Jo")
    person.last_name = "Changed"
    person.save()
    hub.faults.add(Fault("operation", status=404, path=f"/people/{person.connec_id}"))
    hub.faults.add(Fault("status", status=422, path=f"GET .*/people/{person.connec_id}"))
    assert drain(group).drained.error == ""
    assert not hub.faults.remaining()
    other.refresh_from_db()
    assert other.connec_id
    assert Failure.objects.get().object_id == str(person.pk)
    assert Person.objects.get(pk=person.pk).connec_changed_at is not None


def test_two_rows_of_one_batch_that_the_hub_takes_for_one(hub, group, company):
    """The first keeps the record, the other is set aside for an operator; nothing else of the batch is held up."""
    hub.create(ORG, "people", first_name="Ines", email={"address": "ines@x.example"})
    for name in ("A", "B"):
        Person.objects.create(company=company, first_name=name, email="ines@x.example")
    third = Person.objects.create(company=company, first_name="C", email="c@x.example")
    drain(group)
    third.refresh_from_db()
    first, second = Person.objects.exclude(pk=third.pk).order_by("pk")
    assert third.connec_id
    assert first.connec_id
    assert second.connec_id is None
    conflict = Conflict.objects.get()
    assert (conflict.kind, conflict.object_id, conflict.decision) == ("duplicate", str(second.pk), "open")


def test_refused_credential_for_a_deletion_stops_the_group(hub, group, company):
    person = pushed_person(group, company)
    person.delete()
    hub.faults.add(Fault("operation", status=401))
    assert drain(group).error
    group.refresh_from_db()
    assert group.stopped_at is not None
    grave = Tombstone.objects.get()
    assert (grave.attempts, grave.sent_at) == (0, None)


def test_one_record_of_a_resource_is_addressed_without_an_id(hub, group, company, mapped, sent):
    mapped(Organization, {"resource": "company"}, name=Field())
    row = Organization.objects.create(company=company, name="Pelican")
    drain(group)
    row.refresh_from_db()
    assert row.connec_id
    row.name = "Renamed"
    row.save()
    drain(group)
    assert [(operation.method, operation.id) for operation in sent] == [("post", None), ("put", None)]


def test_row_made_here_is_not_the_hubs_to_delete(hub, group, company, mapped):
    """An inactive record deletes the row that stands for it, and links to none that only looks alike."""
    from tests.test_promises import apply, later, project

    mapped(Item, {"on_inactive": "delete", "match_on": ["name"]}, name=Field())
    row = Item.objects.create(company=company, name="Name 1")
    assert apply(group, project(1, status="ARCHIVED")) == {"ignored": 1}
    assert Item.objects.get() == row
    apply(group, later(2, name="Name 1"))
    assert Item.objects.get().connec_id == "project-1"
    assert apply(group, later(3, name="Name 1", status="ARCHIVED")) == {"deleted": 1}
