"""connec_retry: what failed or waits is tried again, no more and no less than was asked for."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from django_connec.inbound import apply_records
from django_connec.models import Conflict, ConnecGroup, Failure, LinkBack, Notification, ParkedRecord, Tombstone
from django_connec.sandbox import Fault
from django_connec.webhooks.deliveries import waiting_deliveries
from django_connec.work import work_group
from tests.app.models import Organization, Person
from tests.conftest import ORG, drain
from tests.tools.running import run, run_json

pytestmark = pytest.mark.django_db

LATER = dt.timedelta(days=1)


def test_given_up_row_is_sent_once_its_cause_is_mended(hub, group, company):
    person = Person.objects.create(company=company, first_name="Ines")
    hub.faults.add(Fault("operation", status=422))
    drain(group)
    Failure.objects.update(is_dead=True, attempts=12, next_attempt_at=timezone.now() + LATER)
    assert drain(group).drained.pushed == 0
    text, code = run("connec_retry", "--group", group.uid)
    assert (code, "1 failures" in text) == (0, True)
    assert Failure.objects.get().attempts == 0
    assert drain(group).drained.pushed == 1
    person.refresh_from_db()
    assert person.connec_id
    assert not Failure.objects.exists()


def test_stopped_group_works_again(hub, group, company):
    Person.objects.create(company=company, first_name="Ines")
    hub.faults.add(Fault("status", status=401, times=1))
    drain(group)
    group.refresh_from_db()
    assert group.stopped_at is not None
    assert "resumed" in run("connec_retry", "--group", group.uid)[0]
    group.refresh_from_db()
    assert group.stopped_at is None
    assert work_group(group).drained.pushed == 1


def test_back_off_ends(hub, group, company):
    Person.objects.create(company=company, first_name="Ines")
    hub.faults.add(Fault("status", status=503, times=3))
    drain(group)
    group.refresh_from_db()
    assert group.retry_at > timezone.now()
    run("connec_retry")
    group.refresh_from_db()
    assert (group.retry_at, group.retry_count) == (None, 0)


def test_everything_is_due(hub, group, company):
    apply_records(
        group, "people", [{"id": "p-1", "organization_id": "nowhere", "first_name": "Ines"}], source="webhook"
    )
    later = timezone.now() + LATER
    ParkedRecord.objects.update(next_attempt_at=later)
    Tombstone.objects.create(
        group=group, resource="people", model_label="app.person", object_id="5", connec_id="x", status="INACTIVE",
        is_dead=True, next_attempt_at=later,
    )  # fmt: skip
    told = Tombstone.objects.create(
        group=group, resource="people", model_label="app.person", object_id="6", connec_id="y", status="INACTIVE",
        sent_at=timezone.now(), next_attempt_at=later,
    )  # fmt: skip
    LinkBack.objects.create(group=group, model_label="app.person", object_id="7", connec_id="z", next_attempt_at=later)
    Notification.objects.create(marketplace="default", body=b"{}", next_attempt_at=later)
    elsewhere = Notification.objects.create(marketplace="other", body=b"{}", next_attempt_at=later)
    found, code = run_json("connec_retry", "--group", group.uid)
    assert code == 0
    assert found["groups"][group.uid] == {
        "failures": 0, "set_aside": 0, "parked": 1, "deletions": 1, "link_backs": 1, "deliveries": 1, "resumed": False,
    }  # fmt: skip
    now = timezone.now()
    assert ParkedRecord.objects.get().next_attempt_at <= now
    assert Tombstone.objects.get(object_id="5").next_attempt_at is None
    assert Tombstone.objects.get(pk=told.pk).next_attempt_at == later, "told stays told"
    assert LinkBack.objects.get().next_attempt_at is None
    elsewhere.refresh_from_db()
    assert elsewhere.next_attempt_at == later
    assert waiting_deliveries().count() == 1


def failure(group, resource, label, object_id, direction="push", **values):
    return Failure.objects.create(
        group=group, direction=direction, resource=resource, model_label=label, object_id=object_id, message="no",
        next_attempt_at=timezone.now() + LATER, **values,
    )  # fmt: skip


def due():
    return set(Failure.objects.filter(next_attempt_at=None).values_list("direction", "object_id"))


def test_choice_is_kept_to(hub, group, company):
    person = Person.objects.create(company=company, first_name="Ines")
    Person.objects.update(connec_id="hub-1")
    failure(group, "people", "app.person", str(person.pk))
    failure(group, "people", "app.person", "999")
    failure(group, "people", "", "hub-1", "pull")
    failure(group, "people", "", "hub-2", "pull")
    failure(group, "organizations", "app.organization", str(person.pk))
    assert run("connec_retry", "--model", "app.Person", "--pk", person.pk)[1] == 0
    assert due() == {("push", str(person.pk)), ("pull", "hub-1")}
    assert Failure.objects.get(resource="organizations").next_attempt_at is not None
    run("connec_retry", "--model", "app.Person")
    assert Failure.objects.filter(next_attempt_at=None).count() == 4
    run("connec_retry", "--resource", "organizations")
    assert not Failure.objects.exclude(next_attempt_at=None).exists()


def test_row_of_an_open_duplicate_is_left_alone_until_it_is_settled(hub, group, company):
    failure(group, "people", "app.person", "5", is_dead=True)
    conflict = Conflict.objects.create(
        group=group, kind="duplicate", resource="people", model_label="app.person", object_id="5"
    )
    assert "1 stay set aside" in run("connec_retry")[0]
    assert due() == set()
    conflict.decision = Conflict.Decision.LOCAL
    conflict.save()
    run("connec_retry")
    assert due() == {("push", "5")}


def test_other_groups_are_left_alone(hub, group, company):
    other = ConnecGroup.objects.create(uid="cld-other")
    failure(other, "people", "app.person", "5")
    run("connec_retry", "--group", group.uid)
    assert due() == set()
    other.unlink()
    text, code = run("connec_retry")
    assert (code, "cancelled" in text, due()) == (0, True, set())
    assert run("connec_retry", "--group", "cld-other")[1] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--model", "app.Nobody"],
        ["--model", "nonsense"],
        ["--model", "app.Company"],
        ["--model", "app.Person", "--pk", "4abc"],
        ["--model", "app.Person", "--pk", "9" * 30],
        ["--pk", "5"],
        ["--resource", "spoons"],
        ["--resource", "people", "--model", "app.Person"],
        ["--group", "cld-nobody"],
    ],
)
def test_nonsense_is_refused(hub, group, arguments):
    assert run("connec_retry", *arguments)[1] == 2


def test_command_and_admin_share_the_code():
    from django_connec.admin import actions
    from django_connec.operating import retrying

    assert actions.make_due is retrying.make_due
    assert actions.make_parked_due is retrying.make_parked_due
    assert actions.make_tombstones_due is retrying.make_tombstones_due


def test_hub_is_told_of_the_deletion_that_was_given_up(hub, group, company):
    organization = Organization.objects.create(company=company, name="Heron")
    drain(group)
    organization.delete()
    Tombstone.objects.update(is_dead=True, next_attempt_at=timezone.now() + LATER)
    assert drain(group).drained.deleted == 0
    run("connec_retry", "--model", "app.Organization")
    assert drain(group).drained.deleted == 1
    assert hub.records(ORG, "organizations")[0]["status"] == "INACTIVE"
