"""Whatever happened: after a drain and one poll both sides are equal, and one more drain sends nothing."""

from __future__ import annotations

import datetime as dt
import json
import random

import pytest
from django.db import connection

from django_connec.models import ConnecGroup, Failure, LinkBack, Notification, Tombstone
from django_connec.reading import poll_group
from django_connec.sandbox import Fault
from django_connec.tasks import sweep
from django_connec.webhooks.deliveries import apply_delivery
from django_connec.work import client_of, work_group
from tests.app.models import Organization, Person
from tests.conftest import ORG

pytestmark = pytest.mark.django_db

STEPS = 60
SEEDS = 12 if connection.vendor == "sqlite" else 4
NAMES = ("Ines", "Tomas", "Aroha", "Wei")


class World:
    """Both sides, and everything that can happen to them."""

    def __init__(self, hub, group, company, seed):
        self.hub, self.group, self.company = hub, group, company
        self.random = random.Random(seed)
        self.now = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
        self.overheard: list[dict] = []
        self.made = 0
        hub.clock = lambda: self.now

    def step(self):
        # The hub's clock shows whole seconds; several things happen in one.
        self.now += dt.timedelta(seconds=self.random.choice((0, 0, 1, 5)))
        self.random.choice(
            (
                self.save_here,
                self.save_here,
                self.change_here,
                self.change_here,
                self.change_many_here,
                self.delete_here,
                self.save_there,
                self.change_there,
                self.change_there,
                self.deactivate_there,
                self.notify,
                self.notify,
                self.notify_again,
                self.trouble,
                self.drain,
                self.drain,
                self.poll,
            )
        )()

    def number(self):
        self.made += 1
        return self.made

    def save_here(self):
        employer = self.random.choice([None, *Organization.objects.all()])
        if self.random.random() < 0.3:
            employer = Organization.objects.create(company=self.company, name=f"Organisation {self.number()}")
        # Now and then one without a name, which the hub refuses.
        name = f"Here {self.number()}" if self.random.random() < 0.9 else ""
        Person.objects.create(company=self.company, first_name=name, employer=employer)

    def change_here(self):
        person = Person.objects.order_by("?").first()
        if person is not None:
            field = self.random.choice(("first_name", "last_name"))
            setattr(person, field, self.value(field))
            person.employer = self.random.choice([None, person.employer, *Organization.objects.all()])
            person.save()

    def change_many_here(self):
        Person.objects.filter(pk__in=list(Person.objects.values_list("pk", flat=True)[:3])).update(
            last_name=self.value("last_name")
        )

    def delete_here(self):
        person = Person.objects.order_by("?").first()
        if person is not None:
            person.delete()

    def save_there(self):
        self.hear("people", self.hub.create(ORG, "people", first_name=f"There {self.number()}"))

    def change_there(self):
        record = self.pick()
        if record is not None:
            field = self.random.choice(("first_name", "last_name", "job_title"))
            changes = {field: self.value(field), "email": {"address": f"{self.number()}@x.example"}}
            self.hear("people", self.hub.update(ORG, "people", record["id"], **changes))

    def deactivate_there(self):
        record = self.pick()
        if record is not None:
            self.hear("people", self.hub.update(ORG, "people", record["id"], status="INACTIVE"))

    def notify(self):
        if self.overheard:
            self.deliver(self.overheard.pop(self.random.randrange(len(self.overheard))))

    def notify_again(self):
        if self.overheard:
            self.deliver(self.random.choice(self.overheard))

    def trouble(self):
        kind = self.random.choice(("lose_answer", "drop", "status", "garbage"))
        self.hub.faults.add(Fault(kind, times=self.random.choice((1, 3)), path="POST /batch"))

    def drain(self):
        work_group(self.group, force=self.random.random() < 0.7)

    def poll(self):
        poll_group(self.group, client_of(self.group))

    def value(self, field):
        if field == "last_name" and self.random.random() < 0.3:
            return ""
        return self.random.choice((*NAMES, f"Name {self.number()}"))

    def pick(self):
        records = [record for record in self.hub.records(ORG, "people") if record.get("first_name")]
        return self.random.choice(records) if records else None

    def hear(self, resource, record):
        external = self.random.random() < 0.5
        shown = self.hub.get(ORG, resource, record["id"], external_ids=external)
        self.overheard.append({resource: [{**shown, "group_id": self.group.uid}]})

    def deliver(self, body):
        notification = Notification.objects.create(marketplace="default", body=json.dumps(body).encode())
        apply_delivery(notification.pk)

    def heal(self):
        """What time does by itself: the trouble ends, waiting times pass."""
        self.hub.faults.clear()
        self.now += dt.timedelta(minutes=5)
        Person.objects.filter(first_name="").update(first_name="Healed")
        Failure.objects.update(next_attempt_at=None, is_dead=False)
        Tombstone.objects.update(next_attempt_at=None, is_dead=False)
        LinkBack.objects.update(next_attempt_at=None)
        ConnecGroup.objects.update(retry_at=None, retry_count=0)

    def here(self):
        return {
            person.connec_id: (
                person.first_name,
                person.last_name,
                person.email,
                person.active,
                person.employer.connec_id if person.employer else None,
            )
            for person in Person.objects.select_related("employer")
        }

    def there(self):
        buried = set(Tombstone.objects.values_list("connec_id", flat=True))
        return {
            record["id"]: (
                record.get("first_name") or "",
                record.get("last_name") or "",
                (record.get("email") or {}).get("address") or "",
                record["status"] == "ACTIVE",
                record.get("organization_id"),
            )
            for record in self.hub.records(ORG, "people")
            if record["id"] not in buried
        }


@pytest.mark.parametrize("seed", range(SEEDS))
def test_both_sides_end_equal(hub, group, company, seed):
    world = World(hub, group, company, seed)
    for _ in range(STEPS):
        world.step()
    world.heal()
    work_group(group)
    poll_group(group, client_of(group))
    work_group(group)
    assert not Failure.objects.exists(), list(Failure.objects.values_list("direction", "object_id", "message"))
    assert world.here() == world.there()
    assert None not in world.here()
    hub.calls.clear()
    work_group(group)
    assert hub.operations == 0
    assert not Person.objects.pending().exists()


def test_change_whose_task_was_never_queued_is_sent_by_the_sweep(hub, group, company):
    """Inside a test's transaction nothing runs on commit, as when the process dies right after it."""
    Person.objects.create(company=company, first_name="Ines")
    sweep()
    assert [record["first_name"] for record in hub.records(ORG, "people")] == ["Ines"]
