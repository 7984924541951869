"""After a commit each changed group is woken once; whatever becomes of that, the change is in the row."""

from __future__ import annotations

import datetime as dt
import logging

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from django_connec import connec_disabled
from django_connec.mapping import Field, Mapper
from django_connec.models import ConnecGroup
from tests.app.models import Company, Item, Person
from tests.other.models import Account, Holder, Place, Restaurant
from tests.tracking.conftest import rolled_back

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def woken(queue, group):
    def take():
        """What was queued since the last call; the groups are as if their drains had begun."""
        found = [args[0] for task, args in queue if task == "drain_group"]
        queue.clear()
        ConnecGroup.objects.update(wake_requested_at=None)
        return found

    return take


def test_thousand_saves_make_one_task_and_few_queries(woken, group, company, statements):
    with statements() as seen, transaction.atomic():
        for n in range(1000):
            Person(company=company, first_name=f"{n}").save()
    assert woken() == [group.pk]
    after = [q["sql"] for q in seen.captured_queries if "INSERT" not in q["sql"] and "app_person" in q["sql"]]
    assert len(after) == 2, "500 keys a query"


def test_one_query_a_model_on_commit(woken, group, company, statements):
    with statements() as seen, transaction.atomic():
        for n in range(20):
            Person.objects.create(company=company, first_name=f"{n}")
            Item.objects.create(company=company, name=f"{n}")
    selects = [sql for sql in seen.sql if sql.startswith("SELECT")]
    assert len(selects) == 2
    assert len(seen.sql) == 40 + 2 + 1  # and the one mark on the group
    assert woken() == [group.pk]


def test_loop_of_savepoints_makes_no_loop_of_queries(woken, group, company, statements):
    with statements() as seen, transaction.atomic():
        for n in range(50):
            with transaction.atomic():
                Person.objects.create(company=company, first_name=f"{n}")
    assert woken() == [group.pk]
    assert len([sql for sql in seen.sql if sql.startswith("SELECT")]) <= 2


def test_each_group_once(woken, group, company):
    other = ConnecGroup.objects.create(uid="cld-2")
    second = Company.objects.create(name="two", connec_group=other)
    nobody = Company.objects.create(name="three")
    with transaction.atomic():
        for owner in (company, second, nobody) * 3:
            Person.objects.create(company=owner)
            Item.objects.create(company=owner, name="x")
    assert sorted(woken()) == [group.pk, other.pk]


def test_nothing_after_a_rollback(woken, company):
    with rolled_back():
        Person.objects.create(company=company)
    assert woken() == []
    with transaction.atomic():
        pass
    assert woken() == []


def test_rolled_back_savepoint_loses_nothing_else(woken, group, company):
    with transaction.atomic():
        with rolled_back():
            Person.objects.create(company=company)
        Person.objects.create(company=company)
    assert woken() == [group.pk]


def test_rolled_back_savepoint_alone_wakes_nobody(woken, company):
    with transaction.atomic(), rolled_back():
        Person.objects.create(company=company)
    assert woken() == []


def test_saves_around_and_inside_savepoints(woken, group, company):
    other = ConnecGroup.objects.create(uid="cld-2")
    second = Company.objects.create(name="two", connec_group=other)
    with transaction.atomic():
        Person.objects.create(company=company)
        with transaction.atomic():
            with transaction.atomic():
                Person.objects.create(company=second)
            with rolled_back():
                Person.objects.create(company=second)
        with rolled_back(), transaction.atomic():
            Person.objects.create(company=company)
    assert sorted(woken()) == [group.pk, other.pk]


def test_released_savepoint_goes_with_the_one_around_it(woken, group, company):
    other = ConnecGroup.objects.create(uid="cld-2")
    second = Company.objects.create(name="two", connec_group=other)
    with transaction.atomic():
        Person.objects.create(company=company)
        with rolled_back():
            with transaction.atomic():
                Person.objects.create(company=second)
            with transaction.atomic():
                Person.objects.create(company=second)
        with transaction.atomic():
            Person.objects.create(company=company)
    assert woken() == [group.pk]


def test_atomic_without_savepoint(woken, group, company):
    with transaction.atomic(), transaction.atomic(savepoint=False):
        Person.objects.create(company=company)
    assert woken() == [group.pk]


def test_saves_outside_a_transaction_ask_once(queue, group, company):
    for n in range(100):
        Person.objects.create(company=company, first_name=f"{n}")
    assert queue == [("drain_group", (group.pk,))]
    group.refresh_from_db()
    assert group.wake_requested_at is not None


def test_lost_wake_up_expires(queue, group, company):
    Person.objects.create(company=company)
    with time_machine.travel(timezone.now() + dt.timedelta(minutes=6)):
        Person.objects.create(company=company)
    assert len(queue) == 2


@pytest.mark.parametrize("outside", [True, False])
def test_bulk_writes_wake_also_outside_a_transaction(woken, group, company, outside):
    def run(work):
        if outside:
            work()
        else:
            with transaction.atomic():
                work()
        return woken()

    assert run(lambda: Person.objects.bulk_create([Person(company=company)])) == [group.pk]
    Person._base_manager.update(connec_changed_at=None)
    assert run(lambda: Person.objects.update(first_name="x")) == [group.pk]
    Person._base_manager.update(connec_changed_at=None)
    rows = list(Person.objects.all())
    assert run(lambda: Person.objects.bulk_update(rows, ["last_name"])) == [group.pk]
    Person._base_manager.update(connec_changed_at=None)
    assert run(lambda: company.person_set.add(rows[0])) == [group.pk]


def test_writes_that_change_nothing_wake_nobody(woken, company):
    Person.objects.create(company=company)
    woken()
    assert Person.objects.filter(first_name="nobody").update(first_name="x") == 0
    Person.objects.bulk_create([])
    person = Person.objects.get()
    person.save(connec=False)
    with connec_disabled():
        person.save()
        Person.objects.update(first_name="y")
    assert woken() == []


@pytest.mark.parametrize("change", [{"is_active": False}, {"sharing_enabled": False}, {"stopped_at": timezone.now()}])
def test_groups_that_do_not_work_are_not_woken(woken, group, company, change):
    ConnecGroup.objects.filter(pk=group.pk).update(**change)
    Person.objects.create(company=company)
    Person.objects.update(first_name="x")
    assert woken() == []
    assert Person.objects.pending().count() == 1


def test_dead_queue_harms_nobody(settings, group, company, caplog):
    settings.CONNEC = {**settings.CONNEC, "DISPATCHER": "tests.tracking.queues.dead"}
    called = []
    with caplog.at_level(logging.WARNING), transaction.atomic():
        Person.objects.create(company=company)
        transaction.on_commit(lambda: called.append(1))
    assert called == [1]
    assert Person.objects.pending().count() == 1
    group.refresh_from_db()
    assert group.wake_requested_at is None, "the next save must ask again"
    assert "the queue did not take" in caplog.text


def test_dead_database_after_commit_harms_nobody(queue, group, company, caplog):
    called = []

    def refuse(execute, sql, params, many, context):
        if sql.startswith("SELECT"):
            raise ConnectionError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse), transaction.atomic():
        Person.objects.bulk_create([Person(company=company)])
        transaction.on_commit(lambda: called.append(1))
    assert called == [1]
    assert queue == []
    assert "the sweep will" in caplog.text


def test_transactions_that_the_host_manages_by_hand(queue, group, company):
    transaction.set_autocommit(False)
    try:
        Person.objects.create(company=company)
        Person.objects.update(first_name="x")
        transaction.commit()
    finally:
        transaction.set_autocommit(True)
    assert Person.objects.pending().count() == 1
    assert queue == []


def test_multi_table_child_wakes_through_its_parents_mapper(woken, group, mapped):
    class PlaceMapper(Mapper):
        class Meta:
            resource = "places"
            group = "holder__connec_group"

        name = Field()

    mapped(Place, PlaceMapper)
    holder = Holder.objects.create(account=Account.objects.create(), connec_group=group)
    row = Restaurant.objects.create(holder=holder, name="one")
    assert woken() == [group.pk]
    Restaurant.objects.filter(pk=row.pk).update(stars=2)
    assert woken() == [group.pk]


def test_row_with_receivers_saves_wakes_once(woken, group, company, request):
    from django.db.models.signals import post_save

    def another(instance, created, **_):
        if created:
            instance.save()

    post_save.connect(another, sender=Person)
    request.addfinalizer(lambda: post_save.disconnect(another, sender=Person))
    with transaction.atomic():
        Person.objects.create(company=company)
    assert woken() == [group.pk]
