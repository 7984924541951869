"""A read that would change too many rows stops before it writes them, and goes on when an operator says so."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import connection
from django.db.models.signals import post_save
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_connec import tasks
from django_connec.client import ConnecClient, ConnecUnavailable
from django_connec.conf import get_settings
from django_connec.inbound import Outcome, apply_records
from django_connec.inbound.guard import changes_row
from django_connec.inbound.incoming import read_records
from django_connec.inbound.lookup import find_rows
from django_connec.mapping import Field, registry
from django_connec.models import Conflict, ConnecGroup, SyncCursor, SyncRun
from django_connec.reading import import_group, poll_group
from django_connec.work import client_of
from tests.app.models import Company, Organization, Person
from tests.conftest import ORG, drain
from tests.mappers import registering
from tests.test_loop import load_people
from tests.test_reading import run

pytestmark = pytest.mark.django_db


def emptied(hub, count, start=0, **changes):
    """The hub shows other values for so many people, as after an accident."""
    hub.clock = lambda: timezone.now() + dt.timedelta(minutes=10)
    for n in range(start, start + count):
        hub.update(ORG, "people", f"person-uuid-{n}", changes or {"last_name": "Emptied"})


@pytest.fixture
def people(hub, group, company):
    load_people(hub, 2, 300)
    import_group(group, client_of(group))
    drain(group)
    return Person.objects.all()


def changed():
    return Person.objects.filter(last_name="Emptied").count()


def cursor():
    return SyncCursor.objects.get(resource="people")


def with_setting(settings, **values):
    settings.CONNEC = {**settings.CONNEC, **values}


def test_poll_stops_before_half_of_the_rows_are_overwritten(hub, group, people):
    emptied(hub, 300)
    hub.create(ORG, "organizations", name="New")
    before = cursor().polled_from
    poll = poll_group(group, client_of(group))
    assert poll.state == SyncRun.State.HELD
    assert poll.counts["people"] == {"updated": 100, "held": 100}
    assert poll.error == "people: 200 of 300 linked rows would change"
    # One page was within the share, the next was not written at all.
    assert changed() == 100
    held = cursor()
    assert (held.held_changes, held.held_of, held.changed_rows, held.polled_from) == (200, 300, 100, before)
    # Other resources go on.
    assert Organization.objects.filter(name="New").exists()


def test_held_resource_is_not_read_until_it_is_accepted(hub, group, people):
    emptied(hub, 300)
    poll_group(group, client_of(group))
    hub.calls.clear()
    again = poll_group(group, client_of(group))
    assert again.state == SyncRun.State.HELD
    assert import_group(group, client_of(group), full=True).state == SyncRun.State.HELD
    assert changed() == 100
    assert not [path for path in hub.paths("GET") if path.endswith("/people")]
    assert run("connec_sync")[0] == 2
    code, out, _ = run("connec_sync", "--accept-mass-change")
    assert (code, changed()) == (0, 300)
    assert "people: 200 updated, 100 unchanged" in out
    # It was accepted once: the next accident is held again.
    emptied(hub, 300, last_name="Emptied again")
    assert poll_group(group, client_of(group)).state == SyncRun.State.HELD


@pytest.mark.parametrize(("count", "state"), [(99, "succeeded"), (150, "succeeded"), (151, "held")])
def test_share_and_smallest_number(hub, group, people, count, state):
    emptied(hub, count)
    assert poll_group(group, client_of(group)).state == state


def test_below_a_hundred_it_never_acts(hub, group, company):
    load_people(hub, 1, 99)
    import_group(group, client_of(group))
    emptied(hub, 99)
    assert poll_group(group, client_of(group)).state == SyncRun.State.SUCCEEDED
    assert changed() == 99


@pytest.mark.parametrize("percent", [0, None])
def test_it_can_be_switched_off(hub, group, people, settings, percent):
    with_setting(settings, MASS_CHANGE_PERCENT=percent)
    emptied(hub, 300)
    assert poll_group(group, client_of(group)).state == SyncRun.State.SUCCEEDED
    assert changed() == 300


def test_the_share_is_a_setting(hub, group, people, settings):
    with_setting(settings, MASS_CHANGE_PERCENT=80)
    emptied(hub, 240)
    assert poll_group(group, client_of(group)).state == SyncRun.State.SUCCEEDED


def test_new_records_unchanged_ones_and_newer_versions_do_not_count(hub, group, people):
    load_people_again = [{"id": f"new-{n}", "first_name": "New"} for n in range(400)]
    hub.load(ORG, "people", load_people_again)
    # Attributes that nobody maps: newer versions, nothing overwritten.
    emptied(hub, 300, job_title="Other")
    assert poll_group(group, client_of(group)).state == SyncRun.State.SUCCEEDED
    assert import_group(group, client_of(group), full=True).state == SyncRun.State.SUCCEEDED
    assert Person.objects.count() == 700


def test_newly_mapped_field_overwrites_nothing(hub, group, people):
    for person in people:
        state = person.connec_state
        del state["a"]["born"]
        Person.objects.filter(pk=person.pk).update(connec_state=state, born=None)
    assert import_group(group, client_of(group), full=True).state == SyncRun.State.SUCCEEDED
    assert not Person.objects.filter(born=None).exists()


def test_deactivations_count(hub, group, people, monkeypatch):
    from dataclasses import replace

    mapper = registry.for_model(Person)
    monkeypatch.setattr(mapper, "meta", replace(mapper.meta, on_inactive="delete"))
    emptied(hub, 300, status="INACTIVE")
    assert poll_group(group, client_of(group)).state == SyncRun.State.HELD
    assert Person.objects.count() == 200


def test_webhooks_are_not_guarded(hub, group, people):
    emptied(hub, 300)
    apply_records(group, "people", hub.records(ORG, "people"), source="webhook")
    assert changed() == 300


def test_import_keeps_its_place_and_goes_on_from_there(hub, group, people):
    emptied(hub, 300)
    held = import_group(group, client_of(group), full=True)
    assert held.state == SyncRun.State.HELD
    assert (cursor().import_skip, changed()) == (100, 100)
    hub.calls.clear()
    code, out, _ = run("connec_import", "--accept-mass-change")
    assert (code, changed()) == (0, 300)
    assert "people: 200 updated" in out
    assert (cursor().held_at, cursor().accepted_at, cursor().changed_rows) == (None, None, 0)


def test_import_held_at_its_first_page_goes_on_as_an_import(hub, group, company):
    load_people(hub, 2, 150)
    import_group(group, client_of(group))
    emptied(hub, 150)
    import_group(group, client_of(group), full=True)
    assert (cursor().held_by, cursor().import_skip, changed()) == ("import", 0, 0)
    assert "connec_import --accept-mass-change lets it go on" in run("connec_status")[1]
    run("connec_import", "--accept-mass-change")
    assert changed() == 150


def test_page_that_is_applied_record_by_record_counts_once(hub, group, people):
    def refuse(sender, instance, **kwargs):
        if instance.connec_id == "person-uuid-5":
            Person.objects.filter(pk=instance.pk).update(company=None)

    emptied(hub, 90)
    post_save.connect(refuse, sender=Person, dispatch_uid="refuse")
    try:
        ended = poll_group(group, client_of(group))
    finally:
        post_save.disconnect(sender=Person, dispatch_uid="refuse")
    assert ended.counts["people"] == {"updated": 89, "failed": 1}
    assert ended.state == SyncRun.State.PARTIAL


def test_slices_of_one_import_share_one_count(hub, group, people, monkeypatch):
    """In the queue an import is many runs: each on its own would stay under the share."""
    emptied(hub, 300)
    SyncCursor.objects.all().delete()
    queued = [("import_group", (group.pk,))]
    monkeypatch.setattr(tasks, "enqueue", lambda task, *args: queued.append((task, args)))
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0.0)
    while queued and queued[0][0] == "import_group":
        tasks.import_group(*queued.pop(0)[1])
    assert cursor().held_at is not None
    assert changed() == 100


def test_polls_that_fail_share_one_count(hub, group, people, monkeypatch):
    emptied(hub, 300)
    original = ConnecClient.page

    def page(self, group_uid, resource, **options):
        if options["skip"]:
            raise ConnecUnavailable("the hub went away")
        return original(self, group_uid, resource, **options)

    monkeypatch.setattr(ConnecClient, "page", page)
    assert poll_group(group, client_of(group)).state == SyncRun.State.FAILED
    assert (changed(), cursor().changed_rows) == (100, 100)
    monkeypatch.setattr(ConnecClient, "page", original)
    assert poll_group(group, client_of(group)).state == SyncRun.State.HELD
    assert changed() == 100


def test_dry_run_is_not_held(hub, group, people):
    emptied(hub, 300)
    preview = import_group(group, client_of(group), dry_run=True)
    assert preview.counts["people"] == {"updated": 300}
    assert cursor().held_at is None


def test_accident_is_seen_at_a_glance(hub, group, people, admin_client):
    emptied(hub, 300)
    poll_group(group, client_of(group))
    code, out, _ = run("connec_status")
    assert code == 1
    assert "held: 200 of 300 linked rows would change; connec_sync --accept-mass-change lets it go on" in out
    status = json.loads(run("connec_status", "--json")[1])["groups"][0]
    assert status["in_step"] is False
    page = admin_client.get(reverse("admin:django_connec_connecgroup_change", args=[group.pk])).content.decode()
    assert "held: 200 of 300 linked rows would change" in page
    runs = admin_client.get(reverse("admin:django_connec_connecgroup_changelist")).content.decode()
    assert "asks before a mass change" in runs


@pytest.mark.parametrize("kind", ["poll", "import"])
def test_operator_lets_it_go_on_in_the_admin(hub, group, people, admin_client, monkeypatch, kind):
    emptied(hub, 300)
    if kind == "poll":
        poll_group(group, client_of(group))
    else:
        import_group(group, client_of(group), full=True)
    queued = []
    monkeypatch.setattr("django_connec.admin.holding.enqueue", lambda task, *args: queued.append((task, args)) or True)
    keys = list(SyncCursor.objects.values_list("pk", flat=True))
    address = reverse("admin:django_connec_synccursor_changelist")
    admin_client.post(address, {"action": "accept_mass_change", "_selected_action": keys})
    (task, args) = queued[0]
    assert len(queued) == 1
    assert (task, args) == (
        ("poll_group", (group.pk,)) if kind == "poll" else ("import_group", (group.pk, False, ["people"]))
    )
    getattr(tasks, task)(*args)
    assert changed() == 300


def test_watching_costs_one_count_and_only_when_it_may_come_to_it(hub, group, people, settings):
    def statements(**values):
        # Page by page: how many of them come together is a matter of time.
        with_setting(settings, IMPORT_THREADS=1, **values)
        with CaptureQueriesContext(connection) as captured:
            import_group(group, client_of(group), resources=["people"], full=True)
        return len(captured)

    assert get_settings().mass_change_percent == 50
    assert statements(MASS_CHANGE_PERCENT=50) == statements(MASS_CHANGE_PERCENT=0)


def test_reading_what_changed_since_does_not_disturb_an_import(hub, group, company):
    """A partial read keeps no place: the import after it reads everything."""
    load_people(hub, 1, 150)
    import_group(group, client_of(group), since=dt.datetime(2001, 1, 1, tzinfo=dt.UTC))
    assert import_group(group, client_of(group)).counts["people"] == {"unchanged": 150}


def judged(group, mapper, record):
    """Whether the guard counts a record against the row that is here for it."""
    incoming, _ = read_records(group, "projects", [record], Outcome())
    found = find_rows(group, mapper, incoming, "default")
    return changes_row(incoming[0], found.rows[0])


def test_what_overwrites_nothing_is_not_counted(group, company):
    with registering() as add:
        mapper = add(
            Organization,
            "projects",
            {"group": "company__connec_group"},
            name=Field(conflict="manual"),
            employees=Field("number", direction="push"),
            city=Field("code", create_only=True),
        )
        record = {"id": "p-1", "name": "Agreed", "number": 1, "code": "A", "updated_at": "2026-01-01T00:00:00Z"}
        apply_records(group, "projects", [record], source="webhook")
        assert judged(group, mapper, {**record, "name": "Theirs"})
        assert not judged(group, mapper, {**record, "number": 2})
        assert not judged(group, mapper, {**record, "code": "B"})
        # An inactive record is one like any other where the mapper does not say that it deletes.
        assert not judged(group, mapper, {**record, "status": "INACTIVE"})
        # Left to an operator: neither this value nor the next one is written.
        Organization.objects.update(name="Ours")
        later = {**record, "name": "Theirs", "updated_at": "2026-01-02T00:00:00Z"}
        apply_records(group, "projects", [later], source="webhook")
        assert Conflict.objects.get().decision == Conflict.Decision.OPEN
        assert not judged(group, mapper, {**later, "name": "Theirs again"})


def test_row_that_would_be_deleted_counts_although_no_field_differs(group, company):
    with registering() as add:
        meta = {"group": "company__connec_group", "on_inactive": "delete"}
        mapper = add(Organization, "projects", meta, name=Field())
        record = {"id": "p-1", "name": "Agreed", "updated_at": "2026-01-01T00:00:00Z"}
        apply_records(group, "projects", [record], source="webhook")
        assert judged(group, mapper, {**record, "status": "ARCHIVED"})
        assert not judged(group, mapper, {**record, "status": "ACTIVE", "updated_at": "2026-01-02T00:00:00Z"})


def test_share_is_of_the_groups_own_linked_rows_counted_once(hub, group, people):
    """Neither another customer's rows nor those that the hub does not know make an accident look small."""
    foreign = ConnecGroup.objects.create(uid="cld-other")
    other = Company.objects.create(name="Other", connec_group=foreign)
    for n in range(300):
        row = Person(company=other if n % 2 else Company.objects.first())
        row.save(connec=False)
        ours = {"connec_group": foreign, "connec_id": f"theirs-{n}"} if n % 2 else {"connec_group": group}
        Person._base_manager.filter(pk=row.pk).update(**ours, connec_changed_at=None)
    emptied(hub, 150)
    with CaptureQueriesContext(connection) as captured:
        assert poll_group(group, client_of(group)).state == SyncRun.State.SUCCEEDED
    counts = [q for q in captured if "COUNT(*)" in q["sql"] and "app_person" in q["sql"]]
    assert len(counts) == 1
    emptied(hub, 151, last_name="Emptied again")
    poll = poll_group(group, client_of(group))
    assert (poll.state, poll.error) == (SyncRun.State.HELD, "people: 151 of 300 linked rows would change")
