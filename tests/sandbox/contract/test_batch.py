"""Connec! API v2, section 2.7: many operations in one call."""

from __future__ import annotations

import pytest

from django_connec.sandbox import Behaviour
from tests.sandbox.helpers import GROUP, ORG, connec, own


@pytest.fixture(params=["memory", "sqlite"])
def storage(request):
    return request.param


def behave(hub, **settings):
    hub.behaviour = Behaviour(**settings)


def test_batch_cap_is_a_setting(hub, api):
    """Connec! API v2, section 2.7: the server's limit is not stated."""
    operations = [api.op("get", "items")] * 3
    behave(hub, batch_cap=2)
    assert api.batch(operations).status_code == 400
    assert api.batch(operations[:2]).status_code == 200


def test_singular_resources_in_a_batch(api):
    """Connec! API v2, sections 2.1 and 2.7: connectors send POST /company/ and PUT /company/<id> in a batch."""
    posted = api.batch([api.op("post", "company/", company={"name": "Pelican"})]).json()["results"][0]
    assert posted["status"] == 201
    id = posted["body"]["company"]["id"]
    result = api.batch([api.op("put", f"company/{id}", company={"name": "Pelican Pty"})]).json()["results"][0]
    assert (result["status"], result["body"]["company"]["name"]) == (200, "Pelican Pty")


def test_the_references_batch(api):
    """Connec! API v2, section 2.7: one result an operation, in order, each with status and body; 200 over all."""
    item = api.post("items", name="Bolt").json()["items"]["id"]
    person = {"id": [own("41")], "first_name": "Ines", "last_name": "Okafor"}
    operations = [
        {"method": "post", "url": f"/api/v2/{GROUP}/people/", "params": {"people": person}},
        {"method": "put", "url": f"/api/v2/{GROUP}/items/{item}", "params": {"items": {"id": [own("sku-1009")]}}},
        {"method": "post", "url": f"/api/v2/{GROUP}/people/", "params": {"people": {"title": "nameless"}}},
    ]
    answer = api.call("POST", f"{api.url}/batch", {"sequential": True, "ops": operations}, external_ids=True)
    assert (answer.status_code, set(answer.json())) == (200, {"results"})
    results = answer.json()["results"]
    assert all(set(result) == {"status", "body"} for result in results)
    made, linked, refused = results
    assert [result["status"] for result in results] == [201, 200, 400]
    shown = made["body"]["people"]
    assert (shown["id"][0]["realm"], shown["id"][1:], shown["first_name"]) == (ORG, [own("41")], "Ines")
    assert linked["body"]["items"]["id"] == [connec(item), own("sku-1009")]
    assert refused["body"]["errors"][0]["title"]


def test_a_batch_has_no_base_path(api):
    """Connec! API v2, section 2: POST {host}/batch; below the base path there is none."""
    body = {"sequential": True, "ops": []}
    assert api.call("POST", f"{api.url}/batch", body).json() == {"results": []}
    assert api.call("POST", f"{api.url}/api/v2/batch", body).status_code == 401
    assert api.call("POST", "batch", body).status_code == 400


@pytest.mark.parametrize("sequential", [False, None, 0])
def test_sequential_is_compulsory(api, sequential):
    """Connec! API v2, section 2.7: the published gem that batches look like knows no other order."""
    answer = api.batch([api.op("post", "items", items={"name": "Bolt"})], sequential=sequential)
    assert answer.status_code == 400
    assert api.names() == []


def test_headers_of_one_operation(api):
    """Connec! API v2, section 2.7: the gem's operations may have headers of their own, beside those of the batch."""
    address = {"billing": {"country": "Australia"}}
    id = api.post("organizations", id=[own("1")], name="Pelican", address=address).json()["organizations"]["id"]
    bare = api.op("get", f"organizations/{id}")
    headed = bare | {"headers": {"Connec-External-Ids": "true", "CONNEC-COUNTRY-FORMAT": "alpha2"}}
    shown = [result["body"]["organizations"] for result in api.batch([bare, headed, bare]).json()["results"]]
    assert [record["id"] for record in shown] == [id, [connec(id), own("1")], id]
    assert [record["address"]["billing"]["country"] for record in shown] == ["Australia", "AU", "Australia"]
    foreign = bare | {"headers": {"Authorization": "Basic x"}}
    assert [result["status"] for result in api.batch([foreign, bare]).json()["results"]] == [401, 200]
    for headers in (["x"], "x", {"a": 1}):
        results = api.batch([bare | {"headers": headers}, bare]).json()["results"]
        assert [result["status"] for result in results] == [400, 200]


def test_silent_operations(api):
    """Connec! API v2, section 2.7: the gem hides the answer to a silent operation, unless that was refused."""
    operations = [api.op("post", "items", items={"name": "Bolt"}), api.op("post", "items", items={})]
    results = api.batch([operation | {"silent": True} for operation in operations]).json()["results"]
    assert results[0] == {"status": None, "body": None}
    assert (results[1]["status"], results[1]["body"]["errors"][0]["status"]) == (400, "400")
    assert api.names() == ["Bolt"]


def test_operations_see_what_those_before_them_did(api):
    """Connec! API v2, section 2.7: in order; each is on its own, and nothing is rolled back."""
    operations = [
        api.op("post", "items", items={"id": [own("1")], "name": "Bolt"}),
        api.op("put", "items/nobody", items={"name": "x"}),
        api.op("get", "items"),
        api.op("post", "items", items={"id": [own("1")], "name": "Nut"}),
    ]
    results = api.batch(operations).json()["results"]
    assert [result["status"] for result in results] == [201, 404, 200, 200]
    assert [record["name"] for record in results[2]["body"]["items"]] == ["Bolt"]
    assert api.names() == ["Nut"]


def test_pages_in_a_batch(hub, api):
    """Connec! API v2, sections 2.2 and 2.7: a list in a batch is paged, and its next leads on outside of one too."""
    hub.load(ORG, "items", [{"id": n, "name": n} for n in "abc"])
    operation = api.op("get", "items", **{"$top": 2, "$orderby": "name DESC"})
    (result,) = api.batch([operation]).json()["results"]
    assert [record["name"] for record in result["body"]["items"]] == ["c", "b"]
    following = result["body"]["pagination"]["next"]
    assert following.startswith(f"{api.url}/api/v2/{GROUP}/items?")
    assert [record["name"] for record in api.call("GET", following).json()["items"]] == ["a"]
