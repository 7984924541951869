"""What a read must not do: write in a dry run, pass its beginning, or take what was made before the link."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_connec.client import ConnecClient
from django_connec.inbound import apply_records
from django_connec.mapping import registry
from django_connec.models import SyncCursor, Tombstone
from django_connec.reading import import_group, poll_group
from django_connec.sandbox import Fault
from django_connec.work import client_of
from tests.app.models import Person
from tests.conftest import ORG
from tests.test_loop import load_people

pytestmark = pytest.mark.django_db


def dry_run(group, **options):
    with CaptureQueriesContext(connection) as captured:
        run = import_group(group, client_of(group), dry_run=True, **options)
    assert [q["sql"] for q in captured if not q["sql"].startswith("SELECT")] == []
    return run


def test_dry_run_that_accepts_a_mass_change_writes_nothing(hub, group, company):
    load_people(hub, 2, 3)
    assert dry_run(group, accept_mass_change=True).counts["people"] == {"created": 3}
    assert not SyncCursor.objects.exists()


def test_dry_run_that_is_refused_stops_no_group(hub, group, company):
    hub.faults.add(Fault("status", status=401))
    assert dry_run(group).error
    group.refresh_from_db()
    assert group.stopped_at is None


def test_dry_run_tells_what_would_not_be_made(hub, group, company, django_capture_on_commit_callbacks):
    """Rows deleted here stay so, and what two rows match fails until somebody decides."""
    Tombstone.objects.create(
        group=group, resource="people", model_label="app.person", object_id="1", connec_id="gone", status="INACTIVE"
    )
    hub.load(ORG, "people", [{"id": "gone", "first_name": "A"}])
    hub.load(ORG, "people", [{"id": "twice", "first_name": "B", "email": {"address": "b@x.example"}}])
    for _ in range(2):
        Person.objects.create(company=company, email="b@x.example")
    with django_capture_on_commit_callbacks() as callbacks:
        run = dry_run(group, resources=["people"])
    assert run.counts["people"] == {"ignored": 1, "failed": 1}
    assert callbacks == []


def test_page_that_cannot_be_remembered_is_not_kept(hub, group, company, monkeypatch):
    """The place commits with the page that it is behind."""
    load_people(hub, 1, 3)

    def save(self, *args, **kwargs):
        if "import_skip" in (kwargs.get("update_fields") or ()):
            raise RuntimeError("killed")

    import_group(group, client_of(group), resources=["organizations"])
    SyncCursor.objects.create(group=group, resource="people")
    monkeypatch.setattr(SyncCursor, "save", save)
    with pytest.raises(RuntimeError):
        import_group(group, client_of(group), resources=["people"])
    assert not Person.objects.exists()


def test_poll_of_many_pages_goes_on_from_its_beginning(hub, group, company, monkeypatch):
    """A record that changes while the later pages are read is seen by the next poll."""
    load_people(hub, 1, 250)
    import_group(group, client_of(group))
    begun = timezone.now().replace(microsecond=0) + dt.timedelta(minutes=10)
    hub.clock = lambda: begun
    for n in range(250):
        hub.update(ORG, "people", f"person-uuid-{n}", job_title="Other")
    original, pages = ConnecClient.page, []

    def page(self, group_uid, resource, **options):
        found = original(self, group_uid, resource, **options)
        if resource == "people":
            pages.append(options["skip"])
            hub.clock = lambda: begun + dt.timedelta(hours=len(pages))
        return found

    monkeypatch.setattr(ConnecClient, "page", page)
    poll_group(group, client_of(group), resources=["people"])
    assert len(pages) > 2
    assert SyncCursor.objects.get(resource="people").polled_from == begun


def test_record_of_the_second_of_the_link_is_shared(group, company):
    """The hub shows whole seconds."""
    linked = dt.datetime(2026, 1, 1, 12, 0, 0, 700_000, tzinfo=dt.UTC)
    group.historical_data, group.linked_at = False, linked
    shown = [("a", "2026-01-01T12:00:00Z"), ("b", "2026-01-01T11:59:59Z")]
    records = [{"id": key, "first_name": key, "created_at": at} for key, at in shown]
    assert apply_records(group, "people", records, source="poll").counts() == {"created": 1, "ignored": 1}
    assert Person.objects.get().connec_id == "a"


def test_dry_run_counts_what_inactive_records_would_do(hub, group, company, monkeypatch):
    mapper = registry.for_model(Person)
    hub.load(ORG, "people", [{"id": key, "first_name": key} for key in ("a", "b")])
    import_group(group, client_of(group))
    monkeypatch.setattr(mapper, "meta", replace(mapper.meta, on_inactive="delete"))
    hub.clock = lambda: timezone.now() + dt.timedelta(minutes=10)
    hub.update(ORG, "people", "a", status="INACTIVE")
    hub.load(ORG, "people", [{"id": "c", "status": "ARCHIVED"}])
    counts = {"unchanged": 1, "deleted": 1, "ignored": 1}
    assert dry_run(group, resources=["people"]).counts["people"] == counts
    assert import_group(group, client_of(group), full=True, resources=["people"]).counts["people"] == counts
