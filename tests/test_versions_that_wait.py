"""Versions that could not be applied yet: parked or failed, they outlive older ones and are counted."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.utils import timezone

from django_connec.inbound import apply_records
from django_connec.models import ConnecGroup, Failure, ParkedRecord
from django_connec.work import work_group
from tests.app.models import Company, Invoice, Organization, Person
from tests.conftest import drain

pytestmark = pytest.mark.django_db


def apply(group, *records, resource="invoices"):
    return apply_records(group, resource, list(records), source="webhook").counts()


def invoice(day, number, customer="org-1"):
    at = f"2026-01-{day:02}T00:00:00Z"
    return {"id": "inv-1", "transaction_number": number, "organization_id": customer, "updated_at": at}


def customer_comes(group):
    return apply(group, {"id": "org-1", "name": "Pelican"}, resource="organizations")


@pytest.fixture
def other():
    group = ConnecGroup.objects.create(uid="cld-other")
    Company.objects.create(name="Other", connec_group=group)
    return group


def test_late_version_does_not_replace_the_one_that_is_parked(group, company):
    apply(group, invoice(2, "new"))
    assert apply(group, invoice(1, "old")) == {"parked": 1}
    customer_comes(group)
    assert Invoice.objects.get().number == "new"


def test_late_version_that_needs_nobody_does_not_drop_the_one_that_is_parked(group, company):
    apply(group, invoice(2, "new"))
    assert apply(group, invoice(1, "old", customer=None)) == {"created": 1}
    customer_comes(group)
    row = Invoice.objects.get()
    assert (row.number, row.customer.name) == ("new", "Pelican")
    assert not ParkedRecord.objects.exists()


def test_late_version_does_not_hide_that_a_newer_one_failed(group, company):
    person = {"id": "p-1", "first_name": "New", "birth_date": "no date", "updated_at": "2026-01-02T00:00:00Z"}
    apply(group, person, resource="people")
    late = {**person, "first_name": "Old", "birth_date": None, "updated_at": "2026-01-01T00:00:00Z"}
    assert apply(group, late, resource="people") == {"created": 1}
    assert Failure.objects.get().object_id == "p-1"
    newer = {**late, "first_name": "Newest", "updated_at": "2026-01-03T00:00:00Z"}
    assert apply(group, newer, resource="people") == {"updated": 1}
    assert not Failure.objects.exists()
    assert Person.objects.get().first_name == "Newest"


def test_failure_of_unknown_version_goes_when_the_record_goes_through(group, company):
    apply(group, {"id": "p-1", "birth_date": "no date"}, resource="people")
    apply(group, {"id": "p-1", "birth_date": None}, resource="people")
    assert not Failure.objects.exists()


def test_record_that_waited_too_long_is_put_off_and_given_up_like_any_other(hub, group, company, settings):
    settings.CONNEC = {**settings.CONNEC, "MAX_ATTEMPTS": 3}
    apply(group, invoice(1, "118"))
    ParkedRecord.objects.update(parked_at=timezone.now() - dt.timedelta(days=8))
    drain(group)
    assert Failure.objects.get().attempts == 1
    for tries in (2, 3):
        Failure.objects.update(next_attempt_at=timezone.now())
        drain(group)
        failure = Failure.objects.get()
        assert (failure.attempts, failure.is_dead) == (tries, tries == 3)
        assert failure.next_attempt_at > timezone.now()
        assert failure.message == "customer: organizations org-1 has not come"
        hub.calls.clear()
        drain(group)
        assert hub.paths() == [], "not due, so the hub is not asked"
    customer_comes(group)
    assert Invoice.objects.get().number == "118"
    assert not Failure.objects.exists()


def test_what_waits_in_one_group_is_not_anothers(hub, group, company, other):
    for of in (group, other):
        apply(of, invoice(1, of.uid))
    assert customer_comes(group) == {"created": 2}
    assert Invoice.objects.get().company == company
    assert ParkedRecord.objects.get().group == other
    # The same record goes through here: the other group's still waits.
    apply(group, invoice(2, "119"))
    assert ParkedRecord.objects.get().group == other
    ParkedRecord.objects.update(parked_at=timezone.now() - dt.timedelta(days=8))
    drain(group)
    assert (ParkedRecord.objects.count(), Failure.objects.count()) == (1, 0)
    drain(other)
    assert Failure.objects.get().group == other
    assert Organization.objects.get().connec_group == group


def test_what_waits_for_a_resource_that_is_off_keeps_no_other_out(hub, group, company):
    """However much of it there is: it is neither tried nor counted until the resource is on again."""
    late = timezone.now() - dt.timedelta(hours=2)
    for number in range(600):
        ParkedRecord.objects.create(
            group=group,
            resource="invoices",
            connec_id=f"inv-{number}",
            record=b"{}",
            missing_resource="organizations",
            next_attempt_at=late - dt.timedelta(hours=1),
        )
        Failure.objects.create(
            group=group, direction="pull", resource="invoices", object_id=f"bad-{number}", record=b"{}", message="bad"
        )
    person = {"id": [{"provider": "connec", "realm": "", "id": "p-1"}], "first_name": "Ines"}
    Failure.objects.create(
        group=group,
        direction="pull",
        resource="people",
        object_id="p-1",
        record=json.dumps(person).encode(),
        message="bad",
    )
    other = {**person, "id": "p-2", "first_name": "Jo"}
    ParkedRecord.objects.create(
        group=group, resource="people", connec_id="p-2", record=json.dumps(other).encode(), missing_resource="items"
    )
    group.entities = {"invoices": {"pull": False}}
    group.save(update_fields=["entities"])
    work_group(group)
    assert set(Person.objects.values_list("first_name", flat=True)) == {"Ines", "Jo"}
    assert ParkedRecord.objects.filter(attempts=0).count() == 600
