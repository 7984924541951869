"""Processes that are killed in the middle of their work: what was lost is found again, and nothing is made twice."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings
from django.utils import timezone

from django_connec.dispatch import enqueue
from django_connec.models import ConnecGroup, Failure, Lease, LinkBack, Notification, SyncCursor, SyncRun
from django_connec.sandbox import Fault
from tests.app.models import Organization, Person
from tests.conftest import API_KEY, ORG, connec_settings, drain
from tests.processes import LiveDatabase, kill_group, start_python, wait_until
from tests.services import found
from tests.test_cluster import CLUSTER
from tests.test_loop import load_people
from tests.test_webhook import post

pytestmark = pytest.mark.django_db(transaction=True)

on_servers = pytest.mark.skipif(
    os.environ.get("CONNEC_TEST_DB", "sqlite") == "sqlite",
    reason="needs a database server: in memory, no other process sees the tests' SQLite",
)


# Queue workers ----------------------------------------------------------------------------------------------


class Workers:
    """Clusters of django-q2 on the test's database, over one broker."""

    def __init__(self, broker: str, hub_url: str, folder: Path) -> None:
        self.broker = broker
        self.running: list[subprocess.Popen[str]] = []
        self._hub_url = hub_url
        self._database = LiveDatabase(folder)

    def start(self) -> None:
        self.running.append(
            start_python(
                self._database,
                self._hub_url,
                ["-m", "django", "qcluster"],
                quiet=True,
                CONNEC_TEST_BROKER=self.broker,
                CONNEC_TEST_CLUSTER=CLUSTER if self.broker == "redis" else "connec-tests",
            )
        )

    def kill(self) -> None:
        """Kill the cluster that was started first."""
        kill_group(self.running.pop(0))

    def empty_queue(self) -> None:
        """Forget what is queued, as a broker does that loses its memory."""
        if self.broker == "redis":
            from django_q.brokers.redis_broker import Redis

            Redis(list_key=CLUSTER).delete_queue()
        else:
            from django_q.models import OrmQ

            OrmQ.objects.all().delete()


@pytest.fixture(params=[("redis", 2), ("orm", 1)], ids=["redis, two clusters", "orm, one cluster"])
def workers(request: pytest.FixtureRequest, hub, tmp_path) -> Iterator[Workers]:
    broker, count = request.param
    if broker == "redis" and not found()["redis"]:
        pytest.skip("no Redis on 127.0.0.1:6379")
    workers = Workers(broker, hub.url, tmp_path)
    settings = connec_settings(hub.url)
    if broker == "redis":
        settings["DISPATCHER"] = "tests.test_cluster.redis_dispatcher"
    try:
        for _ in range(count):
            workers.start()
        with override_settings(CONNEC=settings):
            yield workers
    finally:
        while workers.running:
            workers.kill()
        workers.empty_queue()


def let_time_pass() -> None:
    """What the dead have held is free for others: more than ten minutes have gone by."""
    long_ago = timezone.now() - dt.timedelta(minutes=11)
    Lease.objects.filter(token__isnull=False).update(renewed_at=long_ago)
    Notification.objects.filter(started_at__isnull=False).update(started_at=long_ago)
    ConnecGroup.objects.filter(wake_requested_at__isnull=False).update(wake_requested_at=long_ago)
    ConnecGroup.objects.update(retry_at=None)


def here():
    rows = Person.objects.select_related("employer")
    return {
        row.connec_id: (row.first_name, row.last_name, row.email, row.employer.connec_id if row.employer else None)
        for row in rows
    }


def there(hub):
    return {
        record["id"]: (
            record.get("first_name") or "",
            record.get("last_name") or "",
            (record.get("email") or {}).get("address") or "",
            record.get("organization_id"),
        )
        for record in hub.records(ORG, "people")
    }


def is_imported() -> bool:
    return SyncCursor.objects.filter(resource="people", imported_at__isnull=False).exists()


def somebody_works() -> bool:
    return Lease.objects.filter(token__isnull=False).exists()


def is_done(hub) -> bool:
    waiting = (
        Person.objects.pending().exists()
        or Organization.objects.pending().exists()
        or Notification.objects.filter(state="waiting").exists()
        or not is_imported()
        or LinkBack.objects.exists()
        or somebody_works()
    )
    return not waiting and here() == there(hub)


def calls(hub, method, end):
    return sum(call.method == method and call.path.endswith(end) for call in list(hub.calls))


@on_servers
def test_clusters_killed_in_the_middle_lose_nothing_and_make_nothing_twice(workers, hub):
    load_people(hub, 10, 200)
    group = ConnecGroup.objects.create(uid="cld-7p2k", org_uid=ORG)
    company = group.company_set.create(name="Pelican")
    # Slow enough for a moment to be in the middle of it.
    hub.faults.add(Fault("slow", times=-1, path="POST /batch", seconds=0.15))
    hub.faults.add(Fault("slow", times=-1, path="GET .*/people", seconds=0.1))

    def save(name: str, count: int) -> None:
        Person.objects.bulk_create([Person(company=company, first_name=f"{name} {n}") for n in range(count)])

    def notify(n: int) -> None:
        record = hub.update(ORG, "people", f"person-uuid-{n}", last_name=f"Notified {n}")
        assert post({"people": [{**record, "group_id": group.uid}]}, key=API_KEY).status_code == 200

    save("Here", 250)
    enqueue("import_group", group.pk)
    notify(1)
    # One is killed while rows are being sent; with two clusters, the other goes on.
    wait_until(lambda: calls(hub, "POST", "/batch") >= 2)
    workers.kill()
    assert Person.objects.pending().exists()
    Person.objects.filter(first_name="Here 1").update(last_name="Changed meanwhile")
    notify(2)
    save("Later", 50)
    let_time_pass()
    while workers.running:
        # The other takes over what the dead one held, and dies in the middle of it as well.
        enqueue("sweep")
        before = calls(hub, "POST", "/batch")
        wait_until(lambda before=before: calls(hub, "POST", "/batch") >= before + 2)
        workers.kill()
    save("Last", 10)
    workers.empty_queue()
    hub.faults.clear()
    assert not is_done(hub)

    let_time_pass()
    workers.start()
    enqueue("sweep")
    enqueue("poll")
    wait_until(lambda: is_imported() and not somebody_works())
    # The ids of what was imported are sent back with the next sweep, a minute later.
    enqueue("sweep")
    wait_until(lambda: is_done(hub))
    names = Counter(record["first_name"] for record in hub.records(ORG, "people"))
    assert len(names) == 200 + 250 + 50 + 10
    assert set(names.values()) == {1}
    assert Person.objects.count() == 510
    assert Person.objects.get(first_name="Here 1").last_name == "Changed meanwhile"
    assert Person.objects.get(connec_id="person-uuid-2").last_name == "Notified 2"
    assert not Failure.objects.exists()
    hub.calls.clear()
    drain(group)
    assert hub.operations == 0
    assert not SyncRun.objects.filter(state="running").exists()


# An import from the command line ----------------------------------------------------------------------------

IMPORT = """
import django
from django.conf import settings
settings.CONNEC["PAGE_SIZE"] = 20
django.setup()
from django.core.management import call_command
call_command("connec_import", verbosity=0)
"""
TABLES = ("app_person", "app_organization", "django_connec_synccursor", "django_connec_syncrun")
TABLES += ("django_connec_linkback", "django_connec_lease", "django_connec_parkedrecord")
RUNS = "SELECT COUNT(*) FROM django_connec_syncrun"
ROWS = """
SELECT p.connec_id, p.first_name, p.last_name, p.email, p.born, p.active, o.connec_id,
    p.connec_updated_at, p.connec_state
FROM app_person p LEFT JOIN app_organization o ON o.id = p.employer_id ORDER BY p.connec_id
"""


def import_undisturbed(database, hub) -> list:
    process = start_python(database, hub.url, ["-c", IMPORT])
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    rows = database.rows(ROWS)
    for table in TABLES:
        database.rows(f"DELETE FROM {table}")
    return rows


def test_import_killed_at_random_points_ends_as_an_undisturbed_one(hub, company, tmp_path):
    load_people(hub, 30, 400)
    database = LiveDatabase(tmp_path)
    expected = import_undisturbed(database, hub)
    assert len(expected) == 400
    # Pages take their time, so that the points are spread over the whole of the work.
    hub.faults.add(Fault("slow", times=-1, path="GET .*/people", seconds=0.03))
    chance = random.Random(7)
    reached = []
    undisturbed = database.rows(RUNS)[0][0]
    for before in range(3):
        hub.calls.clear()
        process = start_python(database, hub.url, ["-c", IMPORT])
        pages = chance.randint(1, 6)
        # Its run, too: the hub may still be answering the one that was killed before.
        wait_until(lambda before=before: database.rows(RUNS)[0][0] > before + undisturbed)
        wait_until(lambda pages=pages: calls(hub, "GET", "/people") >= pages)
        kill_group(process)
        reached.append(database.rows("SELECT COUNT(*) FROM app_person")[0][0])
        database.rows("UPDATE django_connec_lease SET renewed_at = %s", ["2001-01-01 00:00:00"])
    assert reached == sorted(reached)
    assert 0 < reached[-1] < 400
    hub.faults.clear()
    process = start_python(database, hub.url, ["-c", IMPORT])
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert database.rows(ROWS) == expected
    # It went on from the last committed page: what had been committed was not applied once more.
    ((counts,),) = database.rows("SELECT counts FROM django_connec_syncrun WHERE state = %s", ["succeeded"])
    counts = json.loads(counts) if isinstance(counts, str) else counts
    assert set(counts["people"]) == {"created"}
    assert database.rows("SELECT COUNT(*) FROM app_organization") == [(30,)]
    states = database.rows("SELECT state FROM django_connec_syncrun ORDER BY id")
    assert [state for (state,) in states] == ["failed"] * 3 + ["succeeded"]
