"""What comes in, and the work around it: promises that only show where a host's models and mappers are unusual."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.models.signals import post_save, pre_save
from django.utils import timezone

from django_connec import tasks
from django_connec.client import ConnecClient, ConnecUnavailable
from django_connec.dispatch import wake
from django_connec.exceptions import LeaseLost
from django_connec.inbound import apply_records
from django_connec.leases import EXPIRES, hold
from django_connec.mapping import ChoiceField, Field, Mapper, registry
from django_connec.models import Conflict, ConnecGroup, Failure, Lease, LinkBack, Notification, ParkedRecord, SyncCursor
from django_connec.models import Tombstone as Grave
from django_connec.reading import import_group, poll_group
from django_connec.status import status_of
from django_connec.webhooks.deliveries import apply_delivery
from django_connec.work import client_of, work_group
from tests.app.models import Company, Invoice, Organization, Person
from tests.conftest import ORG, PROVIDER, drain
from tests.other.models import Account, Holder, Restaurant, Tracked, Ware
from tests.test_loop import load_people
from tests.tracking import queues

pytestmark = pytest.mark.django_db


@contextmanager
def registering():
    """Register mappers for the length of one test."""
    before = (list(registry._mappers), dict(registry._by_model), {k: list(v) for k, v in registry._by_resource.items()})

    def add(model, meta=None, **attributes):
        path = "connec_group" if model in (Tracked, Ware) else "company__connec_group"
        options = {"resource": "projects", "group": path, **(meta or {})}
        mapper = type("Built", (Mapper,), {"Meta": type("Meta", (), options), **attributes})
        registry.remove(model)
        return registry.add(model, mapper)

    try:
        yield add
    finally:
        registry._mappers, registry._by_model, registry._by_resource = before
        registry._ordered = None


@pytest.fixture
def mapped():
    with registering() as add:
        yield add


@pytest.fixture
def queue(settings):
    settings.CONNEC = {**settings.CONNEC, "DISPATCHER": "tests.tracking.queues.remember"}
    queues.tasks.clear()
    return queues.tasks


def project(n=1, at="2026-01-01T00:00:00Z", **attributes):
    ids = [{"provider": "connec", "realm": ORG, "id": f"project-{n}"}]
    return {"id": ids, "name": f"Name {n}", "updated_at": at, **attributes}


def later(day, **attributes):
    return project(at=f"2026-01-{day:02}T00:00:00Z", **attributes)


def apply(group, *records, resource="projects", **options):
    return apply_records(group, resource, list(records), source="webhook", **options).counts()


def moment(seconds=0):
    return (timezone.now() + dt.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


# Models with code of their own ----------------------------------------------------------------------------


def shouting(monkeypatch):
    """Give the model a ``save()`` that keeps names in a form of its own."""
    saved = []
    original = Organization.save

    def save(self, *args, **kwargs):
        saved.append(self.name)
        self.name = self.name.upper()
        original(self, *args, **kwargs)

    monkeypatch.setattr(Organization, "save", save)
    return saved


def test_own_save_runs_for_each_row_and_its_form_settles(hub, group, company, mapped, monkeypatch):
    mapped(Organization, name=Field(), employees=Field("number"))
    saved = shouting(monkeypatch)
    heard = []
    post_save.connect(lambda **kw: heard.append(kw["created"]), sender=Organization, weak=False, dispatch_uid="heard")
    try:
        assert apply(group, project(1), project(2)) == {"created": 2}
        assert apply(group, later(2, name="Other")) == {"updated": 1}
    finally:
        post_save.disconnect(sender=Organization, dispatch_uid="heard")
    assert saved == ["Name 1", "Name 2", "Other"]
    assert heard == [True, True, False]
    assert list(Organization.objects.values_list("name", flat=True)) == ["NAME 2", "OTHER"]
    assert not Organization.objects.pending().exists()
    # What the model makes of a value is no change of ours: it is never sent back.
    LinkBack.objects.all().delete()
    for row in Organization.objects.all():
        row.save()
    assert drain(group).drained.counts["projects"] == {"pushed": 0, "unchanged": 2, "failed": 0}
    assert hub.paths() == []
    assert apply(group, later(3, name="Other")) == {"unchanged": 1}


def test_pre_save_receiver_is_heard_and_its_form_settles(hub, group, company, mapped):
    mapped(Organization, name=Field(), employees=Field("number"))

    def tidy(sender, instance, **kwargs):
        instance.name = instance.name.strip()

    pre_save.connect(tidy, sender=Organization, dispatch_uid="tidy")
    try:
        assert apply(group, project(name=" Padded ")) == {"created": 1}
        assert Organization.objects.get().name == "Padded"
        assert apply(group, later(2, name=" Again ")) == {"updated": 1}
        assert Organization.objects.get().name == "Again"
        LinkBack.objects.all().delete()
        Organization.objects.get().save()
        drain(group)
    finally:
        pre_save.disconnect(sender=Organization, dispatch_uid="tidy")
    assert hub.paths() == []


def test_model_of_two_tables_is_made_and_changed(group, company, mapped):
    Holder.objects.create(account=Account.objects.create(), connec_group=group)
    mapped(Restaurant, {"group": "holder__connec_group"}, name=Field(), stars=Field())
    assert apply(group, project(stars=2)) == {"created": 1}
    assert apply(group, later(2, name="Other", stars=3)) == {"updated": 1}
    row = Restaurant.objects.get()
    assert (row.name, row.stars, row.connec_id, row.connec_changed_at) == ("Other", 3, "project-1", None)


# Hooks and options of a mapper ----------------------------------------------------------------------------


def test_before_apply_completes_new_and_old_rows(group, company, mapped):
    def before_apply(self, instance, record):
        instance.city = f"{instance.name}/{record['extra']}"

    mapped(Organization, name=Field(), before_apply=before_apply)
    apply(group, project(extra="a"))
    assert Organization.objects.get().city == "Name 1/a"
    apply(group, later(2, name="Other", extra="b"))
    assert Organization.objects.get().city == "Other/b"
    assert not Organization.objects.pending().exists()


def test_after_apply_gets_what_was_written_inside_the_transaction(group, company, mapped):
    seen = []

    def after_apply(self, instances):
        assert connection.in_atomic_block
        seen.append([(row.pk is not None, row.name) for row in instances])
        if instances[0].name == "Refused":
            raise ValueError("no")

    mapped(Organization, name=Field(), after_apply=after_apply)
    apply(group, project(1), project(2))
    apply(group, later(2, name="Other"))
    apply(group, later(3, name="Other"))
    assert seen == [[(True, "Name 1"), (True, "Name 2")], [(True, "Other")]]
    assert apply(group, later(4, name="Refused")) == {"failed": 1}
    assert not Organization.objects.filter(name="Refused").exists()
    assert Failure.objects.get().message == "the model's own code raised ValueError"


def test_default_fills_new_rows_without_a_value_only(group, company, mapped):
    mapped(Organization, name=Field(), employees=Field("number", default=7), city=Field("code", default=lambda: "made"))
    apply(group, project(1), project(2, number=3, code="theirs"))
    assert list(Organization.objects.values_list("employees", "city")) == [(7, "made"), (3, "theirs")]
    Organization._base_manager.update(employees=5)
    Organization._base_manager.update(connec_changed_at=None)
    apply(group, later(2, name="Changed"))
    assert Organization.objects.get(name="Changed").employees == 5


def test_create_only_is_set_once_and_then_left_alone(group, company, mapped):
    mapped(Organization, name=Field(), employees=Field("number", create_only=True))
    apply(group, project(number=3))
    assert Organization.objects.get().employees == 3
    assert apply(group, later(2, name="Other", number=9)) == {"updated": 1}
    assert apply(group, later(3, name="Other", number=11)) == {"unchanged": 1}
    assert apply(group, later(3, name="Other", number=12)) == {"unchanged": 1}
    assert Organization.objects.get().employees == 3


def test_field_of_the_other_direction_is_not_read(group, company, mapped):
    mapped(Organization, name=Field(), employees=Field("number", direction="push"))
    apply(group, project(number=3))
    assert Organization.objects.get().employees is None
    apply(group, later(2, name="Other", number=4))
    assert Organization.objects.get().employees is None
    assert not Organization.objects.pending().exists()


def test_inactive_record_deletes_where_the_mapper_says_so(hub, group, company, mapped):
    mapped(Organization, {"on_inactive": "delete"}, name=Field())
    assert apply(group, project(1, status="INACTIVE")) == {"ignored": 1}
    apply(group, project(1), project(2))
    assert Organization.objects.count() == 2
    # Also where nothing that is mapped differs, and the version is the same.
    assert apply(group, project(1, status="INACTIVE")) == {"deleted": 1}
    assert apply(group, project(2, at="2026-01-02T00:00:00Z", status="ARCHIVED")) == {"deleted": 1}
    assert not Organization.objects.exists()
    # The hub knows: it is not told.
    assert not Grave.objects.exists()
    assert apply(group, later(3)) == {"created": 1}


def test_inactive_record_is_ignored_where_the_mapper_says_so(group, company, mapped):
    mapped(Organization, {"on_inactive": "ignore"}, name=Field())
    assert apply(group, project(1, status="INACTIVE")) == {"ignored": 1}
    apply(group, project(1))
    assert apply(group, later(2, name="Other", status="ARCHIVED")) == {"ignored": 1}
    assert Organization.objects.get().name == "Name 1"


def test_two_models_share_a_resource(hub, group, company, mapped):
    mapped(Tracked, {"when": {"kind": "big"}, "id_prefix": "t"}, name=Field())
    mapped(
        Ware,
        {"when": {"kind": "small"}, "id_prefix": "w"},
        name=Field(),
    )
    assert apply(group, project(1, kind="big"), project(2, kind="small"), project(3)) == {"created": 2, "ignored": 1}
    tracked, ware = Tracked.objects.get(), Ware.objects.get()
    assert (tracked.name, ware.name) == ("Name 1", "Name 2")
    labels = LinkBack.objects.values_list("model_label", "object_id", "connec_id")
    assert set(labels) == {
        ("other.tracked", str(tracked.pk), "project-1"),
        ("other.ware", str(ware.pk), "project-2"),
    }
    # Their ids are told apart by the prefix, whatever the keys.
    entry = {"provider": PROVIDER, "realm": group.uid, "id": f"w{ware.pk}"}
    Ware.objects.update(connec_id=None, connec_state=None, connec_updated_at=None)
    ids = [{"provider": "connec", "realm": ORG, "id": "project-4"}, entry]
    assert apply(group, project(4, id=ids, kind="small")) == {"updated": 1}
    assert Ware.objects.get().connec_id == "project-4"


# Both sides changed ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ahead", "seconds", "winner"), [(3600, 1800, "Ours"), (-3600, -1800, "Theirs")])
def test_newest_takes_the_clocks_apart(group, company, mapped, ahead, seconds, winner):
    mapped(Organization, name=Field())
    apply(group, project(name="Agreed"))
    row = Organization.objects.get()
    row.name = "Ours"
    row.save()
    apply(group, project(at=moment(seconds), name="Theirs"), skew=dt.timedelta(seconds=ahead))
    assert Organization.objects.get().name == winner
    assert Conflict.objects.count() == 1


@pytest.mark.parametrize(("policy", "winner"), [("connec", "Theirs"), ("local", "Ours")])
def test_fields_own_policy_goes_before_the_mappers(group, company, mapped, policy, winner):
    other = {"connec": "local", "local": "connec"}[policy]
    mapped(Organization, {"conflict": other}, name=Field(conflict=policy), employees=Field("number"))
    apply(group, project(name="Agreed", number=1))
    Organization.objects.update(name="Ours", employees=2)
    apply(group, later(2, name="Theirs", number=3))
    row = Organization.objects.get()
    assert row.name == winner
    assert row.employees == {"connec": 3, "local": 2}[other]


def test_conflict_left_to_an_operator_is_not_raised_nor_sent_again(hub, group, company, mapped):
    mapped(Organization, {"conflict": "manual"}, name=Field())
    apply(group, project(name="Agreed"))
    LinkBack.objects.all().delete()
    Organization.objects.update(name="Ours")
    apply(group, later(2, name="Theirs"))
    apply(group, later(3, name="Theirs"))
    conflict = Conflict.objects.get()
    assert (conflict.decision, conflict.settled_at) == (Conflict.Decision.OPEN, None)
    drain(group)
    assert hub.paths() == []


def test_value_wins_over_a_blank_at_first_contact(hub, group, company):
    Person.objects.create(company=company, first_name="Ines", last_name="Ours", email="ines@x.example")
    record = {"id": "p-1", "first_name": "", "last_name": "", "birth_date": "1984-06-07", "updated_at": moment(60)}
    apply(group, {**record, "email": {"address": "ines@x.example"}}, resource="people")
    person = Person.objects.get()
    assert (person.connec_id, person.first_name, person.last_name) == ("p-1", "Ines", "Ours")
    assert person.born == dt.date(1984, 6, 7)
    assert person.connec_changed_at is not None
    assert not Conflict.objects.exists()


def test_rows_saved_meanwhile_are_merged_again(group, company, mapped, monkeypatch):
    from django_connec.inbound import chunk

    mapped(Organization, name=Field(), employees=Field("number"))
    apply(group, project(number=1))
    original = chunk.write

    def write(*args, **kwargs):
        tries.append(True)
        if len(tries) == 1:
            Organization.objects.update(employees=2)
        return original(*args, **kwargs)

    tries = []
    monkeypatch.setattr(chunk, "write", write)
    assert apply(group, later(2, name="Theirs", number=1)) == {"updated": 1}
    assert len(tries) == 2
    assert Organization.objects.get().name == "Theirs"


# Deleted here ---------------------------------------------------------------------------------------------


def test_mapper_that_tells_no_deletions(hub, group, company, mapped):
    mapped(Organization, {"delete_status": None}, name=Field())
    apply(group, project())
    Organization.objects.get().delete()
    LinkBack.objects.all().delete()
    drain(group)
    assert hub.paths() == []
    assert apply(group, project()) == {"ignored": 1}
    assert apply(group, later(2)) == {"created": 1}


def test_deleted_row_is_not_raised_by_another_groups_record(hub, group, company, mapped):
    mapped(Organization, name=Field())
    apply(group, project())
    Organization.objects.get().delete()
    other = ConnecGroup.objects.create(uid="cld-other")
    Company.objects.create(name="Other", connec_group=other)
    assert apply(other, project()) == {"created": 1}
    assert Grave.objects.count() == 1


def test_deleted_row_stays_so_while_the_hub_shows_it_inactive_or_no_newer(hub, group, company, mapped):
    mapped(Organization, name=Field())
    apply(group, project())
    Organization.objects.get().delete()
    Grave.objects.update(sent_at=timezone.now(), hub_updated_at=dt.datetime(2026, 1, 2, tzinfo=dt.UTC))
    assert apply(group, later(2)) == {"ignored": 1}
    assert apply(group, later(5, status="ARCHIVED")) == {"ignored": 1}
    assert apply(group, later(3)) == {"created": 1}


# Singular -------------------------------------------------------------------------------------------------


def test_company_is_the_groups_one_row(hub, group, company, mapped):
    mapped(Organization, {"resource": "company"}, name=Field(), city=Field("currency"))
    row = Organization.objects.create(company=company, name="")
    Organization.objects.update(connec_changed_at=None)
    hub.create(ORG, "company", name="Pelican", currency="AUD")
    assert import_group(group, client_of(group)).counts["company"] == {"updated": 1}
    row.refresh_from_db()
    assert (row.name, row.city, row.connec_changed_at) == ("Pelican", "AUD", None)
    assert not LinkBack.objects.exists()
    hub.clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(seconds=30)
    hub.create(ORG, "company", name="Pelican Freight")
    assert poll_group(group, client_of(group)).counts["company"] == {"updated": 1}
    row.refresh_from_db()
    assert row.name == "Pelican Freight"
    row.name = "Renamed here"
    row.save()
    hub.calls.clear()
    assert drain(group).drained.pushed == 1
    assert [(r["name"], r["currency"]) for r in hub.records(ORG, "company")] == [("Renamed here", "AUD")]
    drain(group)
    assert len(hub.calls) == 1
    assert Organization.objects.count() == 1


def test_company_that_the_hub_does_not_have_is_made(hub, group, company, mapped):
    mapped(Organization, {"resource": "company"}, name=Field(), city=Field("currency"))
    row = Organization.objects.create(company=company, name="Pelican")
    assert drain(group).drained.pushed == 1
    row.refresh_from_db()
    row.name = "Renamed"
    row.save()
    assert drain(group).drained.pushed == 1
    assert [r["name"] for r in hub.records(ORG, "company")] == ["Renamed"]
    assert not Organization.objects.pending().exists()


# Other groups ---------------------------------------------------------------------------------------------


def test_rows_of_another_group_are_neither_matched_nor_claimed(hub, group, company):
    other = ConnecGroup.objects.create(uid="cld-other")
    theirs = Company.objects.create(name="Other", connec_group=other)
    foreign = Person.objects.create(company=theirs, first_name="Ines", email="ines@x.example")
    entry = {"provider": PROVIDER, "realm": group.uid, "id": str(foreign.pk)}
    ids = [{"provider": "connec", "realm": ORG, "id": "p-1"}, entry]
    assert apply(group, {"id": ids, "first_name": "A"}, resource="people") == {"created": 1}
    record = {"id": "p-2", "first_name": "B", "email": {"address": "ines@x.example"}}
    assert apply(group, record, resource="people") == {"created": 1}
    foreign.refresh_from_db()
    assert (foreign.connec_id, foreign.first_name) == (None, "Ines")


# Links back -----------------------------------------------------------------------------------------------


def test_only_ids_that_the_hub_lacks_are_kept_to_be_linked(group, company):
    known = Person.objects.create(company=company, first_name="Known")
    matched = Person.objects.create(company=company, first_name="Matched", email="m@x.example")
    entry = {"provider": PROVIDER, "realm": group.uid, "id": str(known.pk)}
    ids = [{"provider": "connec", "realm": ORG, "id": "p-1"}, entry]
    record = {"id": "p-2", "first_name": "Matched", "email": {"address": "m@x.example"}}
    apply(group, {"id": ids, "first_name": "Known"}, record, {"id": "p-3", "first_name": "New"}, resource="people")
    new = Person.objects.get(connec_id="p-3")
    assert set(LinkBack.objects.values_list("object_id", "connec_id")) == {
        (str(matched.pk), "p-2"),
        (str(new.pk), "p-3"),
    }


def test_resource_that_is_not_pushed_is_linked_when_it_is(hub, group, company):
    group.entities = {"people": {"pull": True, "push": False}}
    group.save()
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "New"}])
    assert apply(group, {"id": "p-1", "first_name": "New"}, resource="people") == {"created": 1}
    drain(group)
    assert hub.paths() == []
    assert status_of(group).link_backs == 0
    group.entities = {}
    group.save()
    drain(group)
    row = Person.objects.get()
    assert hub.by_external(ORG, "people", PROVIDER, group.uid, str(row.pk))["first_name"] == "New"


# What failed or waits, tried again ------------------------------------------------------------------------


def test_failed_records_are_tried_again_when_due(hub, group, company):
    other = ConnecGroup.objects.create(uid="cld-other")
    Company.objects.create(name="Other", connec_group=other)
    for who in (group, other):
        assert apply(who, {"id": f"p-{who.pk}", "first_name": "A", "birth_date": "bad"}, resource="people") == {
            "failed": 1
        }
    good = {"id": f"p-{group.pk}", "first_name": "Good"}
    Failure.objects.update(record=json.dumps(good).encode())
    drain(group)
    assert not Person.objects.exists()
    assert Failure.objects.count() == 2
    Failure.objects.update(next_attempt_at=None)
    report = drain(group)
    assert report.retried.counts() == {"created": 1}
    assert Failure.objects.get().group == other


def test_parked_records_are_tried_every_hour(hub, group, company):
    invoice = {"id": "inv-1", "transaction_number": "118", "organization_id": "org-1"}
    assert apply(group, invoice, resource="invoices") == {"parked": 1}
    hub.load(ORG, "organizations", [{"id": "org-1", "name": "Pelican"}])
    drain(group)
    assert hub.paths() == []
    assert ParkedRecord.objects.get().next_attempt_at > timezone.now() + dt.timedelta(minutes=59)
    ParkedRecord.objects.update(next_attempt_at=timezone.now())
    drain(group)
    assert Invoice.objects.get().customer.name == "Pelican"
    assert not ParkedRecord.objects.exists()


def test_hub_that_is_away_parks_what_needs_it(hub, group, company, monkeypatch):
    def pages(self, *args, **kwargs):
        raise ConnecUnavailable("away")

    monkeypatch.setattr(ConnecClient, "pages", pages)
    ids = [{"provider": "connec", "realm": ORG, "id": "inv-1"}]
    invoice = {"id": ids, "transaction_number": "118", "organization_id": "org-1"}
    paid = {"id": [{**ids[0], "id": "inv-2"}], "transaction_number": "119"}
    counts = apply(group, invoice, paid, resource="invoices", client=client_of(group))
    assert counts == {"created": 1, "parked": 1}


def test_reference_to_what_is_not_read_is_not_fetched(hub, group, company):
    group.entities = {"organizations": {"pull": False}}
    group.save()
    hub.load(ORG, "organizations", [{"id": "org-1", "name": "Pelican"}])
    ids = [{"provider": "connec", "realm": ORG, "id": "inv-1"}]
    invoice = {"id": ids, "transaction_number": "118", "organization_id": "org-1"}
    assert apply(group, invoice, resource="invoices", client=client_of(group)) == {"parked": 1}
    assert hub.paths() == []


def test_parked_record_is_forgotten_when_a_newer_version_needs_nobody(group, company):
    invoice = {"id": "inv-1", "transaction_number": "118", "organization_id": "org-1"}
    apply(group, invoice, resource="invoices")
    apply(group, {**invoice, "organization_id": None}, resource="invoices")
    assert not ParkedRecord.objects.exists()
    apply(group, {"id": "org-1", "name": "Pelican"}, resource="organizations")
    assert Invoice.objects.get().customer is None


# Import and poll ------------------------------------------------------------------------------------------


def interrupted(hub, group, monkeypatch):
    load_people(hub, 1, 250)
    original = ConnecClient.page

    def page(self, group_uid, resource, **options):
        if resource == "people" and options["skip"] >= 100:
            raise ConnecUnavailable("killed")
        return original(self, group_uid, resource, **options)

    with monkeypatch.context() as patch:
        patch.setattr(ConnecClient, "page", page)
        import_group(group, client_of(group))
    assert SyncCursor.objects.get(resource="people").import_skip == 100


def test_full_import_begins_again(hub, group, company, monkeypatch):
    interrupted(hub, group, monkeypatch)
    run = import_group(group, client_of(group), full=True)
    assert run.counts["people"] == {"unchanged": 100, "created": 150}


def test_resumed_import_polls_from_where_it_first_began(hub, group, company, monkeypatch):
    first = dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC)
    hub.clock = lambda: first
    interrupted(hub, group, monkeypatch)
    hub.clock = lambda: first + dt.timedelta(hours=5)
    import_group(group, client_of(group))
    assert SyncCursor.objects.get(resource="people").polled_from == first


def test_import_since_reads_from_the_beginning_and_moves_no_cursor(hub, group, company, monkeypatch):
    interrupted(hub, group, monkeypatch)
    since = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
    run = import_group(group, client_of(group), resources=["people"], since=since)
    assert run.counts["people"] == {"unchanged": 100, "created": 150}
    cursor = SyncCursor.objects.get(resource="people")
    assert (cursor.imported_at, cursor.polled_from) == (None, None)


def test_what_is_not_read_is_not_asked_for(hub, group, company):
    load_people(hub, 1, 1)
    group.entities = {"people": {"pull": False, "push": True}}
    group.save()
    import_group(group, client_of(group))
    poll_group(group, client_of(group))
    assert not [path for path in hub.paths() if path.endswith("/people")]
    assert [path for path in hub.paths() if "organizations" in path]


def test_poll_overlaps_the_one_before(hub, group, company):
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    hub.clock = lambda: now
    import_group(group, client_of(group))
    # Written a moment before the import began, and shown only after it.
    now -= dt.timedelta(seconds=90)
    hub.create(ORG, "people", first_name="Slow")
    now += dt.timedelta(seconds=90)
    poll_group(group, client_of(group))
    assert Person.objects.get().first_name == "Slow"


# Leases and wake-ups --------------------------------------------------------------------------------------


def test_lease_of_a_dead_worker_is_taken_over(group):
    with hold("x") as lease:
        Lease.objects.update(renewed_at=timezone.now() - EXPIRES + dt.timedelta(seconds=30))
        with hold("x") as other:
            assert other is None
        Lease.objects.update(renewed_at=timezone.now() - EXPIRES - dt.timedelta(seconds=1))
        with hold("x") as other:
            assert other is not None
            with pytest.raises(LeaseLost):
                lease.confirm()
            with pytest.raises(LeaseLost):
                lease.finish()
            lease.release()
            other.confirm()
            # The request was meant for the one before.
            assert other.finish()


def test_lease_is_renewed_in_time(group, monkeypatch):
    with hold("x") as lease:
        long_ago = timezone.now() - dt.timedelta(minutes=9)
        Lease.objects.update(renewed_at=long_ago)
        lease.check()
        assert Lease.objects.get().renewed_at == long_ago
        lease._renewed -= dt.timedelta(seconds=21)
        lease.check()
        assert Lease.objects.get().renewed_at > timezone.now() - dt.timedelta(minutes=1)


def test_reading_stops_when_its_lease_is_lost(hub, group, company):
    from django_connec.work import import_one

    load_people(hub, 1, 250)

    def lose(resource, seen, total):
        Lease.objects.update(token="another's")

    from django_connec import leases

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(leases, "RENEW_EVERY", dt.timedelta(0))
        with pytest.raises(LeaseLost):
            import_one(group, progress=lose)
    assert Person.objects.count() <= 100
    assert Lease.objects.get().token == "another's"


def test_more_to_do_that_was_asked_for_meanwhile_is_done(hub, group, company, monkeypatch):
    original = ConnecClient.batch

    def batch(self, operations, **kwargs):
        if not asked:
            # Another worker saves what this drain has passed already, and is turned away.
            Organization.objects.create(company=company, name="Pelican")
            asked.append(work_group(group))
        return original(self, operations, **kwargs)

    asked = []
    monkeypatch.setattr(ConnecClient, "batch", batch)
    Person.objects.create(company=company, first_name="Ines")
    report = work_group(group)
    assert asked == [None]
    assert report.drained.pushed == 2
    assert not Organization.objects.pending().exists()
    assert not Lease.objects.filter(token__isnull=False).exists()


def test_group_is_woken_once_until_it_is_looked_at(hub, group, queue):
    wake([group.pk], using="default")
    wake([group.pk], using="default")
    assert queue == [("drain_group", (group.pk,))]
    work_group(group)
    group.refresh_from_db()
    assert group.wake_requested_at is None
    wake([group.pk], using="default")
    assert len(queue) == 2
    # A wake-up that nobody has answered counts as lost.
    ConnecGroup.objects.update(wake_requested_at=timezone.now() - dt.timedelta(minutes=6))
    wake([group.pk], using="default")
    assert len(queue) == 3


def test_dead_queue_leaves_no_mark(hub, group, settings):
    settings.CONNEC = {**settings.CONNEC, "DISPATCHER": "tests.tracking.queues.dead"}
    wake([group.pk], using="default")
    group.refresh_from_db()
    assert group.wake_requested_at is None


def test_slice_that_was_too_short_is_queued_again(hub, group, company, queue, monkeypatch):
    Person.objects.create(company=company, first_name="Ines")
    monkeypatch.setattr(tasks, "SLICE_SECONDS", -1.0)
    queue.clear()
    tasks.drain_group(group.pk)
    assert queue == [("drain_group", (group.pk,))]
    assert Person.objects.pending().exists()
    monkeypatch.undo()


# Deliveries -----------------------------------------------------------------------------------------------


def delivery(group, marketplace="default", **content):
    body = {name: [{**record, "group_id": group.uid} for record in records] for name, records in content.items()}
    return Notification.objects.create(marketplace=marketplace, body=json.dumps(body).encode())


def test_delivery_that_another_worker_is_at_is_left_to_it(hub, group, company):
    stored = delivery(group, people=[{"id": [{"provider": "connec", "realm": ORG, "id": "p"}], "first_name": "A"}])
    Notification.objects.update(started_at=timezone.now())
    assert apply_delivery(stored.pk) is None
    Notification.objects.update(started_at=timezone.now() - dt.timedelta(minutes=11))
    assert apply_delivery(stored.pk).counts() == {"created": 1}


def test_sweep_applies_deliveries_and_drains(hub, group, company):
    delivery(group, people=[{"id": [{"provider": "connec", "realm": ORG, "id": "p"}], "first_name": "A"}])
    Organization.objects.create(company=company, name="Pelican")
    tasks.sweep()
    assert Person.objects.get().first_name == "A"
    assert len(hub.records(ORG, "organizations")) == 1


def test_delivery_of_another_marketplace_is_not_this_groups(hub, group, company):
    stored = delivery(group, "elsewhere", people=[{"id": "p", "first_name": "A"}])
    assert apply_delivery(stored.pk).counts() == {"ignored": 1}
    assert not Person.objects.exists()


def test_what_is_referred_to_is_applied_first(hub, group, company):
    ids = {name: [{"provider": "connec", "realm": ORG, "id": name}] for name in ("inv", "org")}
    invoice = {"id": ids["inv"], "transaction_number": "1", "organization_id": "org"}
    stored = delivery(group, invoices=[invoice], organizations=[{"id": ids["org"], "name": "Pelican"}])
    assert apply_delivery(stored.pk).counts() == {"created": 2}
    assert hub.paths() == []


def test_archived_record_reads_as_inactive(group, company, mapped):
    mapped(Organization, name=Field(), employees=ChoiceField("status", {1: "ACTIVE", 0: "INACTIVE"}))
    apply(group, project(status="ACTIVE"))
    assert apply(group, later(2, status="ARCHIVED")) == {"updated": 1}
    assert Organization.objects.get().employees == 0


def test_rows_that_hold_their_group_themselves_are_sent(hub, group, mapped):
    """``group`` defaults to the row's own foreign key."""
    mapped(Tracked, {"resource": "projects"}, name=Field())
    Tracked.objects.create(name="a", connec_group=group)
    drain(group)
    assert [record["name"] for record in hub.records(ORG, "projects")] == ["a"]
    assert not Tracked.objects.pending().exists()
    Tracked.objects.create(name="nobody's")
    drain(group)
    assert len(hub.records(ORG, "projects")) == 1


def test_group_with_two_rows_of_its_one_record_is_a_conflict(group, mapped):
    mapped(Tracked, {"resource": "company"}, name=Field())
    for name in ("one", "two"):
        Tracked.objects.create(name=name, connec_group=group)
    first = {"id": "c1", "name": "Pelican", "updated_at": "2026-01-01T00:00:00Z"}
    assert apply(group, first, resource="company") == {"failed": 1}
    assert Conflict.objects.get().kind == "match"
    assert Tracked.objects.count() == 2
    Tracked.objects.filter(name="two").update(connec_id="c1")
    Tracked.objects.update(connec_changed_at=None)
    assert apply(group, first, resource="company") == {"updated": 1}
    assert set(Tracked.objects.values_list("name", flat=True)) == {"one", "Pelican"}


def test_sweep_goes_on_past_a_group_that_breaks(hub, group, company, monkeypatch):
    from django_connec import tasks

    other = ConnecGroup.objects.create(uid="cld-broken")
    original = tasks.drain_group

    def drain_group(pk):
        if pk == min(group.pk, other.pk):
            raise TypeError("a mapper's own mistake")
        original(pk)

    monkeypatch.setattr(tasks, "drain_group", drain_group)
    Person.objects.create(company=company, first_name="Ines")
    group.uid, other.uid = "x", group.uid
    group.save()
    other.save()
    company.connec_group = other
    company.save()
    tasks.sweep()
    assert len(hub.records(ORG, "people")) == 1
