"""How notifications travel: applications that are slow, dead or gone, and waiting for them."""

from __future__ import annotations

import threading

import pytest

from django_connec.sandbox import SandboxHub
from tests.sandbox.helpers import (
    ORG,
    OTHER,
    OTHER_KEY,
    connec,
    furnish,
    until,
)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/", "nonsense", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "http://["]
)
def test_nobody_answers(hub, api, address):
    hub.add_application(OTHER, OTHER_KEY, webhook_url=address)
    api.post("people", first_name="I")
    assert hub.flush()
    assert [(d.status, d.attempts) for d in hub.deliveries] == [(0, 4)]


def test_credentials_of_any_letters(hub, api, receiver):
    told = receiver()
    hub.add_application("app-ж", "kлюч", webhook_url=told.url)
    hub.add_group("cld-zh", api_id="app-ж", org=ORG)
    api.post("people", first_name="I")
    assert hub.flush()
    assert told.credentials == ["app-ж:kлюч"]


def test_a_slow_application_does_not_hold_up_the_others(hub, api, told, receiver):
    slow = receiver()
    slow.gate.clear()
    hub.add_application("app-0", "k", webhook_url=slow.url)
    hub.add_group("cld-slow", api_id="app-0", org=ORG)
    for n in range(3):
        api.post("people", first_name=f"{n}")
        assert until(lambda n=n: any(r["first_name"] == f"{n}" for r in told.records("people")))
    assert slow.reached.wait(10)
    assert slow.bodies == []
    assert not hub.flush(0.01)
    slow.gate.set()
    assert hub.flush()
    assert {r["first_name"] for r in slow.records("people")} == {"0", "1", "2"}


def test_flush_waits_for_what_was_noted_before_it(hub, api, told):
    for n in range(30):
        hub.create(ORG, "people", first_name=f"{n}")
        assert hub.flush()
        assert told.records("people")[-1]["first_name"] == f"{n}"


def test_flush_does_not_wait_for_what_is_noted_after_it(hub, told):
    told.gate.clear()
    hub.create(ORG, "people", first_name="first")
    assert told.reached.wait(10)
    flushed = threading.Event()
    waiter = threading.Thread(target=lambda: hub.flush() and flushed.set())
    waiter.start()
    # Its second delivery is refused until the end; the flush is about the first one.
    told.answers = [200, *[500] * 3]
    assert until(lambda: len(hub.notifier._condition._waiters) > 0)
    hub.create(ORG, "people", first_name="second")
    told.gate.set()
    assert flushed.wait(10)
    waiter.join(10)
    assert hub.flush()


def test_merged_meanwhile_is_told_once(hub, receiver, clock):
    told = receiver()
    hub = furnish(SandboxHub(clock=clock, delay=0.3))
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
    keeper, loser = (hub.create(ORG, "people", first_name=name)["id"] for name in "AB")
    hub.merge(ORG, "people", keeper, loser)
    assert hub.flush()
    hub.close()
    assert [r["first_name"] for r in told.records("people")] == ["A"]


def test_closing_does_not_wait_for_the_dead(clock):
    hub = furnish(SandboxHub(clock=clock, delay=0.0, attempts=100, back_off=600))
    hub.add_application(OTHER, OTHER_KEY, webhook_url="http://127.0.0.1:9/")
    hub.create(ORG, "people", first_name="I")
    assert until(lambda: hub.deliveries and hub.deliveries[0].attempts == 1)
    hub.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("connec-sandbox-webhooks")]


def test_one_broken_notification_does_not_stop_the_rest(hub, told, monkeypatch, caplog):
    real = hub.store.groups_of
    monkeypatch.setattr(hub.store, "groups_of", lambda org: 1 / 0)
    hub.create(ORG, "people", first_name="I")
    assert hub.flush()
    monkeypatch.setattr(hub.store, "groups_of", real)
    hub.create(ORG, "people", first_name="J")
    assert hub.flush()
    assert [r["first_name"] for r in told.records("people")] == ["J"]
    assert "could not be made" in caplog.text


def test_loading_tells_nobody(hub, told):
    hub.load(ORG, "people", [{"id": "p", "first_name": "I"}])
    assert hub.flush()
    assert told.bodies == []
    assert hub.get(ORG, "people", "p", external_ids=True)["id"] == [connec("p")]
