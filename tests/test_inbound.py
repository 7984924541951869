"""The hub's records arrive: merged, in any order, and one bad one harms no other."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_connec.inbound import apply_records
from django_connec.mapping import registry
from django_connec.models import Conflict, Failure, LinkBack, ParkedRecord, Tombstone
from django_connec.outbound.encoding import prepare
from django_connec.signals import conflict_found, records_applied
from django_connec.work import client_of
from tests.app.models import Company, Invoice, Item, Organization, Person
from tests.conftest import ORG, PROVIDER, drain

pytestmark = pytest.mark.django_db


def record(n=1, at="2026-01-01T00:00:00Z", **attributes):
    return {
        "id": [{"provider": "connec", "realm": ORG, "id": f"person-{n}"}],
        "first_name": f"First {n}",
        "updated_at": at,
        **attributes,
    }


def apply(group, records, resource="people", **options):
    return apply_records(group, resource, records, source="webhook", **options)


def test_same_late_and_out_of_order(group, company):
    newer = record(at="2026-01-02T00:00:00Z", first_name="Newer")
    older = record(at="2026-01-01T00:00:00Z", first_name="Older")
    assert apply(group, [newer]).counts() == {"created": 1}
    before = Person.objects.values().get()
    assert apply(group, [older]).counts() == {"stale": 1}
    assert apply(group, [newer]).counts() == {"unchanged": 1}
    assert Person.objects.values().get() == before


def test_same_second_content_decides(group, company):
    apply(group, [record()])
    assert apply(group, [record(first_name="Other")]).counts() == {"updated": 1}
    assert Person.objects.get().first_name == "Other"


def test_newer_version_is_kept_although_content_is_the_same(group, company):
    apply(group, [record(at="2026-01-01T00:00:00Z")])
    apply(group, [record(at="2026-01-03T00:00:00Z")])
    assert apply(group, [record(at="2026-01-02T00:00:00Z", first_name="Late")]).counts() == {"stale": 1}


def test_several_versions_in_one_delivery(group, company):
    outcome = apply(group, [record(first_name="A"), record(at="2026-01-02T00:00:00Z", first_name="B")])
    assert outcome.counts() == {"created": 1, "stale": 1}
    assert Person.objects.get().first_name == "B"


def test_applying_never_marks(group, company):
    apply(group, [record()])
    apply(group, [record(at="2026-01-02T00:00:00Z", first_name="B")])
    assert not Person.objects.pending().exists()


def test_missing_null_and_empty_block(group, company):
    apply(group, [record(last_name="Okafor", email={"address": "i@x.example"}, birth_date="1984-06-07")])
    apply(group, [record(at="2026-01-02T00:00:00Z")])
    person = Person.objects.get()
    assert (person.last_name, person.email) == ("Okafor", "i@x.example")
    apply(group, [record(at="2026-01-03T00:00:00Z", last_name=None, email={}, birth_date=None)])
    person = Person.objects.get()
    assert (person.last_name, person.email, person.born) == ("", "", None)
    apply(group, [record(at="2026-01-04T00:00:00Z", email={"address2": "other"})])
    assert Person.objects.get().email == ""


def test_bad_record_fails_alone_and_can_be_retried(group, company):
    bad = record(2, birth_date="the 5th of nevermore, o@x.example")
    outcome = apply(group, [record(1), bad, "nonsense", record(3, id=None)])
    assert outcome.counts() == {"created": 1, "failed": 3}
    failure = Failure.objects.get(object_id="person-2")
    assert failure.message == "birth_date: expected a date (ISO 8601), found text of 33 characters"
    assert "nevermore" not in " ".join(Failure.objects.values_list("message", flat=True))
    apply(group, [record(2, at="2026-01-02T00:00:00Z")])
    assert Failure.objects.filter(object_id="person-2").count() == 0


def test_record_that_the_database_refuses_fails_alone(group, company):
    from django_connec.mapping import registry

    mapper = registry.for_model(Person)

    def refuse(sender, instance, **kwargs):
        if instance.first_name == "First 2":
            Person.objects.filter(pk=instance.pk).update(company=None)

    post_save.connect(refuse, sender=Person, dispatch_uid="refuse")
    try:
        outcome = apply(group, [record(n) for n in range(1, 5)])
    finally:
        post_save.disconnect(sender=Person, dispatch_uid="refuse")
    assert mapper is not None
    assert outcome.counts() == {"created": 3, "failed": 1}
    failure = Failure.objects.get()
    assert failure.message.startswith("the database refused it (IntegrityError")
    assert failure.record is not None


def pending_person(group, company, **changes):
    apply(group, [record(last_name="Agreed", email={"address": "a@x.example"})])
    person = Person.objects.get()
    for name, value in changes.items():
        setattr(person, name, value)
    person.save()
    return person


def future(seconds=60):
    return (timezone.now() + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_different_fields_merge_without_a_conflict(hub, group, company):
    pending_person(group, company, first_name="Ours")
    apply(group, [record(at=future(), last_name="Theirs", email={"address": "a@x.example"})])
    person = Person.objects.get()
    assert (person.first_name, person.last_name) == ("Ours", "Theirs")
    assert person.connec_changed_at is not None
    assert not Conflict.objects.exists()


@pytest.mark.parametrize(("seconds", "winner", "decision"), [(60, "Theirs", "connec"), (-60, "Ours", "local")])
def test_newest_wins_a_real_conflict_and_it_is_recorded(group, company, seconds, winner, decision):
    pending_person(group, company, first_name="Ours")
    heard = []
    conflict_found.connect(lambda **kw: heard.append(kw["conflict"]), weak=False, dispatch_uid="heard")
    try:
        apply(group, [record(at=future(seconds), first_name="Theirs", last_name="Agreed")])
    finally:
        conflict_found.disconnect(dispatch_uid="heard")
    assert Person.objects.get().first_name == winner
    conflict = Conflict.objects.get()
    assert (conflict.field, conflict.local_value, conflict.remote_value) == ("first_name", "Ours", "Theirs")
    assert conflict.decision == decision


def test_same_second_our_user_wins(group, company):
    person = pending_person(group, company, first_name="Ours")
    at = person.connec_changed_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    apply(group, [record(at=at, first_name="Theirs", last_name="Agreed")])
    assert Person.objects.get().first_name == "Ours"


@pytest.mark.parametrize(("policy", "winner"), [("connec", "Theirs"), ("local", "Ours"), ("manual", "Ours")])
def test_conflict_policies(group, company, monkeypatch, policy, winner):
    from dataclasses import replace

    from django_connec.mapping import registry

    mapper = registry.for_model(Person)
    monkeypatch.setattr(mapper, "meta", replace(mapper.meta, conflict=policy))
    pending_person(group, company, first_name="Ours")
    apply(group, [record(at=future(-60), first_name="Theirs", last_name="Agreed")])
    assert Person.objects.get().first_name == winner


def test_same_change_on_both_sides_is_no_conflict(group, company):
    pending_person(group, company, first_name="Same")
    apply(group, [record(at=future(), first_name="Same", last_name="Agreed")])
    assert not Conflict.objects.exists()


def test_missing_reference_is_parked_and_released(group, company):
    invoice = {
        "id": "inv-1",
        "transaction_number": "118",
        "organization_id": "org-1",
        "updated_at": "2026-01-01T00:00:00Z",
    }
    assert apply(group, [invoice], "invoices").counts() == {"parked": 1}
    assert ParkedRecord.objects.get().missing_id == "org-1"
    assert not Invoice.objects.exists()
    newer = {**invoice, "transaction_number": "119", "updated_at": "2026-01-02T00:00:00Z"}
    apply(group, [newer], "invoices")
    assert ParkedRecord.objects.count() == 1
    outcome = apply(group, [{"id": "org-1", "name": "Pelican"}], "organizations")
    assert outcome.created == 2
    assert Invoice.objects.get().number == "119"
    assert Invoice.objects.get().customer.name == "Pelican"
    assert not ParkedRecord.objects.exists()


def test_parked_too_long_becomes_a_failure(hub, group, company):
    apply(group, [{"id": "inv-1", "transaction_number": "118", "organization_id": "org-1"}], "invoices")
    ParkedRecord.objects.update(parked_at=timezone.now() - dt.timedelta(days=8))
    drain(group)
    assert not ParkedRecord.objects.exists()
    failure = Failure.objects.get()
    assert failure.message == "customer: organizations org-1 has not come"
    hub.load(ORG, "organizations", [{"id": "org-1", "name": "Pelican"}])
    Failure.objects.update(next_attempt_at=None)
    drain(group)
    assert Invoice.objects.get().customer.name == "Pelican"
    assert not Failure.objects.exists()


def test_references_within_one_page(group, company):
    child = {"id": "item-2", "name": "Child", "parent_item_id": "item-1"}
    parent = {"id": "item-1", "name": "Parent"}
    assert apply(group, [child, parent], "items").counts() == {"created": 2}
    assert Item.objects.get(name="Child").parent.name == "Parent"


def test_reference_to_another_groups_row_is_not_taken(group, company, db):
    from django_connec.models import ConnecGroup

    other = ConnecGroup.objects.create(uid="cld-other")
    Organization.objects.create(company=Company.objects.create(name="O", connec_group=other), name="Foreign")
    Organization.objects.update(connec_group=other, connec_id="org-1")
    outcome = apply(group, [{"id": "inv-1", "transaction_number": "118", "organization_id": "org-1"}], "invoices")
    assert outcome.counts() == {"parked": 1}


def test_own_create_comes_back_before_its_answer(hub, group, company):
    person = Person.objects.create(company=company, first_name="Ines", last_name="Okafor")
    row = hub.create(ORG, "people", first_name="Ines", last_name="Okafor")
    hub.store.set_external(ORG, "people", PROVIDER, group.uid, str(person.pk), row["id"])
    # In the plain form nothing says that it is ours: it is asked for in the other one.
    outcome = apply(group, [{**row, "group_id": group.uid}], client=client_of(group))
    assert outcome.created == 0
    assert Person.objects.get().connec_id == row["id"]


def test_stale_own_id_loses_and_is_recorded(group, company):
    person = Person.objects.create(company=company, first_name="Held")
    Person.objects.filter(pk=person.pk).update(connec_id="held", connec_group=group)
    entry = {"provider": PROVIDER, "realm": group.uid, "id": str(person.pk)}
    ids = [{"provider": "connec", "realm": ORG, "id": "person-9"}, entry]
    assert apply(group, [record(9, id=ids)]).counts() == {"created": 1}
    assert Conflict.objects.get().kind == "stale-id"
    person.refresh_from_db()
    assert (person.connec_id, person.first_name) == ("held", "Held")


def test_match_on_links_instead_of_duplicating(group, company):
    Person.objects.create(company=company, first_name="Ines", last_name="Okafor", email="INES@x.example")
    Person.objects.create(company=company, first_name="Ines", last_name="Okafor", email="ines@x.example")
    outcome = apply(group, [record(first_name="Ines", email={"address": "ines@x.example"})])
    assert outcome.created == 0
    assert Person.objects.count() == 2
    person = Person.objects.get(connec_id="person-1")
    assert person.email == "ines@x.example"
    assert LinkBack.objects.get().object_id == str(person.pk)


def test_id_of_ours_that_nobody_here_ever_had_does_not_keep_a_record_from_matching(group, company):
    """A database that was built anew: the hub still has the ids of the one before."""
    person = Person.objects.create(company=company, first_name="Ines", email="ines@x.example")
    ids = [*record()["id"], {"provider": PROVIDER, "realm": "cld-7p2k", "id": str(person.pk + 1000)}]
    apply(group, [record(id=ids, email={"address": "ines@x.example"})])
    person.refresh_from_db()
    assert (person.connec_id, Person.objects.count()) == ("person-1", 1)
    # The hub is given the row's own id in place of the old one.
    assert LinkBack.objects.get().object_id == str(person.pk)


def test_id_of_a_row_that_was_deleted_here_matches_no_other_row(hub, group, company):
    first = Person.objects.create(company=company, first_name="Ines", email="ines@x.example")
    drain(group)
    first.refresh_from_db()
    shown = hub.get(ORG, "people", first.connec_id, external_ids=True)
    first.delete()
    Person.objects.create(company=company, first_name="Ines", email="ines@x.example")
    Tombstone.objects.update(connec_id=None)
    assert apply(group, [shown]).counts() == {"ignored": 1}
    assert Person.objects.get().connec_id is None


def test_blank_matches_nothing(group, company):
    Person.objects.create(company=company, first_name="Nameless")
    assert apply(group, [record(email={})]).counts() == {"created": 1}


def test_two_candidates_are_a_conflict_not_a_guess(group, company):
    for name in ("One", "Two"):
        Person.objects.create(company=company, first_name=name, email="same@x.example")
    outcome = apply(group, [record(email={"address": "same@x.example"})])
    assert outcome.counts() == {"failed": 1}
    assert Conflict.objects.get().kind == "match"
    assert not Person.objects.filter(connec_id__isnull=False).exists()


def test_five_hundred_records_in_few_queries(group, company):
    organizations = [{"id": f"org-{n}", "name": f"Organisation {n}"} for n in range(40)]
    apply(group, organizations, "organizations")
    page = [record(n, organization_id=f"org-{n % 40}") for n in range(500)]
    for step in ("create", "update"):
        with CaptureQueriesContext(connection) as captured:
            outcome = apply(group, page)
        assert getattr(outcome, f"{step}d") == 500
        queries = [q["sql"] for q in captured.captured_queries]
        counted = [q for q in queries if not q.startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK"))]
        assert len(counted) < 15, "\n".join(q[:150] for q in counted)
        page = [{**r, "first_name": "Changed", "updated_at": "2026-02-01T00:00:00Z"} for r in page]


def test_post_save_is_sent_and_receivers_saves_are_real_changes(group, company):
    seen = []

    def receiver(sender, instance, created, raw, **kwargs):
        seen.append((instance.pk, created, raw))
        if created:
            Organization.objects.create(company=company, name=f"For {instance.first_name}")

    post_save.connect(receiver, sender=Person, dispatch_uid="seen")
    try:
        apply(group, [record(1), record(2)])
        apply(group, [record(1, at="2026-02-01T00:00:00Z", first_name="Changed"), record(2)])
    finally:
        post_save.disconnect(sender=Person, dispatch_uid="seen")
    first, second = Person.objects.order_by("connec_id").values_list("pk", flat=True)
    assert seen == [(first, True, False), (second, True, False), (first, False, False)]
    assert Organization.objects.pending().count() == 2


def test_records_applied_says_what_was_written(group, company, django_capture_on_commit_callbacks):
    heard = []
    records_applied.connect(lambda **kw: heard.append(kw), weak=False, dispatch_uid="heard")
    try:
        with django_capture_on_commit_callbacks(execute=True):
            apply(group, [record()])
    finally:
        records_applied.disconnect(dispatch_uid="heard")
    assert heard[0]["created"] == [Person.objects.get().pk]
    assert (heard[0]["group"], heard[0]["resource"], heard[0]["source"]) == (group, "people", "webhook")


def test_switched_off_unknown_and_unlinked_are_ignored(group, company):
    group.entities = {"people": {"pull": False, "push": True}}
    assert apply(group, [record()]).counts() == {"ignored": 1}
    assert apply(group, [{"id": "x"}], "spaceships").counts() == {"ignored": 1}
    group.entities = {}
    group.is_active = False
    assert apply(group, [record()]).counts() == {"ignored": 1}


def test_records_made_before_the_link_without_historical_data(group, company):
    group.historical_data = False
    old = record(1, created_at="2001-01-01T00:00:00Z")
    new = record(2, created_at=future())
    assert apply(group, [old, new]).counts() == {"created": 1, "ignored": 1}


def test_stale_instance_saved_after_the_hub_changed_the_row(hub, group, company):
    apply(group, [record(last_name="Agreed")])
    stale = Person.objects.get()
    apply(group, [record(at="2026-02-01T00:00:00Z", last_name="Theirs")])
    held = Person.objects.values("connec_id", "connec_state", "connec_updated_at", "connec_group").get()
    stale.first_name = "Ours"
    stale.save()
    assert Person.objects.values("connec_id", "connec_state", "connec_updated_at", "connec_group").get() == held
    hub.load(ORG, "people", [{"id": "person-1", "first_name": "First 1", "last_name": "Theirs"}])
    drain(group)
    assert hub.get(ORG, "people", "person-1")["last_name"] == "Agreed"
    assert hub.get(ORG, "people", "person-1")["first_name"] == "Ours"


def test_deletion_that_is_not_sent_yet_holds_against_a_newer_version(hub, group, company):
    apply(group, [record()])
    Person.objects.get().delete()
    assert apply(group, [record(at="2026-03-01T00:00:00Z", first_name="Newer")]).counts() == {"ignored": 1}
    assert not Person.objects.exists()


def test_no_place_for_a_new_row_is_said(group):
    outcome = apply(group, [record()])
    assert outcome.counts() == {"failed": 1}
    assert "no company belongs to the group" in Failure.objects.get().message


def test_bodies_that_databases_refuse(group, company):
    outcome = apply(
        group,
        [
            record(1, first_name="nul \x00"),
            record(2, first_name="half \ud800"),
            record(3, email={"address": "ok@x.example", "address2": "nul \x00"}),
            record(4, last_name="ünïcödé \u2013 ✓"),
        ],
    )
    assert outcome.counts() == {"created": 1, "failed": 3}
    assert Person.objects.get().last_name == "ünïcödé \u2013 ✓"


def item_record(id, at="2026-01-01T00:00:00Z", **attributes):
    return {"id": [{"provider": "connec", "realm": ORG, "id": id}], "name": id, "updated_at": at, **attributes}


def test_record_that_refers_to_what_was_deleted_here_is_applied_without(hub, group, company):
    apply(group, [item_record("one"), item_record("two"), item_record("three", parent_item_id="one")], "items")
    Item.objects.get(name="one").delete()
    drain(group)
    outcome = apply(
        group,
        [item_record("new", parent_item_id="one"), item_record("two", "2026-01-02T00:00:00Z", parent_item_id="one")],
        "items",
    )
    assert outcome.counts() == {"created": 1, "updated": 1}
    assert not ParkedRecord.objects.exists()
    assert not Item.objects.exclude(parent=None).exists()
    # The same again is nothing new, and what is empty here for that reason is no change of ours.
    assert apply(group, [item_record("new", parent_item_id="one")], "items").counts() == {"unchanged": 1}
    item = Item.objects.get(name="new")
    item.reference = "N"
    item.save()
    operation = prepare(registry.for_model(Item), group, [item], first_link=None, using="default")[0].operation
    assert operation.attributes == {"reference": "N"}


def test_older_notification_of_the_same_second_is_checked_with_the_hub(hub, group, company):
    made = hub.create(ORG, "people", first_name="New")
    current = hub.get(ORG, "people", made["id"], external_ids=True)
    apply(group, [current])
    hub.calls.clear()
    outcome = apply(group, [{**current, "first_name": "Old"}], client=client_of(group))
    assert outcome.counts() == {"unchanged": 1}
    assert len(hub.calls) == 1
    assert Person.objects.get().first_name == "New"
    # Nobody asks about what is newer, or the same.
    hub.calls.clear()
    apply(group, [current], client=client_of(group))
    apply(group, [{**current, "updated_at": "2030-01-01T00:00:00Z", "first_name": "Newer"}], client=client_of(group))
    assert not hub.calls
    assert Person.objects.get().first_name == "Newer"
