"""The statements that are written out do what Django's own would have done, on every database."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.db.models import Value
from django.db.models.functions import Upper

from django_connec.models import Failure
from django_connec.models.columns import CHANGED
from django_connec.sql import RowChanged, delete_rows, insert_rows, insert_values, read_rows, update_rows
from tests.app.models import Item, Organization, Person

pytestmark = pytest.mark.django_db

NASTY = "tab\t newline\n return\r backslash\\ \\N quote' double\" percent% \\. ünï✓ {} \u2028"


def items(company, group, count=3):
    return [
        Item(
            company=company,
            connec_group=group,
            connec_id=f"item-{n}",
            connec_updated_at=dt.datetime(2026, 1, 1, 12, 0, n, 123456, tzinfo=dt.UTC),
            connec_state={"a": {"name": NASTY}, "r": {"list": [1, None, True]}},
            name=f"{NASTY} {n}",
            price=Decimal("12345678.90") if n else None,
            available_from=dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=10))) if n else None,
        )
        for n in range(count)
    ]


def test_rows_are_inserted_as_django_would(company, group):
    rows = items(company, group)
    insert_rows(Item, rows, using="default", find="connec_id")
    assert len({row.pk for row in rows}) == 3
    for row in rows:
        held = Item.objects.get(pk=row.pk)
        for column in Item._meta.concrete_fields:
            assert getattr(held, column.attname) == getattr(row, column.attname), column.name
        assert not row._state.adding
    # Keys go on where they were: the next row does not meet one of these.
    assert Item.objects.create(company=company, name="next").pk not in {row.pk for row in rows}


def test_value_that_is_an_expression_is_left_to_the_database(company, group):
    row = Item(company=company, connec_group=group, connec_id="x", name=Upper(Value("shout")))
    insert_rows(Item, [row], using="default", find="connec_id")
    assert Item.objects.get().name == "SHOUT"


def test_refused_row_is_djangos_error_and_nothing_is_inserted(company, group):
    rows = items(company, group)
    rows[2].connec_id = rows[1].connec_id
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(Item, rows, using="default", find="connec_id")
    assert not Item.objects.exists()


def test_rows_are_updated_only_where_they_are_as_expected(company):
    rows = [Person.objects.create(company=company, first_name=f"{n}") for n in range(3)]
    tokens = [row.connec_changed_at for row in rows]
    Person.objects.filter(pk=rows[1].pk).update(last_name="meanwhile")
    for row in rows:
        row.first_name = NASTY[:40]
    options = {"using": "default", "unchanged": CHANGED, "expected": tokens}
    with pytest.raises(RowChanged), transaction.atomic():
        update_rows(Person, rows, ("first_name",), **options)
    assert not Person.objects.filter(first_name=NASTY[:40]).exists()
    update_rows(Person, rows, ("first_name",), strict=False, **options)
    assert set(Person.objects.filter(first_name=NASTY[:40]).values_list("pk", flat=True)) == {rows[0].pk, rows[2].pk}
    Person._base_manager.update(connec_changed_at=None)
    update_rows(Person, rows, ("first_name",), using="default", unchanged=CHANGED, expected=[None] * 3)
    assert Person.objects.filter(first_name=NASTY[:40]).count() == 3


def test_rows_are_read_as_django_would(company, group):
    insert_rows(Item, items(company, group), using="default", find="connec_id")
    names = ("pk", "name", "price", "available_from", "connec_state", "connec_updated_at")
    wanted = {"item-1", "item-2", "nobody's"}
    found = read_rows(Item, names, using="default", among=("connec_id", wanted), equal={"connec_group_id": group.pk})
    expected = Item.objects.filter(connec_id__in=wanted, connec_group=group).values_list(*names)
    assert sorted(found) == sorted(expected)
    assert read_rows(Item, names, using="default", among=("connec_id", []), equal={}) == []
    assert len(read_rows(Item, ("pk",), using="default", among=("connec_id", wanted), equal={}, limit=1)) == 1


def test_rows_are_deleted_as_django_would(group):
    for n in range(3):
        Failure.objects.create(group=group, direction="pull", resource="people", object_id=f"{n}", message=NASTY)
    delete_rows(Failure, using="default", among=("object_id", ["0", "1"]), equal={"resource": "items"})
    assert Failure.objects.count() == 3
    delete_rows(Failure, using="default", among=("object_id", ["0", "1"]), equal={"resource": "people"})
    assert Failure.objects.get().object_id == "2"


def test_deleting_tells_whoever_listens(company):
    from django.db.models.signals import post_delete

    heard = []
    organization = Organization.objects.create(company=company, name="x")
    post_delete.connect(
        lambda instance, **_: heard.append(instance.name), sender=Organization, weak=False, dispatch_uid="h"
    )
    try:
        delete_rows(Organization, using="default", among=("id", [organization.pk]), equal={})
    finally:
        post_delete.disconnect(sender=Organization, dispatch_uid="h")
    assert heard == ["x"]


def test_values_are_inserted_without_instances(company):
    lines = [(company.pk, NASTY, True), (company.pk, "b", False)]
    insert_values(Organization, ("company_id", "name", "active"), [], using="default")
    columns = ("company_id", "name", "active", "city", "region", "note")
    insert_values(Organization, columns, [(*line, "", "", "") for line in lines], using="default")
    assert set(Organization.objects.values_list("name", "active")) == {(NASTY, True), ("b", False)}
