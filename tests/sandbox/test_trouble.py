"""Faults on demand, controls, restart."""

from __future__ import annotations

import pytest
import requests

from django_connec.sandbox import Fault, SandboxHub
from tests.sandbox.helpers import APP, ORG, Api, connec, control, furnish, own

# Faults ------------------------------------------------------------------------------------------------------


def test_status_fault_does_nothing(hub, api):
    # 2.8: 500 has the same body.
    hub.faults.add(Fault("status", times=2, path="POST .*/items$", status=500, retry_after=7))
    assert api.get("items").status_code == 200
    for _ in range(2):
        answer = api.post("items", name="x")
        assert (answer.status_code, answer.headers["Retry-After"]) == (500, "7")
        assert answer.json()["errors"][0]["status"] == "500"
    assert api.names() == []
    assert api.post("items", name="x").status_code == 201


def test_dropped_and_lost_answers(hub, api):
    hub.faults.add(Fault("drop", path="POST"))
    with pytest.raises(requests.ConnectionError):
        api.post("items", name="dropped")
    assert api.names() == []
    hub.faults.add(Fault("lose_answer", path="POST"))
    with pytest.raises(requests.ConnectionError):
        api.post("items", name="lost")
    assert api.names() == ["lost"]
    assert [call.status for call in hub.calls if call.method == "POST"] == [0, 0]


def test_garbage_and_slow(hub, api):
    hub.faults.add(Fault("garbage"))
    answer = api.get("items")
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"."):
        answer.json()
    hub.faults.add(Fault("slow", seconds=0.2))
    assert api.get("items").elapsed.total_seconds() >= 0.2


def test_faults_for_good_until_cleared(hub, api):
    hub.faults.add(Fault("status", times=-1, status=503))
    assert {api.get("items").status_code for _ in range(5)} == {503}
    hub.faults.clear()
    assert api.get("items").status_code == 200


@pytest.mark.parametrize(
    "arguments",
    [
        {"kind": "flood"},
        {"kind": "status", "status": 99},
        {"kind": "status", "status": 99999},
        {"kind": "status", "status": "503"},
        {"kind": "status", "path": "("},
        {"kind": "status", "path": 1},
        {"kind": "status", "times": None},
        {"kind": "status", "retry_after": "soon"},
        {"kind": "slow", "seconds": -1},
        {"kind": "slow", "seconds": float("nan")},
    ],
)
def test_no_such_fault(arguments):
    with pytest.raises(ValueError, match=r"."):
        Fault(**arguments)


# Controls ----------------------------------------------------------------------------------------------------


def test_controls(hub, api, url):
    records = [{"id": "p-1", "first_name": "Ines"}, {"id": [connec("p-2"), own("2")], "first_name": "Jo"}]
    assert control(url, "load", {"org": ORG, "resource": "people", "records": records}).json() == {"loaded": 2}
    assert api.get("people/p-2").json()["people"]["first_name"] == "Jo"
    attributes = {"first_name": "Kim", "resource": "r", "org": "o", "self": "s"}
    made = control(url, "create", {"org": ORG, "resource": "people", "attributes": attributes}).json()
    assert made["self"] == "s"
    content = {"org": ORG, "resource": "people", "id": made["id"], "attributes": {"id": [own("3")], "title": "Ms."}}
    assert control(url, "update", content).json()["title"] == "Ms."
    listed = control(url, "records", {"org": ORG, "resource": "people"}).json()["records"]
    assert [record["id"][-1]["id"] for record in listed] == ["p-1", "2", "3"]
    assert control(url, "flush").json() == {"done": True}
    assert control(url, "faults", {"kind": "status", "status": 418}).status_code == 200
    assert api.get("people").status_code == 418
    log = control(url, "log", method="GET").json()
    assert log["calls"][-1]["status"] == 418
    assert log["deliveries"] == []


@pytest.mark.parametrize("name", ["faults", "load", "create", "update", "records"])
@pytest.mark.parametrize(
    "content",
    [
        None,
        "{",
        "[" * 100_000,
        [],
        {},
        {"kind": 1},
        {"unknown": 1},
        {"org": ORG},
        {"org": 1, "resource": "people", "records": [], "attributes": {}, "id": "x"},
        {"org": ORG, "resource": "gadgets", "records": [], "attributes": {}, "id": "x"},
        {"org": ORG, "resource": [], "records": [], "attributes": {}, "id": "x"},
        {"org": ORG, "resource": ["people"], "records": [[]], "attributes": []},
    ],
)
def test_bad_controls(url, name, content):
    assert control(url, name, content).status_code == 400


@pytest.mark.parametrize(
    ("name", "more", "status"),
    [
        ("load", {"records": [1]}, 400),
        ("load", {"records": {}}, 400),
        ("load", {"records": [{"created_at": "yesterday"}]}, 400),
        ("load", {"records": [{"organization_id": [own("none")]}]}, 400),
        ("create", {"attributes": 5}, 400),
        ("create", {"attributes": {"title": "nameless"}}, 400),
        ("create", {"attributes": {"id": "x", "first_name": "I"}}, 409),
        ("update", {"attributes": {}}, 400),
        ("update", {"attributes": {}, "id": "nobody"}, 404),
    ],
)
def test_controls_that_cannot_be_done(hub, url, name, more, status):
    assert control(url, name, {"org": ORG, "resource": "people"} | more).status_code == status
    assert hub.records(ORG, "people") == []


def test_unknown_controls(url):
    assert control(url, "explode", {}).status_code == 404
    assert control(url, "log", {}).status_code == 404
    assert control(url, "load", method="GET").status_code == 404


def test_loaded_times_are_brought_into_form(hub):
    hub.load(ORG, "items", [{"id": "a", "name": "x", "updated_at": "2018-03-01T10:00:00.250+10:00"}])
    assert hub.get(ORG, "items", "a")["updated_at"] == "2018-03-01T00:00:00Z"


# Restart -----------------------------------------------------------------------------------------------------


def test_a_restart_keeps_everything(tmp_path, clock, receiver):
    told = receiver()
    file = str(tmp_path / "hub.sqlite3")
    hub = furnish(SandboxHub(file, clock=clock, delay=0.0))
    hub.add_application("app-three", "three", webhook_url=told.url, resources=["people"], external_ids=False, echo=True)
    hub.add_group("cld-3", api_id="app-three", org=ORG)
    hub.add_group("cld-gone", api_id=APP, org=ORG)
    hub.revoke("cld-gone")
    with hub.serve() as url:
        api = Api(url, external_ids=True)
        keeper = api.post("people", id=[own("1")], first_name="Ines", tasks=[{"id": [own("t")]}]).json()["people"]
        loser = api.post("people", first_name="I.").json()["people"]["id"][0]["id"]
        hub.merge(ORG, "people", keeper["id"][0]["id"], loser)
        before = api.get("people").json()
    hub.close()
    again = SandboxHub(file, clock=clock, delay=0.0)
    with again.serve() as url:
        api = Api(url, external_ids=True)
        assert api.get("people").json() == before
        assert api.get(f"people/{loser}").json()["people"]["id"] == keeper["id"]
        assert Api(url, "cld-gone").get("people").status_code == 401
        assert api.post("people", id=[own("1")], first_name="Ines", title="Ms.").status_code == 200
        assert api.post("people", first_name="New").json()["people"]["code"] == "PE3"
        assert again.flush()
        assert told.records("people")[-1]["group_id"] == "cld-3"
    again.close()
