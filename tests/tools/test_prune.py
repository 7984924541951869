"""connec_prune: old things go, in small batches; what is still to be done or protects a row stays."""

from __future__ import annotations

import datetime as dt

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_connec import tasks
from django_connec.inbound import apply_records
from django_connec.models import Conflict, ConnecGroup, Failure, Notification, SyncRun, Tombstone
from django_connec.operating import pruning
from django_connec.operating.pruning import prune_all
from tests.app.models import Person
from tests.conftest import connec_settings
from tests.tools.running import run, run_json

pytestmark = pytest.mark.django_db


def ago(days):
    return timezone.now() - dt.timedelta(days=days)


@pytest.fixture
def kept_and_old(group, company):
    """Of each kind one row for each reason to be kept, named ``keep``, and one that is too old, named ``old``."""
    pending = Person.objects.create(company=company, first_name="Ines")
    settled = Person.objects.create(company=company, first_name="Jo")
    Person.objects.filter(pk=settled.pk).update(connec_changed_at=None)
    for days, state, name in (
        (29, "applied", "keep"), (400, "waiting", "keep"),
        (31, "applied", "old"), (31, "failed", "old"), (31, "unreadable", "old"),
    ):  # fmt: skip
        Notification.objects.create(marketplace="default", body=b"{}", state=state, received_at=ago(days), error=name)
    quiet = ConnecGroup.objects.create(uid="cld-quiet")
    for of, days, name in ((group, 91, "old"), (group, 89, "keep"), (quiet, 800, "old"), (quiet, 700, "keep")):
        SyncRun.objects.create(group=of, kind="poll", started_at=ago(days), error=name)
    for decision, found, at, name in (
        ("open", 9000, None, "keep"), ("local", 9000, 364, "keep"), ("local", 9000, 366, "old"),
        ("connec", 366, None, "old"), ("connec", 364, None, "keep"),
        # Chosen, and the hub's value has still to be fetched.
        ("chosen", 9000, None, "keep"),
    ):  # fmt: skip
        Conflict.objects.create(
            group=group, kind="field", resource="people", model_label="app.person", decision=decision,
            found_at=ago(found), settled_at=ago(at) if at else None, field=name,
        )  # fmt: skip
    for dead, days, direction, label, key, name in (
        (False, 9000, "pull", "", "a", "keep"),
        (True, 364, "pull", "", "b", "keep"),
        (True, 366, "pull", "", "c", "old"),
        (True, 9000, "push", "app.person", str(pending.pk), "keep"),
        (True, 9000, "push", "app.person", str(settled.pk), "old"),
    ):
        Failure.objects.create(
            group=group, direction=direction, resource="people", model_label=label, object_id=key,
            is_dead=dead, last_failed_at=ago(days), message=name,
        )  # fmt: skip
    for status, deleted, sent, dead, name in (
        ("INACTIVE", 9000, None, False, "keep"), ("INACTIVE", 9000, None, True, "keep"),
        ("INACTIVE", 9000, 1824, False, "keep"), ("INACTIVE", 9000, 1826, False, "old"),
        ("", 1824, None, False, "keep"), ("", 1826, None, False, "old"),
    ):  # fmt: skip
        Tombstone.objects.create(
            group=group, resource="people", model_label="app.person", object_id="1", status=status,
            deleted_at=ago(deleted), sent_at=ago(sent) if sent else None, is_dead=dead, message=name,
        )  # fmt: skip
    return {"deliveries": 3, "runs": 2, "conflicts": 2, "failures": 2, "tombstones": 2}


NAMES = [(Notification, "error"), (SyncRun, "error"), (Conflict, "field"), (Failure, "message"), (Tombstone, "message")]


def test_only_what_is_old_and_done_goes(hub, kept_and_old):
    kept = {model: model.objects.filter(**{name: "keep"}).count() for model, name in NAMES}
    found, code = run_json("connec_prune")
    assert (found["counts"], code) == (kept_and_old, 0)
    for model, name in NAMES:
        assert set(model.objects.values_list(name, flat=True)) == {"keep"}, model
        assert model.objects.count() == kept[model]


def test_dry_run_counts_and_removes_nothing(hub, kept_and_old):
    found, _ = run_json("connec_prune", "--dry-run")
    assert found == {"dry_run": True, "counts": kept_and_old}
    assert all(model.objects.filter(**{name: "old"}).exists() for model, name in NAMES)
    assert "3 deliveries to be removed" in run("connec_prune", "--dry-run")[0]


def test_days_are_the_settings(hub, group, settings):
    Notification.objects.create(marketplace="default", body=b"{}", state="applied", received_at=ago(3))
    settings.CONNEC = connec_settings(hub.url) | {"DELIVERY_DAYS": 2}
    assert prune_all().counts["deliveries"] == 1


def test_batches_are_bounded_and_kept_rows_do_not_stop_the_walk(group, company, monkeypatch):
    monkeypatch.setattr(pruning, "BATCH", 10)
    people = Person.objects.bulk_create([Person(company=company) for _ in range(25)])
    for key in [*(str(p.pk) for p in people), *(f"gone-{n}" for n in range(35))]:
        Failure.objects.create(
            group=group, direction="push", resource="people", model_label="app.person", object_id=key,
            is_dead=True, last_failed_at=ago(400), message="no",
        )  # fmt: skip
    with CaptureQueriesContext(connection) as captured:
        assert prune_all().counts["failures"] == 35
    sizes = [q["sql"].count(",") + 1 for q in captured.captured_queries if q["sql"].startswith("DELETE")]
    assert sizes
    assert max(sizes) <= 10
    assert Failure.objects.count() == 25


def test_given_up_row_is_not_sent_again_because_its_failure_is_old(hub, group, company):
    from tests.conftest import drain

    person = Person.objects.create(company=company, first_name="Ines")
    Failure.objects.create(
        group=group, direction="push", resource="people", model_label="app.person", object_id=str(person.pk),
        is_dead=True, last_failed_at=ago(4000), message="no",
    )  # fmt: skip
    prune_all()
    assert drain(group).drained.pushed == 0


def test_deleted_row_stays_deleted_after_a_clean_up(hub, group, company):
    from tests.conftest import drain

    person = Person.objects.create(company=company, first_name="Ines")
    drain(group)
    person.refresh_from_db()
    connec_id = person.connec_id
    person.delete()
    drain(group)
    Tombstone.objects.update(sent_at=ago(1000), deleted_at=ago(1000))
    prune_all()
    record = {"id": connec_id, "first_name": "Ines", "status": "INACTIVE", "updated_at": "2030-01-01T00:00:00Z"}
    assert apply_records(group, "people", [record], source="webhook").ignored == 1
    assert not Person.objects.exists()


def test_task_goes_on_in_the_next_slice(group, monkeypatch):
    queued = []
    monkeypatch.setattr(tasks, "enqueue", lambda *args: queued.append(args))
    monkeypatch.setattr(tasks, "SLICE_SECONDS", 0.0)
    monkeypatch.setattr(pruning, "BATCH", 2)
    for _ in range(3):
        Notification.objects.create(marketplace="default", body=b"{}", state="applied", received_at=ago(31))
    tasks.prune()
    assert (Notification.objects.count(), queued) == (1, [("prune",)])
    tasks.prune()
    queued.clear()
    tasks.prune()
    assert (Notification.objects.count(), queued) == (0, [])


def test_schedule_runs_it_daily():
    from django_q.models import Schedule

    run("connec_schedule")
    schedule = Schedule.objects.get(name="connec prune")
    assert (schedule.func, schedule.minutes, schedule.repeats) == ("django_connec.tasks.prune", 1440, -1)
    assert timezone.now() <= schedule.next_run <= timezone.now() + dt.timedelta(days=1)
    run("connec_schedule", "--remove")
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        ("TOMBSTONE_DAYS", 0, "E004"),
        ("TOMBSTONE_DAYS", 30, "W004"),
        ("DELIVERY_DAYS", -1, "E004"),
        ("RUN_DAYS", 10**9, "E004"),
        ("CONFLICT_DAYS", "90", "E003"),
        ("FAILURE_DAYS", True, "E003"),
    ],
)
def test_nonsensical_retention_is_named(settings, key, value, code):
    settings.CONNEC = {**settings.CONNEC, key: value}
    found = [m for m in run_checks(tags=["connec"]) if key in m.msg]
    assert [m.id for m in found] == [f"django_connec.{code}"]
    assert found[0].hint


def test_generous_retention_is_silent(settings):
    settings.CONNEC = {**settings.CONNEC, "TOMBSTONE_DAYS": 36500, "RUN_DAYS": 1}
    assert not [m for m in run_checks(tags=["connec"]) if "DAYS" in m.msg]
