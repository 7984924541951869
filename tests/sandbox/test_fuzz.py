"""What no client should send, by chance: never a 500, and the hub goes on."""

from __future__ import annotations

import json
import re

import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.helpers import APP, GROUP, KEY, ORG, PATH, control, raw, request

FUZZ = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
WORDS = st.sampled_from(
    [
        "id",
        "_ids",
        "name",
        "opts",
        "sparse",
        "matching_fields",
        "lines",
        "item_id",
        "organization_id",
        "class",
        "Invoice",
        "linked_transactions",
        "provider",
        "realm",
        "connec",
        "acme-books",
        "status",
        "code",
        "created_at",
        "ids",
        "email.address",
        "a'b",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | WORDS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=15,
)
TOKENS = st.sampled_from(
    [
        "name",
        "_id",
        "eq",
        "ne",
        "gt",
        "gte",
        "lt",
        "lte",
        "match",
        "in",
        "and",
        "AND",
        "or",
        "null",
        "true",
        "'a'",
        "'a''b'",
        "['a','b']",
        "[]",
        "[",
        "]",
        "/a/",
        "/(/",
        "1",
        "-1.5",
        "(",
        ")",
        "'",
        ",",
        "updated_at",
        "'2018-03-01T00:00:00Z'",
        "DESC",
        "a.b",
    ]
)


def fine(answer: requests.Response) -> None:
    assert answer.status_code < 500, answer.text
    assert ("errors" in answer.json()) == (answer.status_code >= 400)
    if "results" in answer.json():
        assert all(result["status"] < 500 for result in answer.json()["results"])


@FUZZ
@given(
    st.dictionaries(WORDS | st.text(max_size=5), VALUES, max_size=6), st.sampled_from(["items", "invoices", "people"])
)
def test_fuzzed_records(api, attributes, resource):
    body = json.dumps({resource: {"name": "n", "first_name": "f"} | attributes})
    answers = [api.session.post(f"{api.root}/{resource}", data=body, timeout=20)]
    if answers[0].ok:
        id = answers[0].json()[resource]["id"]
        answers.append(api.session.put(f"{api.root}/{resource}/{id}", data=body, timeout=20))
        answers.append(api.get(f"{resource}/{id}", external_ids=True))
    answers.append(api.get(resource, filter="name eq 'n'", search="n", external_ids=True, top=5))
    for answer in answers:
        fine(answer)


@FUZZ
@given(VALUES, VALUES)
def test_fuzzed_bodies_and_batches(api, value, inner):
    op = {"method": "post", "url": f"/api/v2/{GROUP}/items", "params": inner}
    merge = {"method": "put", "url": f"/api/v2/{GROUP}/items/x/merge", "params": inner}
    bodies = [
        ("batch", value),
        ("batch", {"sequential": 1, "ops": value}),
        ("batch", {"sequential": 1, "ops": [op, merge]}),
    ]
    for path, body in [*bodies, (f"api/v2/{GROUP}/items", value), (f"api/v2/{GROUP}/company", {"company": value})]:
        fine(api.session.post(f"{api.url}/{path}", data=json.dumps(body), timeout=20))
    for name in ("load", "create", "update", "faults", "records"):
        body = {"org": ORG, "resource": "items", "records": value, "attributes": inner, "id": value}
        assert control(api.url, name, body if name != "faults" else value).status_code < 500


@FUZZ
@given(st.lists(TOKENS, max_size=9).map(" ".join) | st.text(max_size=20), st.text(max_size=12) | WORDS)
def test_fuzzed_queries(api, condition, text):
    api.call("PUT", "company", {"company": {"name": "n"}})
    fine(api.get("items", filter=condition, search=text))
    fine(api.get("items", orderby=condition))
    fine(api.get("items", top=text, skip=1))
    fine(api.get(f"items/{requests.utils.quote(text, safe='')}/merge"))


@FUZZ
@given(
    st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD", b"X"]),
    st.binary(max_size=30),
    st.binary(max_size=30),
    st.lists(st.sampled_from([b"Content-Length: 3", b"Expect: 100-continue", b"Connection: x", b":", b"\x00: \xff"])),
)
def test_fuzzed_bytes(url, method, path, body, headers):
    for content in (
        request(method, PATH + path, body, headers),
        request(method, b"/" + path, body),
        method + path + body,
    ):
        answer = raw(url, content)
        statuses = re.findall(rb"^HTTP/1\.[01] (\d\d\d) ", answer, re.MULTILINE)
        assert all(status < b"500" or status == b"505" for status in statuses)
    assert requests.get(f"{url}/version", auth=(APP, KEY), timeout=10).status_code == 200
