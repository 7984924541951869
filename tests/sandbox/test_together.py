"""Many clients at the same time: each request is whole, and none is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.sandbox.helpers import OTHER, OTHER_KEY, Api, own


def test_many_at_once(hub, url, receiver):
    told = receiver()
    hub.add_application(OTHER, OTHER_KEY, webhook_url=told.url)

    def work(number: int) -> set[int]:
        api = Api(url)
        answers = [api.post("items", id=[own(n)], name=f"{n}", quantity=number) for n in range(15)]
        answers += [api.get("items", filter="quantity gt 0"), api.get("items/nobody"), api.post("items")]
        api.session.close()
        return {answer.status_code for answer in answers}

    with ThreadPoolExecutor(8) as pool:
        statuses = set().union(*pool.map(work, range(1, 9)))
    # 2.4: a repeated POST with the same external id is safe, at the same moment too.
    assert statuses <= {200, 201, 400, 404}
    assert Api(url).get("items").json()["pagination"]["total"] == 15
    assert hub.flush()
    latest = {record["name"]: record["quantity"] for record in told.records("items")}
    assert latest == {record["name"]: record["quantity"] for record in Api(url).get("items").json()["items"]}
