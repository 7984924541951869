"""What tests and demonstrations do to the hub beside its API, and what the hub must cost."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
import requests

from django_connec.sandbox import Fault, SandboxHub
from django_connec.sandbox.catalogue import COLLECTIONS, SINGULAR
from tests.sandbox.helpers import APP, GROUP, KEY, ORG, OTHER, OTHER_GROUP, OTHER_KEY, connec, furnish, own

# In process ------------------------------------------------------------------------------------------------


def test_a_group_stands_for_its_organisation(hub, api):
    record = hub.create(GROUP, "people", {"first_name": "Ines"}, last_name="Okafor")
    assert (record["group_id"], record["channel_id"]) == (GROUP, ORG)
    assert api.get(f"people/{record['id']}").json()["people"]["last_name"] == "Okafor"
    assert hub.update(OTHER_GROUP, "people", record["id"], {"title": "Ms."})["group_id"] == OTHER_GROUP
    hub.load(GROUP, "items", [{"id": "a", "name": "Bolt"}])
    assert [r["group_id"] for r in hub.records(ORG, "items")] == [""]
    assert hub.get(GROUP, "items", "a")["group_id"] == GROUP
    api.post("items", id=[own("1")], name="Nut")
    assert hub.by_external(GROUP, "items", "acme-books", "acct-88", "1")["name"] == "Nut"
    hub.revoke(GROUP)
    assert hub.records(GROUP, "items"), "still that organisation's, not one of the group's name"


def test_an_organisation_for_several_applications():
    with SandboxHub(delay=0) as hub:
        hub.add_application(APP, KEY)
        hub.add_application(OTHER, OTHER_KEY)
        hub.add_organisation("org-new", {APP: "cld-a", OTHER: "cld-b"})
        hub.create("cld-a", "items", name="Bolt")
        with hub.serve() as url:
            answer = requests.get(f"{url}/api/v2/cld-b/items", auth=(OTHER, OTHER_KEY), timeout=10)
        assert [record["group_id"] for record in answer.json()["items"]] == ["cld-b"]


def test_loading_can_notify(hub, told):
    hub.load(ORG, "people", [{"id": "p-1", "first_name": "Ines"}], notify=True)
    assert hub.flush()
    assert [record["group_id"] for record in told.records("people")] == [OTHER_GROUP]


def test_loading_again_keeps_the_order(hub, api):
    hub.load(ORG, "items", [{"id": id, "name": id} for id in "abc"])
    hub.load(ORG, "items", [{"id": "a", "name": "A", "created_at": "2018-01-01T00:00:00Z"}])
    assert api.names() == ["A", "b", "c"]
    assert hub.get(ORG, "items", "a")["created_at"] == "2018-01-01T00:00:00Z"


def test_redelivery(hub, told):
    record = hub.create(ORG, "people", first_name="Ines")
    assert hub.flush()
    hub.update(ORG, "people", record["id"], first_name="Changed")
    assert hub.flush()
    first = hub.deliveries[0]
    assert (first.url, first.at, first.number) == (told.url, "2018-03-01T04:05:06Z", 1)
    again = hub.redeliver(first)
    assert (again.number, again.records, again.status) == (3, 1, 200)
    assert [r["first_name"] for r in told.records("people")] == ["Ines", "Changed", "Ines"]
    with pytest.raises(LookupError):
        hub.redeliver(99)
    hub.clear_log()
    assert (list(hub.calls), hub.deliveries) == ([], [])
    with pytest.raises(LookupError):
        hub.redeliver(first)


# Faults ----------------------------------------------------------------------------------------------------


def test_one_operation_of_a_batch_fails(hub, api):
    hub.faults.add(Fault("operation", path="POST .*/items", status=422))
    answer = api.batch([api.op("post", "people", people={"first_name": "Ines"})] + [_item(api, n) for n in "ab"])
    assert [result["status"] for result in answer.json()["results"]] == [201, 422, 201]
    assert api.names() == ["b"]
    # It is for operations only.
    hub.faults.add(Fault("operation", path="POST"))
    assert api.post("items", name="c").status_code == 201
    assert [fault.times for fault in hub.faults.remaining()] == [1]


def test_any_fault_may_be_slow(hub, api):
    hub.faults.add(Fault("status", status=503, seconds=0.2))
    answer = api.get("items")
    assert (answer.status_code, answer.elapsed.total_seconds() >= 0.2) == (503, True)


def test_stopping_does_not_wait_for_slow_answers(clock):
    hub = furnish(SandboxHub(clock=clock, delay=0))
    hub.faults.add(Fault("slow", seconds=600))
    with hub.serve() as url:
        asked = threading.Thread(target=_try_to_get, args=(f"{url}/version",))
        asked.start()
        while hub.faults.remaining():
            time.sleep(0.005)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    asked.join(timeout=10)
    assert not asked.is_alive()
    hub.close()


# Controls --------------------------------------------------------------------------------------------------


def control(url, method, name, content=None, **headers):
    return requests.request(method, f"{url}/_sandbox/{name}", json=content, headers=headers, timeout=10)


def test_further_controls(hub, api, url, told):
    hub.load(ORG, "people", [{"id": id, "first_name": id} for id in ("a", "b")])
    merging = {"org": GROUP, "resource": "people", "keeper": "a", "loser": "b"}
    assert control(url, "POST", "merge", merging).status_code == 200
    assert api.get("people/b").json()["people"]["id"] == "a"
    load = {"org": ORG, "resource": "people", "records": [{"id": "c", "first_name": "c"}], "notify": True}
    assert control(url, "POST", "load", load).json() == {"loaded": 1}
    assert control(url, "POST", "flush").json() == {"done": True}
    assert control(url, "POST", "redeliver", {"number": 1}).json()["status"] == 200
    assert [record["id"][0]["id"] for record in told.records("people")] == ["c", "c"]
    assert control(url, "POST", "redeliver", {"number": 9}).status_code == 400
    assert control(url, "POST", "faults", {"kind": "garbage", "path": "nothing"}).status_code == 200
    assert [fault["kind"] for fault in control(url, "GET", "faults").json()["faults"]] == ["garbage"]
    assert control(url, "DELETE", "faults").status_code == 200
    assert control(url, "GET", "faults").json() == {"faults": []}
    assert control(url, "DELETE", "log").status_code == 200
    assert control(url, "GET", "log").json() == {"calls": [], "deliveries": [], "notices": []}
    assert control(url, "POST", "revoke", {"group": GROUP}).status_code == 200
    assert api.get("people").status_code == 401


def test_behaviour_by_control(hub, api, url):
    assert control(url, "POST", "behaviour", {"page_cap": 3}).json()["page_cap"] == 3
    assert control(url, "POST", "behaviour", {"wide_filters": True}).json()["page_cap"] == 3
    assert control(url, "GET", "behaviour").json()["wide_filters"] is True
    assert api.get("items").json()["pagination"]["top"] == 3
    for bad in ({"unknown": 1}, {"page_cap": "3"}, {"page_cap": True}, {"matching": "some"}, {"page_cap": 0}):
        assert control(url, "POST", "behaviour", bad).status_code == 400
    assert hub.behaviour.page_cap == 3


def test_the_document_is_served(url):
    found = control(url, "GET", "openapi.json").json()
    assert found["openapi"].startswith("3.1")
    for resource in COLLECTIONS:
        assert set(found["paths"][f"/api/v2/{{group}}/{resource}"]) == {"parameters", "get", "post"}
    assert set(found["paths"]["/api/v2/{group}/company"]) == {"parameters", "get", "put"}


def test_web_pages_cannot_use_the_controls(hub, url):
    answer = control(url, "POST", "revoke", {"group": GROUP}, Origin="https://elsewhere.example")
    assert answer.status_code == 403
    assert hub.store.org_of(GROUP) == ORG


# Schemas ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resource", sorted(COLLECTIONS | SINGULAR))
def test_examples_and_schemas(api, resource):
    # 5.15: path properties.{collection}.items.properties
    answer = api.call("GET", f"{api.url}/api/v2/json_schema/{resource}").json()
    properties = answer["properties"][resource]["items"]["properties"]
    assert properties["updated_at"] == {"type": "string", "format": "date-time", "readOnly": True}
    if resource not in SINGULAR:
        example = api.get(f"{resource}/example").json()[resource]
        assert set(example) == set(properties)
        assert example["resource_type"] == resource


def test_contacts_and_further_references(external):
    external.post("warehouses", id=[own("7")], name="Depot")
    found = external.post("stock_adjustments", warehouse_id=[own("7")]).json()["stock_adjustments"]["warehouse_id"]
    assert found == [connec(found[0]["id"]), own("7")]
    assert external.post("contacts", first_name="Ines").status_code == 201


# Cost ------------------------------------------------------------------------------------------------------


def test_loading_costs_the_same_for_each_record(hub):
    def load(count):
        records = [{"id": [connec(str(uuid.uuid4())), own(str(uuid.uuid4()))], "name": "x"} for _ in range(count)]
        # This thread's own work: whatever else the machine does does not count.
        started = time.thread_time()
        hub.load(ORG, "items", records)
        return time.thread_time() - started

    load(500)
    small, large = min(load(1000) for _ in range(3)), min(load(8000) for _ in range(3))
    # Quadratic would be 64 times as long.
    assert large < small * 24


def _item(api, name):
    return api.op("post", "items", items={"name": name})


def _try_to_get(url):
    try:
        requests.get(url, timeout=20)
    except requests.RequestException:
        return
