"""The manager marks what Django changes without save(), in the same statement."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, models, transaction

from django_connec import connec_disabled
from django_connec.models import ConnecGroup
from tests.app.models import InvoiceLine, Organization, Person
from tests.other.models import Place, Plain, Restaurant, Tracked, Ware
from tests.tracking.conftest import known

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    made = [Tracked.objects.create(name=f"{n}", code=f"{n}") for n in range(3)]
    Tracked._base_manager.update(connec_changed_at=None)
    return made


def pending(model=Tracked):
    return set(model.objects.pending().values_list("name", flat=True))


def test_bulk_create_marks_and_forgets_identities(group):
    old = known(group, Tracked.objects.create(name="old"))
    copy = Tracked.objects.get(pk=old.pk)
    copy.pk = None
    Tracked.objects.bulk_create([copy, Tracked(name="new")])
    assert pending() == {"old", "new"}
    assert set(Tracked.objects.exclude(pk=old.pk).values_list("connec_id", "connec_state")) == {(None, None)}


def test_bulk_create_takes_a_generator():
    assert len(Tracked.objects.bulk_create(Tracked(name=f"{n}") for n in range(3))) == 3
    assert len(pending()) == 3


def test_bulk_create_that_updates_marks_what_it_updates(rows, group):
    known(group, rows[1])
    target = {"unique_fields": ["code"]} if connection.features.supports_update_conflicts_with_target else {}
    Tracked.objects.bulk_create(
        [Tracked(name="new", code="1"), Tracked(name="more", code="9")],
        update_conflicts=True,
        update_fields=["name"],
        **target,
    )
    assert pending() == {"new", "more"}
    rows[1].refresh_from_db()
    assert (rows[1].connec_id, rows[1].connec_group_id, rows[1].connec_state) == (
        "hub-1",
        group.pk,
        {"a": {"name": "x"}},
    )


def test_bulk_create_that_ignores_leaves_what_is_there(rows):
    Tracked.objects.bulk_create([Tracked(name="new", code="1"), Tracked(name="more", code="9")], ignore_conflicts=True)
    assert pending() == {"more"}


def test_bulk_update_marks_and_keeps_identities(rows, group):
    known(group, rows[0])
    stale = [Tracked(pk=row.pk, name=row.name, number=5) for row in rows[:2]]
    assert Tracked.objects.bulk_update(stale, ["number"]) == 2
    assert pending() == {"0", "1"}
    rows[0].refresh_from_db()
    assert (rows[0].number, rows[0].connec_id) == (5, "hub-1")


def test_update_marks_in_the_same_statement(rows, statements):
    with statements() as seen:
        assert Tracked.objects.filter(name__in=["0", "2"]).update(number=models.F("number") + 1) == 2
    assert len(seen.sql) == 1
    assert pending() == {"0", "2"}


def test_update_of_bookkeeping_alone_is_no_change(rows, group):
    Tracked.objects.update(connec_group=group)
    assert pending() == set()


def test_bulk_writes_cost_no_query_more_than_without_the_mixin(statements):
    counts = {}
    for model in (Plain, Tracked):
        with transaction.atomic():
            with statements() as seen:
                made = model.objects.bulk_create([model(name=f"{n}") for n in range(20)])
                made = list(model.objects.order_by("pk"))
                for row in made:
                    row.number = 1
                model.objects.bulk_update(made, ["number"])
                model.objects.filter(number=1).update(number=2)
            counts[model] = len(seen.sql)
    assert counts[Plain] == counts[Tracked]


def test_related_managers_mark(group, company):
    place = Place.objects.create(name="place")
    ware = Ware.objects.create(name="ware")

    def changed():
        found = pending(Ware)
        Ware._base_manager.update(connec_changed_at=None)
        return found

    changed()
    place.ware_set.add(ware)
    assert changed() == {"ware"}, "add() goes through the base manager"
    place.ware_set.remove(ware)
    assert changed() == {"ware"}
    place.ware_set.set([ware])
    assert changed() == {"ware"}
    place.ware_set.update(name="other")
    assert changed() == {"other"}
    place.ware_set.clear()
    assert changed() == {"other"}
    place.ware_set.create(name="third")
    assert changed() == {"third"}
    place.ware_set.add(ware, bulk=False)
    assert changed() == {"ware"}
    with connec_disabled():
        place.ware_set.add(ware)
    assert changed() == set()


def test_set_null_marks_what_pointed_at_the_deleted_row(company):
    employer = Organization.objects.create(company=company, name="one")
    person = Person.objects.create(company=company, first_name="Ines", employer=employer)
    Person._base_manager.update(connec_changed_at=None)
    employer.delete()
    person.refresh_from_db()
    assert person.employer is None
    assert person.connec_changed_at is not None


def test_deleted_group_leaves_rows_unmarked(group, company):
    person = known(group, Person.objects.create(company=company))
    group.delete()
    person.refresh_from_db()
    assert (person.connec_group, person.connec_changed_at) == (None, None)


def test_base_manager_hides_nothing_and_follows_the_class():
    assert Tracked._base_manager.model is Tracked
    assert Restaurant._base_manager.model is Restaurant
    assert Tracked._meta.base_manager_name is None
    assert [m.name for m in Tracked._meta.managers] == ["objects"]


def test_identity_is_unique_in_its_group_and_null_is_free(group):
    other = ConnecGroup.objects.create(uid="cld-2")
    one, two, three, four = (Tracked.objects.create(name=f"{n}") for n in range(4))
    known(group, one)
    known(other, two)
    with pytest.raises(IntegrityError), transaction.atomic():
        known(group, three)
    for row in (three, four):
        Tracked._base_manager.filter(pk=row.pk).update(connec_group=group, connec_id=None)
    assert Tracked.objects.filter(connec_group=group).count() == 3


def test_host_meta_keeps_constraint_and_indexes():
    def names(model):
        with connection.cursor() as cursor:
            return set(connection.introspection.get_constraints(cursor, model._meta.db_table))

    for model in (Tracked, Organization, Place):
        declared = {c.name for c in model._meta.constraints} | {i.name for i in model._meta.indexes}
        assert len([n for n in declared if n.endswith(("_uniq", "_pend"))]) == 2, model
        assert all(len(name) <= 30 for name in declared)
        assert {name.lower() for name in declared} <= {name.lower() for name in names(model)}
    assert {"other_tracked_number", "other_tracked_name"} <= names(Tracked)
    assert (Restaurant._meta.constraints, Restaurant._meta.indexes) == ([], [])


def test_migrations_say_the_same():
    from io import StringIO

    from django.core.management import call_command

    out = StringIO()
    call_command("makemigrations", check_changes=True, dry_run=True, stdout=out)
    assert "No changes" in out.getvalue()


def test_managers_do_not_offer_to_delete_everything():
    """As Django's own: ``Model.objects.delete()`` is a slip of the pen, and templates call neither."""
    for model in (Tracked, InvoiceLine):
        assert not hasattr(model.objects, "delete")
        assert model.objects.all().delete.alters_data
        assert model.delete.alters_data
        assert model.save.alters_data
