"""Mistakes in mappers are named with a stable id and a cure."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.db import models

from django_connec.mapping import (
    BooleanField,
    ChoiceField,
    DateField,
    DateTimeField,
    Field,
    Mapper,
    Reference,
    registry,
)
from tests.app.models import Company, InvoiceLine, Organization
from tests.other.models import Everything, Place, Plain, Tracked, Ware


@pytest.fixture
def planted():
    """Register a mapper and return what the checks say of it."""
    registered = []

    def plant(model, attributes=None, base=Mapper, **meta):
        options = {"resource": "planted", **meta}
        mapper = type("Planted", (base,), {"Meta": type("Meta", (), options), **(attributes or {})})
        if registry.for_model(model) is None:
            registered.append(model)
        registry.add(model, mapper)
        return [m for m in run_checks(tags=["connec"]) if m.id.startswith("django_connec.")]

    yield plant
    registry.duplicates.clear()
    for model in registered:
        registry.remove(model)


MISTAKES = [
    ("E101", Tracked, {"nmae": Field()}, {}, 'nmae: Tracked has no field "nmae".'),
    ("E101", Tracked, {"x": Field(source="y")}, {}, 'Tracked has no field "y"'),
    ("E102", Tracked, {"connec_id": Field()}, {}, "belongs to the synchronisation itself"),
    ("E102", Tracked, {"id": Field()}, {}, "belongs to the synchronisation itself"),
    ("E102", Tracked, {"wares": Field()}, {}, "is not a column of Tracked"),
    ("E103", Everything, {"day": Field()}, {}, 'Field cannot fill "day", a DateField.'),
    ("E103", Everything, {"moment": DateField()}, {}, 'DateField cannot fill "moment", a DateTimeField.'),
    ("E103", Everything, {"day": DateTimeField()}, {}, 'DateTimeField cannot fill "day"'),
    ("E103", Everything, {"name": BooleanField()}, {}, 'BooleanField cannot fill "name"'),
    ("E103", Everything, {"target": Field()}, {}, 'Field cannot fill "target", a ForeignKey.'),
    ("E103", Everything, {"name": Reference()}, {}, 'Reference cannot fill "name"'),
    ("E104", Tracked, {"name": Field("email..address")}, {}, "is not a dotted path"),
    ("E104", Tracked, {"name": Field(5)}, {}, "is not a dotted path"),
    ("E105", Tracked, {"name": Field(direction="up")}, {}, 'unknown direction "up"'),
    ("E105", Tracked, {"name": Field(conflict="me")}, {}, 'unknown conflict policy "me"'),
    ("E106", Tracked, {"name": ChoiceField("status")}, {}, "has no choices"),
    ("E106", Tracked, {"name": ChoiceField("s", {"a": "A", "b": "A"})}, {}, "two local values have one word"),
    ("E106", Tracked, {"number": ChoiceField("s", {"a": "A"})}, {}, "a choice does not fit"),
    ("E107", Tracked, {}, {"resource": ""}, "Meta names no resource"),
    ("E107", Tracked, {}, {"matchon": ["name"]}, 'unknown option "matchon"'),
    ("E107", Tracked, {}, {"on_inactive": "drop"}, 'Meta.on_inactive is "drop"'),
    ("E107", Tracked, {}, {"conflict": "me"}, 'Meta.conflict is "me"'),
    ("E107", Tracked, {}, {"when": ["is_lead"]}, "Meta.when is a list"),
    ("E107", Tracked, {}, {"group": None}, "Meta.group is a NoneType"),
    ("E107", Tracked, {}, {"match_on": "name"}, "Meta.match_on is a str"),
    ("E107", Tracked, {}, {"id_prefix": 5}, "Meta.id_prefix is a int"),
    ("E108", Tracked, {"name": Field()}, {"match_on": ["email"]}, 'match_on names "email"'),
    ("E108", Tracked, {"name": Field()}, {"match_on": [["name"], ["name", "x"]]}, 'match_on names "x"'),
    ("E108", Tracked, {}, {"created_field": "made_at"}, 'created_field "made_at" is no DateTimeField'),
    ("E108", Tracked, {}, {"created_field": "name"}, 'created_field "name" is no DateTimeField'),
    ("E109", Tracked, {}, {"group": "company__connec_group"}, 'breaks at "company"'),
    ("E109", Place, {}, {"group": "holder__group"}, 'breaks at "group"'),
    ("E109", Place, {}, {"group": "name"}, 'breaks at "name"'),
    ("E109", Place, {}, {"group": "holder__account"}, "ends at other.Account, not at ConnecGroup"),
    ("E110", Ware, {}, {"group": "place__holder__connec_group"}, "does not say which row a new one belongs to"),
    ("E111", Tracked, {"name": Field(), "other": Field("b", source="name")}, {}, "fills the same model field"),
    ("E111", Tracked, {"name": Field("a.b"), "code": Field("a.b.c")}, {}, "its path holds that of"),
    ("E112", Plain, {}, {"group": "connec_group"}, "is no ConnecSyncMixin model"),
    ("E114", Ware, {"place": Reference("place_id")}, {}, "leads to other.Place, which has no mapper"),
]


@pytest.mark.parametrize(
    ("code", "model", "attributes", "meta", "words"), MISTAKES, ids=[f"{m[0]}-{n}" for n, m in enumerate(MISTAKES)]
)
def test_planted_mistake_is_named(planted, code, model, attributes, meta, words):
    messages = planted(model, attributes, **meta)
    mine = [m for m in messages if m.id == f"django_connec.{code}"]
    assert len(mine) == 1, messages
    assert words in mine[0].msg
    assert mine[0].hint
    assert "Planted" in str(mine[0].obj)
    # A plain model has no group either; nothing else brings a second error along.
    assert {m.id for m in messages} - {"django_connec.E109"} <= {f"django_connec.{code}"}


def test_every_code_of_the_mapping_is_planted():
    planted = {m[0] for m in MISTAKES} | {"E113", "E115", "E116", "E117"}
    assert planted == {f"E{n}" for n in range(101, 118)}


class Elsewhere:
    def db_for_write(self, model, **hints):
        return "elsewhere" if model is Tracked else None


def test_router_that_splits_a_row_from_its_group(planted, settings):
    settings.DATABASE_ROUTERS = [Elsewhere()]
    assert [m.id for m in planted(Tracked, {"name": Field()})] == ["django_connec.E113"]


def test_two_mappers_of_one_model(planted):
    messages = planted(Organization, {"name": Field()}, group="company__connec_group")
    assert [m.id for m in messages] == ["django_connec.E115"]


def test_two_mappers_that_claim_the_same_records(planted):
    assert planted(Tracked, {"name": Field()}, when={"kind": 1}) == []
    ids = [m.id for m in planted(Place, {"name": Field()}, id_prefix="p", when={"is_lead": True})]
    assert ids == ["django_connec.E116"]


def test_two_mappers_that_make_the_same_ids(planted):
    assert planted(Tracked, {"name": Field()}, when={"is_lead": True}) == []
    ids = [m.id for m in planted(Place, {"name": Field()}, when={"is_lead": False})]
    assert ids == ["django_connec.E117"]


def test_mappers_that_are_apart_are_fine(planted):
    assert planted(Tracked, {"name": Field()}) == []
    accepts = {"name": Field(), "accepts": lambda self, record: False}
    assert planted(Place, accepts, id_prefix="p") == []


def test_pull_twice_is_fine_when_one_only_pushes(planted):
    assert planted(Tracked, {"name": Field(), "copy": Field("b", source="name", direction="push")}) == []


def test_ambiguous_group_is_fine_with_before_apply(planted):
    attributes = {"name": Field(), "before_apply": lambda self, instance, record: None}
    assert planted(Ware, attributes, group="place__holder__connec_group") == []


def test_mapped_models_of_the_tests_are_what_they_say():
    assert issubclass(InvoiceLine, models.Model)
    assert registry.for_model(Company) is None
