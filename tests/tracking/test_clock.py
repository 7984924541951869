"""Stamps never repeat, whatever the system clock says."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine

from django_connec.tracking.clock import next_stamp

FUTURE = dt.datetime(2090, 10, 1, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def own_clock(monkeypatch):
    monkeypatch.setattr("django_connec.tracking.clock._last", {})


def test_clock_that_stands_still():
    with time_machine.travel(FUTURE, tick=False):
        stamps = [next_stamp() for _ in range(1000)]
    assert len(set(stamps)) == 1000
    assert stamps == sorted(stamps)
    assert stamps[0] == FUTURE


def test_clock_that_is_set_back_moves_on_by_the_least():
    with time_machine.travel(FUTURE, tick=False):
        first = next_stamp()
    with time_machine.travel(FUTURE - dt.timedelta(days=1), tick=False):
        assert next_stamp() == first + dt.timedelta(microseconds=1)
    with time_machine.travel(FUTURE + dt.timedelta(seconds=1), tick=False):
        assert next_stamp() == FUTURE + dt.timedelta(seconds=1)


def test_threads_never_share_a_stamp():
    with time_machine.travel(FUTURE, tick=False), ThreadPoolExecutor(8) as pool:
        stamps = [s for part in pool.map(lambda _: [next_stamp() for _ in range(500)], range(8)) for s in part]
    assert len(set(stamps)) == 4000


def test_without_time_zones_stamps_are_naive_and_survive_the_end_of_summer_time(settings):
    settings.USE_TZ = False
    settings.TIME_ZONE = "Europe/Berlin"
    # 02:30 twice: once in summer time, an hour later in winter time.
    with time_machine.travel(dt.datetime(2029, 10, 28, 0, 30, tzinfo=dt.UTC), tick=False):
        summer = next_stamp()
    with time_machine.travel(dt.datetime(2029, 10, 28, 1, 30, tzinfo=dt.UTC), tick=False):
        winter = next_stamp()
    assert summer == dt.datetime(2029, 10, 28, 2, 30)
    assert winter == summer + dt.timedelta(microseconds=1)
