"""What a declaration means, in both directions."""

from __future__ import annotations

import pytest
from django.contrib.sessions.models import Session

from django_connec.exceptions import BadValue, MapperError
from django_connec.mapping import DateField, Field, Mapper, Reference, registry
from django_connec.mapping.values import MISSING
from tests.app.models import Invoice, Item, Organization, Person, PersonProxy
from tests.other.models import Everything, Place, Restaurant, Tracked, Ware


def test_blocks_keep_what_no_mapper_maps(everything):
    record = {
        "numbers": {"whole": 1, "unit": "kg", "deep": {"ratio": 2.0, "more": [1, {"x": None}]}},
        "price": {"net_amount": 1, "wide": 2},
        "address": {"ip": None, "billing": {}},
    }
    decoded = everything.decode(record)
    assert decoded.leftovers == {
        "numbers": {"unit": "kg", "deep": {"more": [1, {"x": None}]}},
        "address": {"billing": {}},
    }
    sent = everything.payload({**decoded.values, "whole": 5, "big": 6}, ["whole"], decoded.leftovers)
    assert sent == {"numbers": {"whole": 5, "big": 6, "unit": "kg", "deep": {"ratio": 2.0, "more": [1, {"x": None}]}}}
    sent["numbers"]["deep"]["more"].append("theirs")
    assert decoded.leftovers["numbers"]["deep"]["more"] == [1, {"x": None}], "what is held is not handed out"


def test_payload_of_an_update_holds_changed_attributes_only(everything):
    values = {"name": "x", "needed": 3, "amount": None, "wide": None}
    assert everything.payload(values, ["needed"], {}) == {"needed": 3}
    # A blank beside the change says nothing.
    assert everything.payload(values, ["amount"], {}) == {"price": {"net_amount": None}}


def test_payload_of_a_create_leaves_blanks_out(everything):
    values = {"name": "", "needed": 0, "amount": None, "on": False, "data": [], "text": None}
    assert everything.payload(values, values, {}, skip_blank=True) == {"needed": 0, "on": False}


def test_directions(declare):
    mapper = declare(
        Person,
        first_name=Field("name.first", direction="pull"),
        last_name=Field("name.last"),
        email=Field(direction="push"),
        secret=Field(direction="pull"),
    )
    assert {f.name: (f.pull, f.push) for f in mapper.fields} == {
        "first_name": (True, False),
        "last_name": (True, True),
        "email": (False, True),
        "secret": (True, False),
    }
    values = {"first_name": "a", "last_name": "b", "email": "c", "secret": "d"}
    # Not sent for itself, but a block goes back whole.
    assert mapper.payload(values, ["last_name", "email"], {}) == {"name": {"first": "a", "last": "b"}, "email": "c"}
    assert mapper.payload(values, ["secret"], {}) == {}


def test_options_are_compiled(declare):
    mapper = declare(
        Person, first_name=Field(create_only=True, default="nobody", conflict="local"), call=Field(source="last_name")
    )
    first, call = mapper.fields
    assert (first.create_only, first.default, first.conflict) == (True, "nobody", "local")
    assert (call.name, call.attname, call.path, call.default) == ("call", "last_name", ("call",), MISSING)


def test_own_conversions(declare):
    mapper = declare(Person, first_name=Field(decode=lambda v: v["text"].upper(), encode=lambda v: {"text": v.lower()}))
    assert mapper.decode({"first_name": {"text": "ines"}}).values == {"first_name": "INES"}
    assert mapper.payload({"first_name": "INES"}, ["first_name"], {}) == {"first_name": {"text": "ines"}}
    assert mapper.decode({"first_name": None}).values == {"first_name": ""}, "null clears, decode is not asked"


@pytest.mark.parametrize("result", ["\x00", "x" * 51, "\ud800"])
def test_own_conversion_that_makes_what_the_column_cannot_hold(declare, result):
    with pytest.raises(BadValue, match="text that the column can hold"):
        declare(Person, first_name=Field(decode=lambda _: result)).decode({"first_name": 1})


def test_own_conversion_that_raises_fails_its_record_without_showing_the_value(declare):
    def broken(value):
        raise RuntimeError(value)

    with pytest.raises(BadValue) as caught:
        declare(Person, first_name=Field("a.b", decode=broken)).decode({"a": {"b": "Zq7"}})
    assert str(caught.value) == "a.b: expected a value that decode takes (RuntimeError), found text of 3 characters"
    assert caught.value.__suppress_context__


def test_own_conversion_may_refuse_in_its_own_words(declare):
    def refuse(value):
        raise BadValue("a", "better", "worse")

    with pytest.raises(BadValue, match="expected better, found worse"):
        declare(Person, first_name=Field(decode=refuse)).decode({"first_name": 1})


@pytest.mark.django_db
def test_encode_that_raises_fails_its_row_alone(hub, group, company, monkeypatch):
    from django_connec.models import Failure
    from tests.conftest import ORG, drain

    def broken(value):
        if value == "bad":
            raise RuntimeError(value)
        return value

    mapper = registry.for_model(Person)
    field = next(f for f in mapper.fields if f.name == "last_name")
    monkeypatch.setattr(field, "encode", broken)
    Person.objects.create(company=company, first_name="Ines", last_name="bad")
    Person.objects.create(company=company, first_name="Max", last_name="good")
    drain(group)
    assert [record["first_name"] for record in hub.records(ORG, "people")] == ["Max"]
    assert "bad" not in Failure.objects.get().message


def test_when_and_accepts_choose_records(declare):
    mapper = declare(
        Person,
        {"when": {"is_lead": False, "kind.name": "x"}},
        first_name=Field(),
        accepts=lambda self, record: record.get("mine", True),
    )
    assert mapper.takes({"is_lead": False, "kind": {"name": "x"}})
    for record in (
        {"is_lead": True, "kind": {"name": "x"}},
        {"kind": {"name": "x"}},
        {"is_lead": False, "kind": "x"},
        {"is_lead": False, "kind": None},
        {"is_lead": False, "kind": {"name": "x"}, "mine": False},
    ):
        assert not mapper.takes(record)


@pytest.mark.parametrize(
    "identifier",
    [
        "41abc",
        "",
        " 41",
        "41 ",
        "041",
        "+41",
        "4_1",
        "1" * 23,
        "9" * 5000,
        "٤١",
        "\x00",
        "\ud800",
        "4.1",
        "None",
        "x41",
    ],
)
def test_text_that_is_no_key(identifier):
    for mapper in (registry.for_model(Person), registry.for_model(Item)):
        assert mapper.pk_from(identifier) is None


def test_keys_there_and_back(declare):
    plain, prefixed = declare(Person, first_name=Field()), declare(Person, {"id_prefix": "P-"}, first_name=Field())
    assert plain.pk_from(plain.identifier(41)) == 41
    assert prefixed.identifier(41) == "P-41"
    assert prefixed.pk_from("P-41") == 41
    assert [prefixed.pk_from(text) for text in ("41", "p-41", "P-", "P-P-41")] == [None] * 4
    child = declare(Restaurant, name=Field())
    assert child.pk_from("41") == 41
    text = declare(Session)
    assert text.pk_from("41abc") == "41abc"
    assert [text.pk_from(bad) for bad in ("", "a\x00", "\ud800")] == [None] * 3


def test_mapper_inherits_fields_and_options(declare):
    class Base(Mapper):
        class Meta:
            match_on = ["email"]
            on_inactive = "delete"

        first_name = Field()
        last_name = Field("family")
        email = Field()
        secret = Field()

    child = declare(
        Person, {"resource": "people", "on_inactive": "ignore"}, Base, last_name=Field("surname"), secret=None
    )
    assert {f.name: f.path for f in child.fields} == {
        "first_name": ("first_name",),
        "email": ("email",),
        "last_name": ("surname",),
    }
    assert (child.meta.resource, child.meta.match_on, child.meta.on_inactive) == ("people", (("email",),), "ignore")
    assert set(Base.declared) == {"first_name", "last_name", "email", "secret"}


def test_mapper_inherits_fields_of_a_plain_mixin(declare):
    class Names:
        first_name = Field()

    assert [f.name for f in declare(Person, None, type("B", (Names, Mapper), {}), last_name=Field()).fields] == [
        "first_name",
        "last_name",
    ]


def test_version_changes_with_what_is_read(declare):
    one = declare(Person, first_name=Field(), email=Field(direction="push"))
    same = declare(Person, first_name=Field())
    moved = declare(Person, first_name=Field("name.first"))
    more = declare(Person, first_name=Field(), last_name=Field())
    assert one.version == same.version
    assert len({one.version, moved.version, more.version}) == 3


def test_broken_mapper_says_why(declare):
    with pytest.raises(MapperError, match='has no field "nothing"'):
        _ = declare(Person, nothing=Field()).fields


def _classes(*pairs):
    for resource, fields in pairs:
        yield type("M", (Mapper,), {"Meta": type("Meta", (), {"resource": resource}), **fields})


def test_registry_orders_by_reference(fresh_registry):
    invoice, person, organization = _classes(
        ("aaa", {"customer": Reference()}), ("bbb", {"employer": Reference()}), ("zzz", {"name": Field()})
    )
    fresh_registry.add(Invoice, invoice)
    fresh_registry.add(Person, person)
    fresh_registry.add(Organization, organization)
    assert fresh_registry.resources()[0] == "zzz"
    assert [m.model for m in fresh_registry] == [Invoice, Person, Organization], "registration order stays"


def test_registry_orders_self_references_and_cycles(fresh_registry, declare):
    (item,) = _classes(("items", {"parent": Reference()}))
    fresh_registry.add(Item, item)
    assert fresh_registry.resources() == ("items",)
    # ware -> tracked, ware -> place; nothing leads back but to itself
    ware, place, tracked = _classes(
        ("invoices", {"place": Reference(), "spare": Reference()}),
        ("payments", {"name": Field()}),
        ("x", {"name": Field()}),
    )
    for model, mapper in ((Ware, ware), (Place, place), (Tracked, tracked)):
        fresh_registry.add(model, mapper)
    order = fresh_registry.resources()
    assert order.index("invoices") > max(order.index("payments"), order.index("x"))


def test_registry_breaks_cycles_by_the_usual_order(fresh_registry, monkeypatch):
    first, second, third = _classes(("payments", {}), ("organizations", {}), ("people", {}))
    for model, mapper in ((Invoice, first), (Organization, second), (Person, third)):
        fresh_registry.add(model, mapper)
    # No two models of the tests refer to each other, so the edges are given by hand.
    edges = {Invoice: {Organization}, Organization: {Person}, Person: {Invoice}}
    monkeypatch.setattr(Mapper, "targets", property(lambda mapper: edges[mapper.model]))
    assert fresh_registry.resources() == ("organizations", "payments", "people")


def test_registry_serves_proxies_and_shared_resources(fresh_registry):
    person, organization, again = _classes(("contacts", {}), ("contacts", {}), ("more", {}))
    fresh_registry.add(PersonProxy, person)
    fresh_registry.add(Organization, organization)
    assert fresh_registry.for_model(Person).model is Person
    assert fresh_registry.for_model(PersonProxy).model is Person
    assert fresh_registry.for_label("app.person").model is Person
    assert [m.model for m in fresh_registry.for_resource("contacts")] == [Person, Organization]
    fresh_registry.add(Person, again)
    assert [m.meta.resource for m in fresh_registry.duplicates] == ["more"]
    assert fresh_registry.resources() == ("contacts",)
    fresh_registry.remove(Person)
    assert (fresh_registry.for_model(Person), fresh_registry.duplicates) == (None, [])


def test_registry_follows_a_reference_to_a_proxy(declare):
    mapper = declare(Everything, day=DateField(), target=Reference())
    assert [f.reference for f in mapper.references] == [Tracked]
