"""Real queue workers: a saved row reaches the hub, and a notification its row, without anybody's help.

They run on PostgreSQL and MariaDB: the tests' SQLite is in memory, where no other process sees it (``make demo``
shows the same on SQLite files).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from django.db import connection
from django.test import override_settings

from django_connec.models import ConnecGroup, Notification
from tests.app.models import Company, Person
from tests.conftest import API_KEY, ORG, PROVIDER, connec_settings
from tests.processes import wait_until
from tests.services import found
from tests.test_webhook import post

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(os.environ.get("CONNEC_TEST_DB", "sqlite") == "sqlite", reason="needs a database server"),
]

CLUSTER = f"connec-tests-{os.getpid()}"


def redis_dispatcher(task: str, *args: object) -> None:
    """What ``django_connec.dispatch.django_q2`` does where the settings name Redis."""
    from django_q.brokers.redis_broker import Redis
    from django_q.tasks import async_task

    async_task(task, *args, broker=Redis(list_key=CLUSTER))


@pytest.fixture(params=["orm", "redis"])
def clusters(request: pytest.FixtureRequest, hub) -> Iterator[str]:
    broker = request.param
    if broker == "redis" and not found()["redis"]:
        pytest.skip("no Redis on 127.0.0.1:6379")
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "CONNEC_TEST_LIVE_DB": str(connection.settings_dict["NAME"]),
        "CONNEC_TEST_BROKER": broker,
        "CONNEC_TEST_CLUSTER": CLUSTER if broker == "redis" else "connec-tests",
        "CONNEC_TEST_HUB": hub.url,
    }
    # Two at once over Redis: neither may send what the other sends.
    count = 2 if broker == "redis" else 1
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "django", "qcluster"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(count)
    ]
    settings = connec_settings(hub.url)
    if broker == "redis":
        settings["DISPATCHER"] = "tests.test_cluster.redis_dispatcher"
    try:
        with override_settings(CONNEC=settings):
            yield broker
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if broker == "redis":
            from django_q.brokers.redis_broker import Redis

            Redis(list_key=CLUSTER).delete_queue()


def test_saved_rows_reach_the_hub_and_notifications_their_rows(clusters, hub):
    group = ConnecGroup.objects.create(uid="cld-7p2k", org_uid=ORG)
    company = Company.objects.create(name="Pelican", connec_group=group)
    people = Person.objects.bulk_create(
        [Person(company=company, first_name=f"First {n}", email=f"{n}@x.example") for n in range(120)]
    )
    wait_until(lambda: not Person.objects.pending().exists())
    records = hub.records(ORG, "people")
    assert len(records) == 120
    assert sum(call.operations for call in hub.calls if call.path == "/batch") == 120

    person = Person.objects.get(pk=people[0].pk)
    person.last_name = "Changed"
    person.save()
    wait_until(lambda: not Person.objects.pending().exists())
    assert hub.by_external(ORG, "people", PROVIDER, group.uid, str(person.pk))["last_name"] == "Changed"

    record = hub.update(ORG, "people", person.connec_id, last_name="By another")
    assert post({"people": [{**record, "group_id": group.uid}]}, key=API_KEY).status_code == 200
    wait_until(lambda: Notification.objects.filter(state="applied").exists())
    person.refresh_from_db()
    assert person.last_name == "By another"


def test_thousand_saves_outside_a_transaction_do_not_queue_a_thousand_tasks(hub):
    from django_q.models import OrmQ

    group = ConnecGroup.objects.create(uid="cld-7p2k", org_uid=ORG)
    company = Company.objects.create(name="Pelican", connec_group=group)
    for n in range(200):
        Person.objects.create(company=company, first_name=f"First {n}")
    assert OrmQ.objects.count() == 1
