"""Waiting for a turn: before every request, by the injected pause, and outside the time for repeats."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from django_connec.client import ConnecClient, ConnecUnavailable, Operation
from django_connec.conf import Marketplace

from .calls import PERSON, fails, get
from .hub import Clock, ScriptedHub, answer

Make = Callable[[float], ConnecClient]


@pytest.fixture
def turns() -> list[float]:
    return []


@pytest.fixture
def limited(hub: ScriptedHub, clock: Clock, turns: list[float]) -> Make:
    def make(seconds: float) -> ConnecClient:
        def limiter() -> float:
            turns.append(seconds)
            return seconds

        marketplace = Marketplace("default", "app-1a2b", "very secret", hub.origin)
        return ConnecClient(marketplace, sleep=clock.sleep, monotonic=clock, limiter=limiter)

    return make


def test_each_request_waits_for_its_turn(hub: ScriptedHub, limited: Make, clock: Clock, turns: list[float]) -> None:
    hub.otherwise = answer(PERSON)
    client = limited(0.25)
    get(client)
    get(client)
    assert clock.slept == [0.25, 0.25]


def test_a_turn_that_is_now_is_not_slept_for(hub: ScriptedHub, limited: Make, clock: Clock, turns: list[float]) -> None:
    hub.otherwise = answer(PERSON)
    get(limited(0.0))
    assert (len(turns), clock.slept) == (1, [])


def test_repeats_take_turns_too(hub: ScriptedHub, limited: Make, turns: list[float]) -> None:
    hub.otherwise = answer(b"", status=503)
    fails(limited(0.01), ConnecUnavailable)
    assert len(turns) == len(hub.asked) == 3


def test_a_long_wait_does_not_cost_the_repeats(hub: ScriptedHub, limited: Make, clock: Clock) -> None:
    hub.script = [answer(b"", status=503), answer(PERSON)]
    assert get(limited(30.0)) == PERSON["people"]
    assert clock.slept[0] == 30.0


def test_a_batch_takes_one_turn(hub: ScriptedHub, limited: Make, turns: list[float]) -> None:
    hub.otherwise = answer({"results": [{"status": 200, "body": PERSON}] * 20})
    operation = Operation("put", "cld-1", "people", "p", {"first_name": "Ines"})
    assert len(limited(0.0).batch([operation] * 20).results) == 20
    assert len(turns) == 1
