"""Synchronisation control by the platform, over the hub."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from django_connec import tasks
from django_connec.control import request_sync
from django_connec.leases import hold
from django_connec.models import ConnecGroup, Failure, SyncCursor, SyncRun
from django_connec.work import import_one
from tests.accounts.calls import call
from tests.app.models import Item, Person
from tests.conftest import ORG, connec_settings

# What is queued is queued after the commit.
pytestmark = pytest.mark.django_db(transaction=True)

STATUS = "default/synchronizations/cld-7p2k"
taken = []


def take(task, *args):
    taken.append((task.removeprefix("django_connec.tasks."), *args))


def refuse(task, *args):
    raise ConnectionError


@pytest.fixture(autouse=True)
def queue(hub, group, settings):
    """A queue that takes everything, and lets a test do it."""
    taken.clear()
    settings.CONNEC = {**connec_settings(hub.url), "DISPATCHER": f"{__name__}.take"}
    return taken


def work():
    while taken:
        name, *args = taken.pop(0)
        getattr(tasks, name)(*args)


def start(**options):
    body = {"group_id": "cld-7p2k", **({"opts": options} if options else {})}
    return call("POST", "default/synchronizations", body)


def state(path=STATUS):
    answer = call("GET", path)
    assert answer.status_code == 200
    return answer.json()


def test_from_never_to_done_and_both_ways(hub, group, company, queue):
    hub.load(ORG, "people", [{"first_name": "There"}])
    Person.objects.create(company=company, first_name="Here")
    taken.clear()
    assert state() == {"group_id": "cld-7p2k", "sync_enabled": True, "status": "DISABLED"}
    answer = start()
    assert answer.status_code == 201
    assert answer.json()["status"] == "ENQUEUED"
    assert queue == [("synchronise", group.pk, False, None)]
    assert start().json()["status"] == "ENQUEUED"
    assert len(queue) == 1, "one that waits is enough"
    work()
    assert {r["first_name"] for r in hub.records(ORG, "people")} == {"There", "Here"}
    assert set(Person.objects.values_list("first_name", flat=True)) == {"There", "Here"}
    done = state("synchronizations/cld-7p2k")
    assert (done["status"], done["message"]) == ("SUCCESS", None)
    assert done["updated_at"]
    hub.load(ORG, "people", [{"first_name": "Later"}])
    hub.clear_log()
    start()
    work()
    assert Person.objects.filter(first_name="Later").exists()
    assert SyncRun.objects.filter(kind="import").count() == 1
    assert SyncRun.objects.filter(kind="poll").count() == 1


def test_a_run_under_way_is_told_and_not_doubled(group, queue):
    with hold(f"read:{group.pk}"):
        assert state()["status"] == "RUNNING"
        assert start().json()["status"] == "RUNNING"
    assert queue == []


def test_a_run_whose_process_died_is_an_error(group):
    run = SyncRun.objects.create(group=group, kind="import")
    assert state()["status"] == "ERROR"
    SyncRun.objects.filter(pk=run.pk).update(state="paused", finished_at=timezone.now())
    assert state()["status"] == "RUNNING"
    SyncRun.objects.filter(pk=run.pk).update(finished_at=timezone.now() - dt.timedelta(hours=1))
    assert state()["status"] == "ERROR"


def test_a_lost_request_does_not_block_for_ever(group, queue):
    start()
    taken.clear()
    ConnecGroup.objects.update(sync_requested_at=timezone.now() - dt.timedelta(hours=1))
    assert state()["status"] == "DISABLED"
    assert start().json()["status"] == "ENQUEUED"
    assert len(queue) == 1


def test_a_request_that_the_queue_did_not_take_is_done_by_the_sweep(hub, group, company, settings):
    hub.load(ORG, "people", [{"first_name": "There"}])
    dead = {**settings.CONNEC, "DISPATCHER": f"{__name__}.refuse"}
    alive, settings.CONNEC = settings.CONNEC, dead
    start()
    settings.CONNEC = alive
    tasks.sweep()
    assert taken == [], "it may still be on its way"
    ConnecGroup.objects.update(sync_requested_at=timezone.now() - dt.timedelta(minutes=6))
    tasks.sweep()
    tasks.sweep()
    assert taken == [("synchronise", group.pk)]
    work()
    assert Person.objects.count() == 1


def test_a_request_during_a_run_is_not_lost(hub, group, company, queue):
    import_one(group)
    hub.load(ORG, "people", [{"first_name": "There"}])
    with hold(f"read:{group.pk}"):
        tasks.synchronise(group.pk)
    group.refresh_from_db()
    assert group.sync_requested_at is not None
    assert not Person.objects.exists()


def test_what_failed_is_told(hub, group, company, queue):
    hub.load(ORG, "people", [{"first_name": "x", "birth_date": "no date"}])
    start()
    work()
    assert Failure.objects.exists()
    told = state()
    assert (told["status"], told["message"]) == ("SUCCESS", "1 record failed.")
    hub.revoke(group.uid)
    start()
    work()
    assert state()["status"] == "ERROR"
    assert state()["message"]
    queue.clear()
    assert start().json()["status"] == "ERROR", "a stopped group is for the operator"
    assert queue == []


def test_full_and_partial(hub, group, company, queue):
    hub.load(ORG, "people", [{"first_name": "There"}])
    hub.load(ORG, "items", [{"name": "Hex bolt"}])
    start(only_entities=["People"])
    work()
    assert Person.objects.count() == 1
    assert not Item.objects.exists()
    import_one(group)
    hub.clear_log()
    start(full_sync=True)
    assert queue == [("synchronise", group.pk, True, None)]
    work()
    assert any("/people" in path for path in hub.paths("GET"))
    assert SyncCursor.objects.get(resource="people").imported_at


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "default/synchronizations", {"group_id": "cld-nobody"}, 404),
        ("POST", "default/synchronizations", {}, 400),
        ("POST", "default/synchronizations", [], 400),
        ("POST", "default/synchronizations", {"group_id": 5}, 400),
        ("POST", "default/synchronizations", {"group_id": "cld-7p2k", "opts": [1]}, 400),
        ("POST", "default/synchronizations", {"group_id": "cld-7p2k", "opts": {"only_entities": "x"}}, 400),
        ("POST", "default/synchronizations", {"group_id": "cld-7p2k", "opts": {"only_entities": ["ships"]}}, 400),
        ("PUT", "default/synchronizations/toggle_sync", {"group_id": "cld-nobody"}, 404),
        ("PUT", "default/synchronizations/toggle_sync", {}, 400),
        ("GET", "default/synchronizations/cld-nobody", None, 404),
    ],
)
def test_refusals_have_the_platforms_form(queue, method, path, body, status):
    answer = call(method, path, body)
    assert answer.status_code == status
    (error,) = answer.json()["errors"]
    assert error["code"] == status
    assert error["message"]
    assert queue == []


def test_toggling_switches_sharing_and_catches_up(hub, group, company, queue):
    toggle = ("PUT", "default/synchronizations/toggle_sync", {"group_id": "cld-7p2k"})
    assert call(*toggle).json()["sync_enabled"] is False
    group.refresh_from_db()
    assert not group.is_linked
    assert start().json()["sync_enabled"] is False
    assert queue == []
    assert request_sync(group) is False
    Person.objects.create(company=company, first_name="Meanwhile")
    work()
    assert hub.paths() == []
    answer = call(*toggle).json()
    assert (answer["sync_enabled"], answer["status"]) == (True, "ENQUEUED")
    work()
    assert [r["first_name"] for r in hub.records(ORG, "people")] == ["Meanwhile"]


def test_only_the_marketplaces_own_groups_and_keys(group, settings):
    second = {"API_ID": "app-2", "API_KEY": "second", "CONNEC_HOST": "http://127.0.0.1:9"}
    known = settings.CONNEC["MARKETPLACES"]
    settings.CONNEC = {**settings.CONNEC, "MARKETPLACES": {**known, "second": second}}
    assert call("GET", "second/synchronizations/cld-7p2k", user="app-2", password="second").status_code == 404
    assert call("GET", STATUS, user="app-2", password="second").status_code == 401
    assert call("GET", "third/synchronizations/cld-7p2k").status_code == 404
    body = {"group_id": "cld-7p2k"}
    for method, path in (("POST", "synchronizations"), ("PUT", "synchronizations/toggle_sync")):
        assert call(method, f"default/{path}", body, password="wrong").status_code == 401
        assert call(method, f"second/{path}", body, user="app-2", password="second").status_code == 404
    group.refresh_from_db()
    assert group.sharing_enabled


def test_a_cancelled_group_is_not_found(group):
    group.unlink()
    assert call("GET", STATUS).status_code == 404
    assert start().status_code == 404


def test_one_request_that_waits_is_enough_unless_more_is_asked_for(group, queue):
    assert request_sync(group)
    assert not request_sync(group)
    assert request_sync(group, full=True)
    assert request_sync(group, resources=["people"])
    assert len(queue) == 3
