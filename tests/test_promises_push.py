"""What goes out: promises that only show where a host's mappers or the hub are unusual."""

from __future__ import annotations

import datetime as dt
from importlib import import_module

import pytest
from django.utils import timezone

from django_connec.client import ConnecClient, Result
from django_connec.exceptions import LeaseLost
from django_connec.inbound import apply_records
from django_connec.leases import EXPIRES, hold
from django_connec.mapping import Field
from django_connec.models import Conflict, Failure, Lease, LinkBack, ParkedRecord, SyncCursor, Tombstone
from django_connec.reading import import_group
from django_connec.sandbox import Fault
from django_connec.work import client_of, work_group
from tests.app.models import Item, Organization, Person
from tests.conftest import ORG, PROVIDER, drain
from tests.test_promises import registering

pytestmark = pytest.mark.django_db


@pytest.fixture
def mapped():
    with registering() as add:
        yield add


@pytest.fixture
def sent(monkeypatch):
    """The operations of all batches."""
    operations = []
    original = ConnecClient.batch

    def batch(self, ops, **kwargs):
        operations.extend(ops)
        return original(self, ops, **kwargs)

    monkeypatch.setattr(ConnecClient, "batch", batch)
    return operations


def meanwhile(monkeypatch, act):
    """Do something while the first batch is on its way."""
    original, done = ConnecClient.batch, []

    def batch(self, ops, **kwargs):
        answer = original(self, ops, **kwargs)
        if not done:
            done.append(True)
            answer = act(answer) or answer
        return answer

    monkeypatch.setattr(ConnecClient, "batch", batch)


def steal(answer=None):
    """Another worker takes the lease, as after ten minutes of silence."""
    Lease.objects.update(renewed_at=timezone.now() - EXPIRES * 2)
    Lease.objects.update(token="another's", renewed_at=timezone.now())


def pushed_person(group, company, **values):
    person = Person.objects.create(company=company, first_name="Ines", **values)
    drain(group)
    person.refresh_from_db()
    return person


# What is sent ---------------------------------------------------------------------------------------------


def test_row_that_is_not_to_be_pushed_is_not_sent_and_its_mark_goes(hub, group, company, mapped, sent):
    mapped(Organization, name=Field(), should_push=lambda self, row: row.active)
    Organization.objects.create(company=company, name="Draft", active=False)
    Organization.objects.create(company=company, name="Final")
    drain(group)
    assert [op.attributes["name"] for op in sent] == ["Final"]
    assert not Organization.objects.pending().exists()
    draft = Organization.objects.get(name="Draft")
    draft.active = True
    draft.save()
    drain(group)
    assert [op.attributes["name"] for op in sent] == ["Final", "Draft"]


def test_rows_made_before_the_link_without_historical_data(hub, group, company, mapped, sent):
    mapped(Item, {"created_field": "available_from"}, name=Field())
    group.historical_data = False
    group.save()
    Item.objects.create(company=company, name="Old", available_from=group.linked_at - dt.timedelta(seconds=1))
    Item.objects.create(company=company, name="New", available_from=group.linked_at + dt.timedelta(seconds=1))
    Item.objects.create(company=company, name="Of unknown age")
    drain(group)
    assert {op.attributes["name"] for op in sent} == {"New", "Of unknown age"}
    assert not Item.objects.pending().exists()


def test_before_push_has_the_last_word_and_fails_alone(hub, group, company, mapped, sent):
    def before_push(self, payload, row):
        if row.name == "Bad":
            raise ValueError("a value that nobody may see")
        payload["code"] = float("nan") if row.name == "Worse" else f"C-{row.name}"

    mapped(Item, name=Field(), before_push=before_push)
    for name in ("Bad", "Good", "Worse"):
        Item.objects.create(company=company, name=name)
    report = drain(group)
    assert [op.attributes["code"] for op in sent] == ["C-Good"]
    assert (report.drained.pushed, report.failed) == (1, 2)
    messages = set(Failure.objects.values_list("message", flat=True))
    assert messages == {"the mapper raised ValueError"}
    assert Item.objects.pending().count() == 2
    item = Item.objects.get(name="Good")
    item.name = "Better"
    item.save()
    drain(group)
    assert sent[-1].attributes == {"name": "Better", "code": "C-Better"}


def test_when_is_sent_on_create_and_only_then(hub, group, company, mapped, sent):
    mapped(Item, {"when": {"kind.name": "big"}, "id_prefix": "i"}, name=Field())
    item = Item.objects.create(company=company, name="A")
    drain(group)
    assert sent[0].attributes["kind"] == {"name": "big"}
    assert sent[0].attributes["id"] == [{"id": f"i{item.pk}", "provider": PROVIDER, "realm": group.uid}]
    Item.objects.update(name="B")
    drain(group)
    assert sent[1].attributes == {"name": "B"}
    assert Item.objects.get().name == "B"


def test_directions_and_create_only(hub, group, company, mapped, sent):
    mapped(
        Item,
        name=Field(),
        reference=Field("code", create_only=True),
        currency=Field("unit", direction="pull"),
    )
    item = Item.objects.create(company=company, name="A", reference="R", currency="AUD")
    drain(group)
    assert {**sent[0].attributes, "id": None, "opts": None} == {"name": "A", "code": "R", "id": None, "opts": None}
    item.refresh_from_db()
    item.name, item.reference, item.currency = "B", "S", "NZD"
    item.save()
    drain(group)
    assert sent[1].attributes == {"name": "B"}
    item.reference, item.currency = "T", "EUR"
    item.save()
    drain(group)
    assert len(sent) == 2
    row = Item.objects.get()
    assert (row.reference, row.currency, row.connec_changed_at) == ("T", "EUR", None)


def test_matching_is_asked_for_at_first_link_only(hub, group, company, sent):
    Person.objects.create(company=company, first_name="Before", email="b@x.example")
    Person.objects.create(company=company, first_name="Blank")
    SyncCursor.objects.create(group=group, resource="people", imported_at=timezone.now())
    Person.objects.create(company=company, first_name="After", email="a@x.example")
    drain(group)
    options = {op.attributes["first_name"]: op.attributes.get("opts") for op in sent}
    assert options == {"Before": {"matching_fields": ["email.address"]}, "Blank": None, "After": None}


def test_blank_that_was_never_agreed_on_says_nothing(hub, group, company, sent):
    record = {"id": "p-1", "first_name": "Ines", "status": "ACTIVE", "updated_at": "2026-01-01T00:00:00Z"}
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines", "last_name": "Theirs"}])
    apply_records(group, "people", [record], source="webhook")
    LinkBack.objects.all().delete()
    person = Person.objects.get()
    person.first_name = "Changed"
    person.save()
    drain(group)
    assert sent[0].attributes == {"first_name": "Changed"}
    assert hub.get(ORG, "people", "p-1")["last_name"] == "Theirs"


# Answers --------------------------------------------------------------------------------------------------


def test_batch_that_is_refused_as_a_whole_is_sent_one_by_one(hub, group, company):
    for name in ("A", "", "C"):
        Person.objects.create(company=company, first_name=name, email=f"{name}@x.example")
    hub.faults.add(Fault("status", status=400, path="POST /batch"))
    report = drain(group)
    assert (report.drained.pushed, report.failed) == (2, 1)
    assert {r["first_name"] for r in hub.records(ORG, "people")} == {"A", "C"}
    assert Failure.objects.get().object_id == str(Person.objects.get(first_name="").pk)
    Person.objects.exclude(first_name="").update(last_name="Changed")
    hub.faults.add(Fault("status", status=400, path="POST /batch"))
    assert drain(group).drained.pushed == 2
    assert {r["last_name"] for r in hub.records(ORG, "people")} == {"Changed"}


def test_one_refused_credential_in_a_batch_stops_the_group_and_burns_nothing(hub, group, company):
    for name in ("A", "B"):
        Person.objects.create(company=company, first_name=name)
    hub.faults.add(Fault("operation", status=401))
    assert drain(group).error
    group.refresh_from_db()
    assert group.stopped_at is not None
    assert Person.objects.pending().count() == 2
    assert not Failure.objects.exists()
    group.resume()
    assert drain(group).drained.pushed == 2
    assert len(hub.records(ORG, "people")) == 2


@pytest.mark.parametrize("what", ["row", "tombstone", "link"])
def test_worker_that_lost_its_lease_writes_nothing(hub, group, company, monkeypatch, what):
    person = pushed_person(group, company)
    if what == "row":
        person.first_name = "Changed"
        person.save()
    elif what == "tombstone":
        person.delete()
    else:
        LinkBack.objects.create(group=group, model_label="app.person", object_id=person.pk, connec_id=person.connec_id)
    meanwhile(monkeypatch, steal)
    with pytest.raises(LeaseLost):
        work_group(group)
    assert Lease.objects.get().token == "another's"
    if what == "row":
        row = Person.objects.get()
        assert row.connec_changed_at is not None
        assert row.connec_updated_at == person.connec_updated_at
        assert row.connec_state["s"]
    elif what == "tombstone":
        assert Tombstone.objects.get().sent_at is None
    else:
        assert LinkBack.objects.count() == 1


def test_worker_that_lost_its_lease_sends_nothing(hub, group, company, monkeypatch):
    from django_connec import leases
    from django_connec.outbound.send import Sender

    monkeypatch.setattr(leases, "RENEW_EVERY", dt.timedelta(0))
    Person.objects.create(company=company, first_name="Ines")
    original = Sender.send

    def send(self, *args):
        steal()
        return original(self, *args)

    monkeypatch.setattr(Sender, "send", send)
    with pytest.raises(LeaseLost):
        work_group(group)
    assert hub.paths() == []


def test_row_deleted_while_it_is_being_sent(hub, group, company, monkeypatch):
    Person.objects.create(company=company, first_name="Ines")
    meanwhile(monkeypatch, lambda answer: Person.objects.all().delete() and None)
    drain(group)
    drain(group)
    assert [r["status"] for r in hub.records(ORG, "people")] == ["INACTIVE"]
    assert Tombstone.objects.get().sent_at is not None
    assert not Failure.objects.exists()


def test_save_during_push_goes_before_the_hubs_form_of_what_was_sent(hub, group, company, monkeypatch):
    Person.objects.create(company=company, first_name="first")

    def act(answer):
        Person.objects.update(first_name="second")
        results = [Result(r.status, {**r.record, "first_name": "FIRST"}, None) for r in answer.results]
        return type(answer)(**{**{n: getattr(answer, n) for n in answer.__dataclass_fields__}, "results": results})

    meanwhile(monkeypatch, act)
    drain(group)
    assert hub.records(ORG, "people")[0]["first_name"] == "second"
    assert Person.objects.get().first_name == "second"
    assert not Conflict.objects.exists()


def test_answer_that_refers_to_what_is_not_here_is_parked(hub, group, company):
    hub.load(ORG, "organizations", [{"id": "org-1", "name": "Pelican"}])
    person = pushed_person(group, company)
    hub.update(ORG, "people", person.connec_id, organization_id="org-1")
    person.first_name = "Changed"
    person.save()
    drain(group)
    assert ParkedRecord.objects.get().missing_id == "org-1"
    apply_records(group, "organizations", [{"id": "org-1", "name": "Pelican"}], source="webhook")
    row = Person.objects.get()
    assert (row.first_name, row.employer.name) == ("Changed", "Pelican")


def test_answer_that_cannot_be_written_fails_alone_and_its_row_knows_its_id(hub, group, company, mapped, sent):
    def after_apply(self, rows):
        if any(row.name == "BAD" for row in rows):
            raise ValueError("no")

    mapped(Item, name=Field(), after_apply=after_apply)
    original = hub.store.save

    def save(org, resource, row):
        row.body["name"] = row.body["name"].upper()
        original(org, resource, row)

    hub.store.save = save
    for name in ("good", "bad"):
        Item.objects.create(company=company, name=name)
    drain(group)
    assert {row.connec_id for row in Item.objects.all()} == {r["id"] for r in hub.records(ORG, "projects")}
    good, bad = Item.objects.order_by("pk")
    assert (good.name, good.connec_changed_at) == ("GOOD", None)
    assert bad.name == "bad"
    assert set(Failure.objects.values_list("direction", "object_id")) == {
        ("push", str(bad.pk)),
        ("pull", bad.connec_id),
    }
    Failure.objects.all().delete()
    drain(group)
    assert len(hub.records(ORG, "projects")) == 2


def test_failure_of_another_model_with_the_same_key_stays(hub, group, company, mapped):
    mapped(Item, {"when": {"kind": "a"}, "id_prefix": "i"}, name=Field())
    mapped(Organization, {"when": {"kind": "b"}, "id_prefix": "o"}, name=Field())
    item = Item.objects.create(company=company, name="A")
    Organization.objects.create(pk=item.pk, company=company, name="B")
    entry = {"group": group, "direction": "push", "resource": "projects", "object_id": str(item.pk), "message": "x"}
    Failure.objects.create(model_label="app.organization", is_dead=True, **entry)
    drain(group)
    assert Failure.objects.get().model_label == "app.organization"
    assert Organization.objects.pending().count() == 1


def test_row_that_waits_is_never_given_up(hub, group, company, settings):
    settings.CONNEC = {**settings.CONNEC, "MAX_ATTEMPTS": 1}
    Person.objects.create(company=company, first_name="Ines", employer=Organization.objects.create(company=company))
    drain(group)
    assert not Failure.objects.get(model_label="app.person").is_dead
    assert Failure.objects.get(model_label="app.organization").is_dead


# Deletions ------------------------------------------------------------------------------------------------


def test_deletion_is_told_by_the_mappers_word(hub, group, company, mapped, sent):
    mapped(Item, {"delete_status": "ARCHIVED"}, name=Field())
    Item.objects.create(company=company, name="A")
    drain(group)
    Item.objects.get().delete()
    drain(group)
    assert sent[-1].attributes == {"status": "ARCHIVED"}
    # The hub's answer is our own: the same version does not bring the row back.
    import_group(group, client_of(group))
    assert not Item.objects.exists()


def test_mapper_that_tells_no_deletions(hub, group, company, mapped, sent):
    mapped(Item, {"delete_status": None}, name=Field())
    Item.objects.create(company=company, name="A")
    drain(group)
    Item.objects.get().delete()
    assert Tombstone.objects.get().status == ""
    drain(group)
    assert len(sent) == 1


def test_version_made_before_the_deletion_and_shown_late_raises_nothing(hub, group, company):
    start = dt.datetime.now(dt.UTC)
    person = pushed_person(group, company)
    hub.clock = lambda: start + dt.timedelta(seconds=10)
    late = hub.update(ORG, "people", person.connec_id, last_name="Theirs")
    hub.clock = lambda: start + dt.timedelta(seconds=20)
    person.delete()
    drain(group)
    outcome = apply_records(group, "people", [{**late, "status": "ACTIVE"}], source="webhook")
    assert outcome.counts() == {"ignored": 1}
    assert not Person.objects.exists()


def test_unanswered_create_is_deleted_by_its_prefixed_id(hub, group, company, mapped):
    mapped(Item, {"delete_status": "ARCHIVED", "id_prefix": "i"}, name=Field())
    Item.objects.create(company=company, name="A")
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    Item.objects.get().delete()
    drain(group)
    assert [r["status"] for r in hub.records(ORG, "projects")] == ["ARCHIVED"]


def test_refused_deletion_is_tried_again_and_given_up_in_the_end(hub, group, company, settings):
    settings.CONNEC = {**settings.CONNEC, "MAX_ATTEMPTS": 2}
    pushed_person(group, company).delete()
    hub.faults.add(Fault("operation", status=422, times=2))
    hub.calls.clear()
    assert drain(group).drained.failed == 1
    tombstone = Tombstone.objects.get()
    assert (tombstone.attempts, tombstone.is_dead, tombstone.sent_at) == (1, False, None)
    assert tombstone.next_attempt_at > timezone.now() + dt.timedelta(seconds=20)
    assert tombstone.message
    drain(group)
    assert len(hub.calls) == 1
    for _ in range(2):
        Tombstone.objects.update(next_attempt_at=None)
        drain(group)
    assert len(hub.calls) == 2
    assert Tombstone.objects.get().is_dead


def test_deletion_of_what_the_hub_does_not_have_is_done(hub, group, company):
    person = pushed_person(group, company)
    hub.store.delete(ORG, "people", person.connec_id)
    person.delete()
    assert drain(group).drained.deleted == 1
    assert Tombstone.objects.get().sent_at is not None


def test_deletion_waits_while_its_resource_is_not_pushed(hub, group, company):
    pushed_person(group, company).delete()
    group.entities = {"people": {"push": False}}
    group.save()
    hub.calls.clear()
    drain(group)
    assert hub.paths() == []
    group.entities = {}
    group.save()
    assert drain(group).drained.deleted == 1


# Links back -----------------------------------------------------------------------------------------------


def linked(hub, group, *names):
    hub.load(ORG, "people", [{"id": f"p-{name}", "first_name": name} for name in names])
    import_group(group, client_of(group), resources=["people"])
    assert LinkBack.objects.count() == len(names)
    hub.calls.clear()


def test_link_to_what_is_gone_is_dropped_and_the_others_are_kept(hub, group, company):
    linked(hub, group, "A", "B")
    hub.faults.add(Fault("operation", status=404))
    hub.faults.add(Fault("operation", status=503))
    drain(group)
    link = LinkBack.objects.get()
    assert link.connec_id == "p-B"
    assert link.attempts == 1
    assert link.next_attempt_at > timezone.now() + dt.timedelta(seconds=20)
    drain(group)
    assert len(hub.calls) == 1
    LinkBack.objects.update(next_attempt_at=None)
    assert drain(group).drained.linked == 1
    assert (
        hub.by_external(ORG, "people", PROVIDER, group.uid, str(Person.objects.get(first_name="B").pk))["id"] == "p-B"
    )


def test_refused_credential_for_a_link_stops_the_group(hub, group, company):
    linked(hub, group, "A")
    hub.faults.add(Fault("operation", status=401))
    assert drain(group).error
    assert LinkBack.objects.count() == 1
    group.refresh_from_db()
    assert group.stopped_at is not None


def test_links_of_a_resource_that_is_not_pushed_any_more_wait(hub, group, company):
    linked(hub, group, "A")
    group.entities = {"people": {"push": False}}
    group.save()
    drain(group)
    assert hub.paths() == []
    group.entities = {}
    group.save()
    drain(group)
    assert not LinkBack.objects.exists()
    assert hub.operations == 1


def test_link_carries_the_prefix_and_its_answer_is_no_news(hub, group, company, mapped, sent):
    mapped(Item, {"id_prefix": "i"}, name=Field())
    hub.load(ORG, "projects", [{"id": "x-1", "name": "A"}])
    import_group(group, client_of(group), resources=["projects"])
    item = Item.objects.get()
    hub.clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)
    assert drain(group).drained.linked == 1
    assert [(op.method, op.id) for op in sent] == [("put", "x-1")]
    assert sent[0].attributes == {"id": [{"id": f"i{item.pk}", "provider": PROVIDER, "realm": group.uid}]}
    # The hub counts that as a new version, and the row holds it already.
    (shown,) = hub.records(ORG, "projects", external_ids=True)
    outcome = apply_records(group, "projects", [shown], source="webhook")
    assert outcome.counts() == {"unchanged": 1}
    item.refresh_from_db()
    assert item.connec_updated_at.isoformat()[:19] == shown["updated_at"][:19]


def test_link_does_not_swallow_a_change_of_ours(hub, group, company, monkeypatch):
    linked(hub, group, "A")
    person = Person.objects.get()
    # A change that was put on its way and is not answered yet.
    person.first_name = "Ours"
    person.save()
    hub.faults.add(Fault("drop", times=3, path="POST /batch"))
    drain(group)
    with monkeypatch.context() as patch:
        patch.setattr(import_module("django_connec.outbound.drain"), "pending_keys", lambda *args, **kwargs: [])
        assert drain(group).drained.linked == 1
    assert Person.objects.get().first_name == "Ours"
    assert drain(group).drained.pushed == 1
    assert hub.get(ORG, "people", "p-A")["first_name"] == "Ours"


# The drain itself ----------------------------------------------------------------------------------------------------


def test_group_that_is_put_off_works_at_once_after_a_success(hub, group, company):
    Person.objects.create(company=company, first_name="Ines")
    hub.faults.add(Fault("drop", times=3, path="POST /batch"))
    work_group(group)
    group.refresh_from_db()
    assert (group.retry_count, work_group(group).drained.pushed) == (1, 0)
    group.refresh_from_db()
    group.retry_at = timezone.now() - dt.timedelta(seconds=1)
    group.save()
    assert work_group(group).drained.pushed == 1
    group.refresh_from_db()
    assert (group.retry_count, group.retry_at) == (0, None)


def test_drain_that_ran_out_of_time_says_so(hub, group, company):
    from django_connec.outbound import drain as drain_rows

    with hold("x") as lease:
        result = drain_rows(group, client_of(group), lease, seconds=-1)
        assert not result.is_complete
        assert drain_rows(group, client_of(group), lease, seconds=60).is_complete


def test_field_that_is_only_pushed_settles_in_the_hubs_form(hub, group, company, mapped, sent, monkeypatch):
    mapped(Item, name=Field(direction="push"), reference=Field("code"))
    original = hub.store.save

    def save(org, resource, row):
        row.body["name"] = str(row.body.get("name", "")).upper()
        original(org, resource, row)

    monkeypatch.setattr(hub.store, "save", save)
    item = Item.objects.create(company=company, name="Mixed", reference="R")
    drain(group)
    item.refresh_from_db()
    assert item.name == "Mixed"
    item.reference = "S"
    item.save()
    drain(group)
    assert sent[-1].attributes == {"code": "S"}
    item.refresh_from_db()
    item.save()
    drain(group)
    assert len(sent) == 2
