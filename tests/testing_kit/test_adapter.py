"""The adapter answers, and fails, exactly as a socket to the sandbox does."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial

import pytest
import requests

from django_connec.sandbox import Fault
from django_connec.testing import LocalHub

KEYS = ("app-1a2b", "key of the first")
GROUP = "cld-7p2k"
PATH = f"/api/v2/{GROUP}/people"
BODY = {"people": {"first_name": "Ines", "id": [{"provider": "acme", "realm": "r", "id": "1"}]}}
#: Of answers that say the same each time.
HEADERS = ("Content-Type", "Content-Length", "Retry-After")


def make_hub() -> LocalHub:
    hub = LocalHub()
    hub.add_application(*KEYS)
    hub.add_group(GROUP, api_id=KEYS[0], org="org-1")
    return hub


def outcome(answer_of):
    """What became of a call, in a form that two calls can be compared by."""
    try:
        answer = answer_of()
    except requests.RequestException as error:
        chain, inner = [type(error).__name__], error
        while isinstance(
            inner := getattr(inner, "reason", None) or (inner.args[-1] if inner.args else None), Exception
        ):
            chain.append(type(inner).__name__)
        return chain
    return (answer.status_code, answer.reason, *(answer.headers.get(name) for name in HEADERS))


def both(prepare, method="POST", path=PATH, timeout=(5, 0.2), **how):
    results = []
    for on_port in (True, False):
        with ExitStack() as stack:
            hub = stack.enter_context(make_hub())
            prepare(hub)
            session = stack.enter_context(requests.Session())
            session.auth = KEYS
            url = "http://hub.invalid"
            if on_port:
                url = stack.enter_context(hub.serve())
            else:
                session.mount("http://", hub.adapter)
            got = outcome(partial(session.request, method, url + path, timeout=timeout, **how))
            while not hub.calls:
                # The hub works on after the caller has gone.
                time.sleep(0.01)
            results.append(
                (got, len(hub.records("org-1", "people")), [(c.method, c.path, c.operations) for c in hub.calls])
            )
    return results


FAULTS = {
    "none": lambda hub: None,
    "status": lambda hub: hub.faults.add(Fault("status", status=429, retry_after=7)),
    "drop": lambda hub: hub.faults.add(Fault("drop")),
    "lose_answer": lambda hub: hub.faults.add(Fault("lose_answer")),
    "garbage": lambda hub: hub.faults.add(Fault("garbage")),
    "slow": lambda hub: hub.faults.add(Fault("slow", seconds=0.01)),
    "our down": lambda hub: hub.fail("down"),
    "our lost answer": lambda hub: hub.fail("down", moment="after"),
    "our garbage": lambda hub: hub.fail("garbage"),
    "our garbage after": lambda hub: hub.fail("garbage", moment="after"),
    "our status": lambda hub: hub.fail(503, retry_after=7),
    "our status after": lambda hub: hub.fail(503, moment="after"),
    "our slow": lambda hub: hub.fail("slow", seconds=0.01),
}


@pytest.mark.parametrize("prepare", FAULTS.values(), ids=list(FAULTS))
def test_one_call_ends_as_over_a_socket(prepare):
    over_socket, in_process = both(prepare, json=BODY)
    assert in_process == over_socket


@pytest.mark.parametrize(
    "prepare",
    [lambda hub: hub.faults.add(Fault("slow", seconds=0.6)), lambda hub: hub.fail("slow", seconds=0.6)],
    ids=["sandbox", "ours"],
)
def test_a_hub_slower_than_the_caller_waits(prepare):
    over_socket, in_process = both(prepare, json=BODY)
    assert in_process[0] == over_socket[0]
    assert in_process[0][0] == "ReadTimeout"
    # Nobody is told, but it is done.
    assert in_process[1] == 1


@pytest.mark.parametrize(
    ("method", "path", "how"),
    [
        ("GET", PATH, {}),
        ("GET", f"{PATH}?$top=1&$filter=first_name%20eq%20'Ines'", {}),
        ("GET", "/api/v2/cld-other/people", {}),
        ("GET", PATH, {"auth": ("nobody", "x")}),
        ("GET", "/version", {}),
        ("POST", PATH, {"data": b"no json"}),
        ("DELETE", f"{PATH}/1", {}),
        (
            "POST",
            "/batch",
            {"json": {"sequential": True, "ops": [{"method": "post", "url": PATH, "params": BODY}] * 2}},
        ),
    ],
)
def test_requests_are_answered_as_over_a_socket(method, path, how):
    over_socket, in_process = both(lambda hub: None, method, path, **how)
    assert in_process == over_socket


def test_a_batch_is_one_push_a_record():
    with make_hub() as hub, requests.Session() as session:
        session.auth = KEYS
        session.mount("http://", hub.adapter)
        operation = {"method": "post", "url": PATH, "params": BODY}
        hub.faults.add(Fault("operation", status=500))
        session.post("http://hub.invalid/batch", json={"sequential": True, "ops": [operation, operation]})
        assert [(push.resource, push.attributes, push.is_accepted) for push in hub.pushes] == [
            ("people", {"first_name": "Ines"}, True)
        ]
        assert hub.calls[-1].operations == 2
