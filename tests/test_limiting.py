"""The cap on requests a second holds for all threads and processes together."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import replace

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_connec import limiting
from django_connec.client import client_for, reset_clients
from django_connec.conf import get_marketplace
from django_connec.limiting import limiter_for, reserve
from django_connec.models import RequestSlot
from tests.app.models import Person
from tests.conftest import connec_settings, drain
from tests.processes import LiveDatabase, start_python
from tests.test_loop import load_people

SPACING = 100_000


@pytest.fixture
def clock(monkeypatch):
    """Time that stands still until it is moved."""

    class Clock:
        now = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)

        def move(self, seconds):
            self.now += dt.timedelta(seconds=seconds)

    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.mark.django_db
def test_turns_are_spaced_and_an_idle_time_earns_no_burst(clock):
    assert [round(reserve("default", SPACING), 3) for _ in range(3)] == [0.0, 0.1, 0.2]
    clock.move(10)
    assert [round(reserve("default", SPACING), 3) for _ in range(3)] == [0.0, 0.1, 0.2]
    # Each marketplace has a cap of its own.
    assert reserve("other", SPACING) == 0.0


@pytest.mark.django_db
def test_clock_that_was_set_back_does_not_stop_the_requests(clock):
    reserve("default", SPACING)
    clock.move(-3600)
    assert [round(reserve("default", SPACING), 3) for _ in range(2)] == [0.0, 0.1]


def test_second_never_holds_one_more_than_the_cap(monkeypatch, settings):
    """Three turns a second are a little more than 333,333 microseconds apart, not a little less."""
    asked = []
    monkeypatch.setattr(limiting, "reserve", lambda name, spacing: asked.append((name, spacing)) or 0.0)
    marketplace = replace(get_marketplace("default"), connec_max_requests_per_second=3)
    assert limiter_for(marketplace)() == 0.0
    assert asked == [("default", 333_334)]


@pytest.mark.django_db
def test_reserving_takes_two_statements(clock):
    reserve("default", SPACING)
    with CaptureQueriesContext(connection) as captured:
        reserve("default", SPACING)
    statements = [q["sql"] for q in captured if q["sql"].startswith(("SELECT", "UPDATE", "INSERT"))]
    assert len(statements) == 2


def capped(url, per_second):
    settings = connec_settings(url)
    settings["MARKETPLACES"]["default"]["CONNEC_MAX_REQUESTS_PER_SECOND"] = per_second
    return override_settings(CONNEC=settings)


@pytest.mark.django_db
def test_without_a_cap_there_is_no_query(hub, group, client_to_hub):
    with CaptureQueriesContext(connection) as captured:
        client_to_hub.root(group.uid)
    assert len(captured) == 0
    assert not RequestSlot.objects.exists()


@pytest.mark.django_db
def test_a_batch_is_one_request(hub, group, company):
    Person.objects.bulk_create([Person(company=company, first_name=f"First {n}") for n in range(40)])
    with capped(hub.url, 1000):
        reset_clients()
        now = timezone.now().timestamp()
        RequestSlot.objects.create(marketplace="default", next_free=int((now + 60) * 1_000_000))
        drain(group)
    assert [call.operations for call in hub.calls] == [40]
    # One turn of a millisecond was taken.
    assert RequestSlot.objects.get().next_free == int((now + 60) * 1_000_000) + 1000


CALLER = """
import sys, threading
import django
django.setup()
from django_connec.conf import get_marketplace
from django_connec import limiting
from django_connec.client import client_for
from dataclasses import replace
marketplace = replace(get_marketplace("default"), connec_max_requests_per_second=int(sys.argv[1]))
def call():
    for _ in range(int(sys.argv[2])):
        client_for(marketplace).root("cld-7p2k")
threads = [threading.Thread(target=call) for _ in range(2)]
[t.start() for t in threads]
[t.join() for t in threads]
"""

IMPORT = """
import django
from django.conf import settings
settings.CONNEC["MARKETPLACES"]["default"]["CONNEC_MAX_REQUESTS_PER_SECOND"] = 20
settings.CONNEC["PAGE_SIZE"] = 10
django.setup()
from django.core.management import call_command
call_command("connec_import")
"""


@pytest.fixture
def arrivals(hub):
    """When each request reached the hub, in seconds."""
    times = []
    original = hub.api.handle
    hub.api.handle = lambda *args, **kwargs: (times.append(time.monotonic()), original(*args, **kwargs))[1]
    return times


def assert_cap_holds(times, per_second):
    times = sorted(times)
    # A busy machine holds single requests up on their way, so that those of one second may arrive closer together.
    for first, last in zip(times, times[per_second + 1 :], strict=False):
        assert last - first >= 0.5
    assert times[-1] - times[0] >= (len(times) - 1) / per_second * 0.8


@pytest.mark.django_db(transaction=True)
def test_cap_holds_for_threads_and_processes_together(hub, group, arrivals, tmp_path):
    database = LiveDatabase(tmp_path)
    processes = [start_python(database, hub.url, ["-c", CALLER, "20", "10"]) for _ in range(3)]
    for process in processes:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0, output
    assert len(arrivals) == 60
    assert_cap_holds(arrivals, 20)
    assert database.rows("SELECT COUNT(*) FROM django_connec_requestslot") == [(1,)]


@pytest.mark.django_db(transaction=True)
def test_pages_fetched_ahead_obey_the_cap(hub, company, arrivals, tmp_path):
    load_people(hub, 10, 250)
    database = LiveDatabase(tmp_path)
    process = start_python(database, hub.url, ["-c", IMPORT])
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert database.rows("SELECT COUNT(*) FROM app_person") == [(250,)]
    assert len(arrivals) >= 25
    assert_cap_holds(arrivals, 20)


def test_the_cap_makes_another_client():
    from dataclasses import replace

    plain = get_marketplace("default")
    assert client_for(plain) is not client_for(replace(plain, connec_max_requests_per_second=5))
