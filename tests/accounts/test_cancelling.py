"""Cancelling while work is under way: it ends at its next step, loses nothing, and goes on after a new link."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from django_connec.models import ConnecGroup, SyncCursor, SyncRun
from django_connec.reading import import_group, poll_group
from django_connec.signals import records_applied, records_pushed
from django_connec.tasks import drain_group
from django_connec.tasks import import_group as import_task
from django_connec.webhooks.deliveries import apply_delivery, store
from django_connec.work import client_of, import_one
from tests.accounts.calls import call
from tests.app.models import Item, Person
from tests.conftest import ORG, connec_settings, drain

# Receivers of records_applied are told after the commit.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _small_steps(hub, settings, monkeypatch):
    settings.CONNEC = {**connec_settings(hub.url), "BATCH_SIZE": 2, "PAGE_SIZE": 2, "IMPORT_THREADS": 1}
    monkeypatch.setattr("django_connec.inbound.apply.CHUNK", 2)


@contextmanager
def once(signal, act):
    done = []

    def receiver(sender, **kwargs):
        if not done:
            done.append(True)
            act()

    signal.connect(receiver)
    try:
        yield done
    finally:
        signal.disconnect(receiver)


def cancel():
    assert call("DELETE", "account/groups/cld-7p2k").status_code == 200


def switch_people(pull=True, push=True):
    entities = {"people": {"pull": pull, "push": push}}
    ConnecGroup.objects.update(entities=entities)


def load(hub, count):
    hub.load(ORG, "people", [{"first_name": f"Person {n}"} for n in range(count)])


def make(company, count):
    for n in range(count):
        Person.objects.create(company=company, first_name=f"Person {n}")


def test_drain_under_way_stops_at_its_next_batch(hub, group, company):
    make(company, 7)
    with once(records_pushed, cancel) as done:
        drain_group(group.pk)
    assert done
    assert hub.operations == 2
    assert Person.objects.filter(connec_changed_at__isnull=False).count() == 5
    drain_group(group.pk)
    assert hub.operations == 2
    group.refresh_from_db()
    assert group.stopped_at is None
    group.link()
    assert drain(group).drained.pushed == 5
    assert len(hub.records(ORG, "people")) == 7


def test_deletions_under_way_stop_at_their_next_batch(hub, group, company, monkeypatch):
    make(company, 5)
    drain(group)
    Person.objects.all().delete()
    hub.clear_log()
    monkeypatch.setattr("django_connec.outbound.afterwards.update_rows", cancelling("update_rows"))
    drain_group(group.pk)
    assert hub.operations == 2


def cancelling(name):
    from django_connec.outbound import afterwards

    real = getattr(afterwards, name)

    def act(*args, **kwargs):
        real(*args, **kwargs)
        cancel()

    return act


def test_import_under_way_stops_at_its_next_page(hub, group, company):
    load(hub, 9)
    with once(records_applied, cancel) as done:
        run = import_one(group, resources=["people"])
    assert done
    assert run.state == SyncRun.State.ENDED
    assert Person.objects.count() == 2
    assert len(hub.paths("GET")) <= 2
    import_task(group.pk)
    assert len(hub.paths("GET")) <= 2
    cursor = SyncCursor.objects.get(resource="people")
    assert (cursor.import_skip, cursor.imported_at) == (2, None)
    group.link()
    assert import_one(group, resources=["people"]).state == SyncRun.State.SUCCEEDED
    assert Person.objects.count() == 9


def test_poll_under_way_stops_and_its_cursor_stays(hub, group, company):
    import_group(group, client_of(group))
    before = SyncCursor.objects.get(resource="people").polled_from
    load(hub, 9)
    with once(records_applied, cancel):
        assert poll_group(group, client_of(group)).state == SyncRun.State.ENDED
    assert Person.objects.count() == 2
    assert SyncCursor.objects.get(resource="people").polled_from == before
    group.link()
    poll_group(group, client_of(group))
    assert Person.objects.count() == 9


def test_delivery_under_way_stops_at_its_next_chunk(hub, group, company):
    records = [{"id": f"id-{n}", "group_id": group.uid, "first_name": f"Person {n}"} for n in range(6)]
    store("default", json.dumps({"people": records}).encode())
    from django_connec.models import Notification

    with once(records_applied, cancel):
        outcome = apply_delivery(Notification.objects.get().pk)
    assert Person.objects.count() == 2
    assert outcome.ignored == 4


def test_resource_switched_off_under_way_stops_alone(hub, group, company):
    make(company, 5)
    Item.objects.create(company=company, name="Hex bolt")
    with once(records_pushed, lambda: switch_people(push=False)):
        drain(group)
    assert Person.objects.filter(connec_changed_at__isnull=False).count() == 3
    assert Item.objects.get().connec_id, "the others go on"
    switch_people()
    drain(group)
    assert not Person.objects.filter(connec_changed_at__isnull=False).exists()


def test_resource_switched_off_in_its_own_import_is_read_when_it_is_on_again(hub, group, company):
    load(hub, 9)
    hub.load(ORG, "items", [{"name": "Hex bolt"}])
    with once(records_applied, lambda: switch_people(pull=False)):
        assert import_one(group, resources=["people", "items"]).state == SyncRun.State.SUCCEEDED
    assert Person.objects.count() == 2
    assert SyncCursor.objects.get(resource="items").imported_at is not None
    switch_people()
    poll_group(group, client_of(group))
    assert Person.objects.count() == 9


def test_without_historical_data_a_second_link_hides_nothing(hub, group, company):
    group.historical_data = False
    group.save()
    group.link()
    since = group.linked_at
    group.unlink()
    group.link()
    assert group.linked_at == since
