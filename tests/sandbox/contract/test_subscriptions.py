"""Connec! API v2, section 4: what is notified, to whom, and in which form."""

from __future__ import annotations

import pytest

from tests.sandbox.contract.examples import EXAMPLES
from tests.sandbox.helpers import APP, GROUP, KEY, ORG, OTHER, OTHER_GROUP, OTHER_KEY, connec, own


@pytest.mark.parametrize(
    ("resource", "attributes"), [pytest.param(*one[1:], id=one[1]) for one in EXAMPLES if one[1] != "company"]
)
def test_full_records_in_the_form_of_the_api(hub, api, other, told, resource, attributes):
    """Connec! API v2, section 4.2: lists of full records by resource, in the same form as the API shows them."""
    id = api.post(resource, **attributes).json()[resource]["id"]
    assert hub.flush()
    (body,) = told.bodies
    assert body == {resource: [other.get(f"{resource}/{id}").json()[resource]]}
    assert body[resource][0]["group_id"] == OTHER_GROUP


@pytest.mark.parametrize("way", ["create", "upsert", "update", "batch", "merge", "status"])
def test_own_writes_are_not_echoed(hub, api, receiver, told, way):
    """Connec! API v2, section 4.3: notifications hold what changed in other systems."""
    hub.load(ORG, "people", [{"id": [connec(n), own(n)], "first_name": n} for n in ("a", "b")])
    hub.load(ORG, "invoices", [{"id": "i", "person_id": "b"}])
    mine = receiver()
    hub.add_application(APP, KEY, webhook_url=mine.url)
    {
        "create": lambda: api.post("people", first_name="New"),
        "upsert": lambda: api.post("people", id=[own("a")], first_name="New"),
        "update": lambda: api.put("people", "a", first_name="New"),
        "batch": lambda: api.batch([api.op("put", "people/a", people={"first_name": "New"})]),
        "merge": lambda: api.call("PUT", "people/a/merge", {"ids": ["b"], "people": {"first_name": "New"}}),
        "status": lambda: api.put("people", "a", status="ARCHIVED"),
    }[way]()
    assert hub.flush()
    assert told.bodies
    assert mine.bodies == []


def test_a_subscription_names_resources(hub, api, receiver):
    """Connec! API v2, section 4.1: only subscribed resources are sent; the singular one is one of them."""
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url, resources=["company", "items"])
    operations = [
        api.op("put", "company", company={"name": "Pelican"}),
        api.op("post", "people", people={"first_name": "Ines"}),
        api.op("post", "items", items={"name": "Bolt"}),
    ]
    assert [result["status"] for result in api.batch(operations).json()["results"]] == [201, 201, 201]
    assert hub.flush()
    assert {resource for body in told.bodies for resource in body} == {"company", "items"}


@pytest.mark.parametrize(("external_ids", "id"), [(True, [connec("p-1"), own("1")]), (False, "p-1")])
def test_the_flag_decides_the_form_of_ids(hub, receiver, external_ids, id):
    """Connec! API v2, section 4.1: external_ids of the application's registration, whatever its own calls ask for."""
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url, external_ids=external_ids)
    hub.load(ORG, "people", [{"id": [connec("p-1"), own("1")], "first_name": "Ines"}], notify=True)
    assert hub.flush()
    (record,) = told.records("people")
    assert record["id"] == id


@pytest.mark.parametrize("answers", [[500], [503, 500], [401], [404, 302]])
def test_repetition_is_a_setting(hub, api, told, answers):
    """Connec! API v2, sections 4.3 and 8: not documented; the sandbox's attempts and back_off decide it."""
    told.answers = list(answers)
    api.post("people", first_name="Ines")
    assert hub.flush()
    assert [delivery.attempts for delivery in hub.deliveries] == [len(answers) + 1]
    hub.notifier.attempts = 1
    told.answers = [500]
    api.post("people", first_name="Jo")
    assert hub.flush()
    assert (hub.deliveries[-1].status, hub.deliveries[-1].attempts) == (500, 1)
    # Nothing switches the address off.
    api.post("people", first_name="Kim")
    assert hub.flush()
    assert told.records("people")[-1]["first_name"] == "Kim"


def test_a_group_that_was_added_again_is_told_by_its_new_id(hub, api, told):
    """Connec! API v2, sections 1.2 and 4.2: records carry the group that they are shown to."""
    hub.revoke(OTHER_GROUP)
    hub.add_group("cld-again", api_id=OTHER, org=ORG)
    api.post("people", first_name="Ines")
    assert hub.flush()
    assert [record["group_id"] for record in told.records("people")] == ["cld-again"]
    assert GROUP not in str(told.bodies)
