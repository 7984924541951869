"""What a deleted row leaves behind."""

from __future__ import annotations

import pytest
from django.db import models, transaction

from django_connec import connec_disabled
from django_connec.mapping import Field, Mapper
from django_connec.models import ConnecGroup, Tombstone
from django_connec.signals import group_unlinked
from tests.app.models import Company, Invoice, Organization, Person, PersonProxy
from tests.other.models import Account, Guard, Holder, Place, Restaurant, Tracked, Ware
from tests.tracking.conftest import known, rolled_back

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(group, company):
    return [known(group, Person.objects.create(company=company), f"hub-{n}") for n in range(3)]


@pytest.fixture
def places(mapped, group):
    class PlaceMapper(Mapper):
        class Meta:
            resource = "places"
            group = "holder__connec_group"

        name = Field()

    class WareMapper(Mapper):
        class Meta:
            resource = "wares"

        name = Field()

    mapped(Place, PlaceMapper)
    mapped(Ware, WareMapper)
    return Holder.objects.create(account=Account.objects.create(), connec_group=group)


def left():
    return sorted(Tombstone.objects.values_list("connec_id", flat=True))


def test_instance_leaves_a_tombstone(people, group):
    pk = people[0].pk
    assert people[0].delete() == (1, {"app.Person": 1})
    stone = Tombstone.objects.get()
    assert (stone.group, stone.resource, stone.model_label) == (group, "people", "app.person")
    assert (stone.object_id, stone.connec_id, stone.status, stone.sent_at) == (str(pk), "hub-0", "INACTIVE", None)


def test_stale_instance_still_finds_its_id(group, company):
    person = Person.objects.create(company=company)
    stale = Person.objects.get(pk=person.pk)
    known(group, person)
    stale.delete()
    assert left() == ["hub-1"]


def test_partly_loaded_instance(people):
    Person.objects.only("first_name").get(pk=people[0].pk).delete()
    assert left() == ["hub-0"]


def test_queryset_costs_no_query_a_row(group, company, statements):
    counts = []
    for size in (3, 30):
        for n in range(size):
            known(group, Person.objects.create(company=company), f"hub-{size}-{n}")
        with statements() as seen:
            Person.objects.all().delete()
        counts.append(len(seen.sql))
    assert Tombstone.objects.count() == 33
    assert counts[0] == counts[1] <= 5


@pytest.mark.parametrize("load", [lambda q: q.only("first_name"), lambda q: q.defer("connec_id")])
def test_queryset_of_partly_loaded_rows(group, company, statements, load):
    for n in range(20):
        known(group, Person.objects.create(company=company), f"hub-{n}")
    with statements() as seen:
        load(Person.objects.all()).delete()
    assert Tombstone.objects.count() == 20
    assert len(seen.sql) <= 6


def test_queryset_that_was_read_before(people, group):
    stale = Person.objects.all()
    list(stale)
    Person._base_manager.filter(pk=people[0].pk).update(connec_id="hub-new")
    stale.delete()
    assert left() == ["hub-1", "hub-2", "hub-new"]


def test_cascade_leaves_tombstones_at_no_query_a_row(group, company, statements):
    counts = []
    for size in (3, 30):
        customer = known(group, Organization.objects.create(company=company, name="x"), f"org-{size}")
        for n in range(size):
            known(group, Invoice.objects.create(company=company, number="1", customer=customer), f"inv-{size}-{n}")
        with statements() as seen:
            customer.delete()
        counts.append(len(seen.sql))
    assert Tombstone.objects.filter(resource="invoices").count() == 33
    assert Tombstone.objects.filter(resource="organizations").count() == 2
    assert counts[0] == counts[1]


def test_cascade_from_a_queryset(group, company):
    customer = known(group, Organization.objects.create(company=company, name="x"), "org")
    known(group, Invoice.objects.create(company=company, number="1", customer=customer), "inv")
    Organization.objects.all().delete()
    assert left() == ["inv", "org"]


def test_proxy_and_multi_table_child(people, places, group):
    PersonProxy.objects.get(pk=people[0].pk).delete()
    assert left() == ["hub-0"]
    restaurant = Restaurant.objects.create(holder=places, name="x")
    stale = Restaurant.objects.get()
    known(group, Place.objects.get(pk=restaurant.pk), "place")
    stale.delete()
    assert left() == ["hub-0", "place"]


def test_rows_that_were_never_sent_leave_nothing(group, company):
    Person.objects.create(company=company).delete()
    Person.objects.create(company=company, connec_group=group).delete()
    Person.objects.create(company=Company.objects.create(name="never linked"))
    Person.objects.all().delete()
    assert left() == []


def test_row_whose_create_is_on_the_way_leaves_its_external_id(group, company):
    person = Person.objects.create(company=company, first_name="Ines")
    Person._base_manager.update(connec_group=group, connec_state={"s": {"first_name": "x"}})
    person.delete()
    stone = Tombstone.objects.get()
    assert stone.connec_id is None
    assert b"Ines" in bytes(stone.payload)


def test_disabled_block_leaves_nothing(people):
    with connec_disabled():
        people[0].delete()
        Person.objects.all().delete()
    assert (left(), Person.objects.count()) == ([], 0)


def test_rolled_back_deletion_leaves_nothing(people):
    with rolled_back():
        people[0].delete()
        Person.objects.all().delete()
    assert (left(), Person.objects.count()) == ([], 3)


@pytest.mark.django_db(transaction=True)
def test_deletion_outside_a_transaction_is_one(people, request):
    def refuse(instance, **_):
        if instance.connec_id == "hub-2":
            raise RuntimeError

    models.signals.post_delete.connect(refuse, sender=Person)
    request.addfinalizer(lambda: models.signals.post_delete.disconnect(refuse, sender=Person))
    with pytest.raises(RuntimeError):
        Person.objects.all().delete()
    assert (left(), Person.objects.count()) == ([], 3)
    with pytest.raises(RuntimeError):
        people[2].delete()
    assert (left(), Person.objects.count()) == ([], 3)


@pytest.mark.django_db(transaction=True)
def test_deletion_wakes_the_group(queue, people, group):
    with transaction.atomic():
        people[0].delete()
        Person.objects.all().delete()
    assert queue == [("drain_group", (group.pk,))]


def test_refused_deletion_does_not_cost_the_host_its_transaction():
    row = Tracked.objects.create(name="one")
    Guard.objects.create(tracked=row)
    with transaction.atomic():
        with pytest.raises(models.ProtectedError):
            row.delete()
        with pytest.raises(models.ProtectedError):
            Tracked.objects.all().delete()
        assert Tracked.objects.count() == 1


@pytest.mark.parametrize("whole", [False, True], ids=["instance", "queryset"])
def test_deleted_company_is_a_cancellation(people, group, company, whole):
    heard = []

    def hear(group, **_):
        heard.append(group.pk)

    group_unlinked.connect(hear)
    try:
        (Company.objects.all() if whole else company).delete()
    finally:
        group_unlinked.disconnect(hear)
    group.refresh_from_db()
    assert (group.is_active, group.unlinked_at is not None) == (False, True)
    assert heard == [group.pk]
    assert (left(), Person.objects.count()) == ([], 0)


def test_company_that_shares_its_group_cancels_nothing(people, group, company):
    Company.objects.create(name="the other", connec_group=group)
    company.delete()
    group.refresh_from_db()
    assert group.is_active
    assert left() == []


def test_deleted_company_that_never_linked_cancels_nothing(group, company):
    Company.objects.create(name="never linked").delete()
    group.refresh_from_db()
    assert group.is_active


def test_deletion_from_above_the_company_is_a_cancellation_too(places, group):
    place = known(group, Place.objects.create(holder=places, name="x"), "place")
    known(group, Ware.objects.create(place=place, name="y"), "ware")
    other = ConnecGroup.objects.create(uid="cld-2")
    Tombstone.objects.create(group=group, resource="places", model_label="other.place", object_id="77", connec_id="old")
    Account.objects.all().delete()
    group.refresh_from_db()
    other.refresh_from_db()
    assert (group.is_active, other.is_active) == (False, True)
    assert left() == ["old"], "a later link must not tell the hub that everything was deleted"


def test_deleting_part_of_a_company_is_no_cancellation(places, group):
    place = known(group, Place.objects.create(holder=places, name="x"), "place")
    known(group, Ware.objects.create(place=place, name="y"), "ware")
    place.delete()
    group.refresh_from_db()
    assert group.is_active
    assert left() == ["place", "ware"]
