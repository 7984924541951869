"""Notifications (Connec! API v2, section 4; Maestrano SDK, section E2)."""

from __future__ import annotations

import pytest

from django_connec.sandbox import SandboxHub
from tests.sandbox.helpers import (
    APP,
    KEY,
    ORG,
    OTHER,
    OTHER_GROUP,
    OTHER_KEY,
    connec,
    control,
    furnish,
    own,
)


def test_others_are_told_what_changed(hub, api, told):
    """Connec! API v2, section 4.2: POST, JSON, Basic auth with the receiver's own key; resource -> LIST of entities."""
    person = api.post("people", id=[own("41")], first_name="Ines").json()["people"]
    assert hub.flush()
    assert told.credentials == [f"{OTHER}:{OTHER_KEY}"]
    assert told.types == ["application/json"]
    (body,) = told.bodies
    assert list(body) == ["people"]
    (record,) = body["people"]
    assert record == person | {"group_id": OTHER_GROUP, "id": [connec(person["id"]), own("41")]}
    api.put("people", person["id"], title="Ms.")
    assert hub.flush()
    assert told.bodies[1]["people"][0]["title"] == "Ms."
    assert told.bodies[1]["people"][0]["first_name"] == "Ines"


def test_address_has_the_tenant(hub, api, receiver):
    """Maestrano SDK, section E2: POST /maestrano/connec/notifications/:tenant."""
    told = receiver()
    host = told.url.removesuffix("/notifications")
    hub.add_application(OTHER, OTHER_KEY, host=host, marketplace="eu")
    api.post("people", first_name="Ines")
    assert hub.flush()
    assert told.paths == ["/maestrano/connec/notifications/eu"]


def test_nothing_is_signed_stamped_or_numbered(hub, api, told):
    """Maestrano SDK, section E2: no signature, timestamp, delivery id."""
    api.post("people", first_name="Ines")
    assert hub.flush()
    transport = {"host", "user-agent", "accept", "accept-encoding", "connection", "content-length"}
    assert told.headers[0] - transport == {"authorization", "content-type"}
    assert list(told.bodies[0]) == ["people"]


def test_records_are_of_the_receivers_group_in_the_form_of_its_own_reading(hub, api, other, told):
    """Maestrano SDK, section E2: {…full entity, group_id}."""
    id = api.post("organizations", name="Pelican", website={"url": "https://p.example"}).json()["organizations"]["id"]
    assert hub.flush()
    assert told.records("organizations") == [other.get(f"organizations/{id}").json()["organizations"]]
    assert told.records("organizations")[0]["group_id"] == OTHER_GROUP


@pytest.mark.parametrize("status", ["INACTIVE", "ARCHIVED"])
def test_deletion_is_a_status(hub, api, told, status):
    """Connec! API v2, section 4.3: no delete event; an update with status."""
    id = api.post("people", first_name="Ines").json()["people"]["id"]
    hub.flush()
    api.put("people", id, status=status)
    assert hub.flush()
    assert [record["status"] for record in told.records("people")][1:] == [status]


def test_a_change_that_changes_nothing_is_none(hub, api, told):
    """Connec! API v2, section 4.3: what changed."""
    person = api.post("people", first_name="Ines").json()["people"]
    hub.flush()
    api.put("people", person["id"], first_name="Ines")
    api.put("people", person["id"], id=[own("41")])
    api.put("people", "nobody", first_name="X")
    api.post("people", title="nameless")
    assert hub.flush()
    assert len(told.bodies) == 1


def test_never_to_the_writer_unless_it_wants_its_echo(hub, api, other, receiver):
    """Connec! API v2, section 4.3: what changed in OTHER systems; an echo is not established, so a setting."""
    mine = receiver()
    hub.add_application(APP, KEY, webhook_url=mine.url)
    id = api.post("people", first_name="Ines").json()["people"]["id"]
    assert hub.flush()
    assert mine.bodies == []
    other.put("people", id, first_name="Theirs")
    hub.update(ORG, "people", id, first_name="A person's")
    assert hub.flush()
    assert {r["first_name"] for r in mine.records("people")} <= {"Theirs", "A person's"}
    assert mine.records("people")[-1]["first_name"] == "A person's"
    hub.add_application(APP, KEY, webhook_url=mine.url, echo=True)
    api.put("people", id, first_name="Mine")
    assert hub.flush()
    assert mine.records("people")[-1]["first_name"] == "Mine"


def test_subscription(hub, api, receiver):
    """Connec! API v2, section 4.1: only subscribed resources are sent."""
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url, resources=["items"])
    api.batch([api.op("post", "people", people={"first_name": "I"}), api.op("post", "items", items={"name": "B"})])
    assert hub.flush()
    assert [list(body) for body in told.bodies] == [["items"]]


def test_the_external_ids_flag(hub, api, receiver):
    """Connec! API v2, section 4.1: decides the id form inside notifications."""
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url, external_ids=False)
    organization = api.post("organizations", name="Pelican").json()["organizations"]["id"]
    person = api.post("people", first_name="I", organization_id=organization).json()["people"]["id"]
    assert hub.flush()
    (record,) = told.records("people")
    assert (record["id"], record["organization_id"]) == (person, organization)


def test_several_entities_and_groups_in_one_call(clock, receiver):
    """Connec! API v2, section 4.2: buffered; several entities a request, of different groups together."""
    told = receiver()
    hub = furnish(SandboxHub(clock=clock, delay=0.3, back_off=0.01))
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
    hub.add_group("cld-55yy", api_id=OTHER, org=ORG)
    hub.add_group("cld-66xx", api_id=OTHER, org="org-far")
    first = hub.create(ORG, "people", first_name="One")
    hub.create("org-far", "people", first_name="Far")
    hub.create("org-none", "people", first_name="Nobody's")
    hub.create(ORG, "items", name="Bolt")
    hub.update(ORG, "people", first["id"], first_name="Newest")
    assert hub.flush()
    hub.close()
    (body,) = told.bodies
    assert [(r["group_id"], r["first_name"]) for r in body["people"]] == [
        (OTHER_GROUP, "Newest"),
        ("cld-55yy", "Newest"),
        ("cld-66xx", "Far"),
    ]
    assert [r["group_id"] for r in body["items"]] == [OTHER_GROUP, "cld-55yy"]
    assert [(d.api_id, d.records, d.status, d.attempts) for d in hub.deliveries] == [(OTHER, 5, 200, 1)]


def test_changes_are_collected_for_a_while(clock, receiver):
    """Connec! API v2, section 4.2: buffered; for how long is not documented, and a setting."""
    told = receiver()
    with furnish(SandboxHub(clock=clock, delay=600)) as hub:
        hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
        hub.create(ORG, "people", first_name="Ines")
        assert not told.reached.wait(0.3)
        assert list(hub.deliveries) == []


def test_company_in_either_form(hub, api, told):
    """Connec! API v2, section 4.2: whether it comes as an object or a list is unknown."""
    api.call("PUT", "company", {"company": {"name": "Pelican"}})
    hub.flush()
    assert [record["name"] for record in told.bodies[0]["company"]] == ["Pelican"]
    hub.notifier.singular_as_list = False
    hub.update(ORG, "company", hub.records(ORG, "company")[0]["id"], name="Pelican Pty")
    hub.flush()
    assert told.bodies[1]["company"]["name"] == "Pelican Pty"
    assert hub.create(ORG, "company", name="Still one")["name"] == "Still one"
    assert len(hub.records(ORG, "company")) == 1


def test_a_revoked_group_is_not_told(hub, api, told):
    """Connec! API v2, section 1.2: access is revoked."""
    hub.revoke(OTHER_GROUP)
    api.post("people", first_name="I")
    assert hub.flush()
    assert told.bodies == []
    assert hub.deliveries == []


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_accepted(hub, api, told, status):
    """Connec! API v2, section 4.3: any 2xx is accepted."""
    told.answers = [status]
    api.post("people", first_name="I")
    assert hub.flush()
    assert [(d.status, d.attempts) for d in hub.deliveries] == [(status, 1)]


def test_retried_until_accepted(hub, api, told):
    """Connec! API v2, section 4.3: retries are not documented; here they go on until a 2xx."""
    told.answers = [500, 401, 302]
    api.post("people", first_name="I")
    assert hub.flush()
    assert len(told.bodies) == 4
    assert all(body == told.bodies[0] for body in told.bodies)
    (delivery,) = hub.deliveries
    assert (delivery.api_id, delivery.records, delivery.status, delivery.attempts) == (OTHER, 1, 200, 4)
    assert delivery.milliseconds > 0


def test_every_further_try_waits_twice_as_long(clock, receiver):
    """Connec! API v2, section 4.3: retries are not documented; here the back-off is a setting."""
    told = receiver([500, 500, 500])
    with furnish(SandboxHub(clock=clock, delay=0, back_off=0.05, attempts=4)) as hub:
        hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
        hub.create(ORG, "people", first_name="Ines")
        assert hub.flush()
    waits = [after - before for before, after in zip(told.times, told.times[1:], strict=False)]
    assert len(waits) == 3
    assert all(wait >= least for wait, least in zip(waits, (0.05, 0.1, 0.2), strict=True))


def test_the_log_holds_every_attempt_with_its_answer(hub, api, told):
    """Connec! API v2, section 4.3: what the log of deliveries says of each."""
    told.answers = [500, 200]
    api.post("people", first_name="I")
    assert hub.flush()
    (delivery,) = hub.deliveries
    assert [(one.status, one.milliseconds > 0) for one in delivery.tries] == [(500, True), (200, True)]
    hub.add_application(OTHER, OTHER_KEY, webhook_url="http://127.0.0.1:9/")
    api.post("people", first_name="J")
    assert hub.flush()
    assert {one.answer for one in hub.deliveries[1].tries} == {"ConnectionError"}


def test_many_records_take_several_calls(clock, receiver):
    """Connec! API v2, section 4.2: buffered; how much fits into one call is not documented."""
    told = receiver()
    with furnish(SandboxHub(clock=clock, delay=0.05, at_most=3)) as hub:
        hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
        hub.load(ORG, "people", [{"id": f"{n}", "first_name": f"{n}"} for n in range(8)], notify=True)
        assert hub.flush()
        assert max(delivery.records for delivery in hub.deliveries) <= 3
    assert [record["first_name"] for record in told.records("people")] == [f"{n}" for n in range(8)]


def test_subscriptions_can_change(hub, api, told, url):
    """Connec! API v2, section 4.1: only subscribed resources are sent."""
    assert control(url, "subscribe", {"api_id": OTHER, "resources": ["items"]}).status_code == 200
    api.post("people", first_name="I")
    api.post("items", name="Bolt")
    assert hub.flush()
    assert [list(body) for body in told.bodies] == [["items"]]
    assert control(url, "subscribe", {"api_id": OTHER, "resources": None}).status_code == 200
    api.post("people", first_name="J")
    assert hub.flush()
    assert told.records("people")[0]["first_name"] == "J"
    for bad in ({"api_id": "nobody", "resources": []}, {"resources": []}, {"api_id": OTHER, "resources": "items"}):
        assert control(url, "subscribe", bad).status_code == 400


def test_the_companies_of_two_groups_in_one_call(clock, receiver):
    """Connec! API v2, section 4.2: its form is not documented; as an object there is no place for a second one."""
    told = receiver()
    with furnish(SandboxHub(clock=clock, delay=0.2, singular_as_list=False)) as hub:
        hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)
        hub.add_group("cld-66xx", api_id=OTHER, org="org-far")
        hub.create(ORG, "company", name="One")
        hub.create("org-far", "company", name="Two")
        assert hub.flush()
    assert [record["name"] for record in told.bodies[0]["company"]] == ["One", "Two"]


def test_given_up_and_the_next_is_delivered(hub, api, told):
    """Connec! API v2, section 4.3: not documented; after a number of attempts a delivery is given up."""
    told.answers = [500] * 4
    api.post("people", first_name="I")
    assert hub.flush()
    assert [(d.status, d.attempts) for d in hub.deliveries] == [(500, 4)]
    api.post("people", first_name="J")
    assert hub.flush()
    assert told.records("people")[-1]["first_name"] == "J"
