"""Requests made from the sandbox's own OpenAPI document, valid and not: never a 500.

A few hundred by default; ``CONNEC_FUZZ=10000`` (``make fuzz``) makes that many.
"""

from __future__ import annotations

import json
import os
from urllib.parse import quote, urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode

from django_connec.sandbox import SandboxHub
from django_connec.sandbox.api import Request
from django_connec.sandbox.openapi import document
from tests.sandbox.helpers import CREDENTIALS, GROUP, ORG, furnish

WANTED = int(os.environ.get("CONNEC_FUZZ", "0"))
SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = {f"{one.method.upper()} {one.path}": one for one in (found.ok() for found in SCHEMA.get_all_operations())}
#: By default one resource stands for the others, with each of its operations.
SHOWN = [name for name in sorted(OPERATIONS) if WANTED or "{group}/" not in name or "/invoices" in name]
EACH = max(WANTED * 6 // (5 * len(SHOWN)) + 1, 25)


#: The status of every answer, for the count at the end.
MADE: list[int] = []


@pytest.fixture(scope="module")
def hub():
    hub = furnish(SandboxHub(delay=0))
    hub.seed(ORG, "small")
    yield hub
    hub.close()


def text_of(case, name, ids):
    """The path, mostly of a group that is there; ``None``: the case cannot be written down."""
    path = case.path
    for parameter, value in (case.path_parameters or {}).items():
        known = {"group": GROUP, "id": name}.get(parameter)
        chosen = known if known is not None and ids else value
        path = path.replace(f"{{{parameter}}}", quote(str(chosen).encode("utf-8", "replace"), safe=""))
    return path


def body_of(case):
    if case.body is None or type(case.body).__name__ == "NotSet":
        return b""
    if isinstance(case.body, bytes):
        return case.body
    return json.dumps(case.body).encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("name", SHOWN)
def test_requests_from_the_document(hub, name):
    operation = OPERATIONS[name]
    resource = operation.path.split("/")[4] if operation.path.count("/") > 3 else "items"
    held = [record["id"] for record in hub.records(ORG, resource)[:5]] if "{id}" in operation.path else []
    documented = set(operation.definition.raw["responses"])
    modes = st.sampled_from([GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE])

    @settings(
        max_examples=EACH,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        modes.flatmap(lambda mode: operation.as_strategy(generation_mode=mode)),
        st.sampled_from([*held, "nobody"]),
        st.integers(0, 9),
    )
    def check(case, id, chance):
        headers = {str(key).lower(): str(value) for key, value in (case.headers or {}).items()}
        headers["authorization"] = CREDENTIALS.decode()
        query = urlencode(
            {str(key): str(value).encode("utf-8", "replace") for key, value in (case.query or {}).items()}, doseq=True
        )
        target = f"{text_of(case, id, chance > 0)}?{query}"
        answer = hub.api.handle(Request(case.method.upper(), target, headers, body_of(case)), "http://hub.example")
        MADE.append(answer.status)
        assert answer.status < 500, (target, case.body)
        assert str(answer.status) in documented, (target, answer.status)
        json.dumps(answer.body, allow_nan=False)
        if answer.status >= 400:
            (error,) = answer.body["errors"]
            assert set(error) == {"id", "href", "status", "code", "title", "detail"}
            assert error["status"] == str(answer.status)
        for result in answer.body.get("results", []) if isinstance(answer.body, dict) else []:
            # Nothing is said of a silent operation that succeeded.
            assert result["status"] is None or result["status"] < 500

    check()


def test_as_many_as_were_wanted():
    # Operations without a body have few different requests; the others make up for it.
    assert len(MADE) >= (WANTED or 250)
    assert {200, 201, 400, 404} <= set(MADE)
    print(f"{len(MADE)} requests")


def test_most_of_them_are_understood(hub):
    # A document that describes something else would be answered with nothing but refusals.
    operation = OPERATIONS["POST /api/v2/{group}/invoices"]
    statuses = []

    @settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    def check(case):
        body = json.loads(body_of(case))
        body["invoices"] = {key: value for key, value in body["invoices"].items() if not key.endswith("_id")}
        body["invoices"].pop("id", None)
        body["invoices"].pop("lines", None)
        headers = {"authorization": CREDENTIALS.decode()}
        request = Request("POST", f"/api/v2/{GROUP}/invoices", headers, json.dumps(body).encode())
        statuses.append(hub.api.handle(request).status)

    check()
    assert statuses.count(201) > len(statuses) / 2
