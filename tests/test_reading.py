"""Import and poll: exact, resumable, and never ahead of what was read."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_connec.client import ConnecClient, ConnecUnavailable
from django_connec.models import Failure, Notification, ParkedRecord, SyncCursor, SyncRun
from django_connec.reading import import_group, poll_group
from django_connec.sandbox import Behaviour, Fault
from django_connec.work import client_of
from tests.app.models import Item, Organization, Person
from tests.conftest import ORG
from tests.processes import wait_until
from tests.test_loop import load_people

pytestmark = pytest.mark.django_db


def test_killed_import_goes_on_where_it_was(hub, group, company, monkeypatch):
    load_people(hub, 1, 450)
    original = ConnecClient.page

    def page(self, group_uid, resource, **options):
        if resource == "people" and options["skip"] >= 200:
            raise ConnecUnavailable("killed")
        return original(self, group_uid, resource, **options)

    monkeypatch.setattr(ConnecClient, "page", page)
    import_group(group, client_of(group))
    monkeypatch.setattr(ConnecClient, "page", original)
    done = Person.objects.count()
    cursor = SyncCursor.objects.get(resource="people")
    assert cursor.import_skip == done
    assert 0 < done <= 200
    hub.calls.clear()
    run = import_group(group, client_of(group))
    assert run.counts["people"] == {"created": 450 - done}
    assert Person.objects.count() == 450
    assert SyncCursor.objects.get(resource="people").import_started is None


def test_import_in_the_queue_goes_on_slice_by_slice(hub, group, company, monkeypatch, settings):
    from django_connec import tasks

    load_people(hub, 1, 450)
    queued = []
    monkeypatch.setattr(tasks, "enqueue", lambda task, *args: queued.append((task, args)))
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0.0)
    slices = 0
    queued.append(("import_group", (group.pk,)))
    while queued and queued[0][0] == "import_group" and slices < 30:
        _, args = queued.pop()
        tasks.import_group(*args)
        slices += 1
    assert Person.objects.count() == 450
    # A page of people a slice.
    assert slices == 5
    assert SyncRun.objects.filter(kind="import", state=SyncRun.State.PAUSED).count() == slices - 1


def test_cursor_is_the_beginning_of_the_last_run_by_the_hubs_clock(hub, group, company):
    now = dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC)
    hub.clock = lambda: now
    load_people(hub, 1, 1)
    import_group(group, client_of(group))
    assert SyncCursor.objects.get(resource="people").polled_from == now
    now = dt.datetime(2020, 1, 1, 13, tzinfo=dt.UTC)
    poll_group(group, client_of(group))
    assert SyncCursor.objects.get(resource="people").polled_from == now


def test_failed_poll_does_not_move_the_cursor(hub, group, company):
    load_people(hub, 1, 1)
    import_group(group, client_of(group))
    before = SyncCursor.objects.get(resource="people").polled_from
    hub.faults.add(Fault("status", times=3, status=500, path="/people"))
    run = poll_group(group, client_of(group))
    assert run.state == SyncRun.State.FAILED
    assert SyncCursor.objects.get(resource="people").polled_from == before
    hub.update(ORG, "people", "person-uuid-0", first_name="Changed")
    assert poll_group(group, client_of(group)).state == SyncRun.State.SUCCEEDED
    assert Person.objects.get().first_name == "Changed"


def test_poll_reads_only_what_changed(hub, group, company):
    load_people(hub, 1, 250)
    import_group(group, client_of(group))
    later = timezone.now() + dt.timedelta(minutes=10)
    hub.clock = lambda: later
    hub.update(ORG, "people", "person-uuid-7", first_name="Changed")
    run = poll_group(group, client_of(group))
    assert run.counts["people"] == {"updated": 1}


def test_record_that_slides_over_a_border_is_not_lost(hub, group, company, monkeypatch):
    load_people(hub, 1, 250)
    original = ConnecClient.page
    walks = []

    def page(self, group_uid, resource, **options):
        answer = original(self, group_uid, resource, **options)
        if resource == "people" and options["skip"] == 100 and not walks:
            walks.append(1)
            # The first record of this page was on the one before when that was read, and the other way round.
            answer.records[0] = original(self, group_uid, resource, **{**options, "skip": 0}).records[0]
        return answer

    monkeypatch.setattr(ConnecClient, "page", page)
    import_group(group, client_of(group))
    assert Person.objects.count() == 250


def test_hub_that_gives_smaller_pages_leaves_no_hole(hub, group, company):
    hub.behaviour = Behaviour(page_cap=30)
    load_people(hub, 1, 250)
    import_group(group, client_of(group))
    assert Person.objects.count() == 250


def test_dry_run_writes_nothing_and_pushes_nothing(hub, group, company):
    load_people(hub, 3, 120)
    hub.load(ORG, "people", [{"id": "bad", "first_name": "x", "birth_date": "no date"}])
    Person.objects.create(company=company, first_name="Mine")
    with CaptureQueriesContext(connection) as captured:
        run = import_group(group, client_of(group), dry_run=True)
    assert run.counts["people"] == {"created": 120, "failed": 1}
    assert run.pk is None
    writes = [q["sql"] for q in captured if not q["sql"].startswith("SELECT")]
    assert writes == []
    assert Person.objects.count() == 1
    assert not SyncRun.objects.exists()
    assert hub.paths("POST") == hub.paths("PUT") == []


def test_dry_run_after_an_import_sees_no_change(hub, group, company):
    load_people(hub, 3, 120)
    import_group(group, client_of(group))
    assert import_group(group, client_of(group), dry_run=True).counts["people"] == {"unchanged": 120}


def test_memory_of_pages_is_bounded(hub, group, company):
    from django_connec.reading.pages import fetch_ahead

    load_people(hub, 1, 950)
    pages = fetch_ahead(client_of(group), group.uid, "people", threads=3)
    next(pages)
    next(pages)
    hub.calls.clear()
    pages.close()
    fetched = [path for path in hub.paths("GET") if path.endswith("/people")]
    assert len(fetched) <= 4


def test_pages_that_came_meanwhile_are_applied_together(hub, group, company):
    from django_connec.reading.pages import fetch_together

    load_people(hub, 1, 950)
    pages = fetch_together(client_of(group), group.uid, "people", threads=3, together=4)
    taken = [next(pages), next(pages)]
    assert len(taken[0]) == 1, "nobody waits for more than the first"
    # Three threads have answers to all but the last three of these.
    wait_until(lambda: len([path for path in hub.paths("GET") if path.endswith("/people")]) >= 7)
    taken += pages
    assert 2 <= max(len(together) for together in taken) <= 4
    ids = [str(record["id"]) for together in taken for page in together for record in page.records]
    assert len(ids) == len(set(ids)) == 950


def test_since_and_resource(hub, group, company):
    hub.load(ORG, "organizations", [{"id": "a", "name": "Old", "updated_at": "2015-01-01T00:00:00Z"}])
    hub.load(ORG, "organizations", [{"id": "b", "name": "New", "updated_at": "2019-01-01T00:00:00Z"}])
    load_people(hub, 1, 0)
    call_command("connec_import", resource=["organizations"], since="2018-01-01T00:00:00Z", stdout=StringIO())
    names = set(Organization.objects.values_list("name", flat=True))
    assert "New" in names
    assert "Old" not in names
    # A partial read is no import: the next one still reads everything.
    assert SyncCursor.objects.get(resource="organizations").imported_at is None


def run(name, *args, **options):
    out = StringIO()
    try:
        call_command(name, *args, stdout=out, stderr=StringIO(), **options)
    except CommandError as error:
        return error.returncode, out.getvalue(), str(error)
    return 0, out.getvalue(), ""


def test_import_prints_a_summary(hub, group, company):
    load_people(hub)
    code, out, _ = run("connec_import")
    assert code == 0
    assert "organizations: 40 created" in out
    assert "people: 250 created" in out
    code, out, _ = run("connec_import", "--json")
    assert json.loads(out)["groups"]["cld-7p2k"]["counts"]["people"] == {"unchanged": 250}


def test_exit_codes(hub, group, company):
    load_people(hub, 1, 1)
    hub.load(ORG, "people", [{"id": "bad", "first_name": "x", "birth_date": "no date"}])
    assert run("connec_import")[0] == 1
    assert run("connec_import", "--group", "cld-nowhere")[0] == 2
    assert run("connec_import", "--marketplace", "nowhere")[0] == 2
    code, _, message = run("connec_import", "--resource", "spaceships")
    assert code == 2
    assert "people" in message
    assert run("connec_import", "--since", "yesterday")[0] == 2
    assert run("connec_status")[0] == 1
    Failure.objects.all().delete()
    assert run("connec_status")[0] == 0
    hub.faults.add(Fault("status", times=3, status=500, path="/organizations"))
    assert run("connec_sync")[0] == 2
    group.unlink()
    assert run("connec_push", "--group", group.uid)[0] == 2


def test_missing_configuration_is_two(group, settings):
    del settings.CONNEC
    code, _, message = run("connec_drain")
    assert code == 2
    assert "CONNEC" in message


def test_drain_does_all_due_work_once(hub, group, company):
    hub.load(ORG, "organizations", [{"id": "org-1", "name": "Pelican"}])
    body = {"people": [{"id": "p", "first_name": "A", "organization_id": "org-1", "group_id": group.uid}]}
    Notification.objects.create(marketplace="default", body=json.dumps(body).encode(), waiting_key="x")
    Item.objects.create(company=company, name="Bolt")
    hub.load(ORG, "people", [{"id": "p", "first_name": "A", "organization_id": "org-1"}])
    code, out, _ = run("connec_drain", "--json")
    assert code == 0, out
    summary = json.loads(out)
    assert summary["deliveries"] == 1
    assert summary["groups"][group.uid]["pushed"]["items"]["pushed"] == 1
    assert Person.objects.get().employer.name == "Pelican"
    assert not ParkedRecord.objects.exists()
    assert "nothing to do" in run("connec_drain")[1]


def test_status_shows_what_waits(hub, group, company):
    Item.objects.create(company=company, name="Bolt")
    code, out, _ = run("connec_status", "--json")
    assert code == 0
    (status,) = json.loads(out)["groups"]
    items = next(r for r in status["resources"] if r["resource"] == "items")
    assert items["pending"] == 1
    assert status["in_step"] is False
    run("connec_drain")
    assert json.loads(run("connec_status", "--json")[1])["groups"][0]["in_step"] is True


def test_schedule_installs_once_and_keeps_its_minute(group):
    from django_q.models import Schedule

    run("connec_schedule")
    first = Schedule.objects.get(name="connec poll").next_run
    run("connec_schedule")
    assert Schedule.objects.filter(name__startswith="connec").count() == 3
    assert Schedule.objects.get(name="connec poll").next_run == first
    run("connec_schedule", "--remove")
    assert not Schedule.objects.exists()


def test_refused_credentials_stop_the_group(hub, group, company):
    hub.revoke(group.uid)
    assert run("connec_import")[0] == 2
    group.refresh_from_db()
    assert group.stopped_at is not None
    assert run("connec_import", "--group", group.uid)[0] == 2
