"""Local changes reach the hub: once, in order, and none is lost whatever goes wrong."""

from __future__ import annotations

import datetime as dt
import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_connec.client import ConnecClient
from django_connec.leases import hold
from django_connec.models import Conflict, ConnecGroup, Failure, Lease, Tombstone
from django_connec.reading import poll_group
from django_connec.sandbox import Fault
from django_connec.work import client_of, work_group
from tests.app.models import Company, Item, Organization, Person
from tests.conftest import ORG, PROVIDER, drain

pytestmark = pytest.mark.django_db


serial = itertools.count()


def people(company, count, **values):
    return Person.objects.bulk_create(
        [
            Person(company=company, first_name=f"First {n}", email=f"{next(serial)}@x.example", **values)
            for n in range(count)
        ]
    )


def test_one_call_per_fifty_rows(hub, group, company):
    people(company, 120)
    report = drain(group)
    assert report.drained.pushed == 120
    assert [call.operations for call in hub.calls] == [50, 50, 20]


def test_queries_of_a_batch_do_not_grow_with_it(hub, group, company):
    counts = []
    for size in (5, 50):
        people(company, size)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            drain(group)
        counts.append([q["sql"] for q in captured.captured_queries if not _is_transaction(q["sql"])])
    # The first drain makes the group's lease: two statements more.
    assert len(counts[1]) <= len(counts[0])


def _is_transaction(sql):
    return sql.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK"))


def test_lost_answer_makes_no_duplicate(hub, group, company):
    people(company, 3)
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    report = drain(group)
    assert report.error
    assert Person.objects.pending().count() == 3
    group.refresh_from_db()
    assert group.retry_at > timezone.now() + dt.timedelta(seconds=20)
    assert len(hub.records(ORG, "people")) == 3
    drain(group)
    assert len(hub.records(ORG, "people")) == 3
    assert not Person.objects.pending().exists()
    group.refresh_from_db()
    assert (group.retry_at, group.retry_count) == (None, 0)


def test_lost_answer_of_an_update_then_poll_is_no_remote_change(hub, group, company):
    from django_connec.reading import poll_group
    from django_connec.work import client_of

    people(company, 1)
    drain(group)
    poll_group(group, client_of(group))
    Person.objects.update(first_name="Changed here")
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    assert hub.records(ORG, "people")[0]["first_name"] == "Changed here"
    run = poll_group(group, client_of(group))
    assert run.counts["people"] == {"unchanged": 1}
    assert not Conflict.objects.exists()
    hub.calls.clear()
    drain(group)
    assert hub.operations == 0


def test_save_during_push_stays_pending(hub, group, company, monkeypatch):
    people(company, 1)
    original = ConnecClient.batch

    def batch_and_save(self, operations, **kwargs):
        answer = original(self, operations, **kwargs)
        if not saved:
            saved.append(True)
            row = Person.objects.get()
            row.first_name = "Newer"
            row.save()
        return answer

    saved = []
    monkeypatch.setattr(ConnecClient, "batch", batch_and_save)
    drain(group)
    assert hub.records(ORG, "people")[0]["first_name"] == "Newer"
    assert [call.operations for call in hub.calls] == [1, 1]
    row = Person.objects.get()
    assert (row.first_name, row.connec_changed_at) == ("Newer", None)
    assert not Conflict.objects.exists()


def test_poison_rows_fail_alone_and_do_not_fill_every_chunk(hub, group, company):
    Person.objects.bulk_create([Person(company=company, email=f"bad{n}@x.example") for n in range(60)])
    people(company, 10)
    report = drain(group)
    assert report.drained.pushed == 10
    assert report.failed == 60
    failures = Failure.objects.filter(direction="push")
    assert failures.count() == 60
    assert failures[0].message == "First name or last name can't be blank"
    assert failures[0].next_attempt_at > timezone.now() + dt.timedelta(seconds=20)
    hub.calls.clear()
    assert drain(group).drained.pushed == 0
    assert hub.paths() == []
    Person.objects.filter(first_name="").update(first_name="Now good")
    Failure.objects.update(next_attempt_at=None)
    assert drain(group).drained.pushed == 60
    assert not Failure.objects.exists()


def normalising(hub, monkeypatch):
    """Let the hub keep names in a form of its own."""
    original = hub.store.save

    def save(org, resource, row):
        if row.body.get("first_name"):
            row.body["first_name"] = row.body["first_name"].strip().title()
        original(org, resource, row)

    monkeypatch.setattr(hub.store, "save", save)


def test_value_that_the_hub_normalises_settles(hub, group, company, monkeypatch):
    normalising(hub, monkeypatch)
    Person.objects.create(company=company, first_name="  ines ")
    drain(group)
    assert Person.objects.get().first_name == "Ines"
    Person.objects.update(first_name="tomas")
    drain(group)
    assert Person.objects.get().first_name == "Tomas"
    assert not Person.objects.pending().exists()
    assert not Conflict.objects.exists()
    Person.objects.get().save()
    hub.calls.clear()
    drain(group)
    assert hub.paths() == []


def test_value_that_the_hub_refuses_to_take_settles(hub, group, company, monkeypatch):
    """An attribute that is read-only there: the answer shows the old value, and that is what both sides hold."""
    Person.objects.create(company=company, first_name="Ines")
    drain(group)
    original = hub.store.save

    def save(org, resource, row):
        row.body["first_name"] = "Ines"
        original(org, resource, row)

    monkeypatch.setattr(hub.store, "save", save)
    Person.objects.update(first_name="Other")
    drain(group)
    assert Person.objects.get().first_name == "Ines"
    assert not Person.objects.pending().exists()


def test_failure_of_a_deleted_row_is_forgotten(hub, group, company):
    bad = Person.objects.create(company=company, email="bad@x.example")
    drain(group)
    Failure.objects.update(is_dead=True)
    bad.delete()
    drain(group)
    assert not Failure.objects.exists()


def test_given_up_rows_wait_for_an_operator(hub, group, company, settings):
    from django_connec.failures import make_due

    settings.CONNEC = {**settings.CONNEC, "MAX_ATTEMPTS": 2}
    Person.objects.create(company=company, email="bad@x.example")
    for _ in range(3):
        drain(group)
        Failure.objects.update(next_attempt_at=None)
    failure = Failure.objects.get()
    assert (failure.attempts, failure.is_dead) == (2, True)
    make_due(Failure.objects.all())
    Person.objects.update(first_name="Good")
    assert drain(group).drained.pushed == 1
    assert not Failure.objects.exists()


def test_refused_credentials_stop_the_group_and_resume(hub, group, company):
    people(company, 2)
    hub.revoke(group.uid)
    report = drain(group)
    assert report.error
    group.refresh_from_db()
    assert group.stopped_at is not None
    hub.calls.clear()
    drain(group)
    assert hub.paths() == []
    hub.add_group(group.uid, api_id="app-1a2b", org=ORG)
    group.resume()
    assert drain(group).drained.pushed == 2


def test_retry_after_is_stored_as_the_next_attempt(hub, group, company):
    people(company, 1)
    hub.faults.add(Fault("status", status=429, retry_after=600, path="POST /batch"))
    drain(group)
    group.refresh_from_db()
    assert group.retry_at >= timezone.now() + dt.timedelta(seconds=590)
    assert Person.objects.pending().count() == 1
    hub.calls.clear()
    assert work_group(group).drained.pushed == 0
    assert hub.paths() == []


@pytest.mark.parametrize("kind", ["drop", "garbage", "status"])
def test_hub_in_trouble_loses_nothing(hub, group, company, kind):
    people(company, 2)
    # What is no answer of the hub at all is not asked for again in the same call.
    hub.faults.add(Fault(kind, times=1 if kind == "garbage" else 3, status=500, path="POST /batch"))
    assert drain(group).error
    assert Person.objects.pending().count() == 2
    drain(group)
    assert not Person.objects.pending().exists()
    assert len(hub.records(ORG, "people")) == 2


def test_vanished_record_is_made_again(hub, group, company):
    (person,) = people(company, 1)
    drain(group)
    person = Person.objects.get()
    hub.store.delete(ORG, "people", person.connec_id)
    person.first_name = "Again"
    person.save()
    drain(group)
    record = hub.by_external(ORG, "people", PROVIDER, group.uid, str(person.pk))
    assert record["first_name"] == "Again"
    assert record["id"] != person.connec_id
    row = Person.objects.get()
    assert (row.connec_id, row.connec_changed_at) == (record["id"], None)


def test_merged_record_is_followed(hub, group, company):
    (person,) = people(company, 1)
    drain(group)
    keeper = hub.create(ORG, "people", first_name="Keeper")
    person = Person.objects.get()
    hub.merge(ORG, "people", keeper["id"], person.connec_id)
    person.last_name = "Changed"
    person.save()
    drain(group)
    row = Person.objects.get()
    assert row.connec_id == keeper["id"]
    assert row.connec_changed_at is None
    assert hub.get(ORG, "people", keeper["id"])["last_name"] == "Changed"


def test_record_that_another_row_holds_is_a_conflict(hub, group, company):
    people(company, 2)
    drain(group)
    one, two = Person.objects.order_by("pk")
    hub.merge(ORG, "people", one.connec_id, two.connec_id)
    two.last_name = "Changed"
    two.save()
    drain(group)
    conflict = Conflict.objects.get()
    assert (conflict.kind, conflict.object_id, conflict.connec_id) == ("duplicate", str(two.pk), one.connec_id)
    assert Failure.objects.get().is_dead
    hub.calls.clear()
    drain(group)
    assert hub.paths() == []


def test_deleted_row_is_told_and_stays_deleted(hub, group, company):
    from django_connec.reading import poll_group
    from django_connec.work import client_of

    people(company, 1)
    drain(group)
    person = Person.objects.get()
    connec_id = person.connec_id
    person.delete()
    report = drain(group)
    assert report.drained.deleted == 1
    assert hub.get(ORG, "people", connec_id)["status"] == "INACTIVE"
    poll_group(group, client_of(group))
    assert not Person.objects.exists()
    hub.calls.clear()
    drain(group)
    assert hub.paths() == []
    hub.clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)
    hub.update(ORG, "people", connec_id, status="ACTIVE")
    poll_group(group, client_of(group))
    assert Person.objects.get().connec_id == connec_id
    assert not Tombstone.objects.exists()


def test_row_deleted_while_its_create_is_on_the_way(hub, group, company):
    people(company, 1)
    hub.faults.add(Fault("lose_answer", times=3, path="POST /batch"))
    drain(group)
    Person.objects.get().delete()
    tombstone = Tombstone.objects.get()
    assert tombstone.connec_id is None
    drain(group)
    assert [r["status"] for r in hub.records(ORG, "people")] == ["INACTIVE"]
    tombstone.refresh_from_db()
    assert tombstone.sent_at is not None
    assert tombstone.connec_id == hub.records(ORG, "people")[0]["id"]
    assert tombstone.payload is None


def test_row_moved_to_another_group(hub, group, company):
    hub.add_group("cld-other", api_id="app-1a2b", org="org-other")
    other = ConnecGroup.objects.create(uid="cld-other")
    other_company = Company.objects.create(name="Other", connec_group=other)
    people(company, 1)
    drain(group)
    person = Person.objects.get()
    old_id = person.connec_id
    person.company = other_company
    person.save()
    drain(group)
    drain(other)
    assert hub.get(ORG, "people", old_id)["status"] == "INACTIVE"
    (record,) = hub.records("org-other", "people")
    person.refresh_from_db()
    assert (person.connec_id, person.connec_group_id) == (record["id"], other.pk)


def test_cancelled_group_sends_nothing(hub, group, company):
    people(company, 1)
    group.unlink()
    drain(group)
    assert hub.paths() == []
    group.link()
    assert drain(group).drained.pushed == 1


def test_switched_off_resource_is_not_sent(hub, group, company):
    group.entities = {"people": {"pull": True, "push": False}}
    group.save()
    people(company, 1)
    Organization.objects.create(company=company, name="Pelican")
    assert drain(group).drained.pushed == 1
    assert hub.records(ORG, "people") == []


def test_references_go_first_and_round_a_cycle(hub, group, company):
    parent = Item(company=company, name="Parent")
    child = Item.objects.create(company=company, name="Child")
    parent.save()
    child.parent = parent
    child.save()
    Item.objects.filter(pk=parent.pk).update(parent=child)
    drain(group)
    records = {r["name"]: r for r in hub.records(ORG, "items")}
    assert records["Child"]["parent_item_id"] == records["Parent"]["id"]
    assert records["Parent"]["parent_item_id"] == records["Child"]["id"]
    assert not Item.objects.pending().exists()
    assert not Failure.objects.exists()


def test_row_that_waits_for_another_says_so(hub, group, company):
    bad = Organization.objects.create(company=company, name="")
    person = Person.objects.create(company=company, first_name="Ines", employer=bad)
    drain(group)
    failure = Failure.objects.get(model_label="app.person")
    assert failure.message == "waits for employer: the hub does not know it yet"
    assert hub.records(ORG, "people")[0].get("organization_id") is None
    Organization.objects.update(name="Pelican")
    Failure.objects.update(next_attempt_at=None)
    drain(group)
    person.refresh_from_db()
    bad.refresh_from_db()
    assert hub.get(ORG, "people", person.connec_id)["organization_id"] == bad.connec_id
    assert not Failure.objects.exists()


def test_two_workers_one_works_the_other_leaves(hub, group, company):
    people(company, 1)
    with hold(f"drain:{group.pk}") as lease:
        assert lease is not None
        assert work_group(group) is None
        assert Lease.objects.get().again
        assert hub.paths() == []
        assert not lease.finish()
        assert lease.finish()
    assert drain(group).drained.pushed == 1


def test_update_keeps_what_another_application_changed(hub, group, company):
    people(company, 1)
    drain(group)
    person = Person.objects.get()
    hub.update(ORG, "people", person.connec_id, last_name="Theirs", job_title="CFO")
    person.first_name = "Ours"
    person.save()
    drain(group)
    record = hub.get(ORG, "people", person.connec_id)
    assert (record["first_name"], record["last_name"], record["job_title"]) == ("Ours", "Theirs", "CFO")
    # The answer to our push showed what they had changed.
    assert Person.objects.get().last_name == "Theirs"


def test_cleared_field_is_cleared_at_the_hub(hub, group, company):
    people(company, 1, born=dt.date(1984, 6, 7))
    drain(group)
    Person.objects.update(born=None, email="")
    drain(group)
    (record,) = hub.records(ORG, "people")
    assert record["birth_date"] is None
    assert not record["email"]["address"]
    drain(group)
    assert not Person.objects.pending().exists()


def test_first_link_matches_what_the_hub_has(hub, group, company):
    known = hub.create(ORG, "people", first_name="Ines", email={"address": "ines@x.example"})
    Person.objects.create(company=company, first_name="Ines", email="ines@x.example")
    drain(group)
    assert Person.objects.get().connec_id == known["id"]
    assert len(hub.records(ORG, "people")) == 1


def test_unchanged_row_is_not_sent(hub, group, company):
    people(company, 1)
    drain(group)
    Person.objects.get().save()
    hub.calls.clear()
    report = drain(group)
    assert report.drained.counts["people"]["unchanged"] == 1
    assert hub.paths() == []
    assert not Person.objects.pending().exists()


def test_rows_older_than_the_link_are_sent(hub, db):
    company = Company.objects.create(name="Later")
    people(company, 2)
    group = ConnecGroup.objects.create(uid="cld-7p2k")
    assert drain(group).drained.pushed == 0
    company.connec_group = group
    company.save()
    assert drain(group).drained.pushed == 2


@pytest.mark.django_db(transaction=True)  # MariaDB's ANALYZE ends a transaction
def test_pending_rows_are_found_by_index(group, company):
    """Nine in ten marked rows belong to companies that never linked; they cost nothing."""
    from django_connec.mapping import registry
    from django_connec.outbound.pending import pending_keys

    for n in range(30):
        people(Company.objects.create(name=f"Never linked {n}"), 30)
    people(company, 100)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE app_person" if connection.vendor == "mysql" else "ANALYZE app_person")
        cursor.fetchall() if connection.vendor == "mysql" else None
    with CaptureQueriesContext(connection) as captured:
        assert len(pending_keys(registry.for_model(Person), group, 50, using="default")) == 50
    for query in captured.captured_queries:
        if "app_person" not in query["sql"] or not query["sql"].startswith("SELECT"):
            continue
        prefix = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN", "mysql": "EXPLAIN"}[connection.vendor]
        with connection.cursor() as cursor:
            cursor.execute(f"{prefix} {query['sql']}")
            plan = "\n".join(str(row) for row in cursor.fetchall())
        if connection.vendor == "sqlite":
            assert "SCAN app_person" not in plan, plan
        elif connection.vendor == "postgresql":
            assert "Seq Scan on app_person" not in plan, plan
        else:
            assert "'ALL'" not in plan.split("app_person")[1].split("\n")[0], plan


def lose_answers(hub, times=3):
    hub.faults.add(Fault("lose_answer", times=times, path="POST /batch"))


def lose_requests(hub, times=3):
    hub.faults.add(Fault("drop", times=times, path="POST /batch"))


@pytest.mark.parametrize("tries", [["answer"], ["answer", "request"], ["answer", "request", "poll"]])
def test_value_cleared_after_a_create_that_was_not_answered_stays_cleared(hub, group, company, tries):
    person = Person.objects.create(company=company, first_name="Ines", last_name="Okafor")
    lose_answers(hub)
    drain(group)
    person.last_name = ""
    person.save()
    if "request" in tries:
        lose_requests(hub)
        drain(group)
    if "poll" in tries:
        poll_group(group, client_of(group))
    drain(group)
    drain(group)
    person.refresh_from_db()
    assert person.last_name == ""
    assert not hub.get(ORG, "people", person.connec_id).get("last_name")
    assert not Conflict.objects.exists()


def test_value_of_an_update_that_was_not_answered_is_no_remote_change(hub, group, company):
    person = Person.objects.create(company=company, first_name="Ines")
    drain(group)
    for name, lose in (("First", lose_answers), ("Second", lose_requests)):
        person.refresh_from_db()
        person.first_name = name
        person.save()
        lose(hub)
        drain(group)
    # The hub has the first, we have the second: only ours is a change.
    poll_group(group, client_of(group))
    assert not Conflict.objects.exists()
    drain(group)
    person.refresh_from_db()
    assert person.first_name == hub.get(ORG, "people", person.connec_id)["first_name"] == "Second"


@pytest.mark.parametrize("field", ["first_name", "last_name"])
def test_value_that_is_changed_back_after_a_lost_answer_is_sent_once_more(hub, group, company, field):
    person = Person.objects.create(company=company, first_name="Ines")
    drain(group)
    person.refresh_from_db()
    before = getattr(person, field)
    setattr(person, field, "Between")
    person.save()
    lose_answers(hub)
    drain(group)
    setattr(person, field, before)
    person.save()
    drain(group)
    assert (hub.get(ORG, "people", person.connec_id).get(field) or "") == before
    person.refresh_from_db()
    assert getattr(person, field) == before
    hub.calls.clear()
    drain(group)
    assert not hub.operations
