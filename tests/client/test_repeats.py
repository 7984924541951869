"""What is tried again, when, and what is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from django_connec.client import (
    ConnecAuthError,
    ConnecClient,
    ConnecError,
    ConnecNotFound,
    ConnecProtocolError,
    ConnecRejected,
    ConnecUnavailable,
)

from .calls import PERSON, fails, get
from .hub import Action, Clock, Handler, ScriptedHub, answer, chunked, drop, raw

OURS = [{"provider": "acme-books", "realm": "acct-88", "id": "41"}]
MakeClient = Callable[..., ConnecClient]


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_an_unavailable_hub_is_tried_again(hub: ScriptedHub, client: ConnecClient, clock: Clock, status: int) -> None:
    hub.script = [answer(b"", status=status), answer(b"", status=status), answer(PERSON)]
    assert get(client) == PERSON["people"]
    assert len(clock.slept) == 2
    assert 0.5 <= clock.slept[0] <= 1.0
    assert 1.5 <= clock.slept[1] <= 3.0


def test_three_tries_are_all(hub: ScriptedHub, client: ConnecClient, clock: Clock) -> None:
    hub.otherwise = answer({"errors": [{"title": "Internal error"}]}, status=500)
    error = fails(client, ConnecUnavailable)
    assert (error.status, error.messages, error.retry_after) == (500, ("Internal error",), None)
    assert len(hub.asked) == 3
    assert sum(clock.slept) <= 5.0


def test_pauses_are_jittered(hub: ScriptedHub, client: ConnecClient, clock: Clock) -> None:
    hub.otherwise = answer(b"", status=503)
    for _ in range(4):
        fails(client, ConnecUnavailable)
    assert len(set(clock.slept[::2])) == 4


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ConnecRejected),
        (401, ConnecAuthError),
        (403, ConnecAuthError),
        (404, ConnecNotFound),
        (409, ConnecRejected),
        (418, ConnecRejected),
        (422, ConnecRejected),
        (304, ConnecProtocolError),
        (600, ConnecProtocolError),
    ],
)
def test_other_statuses_are_final(
    hub: ScriptedHub, client: ConnecClient, clock: Clock, status: int, kind: type[ConnecError]
) -> None:
    hub.otherwise = answer(b"" if status == 304 else {"errors": "No"}, status=status)
    error = fails(client, kind)
    assert error.status == status
    assert error.messages == (() if status == 304 else ("No",))
    assert (len(hub.asked), clock.slept) == (1, [])


@pytest.mark.parametrize("asked", ["2", "4"])
def test_retry_after_is_honoured_when_it_fits(hub: ScriptedHub, client: ConnecClient, clock: Clock, asked: str) -> None:
    hub.script = [answer(b"", status=429, headers={"Retry-After": asked}), answer(PERSON)]
    assert get(client) == PERSON["people"]
    assert clock.slept == [float(asked)]


def test_a_longer_retry_after_is_left_to_the_caller(hub: ScriptedHub, client: ConnecClient, clock: Clock) -> None:
    hub.otherwise = answer(b"", status=503, headers={"Retry-After": "120"})
    assert fails(client, ConnecUnavailable).retry_after == 120.0
    assert (len(hub.asked), clock.slept) == (1, [])


def test_two_waits_together_must_fit(hub: ScriptedHub, client: ConnecClient, clock: Clock) -> None:
    hub.otherwise = answer(b"", status=503, headers={"Retry-After": "3"})
    assert fails(client, ConnecUnavailable).retry_after == 3.0
    assert (len(hub.asked), clock.slept) == (2, [3.0])


def test_retry_after_as_a_date_is_read_by_the_hubs_clock(hub: ScriptedHub, client: ConnecClient, clock: Clock) -> None:
    headers = {"Date": "Thu, 01 Mar 2018 04:05:06 GMT", "Retry-After": "Thu, 01 Mar 2018 04:05:10 GMT"}
    hub.script = [answer(b"", status=503, headers=headers), answer(PERSON)]
    get(client)
    assert clock.slept == [4.0]


@pytest.mark.parametrize("header", ["soon", "-5", "1.5", "²", "9" * 400, ""])
def test_a_bad_retry_after_counts_as_none(hub: ScriptedHub, client: ConnecClient, clock: Clock, header: str) -> None:
    hub.script = [answer(b"", status=503, headers={"Retry-After": header}), answer(PERSON)]
    get(client)
    assert len(clock.slept) == 1


@pytest.mark.parametrize(
    "lost",
    [
        drop,
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"),
        raw(b"this is not HTTP at all\r\n\r\n"),
        chunked(b'{"people":', end=False),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
    ],
    ids=["hang up", "cut body", "not HTTP", "missing last chunk", "cut chunk"],
)
def test_a_lost_answer_is_asked_for_again(hub: ScriptedHub, client: ConnecClient, clock: Clock, lost: Action) -> None:
    hub.script = [lost, answer(PERSON)]
    assert get(client) == PERSON["people"]
    assert len(clock.slept) == 1
    hub.script = [lost, lost, lost]
    assert fails(client, ConnecUnavailable).status is None


def test_nobody_listens(make_client: MakeClient, clock: Clock) -> None:
    dead = ScriptedHub()
    dead.close()
    error = fails(make_client(connec_host=dead.origin), ConnecUnavailable)
    assert error.status is None
    assert "could not be reached" in str(error)
    assert len(clock.slept) == 2


def test_a_put_is_repeated(hub: ScriptedHub, client: ConnecClient) -> None:
    hub.script = [drop, answer(PERSON)]
    client.update("cld-1", "people", "p-1", {"first_name": "Ines"})
    assert [asked.body for asked in hub.asked] == [b'{"people":{"first_name":"Ines"}}'] * 2


@pytest.mark.parametrize(
    ("id", "tries"),
    [
        (None, 1),
        ("41", 1),
        ([], 1),
        ([{"provider": "acme-books", "realm": "acct-88", "id": ""}], 1),
        ([{"provider": "connec", "realm": "org-1", "id": "p-1"}], 1),
        (["41"], 1),
        (OURS, 3),
    ],
)
@pytest.mark.parametrize("trouble", [drop, answer(b"", status=503)], ids=["lost", "503"])
def test_a_post_is_repeated_only_with_an_external_id(
    hub: ScriptedHub, client: ConnecClient, trouble: Action, id: Any, tries: int
) -> None:
    hub.otherwise = trouble
    with pytest.raises(ConnecUnavailable):
        client.create("cld-1", "people", {"first_name": "Ines"} | ({} if id is None else {"id": id}))
    assert len(hub.asked) == tries


def test_a_read_timeout_is_a_lost_answer(hub: ScriptedHub, make_client: MakeClient, clock: Clock) -> None:
    waiting = threading.Event()

    def silent(handler: Handler) -> None:
        waiting.wait(10)
        drop(handler)

    hub.script = [silent, answer(PERSON)]
    try:
        assert get(make_client(connec_timeout=1)) == PERSON["people"]
    finally:
        waiting.set()
    assert len(clock.slept) == 1


def test_a_timeout_beyond_the_budget_is_not_repeated(hub: ScriptedHub, client: ConnecClient, clock: Clock) -> None:
    def late(handler: Handler) -> None:
        clock.now += 60
        drop(handler)

    hub.otherwise = late
    fails(client, ConnecUnavailable)
    assert (len(hub.asked), clock.slept) == (1, [])
