"""save() marks the row in its own statement, and writes nothing that is not the host's."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone

from django_connec import connec_disabled
from django_connec.models import ConnecGroup
from tests.app.models import Organization, Person, PersonProxy
from tests.conftest import ORG
from tests.other.models import Place, Plain, Restaurant, Shop, Tracked, TrackedProxy
from tests.tracking.conftest import known

pytestmark = pytest.mark.django_db

LONG_AGO = dt.datetime(2001, 2, 3, 4, 5, 6, 789, tzinfo=dt.UTC)


def stored(row, column="connec_changed_at"):
    return type(row)._base_manager.values_list(column, flat=True).get(pk=row.pk)


def unmark(row):
    type(row)._base_manager.filter(pk=row.pk).update(connec_changed_at=None)
    return type(row)._base_manager.get(pk=row.pk)


def test_save_costs_no_query_more_than_without_the_mixin(statements):
    counts = {}
    for model in (Plain, Tracked):
        with transaction.atomic(), statements() as insert:
            row = model.objects.create(name="one")
        with transaction.atomic(), statements() as update:
            row.number = 2
            row.save()
        with transaction.atomic(), statements() as named:
            row.save(update_fields=["number"])
        counts[model] = [len(insert), len(update), len(named)]
        assert [len(s.sql) for s in (insert, update, named)] == [1, 1, 1], model
    assert counts[Plain] == counts[Tracked]


def test_insert_and_update_mark_with_the_moment():
    before = timezone.now()
    row = Tracked.objects.create(name="one")
    first = stored(row)
    assert before <= first <= timezone.now() + dt.timedelta(seconds=1)
    assert row.connec_changed_at == first
    row.save()
    assert stored(row) > first


def test_mark_keeps_its_microseconds(monkeypatch):
    monkeypatch.setattr("django_connec.models.mixins.next_stamp", lambda: LONG_AGO)
    row = Tracked.objects.create(name="one")
    assert stored(row) == LONG_AGO
    assert Tracked.objects.filter(connec_changed_at=LONG_AGO).exists()


@pytest.mark.parametrize("names", [["name"], ("name",), {"name"}, iter(["name"])], ids=["list", "tuple", "set", "iter"])
def test_update_fields_of_any_kind_mark(names):
    row = unmark(Tracked.objects.create(name="one"))
    row.name, row.number = "two", 9
    row.save(update_fields=names)
    assert stored(row) is not None
    assert (stored(row, "name"), stored(row, "number")) == ("two", 0)


def test_empty_update_fields_do_nothing(statements):
    row = unmark(Tracked.objects.create(name="one"))
    with statements() as seen:
        row.save(update_fields=[])
    assert len(seen) == 0
    assert stored(row) is None
    assert row.connec_changed_at is None


@pytest.mark.parametrize(
    "load", [lambda q: q.only("name"), lambda q: q.defer("number", "connec_changed_at"), lambda q: q.defer("name")]
)
def test_partly_loaded_instances_mark(load, statements):
    row = known(ConnecGroup.objects.create(uid="cld-1"), Tracked.objects.create(name="one"))
    part = load(Tracked.objects.all()).get()
    with statements() as seen:
        part.save()
    assert len(seen.sql) == 1
    assert stored(row) is not None
    assert stored(row, "connec_id") == "hub-1"


def test_unmarked_save_leaves_the_mark_as_it_is():
    row = unmark(Tracked.objects.create(name="one"))
    row.name = "two"
    row.save(connec=False)
    assert (stored(row, "name"), stored(row)) == ("two", None)
    # Its own mark is not cleared …
    pending = Tracked.objects.create(name="three")
    mark = stored(pending)
    pending.save(connec=False)
    assert stored(pending) == mark
    # … a mark that another made is not cleared by an instance that does not know of it …
    stale = unmark(pending)
    Tracked.objects.get(pk=pending.pk).save()
    newer = stored(pending)
    stale.save(connec=False)
    assert stored(pending) == newer
    # … and one that was sent meanwhile is not brought back.
    stale = Tracked.objects.get(pk=pending.pk)
    unmark(pending)
    stale.save(connec=False)
    assert stored(pending) is None


def test_unmarked_insert():
    row = Tracked(name="one")
    row.save(connec=False)
    assert stored(row) is None
    assert row.connec_changed_at is None


def test_disabled_block_nests_and_ends():
    with connec_disabled():
        with connec_disabled():
            inner = Tracked.objects.create(name="inner")
        outer = Tracked.objects.create(name="outer")
    with pytest.raises(RuntimeError), connec_disabled():
        raise RuntimeError
    after = Tracked.objects.create(name="after")
    assert [stored(row) is None for row in (inner, outer, after)] == [True, True, False]


def test_disabled_block_covers_bulk_paths():
    row = unmark(Tracked.objects.create(name="one"))
    with connec_disabled():
        Tracked.objects.update(number=1)
        row.number = 2
        Tracked.objects.bulk_update([row], ["number"])
        Tracked.objects.bulk_create([Tracked(name="two")])
    assert not Tracked.objects.pending().exists()
    assert stored(row, "number") == 2


def test_disabled_block_does_not_reach_other_threads():
    from django_connec.tracking.switch import is_tracking

    seen = []
    with connec_disabled():
        thread = threading.Thread(target=lambda: seen.append(is_tracking()))
        thread.start()
        thread.join()
        assert not is_tracking()
    assert seen == [True]


def test_disabled_block_holds_in_its_own_async_task_only():
    from django_connec.tracking.switch import is_tracking

    async def both():
        inside, leave = asyncio.Event(), asyncio.Event()

        async def disabled():
            with connec_disabled():
                inside.set()
                await leave.wait()
                return is_tracking()

        task = asyncio.create_task(disabled())
        await inside.wait()
        here = is_tracking()
        leave.set()
        return here, await task

    assert asyncio.run(both()) == (True, False)


@pytest.mark.django_db(transaction=True)
def test_async_save():
    from asgiref.sync import async_to_sync

    async def save():
        marked, unmarked, disabled = (Tracked(name=name) for name in ("a", "b", "c"))
        await marked.asave()
        await unmarked.asave(connec=False)
        with connec_disabled():
            await disabled.asave()
        return marked, unmarked, disabled

    assert [stored(row) is None for row in async_to_sync(save)()] == [False, True, True]


def test_fixtures_never_push_and_keep_their_columns(tmp_path, group):
    columns = {
        "name": "one",
        "connec_group": group.pk,
        "connec_id": "hub-1",
        "connec_updated_at": "2018-01-01T00:00:00Z",
        "connec_changed_at": None,
        "connec_state": {"a": {"name": "x"}},
    }
    pending = {**columns, "name": "two", "connec_id": "hub-2", "connec_changed_at": LONG_AGO.isoformat()}
    path = tmp_path / "rows.json"
    path.write_text(
        json.dumps([{"model": "other.tracked", "pk": pk, "fields": f} for pk, f in ((1, columns), (2, pending))])
    )
    for _ in range(2):  # an INSERT, then an UPDATE
        call_command("loaddata", path, verbosity=0)
        one, two = Tracked.objects.all()
        assert (one.connec_changed_at, two.connec_changed_at) == (None, LONG_AGO)
        assert (one.connec_id, one.connec_group_id, one.connec_state) == ("hub-1", group.pk, {"a": {"name": "x"}})
    two.connec_id, two.connec_changed_at = "hub-3", None
    two.save_base(raw=True)
    assert (stored(two, "connec_id"), stored(two)) == ("hub-3", None)


def test_stale_instance_brings_nothing_back(group):
    row = Tracked.objects.create(name="one")
    stale = Tracked.objects.get(pk=row.pk)
    known(group, row)
    Tracked._base_manager.filter(pk=row.pk).update(connec_updated_at=LONG_AGO)
    for save in (stale.save, lambda: stale.save(connec=False), lambda: stale.save(update_fields=["name", "connec_id"])):
        stale.name = "changed"
        save()
        row.refresh_from_db()
        assert row.name == "changed"
        assert (row.connec_id, row.connec_group_id, row.connec_updated_at) == ("hub-1", group.pk, LONG_AGO)
        assert row.connec_state == {"a": {"name": "x"}}


def test_instance_with_an_old_identity_brings_nothing_back(group):
    stale = known(group, Tracked.objects.create(name="one"))
    Tracked._base_manager.update(connec_group=None, connec_id=None, connec_state=None)
    stale.save()
    stale.refresh_from_db()
    assert (stale.connec_id, stale.connec_group_id, stale.connec_state) == (None, None, None)


def test_copy_is_a_new_record(group):
    row = known(group, Tracked.objects.create(name="one"))
    copy = Tracked.objects.get(pk=row.pk)
    copy.pk = None
    copy.save()
    assert copy.pk != row.pk
    for found in (copy, Tracked.objects.get(pk=copy.pk)):
        assert (found.connec_id, found.connec_updated_at, found.connec_state) == (None, None, None)
        assert found.connec_changed_at is not None
    row.refresh_from_db()
    assert row.connec_id == "hub-1"
    unmarked = Tracked.objects.get(pk=row.pk)
    unmarked.pk, unmarked._state.adding = None, True
    unmarked.save(connec=False)
    assert (stored(unmarked, "connec_id"), stored(unmarked)) == (None, None)


def test_host_sets_the_group_by_naming_it(group):
    row = Tracked.objects.create(name="one")
    row.connec_group = group
    row.save()
    assert stored(row, "connec_group") is None
    row.save(update_fields=["connec_group"])
    assert stored(row, "connec_group") == group.pk
    row.connec_group = None
    row.save(update_fields=["connec_group_id"])
    assert stored(row, "connec_group") is None
    Tracked.objects.filter(pk=row.pk).update(connec_group=group)
    assert stored(row, "connec_group") == group.pk
    assert Tracked.objects.create(name="two", connec_group=group).connec_group_id == group.pk


def test_get_or_create_and_update_or_create_mark():
    row, _ = Tracked.objects.get_or_create(name="one")
    assert stored(row) is not None
    unmark(row)
    Tracked.objects.get_or_create(name="one")
    assert stored(row) is None
    Tracked.objects.update_or_create(name="one", defaults={"number": 3})
    assert stored(row) is not None
    made, _ = Tracked.objects.update_or_create(name="two", defaults={"number": 3})
    assert stored(made) is not None


def test_expressions_are_saved_and_marked():
    row = unmark(Tracked.objects.create(name="one", number=1))
    row.number = models.F("number") + 1
    row.save()
    assert (stored(row, "number"), stored(row) is not None) == (2, True)


def test_expression_is_sent_as_the_database_has_it(hub, group, company):
    from tests.conftest import drain

    row = Organization.objects.create(company=company, name="one", employees=1)
    row.employees = models.F("employees") + 41
    row.save()
    drain(group)
    assert hub.records(ORG, "organizations")[0]["number_of_employees"] == 42


def test_proxies_mark_and_wake(queue, group, company, django_capture_on_commit_callbacks):
    proxy = TrackedProxy.objects.create(name="one")
    assert stored(proxy) is not None
    person = unmark(Person.objects.create(company=company))
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        PersonProxy.objects.get(pk=person.pk).save()
    assert stored(person) is not None
    assert queue == [("drain_group", (group.pk,))]


def test_multi_table_children_mark_whichever_table_has_the_column(group):
    restaurant = Restaurant.objects.create(name="one", stars=1)
    assert stored(restaurant) is not None
    restaurant = unmark(restaurant)
    restaurant.save(update_fields=["stars"])
    assert stored(restaurant) is not None
    known(group, Place.objects.get(pk=restaurant.pk))
    restaurant.save()
    assert stored(restaurant, "connec_id") == "hub-1"
    shop = unmark(Shop.objects.create(name="one", street="a"))
    shop.save(update_fields=["street"])
    assert stored(shop) is not None
    unmark(shop)
    Shop.objects.update(street="b")
    assert stored(shop) is not None
    unmark(restaurant)
    Restaurant.objects.update(stars=5)
    assert stored(restaurant) is not None


def test_receiver_that_saves_again_marks_and_ends(request):
    def again(instance, **_):
        if instance.number < 3:
            instance.number += 1
            instance.save(connec=instance.number != 2)

    models.signals.post_save.connect(again, sender=Tracked)
    request.addfinalizer(lambda: models.signals.post_save.disconnect(again, sender=Tracked))
    row = Tracked.objects.create(name="one")
    assert (stored(row, "number"), stored(row) is not None) == (3, True)


def test_unmarked_save_inside_a_marked_one(request):
    def before(instance, **_):
        if instance.number == 0:
            instance.number = 1
            instance.save(connec=False)

    row = unmark(Tracked.objects.create(name="one"))
    models.signals.pre_save.connect(before, sender=Tracked)
    request.addfinalizer(lambda: models.signals.pre_save.disconnect(before, sender=Tracked))
    row.save()
    assert stored(row) is not None


def test_failed_save_leaves_the_instance_usable():
    Tracked.objects.create(name="one", code="x")
    row = Tracked(name="two", code="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(connec=False)
    row.code = "y"
    row.save()
    assert stored(row) is not None
    assert connection.needs_rollback is False
