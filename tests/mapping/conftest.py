from __future__ import annotations

from collections.abc import Callable

import pytest

from django_connec.mapping import (
    BooleanField,
    ChoiceField,
    DateField,
    DateTimeField,
    DecimalField,
    Field,
    Mapper,
    Reference,
    registry,
)
from tests.other.models import Everything


class EverythingMapper(Mapper):
    class Meta:
        resource = "everything"

    name = Field()
    text = Field("notes.text")
    small = Field()
    whole = Field("numbers.whole")
    big = Field("numbers.big")
    positive = Field("numbers.positive")
    needed = Field()
    ratio = Field("numbers.deep.ratio")
    flag = BooleanField("flag")
    on = Field()
    data = Field()
    key = Field()
    hour = Field()
    span = Field()
    address = Field("address.ip")
    amount = DecimalField("price.net_amount")
    wide = DecimalField("price.wide")
    day = DateField("birth_date")
    moment = DateTimeField("starts.at")
    grade = ChoiceField("status", {"a": "ACTIVE", "i": "INACTIVE"})
    target = Reference("organization_id")
    strict = Reference("owner_id")


@pytest.fixture(scope="session")
def everything() -> Mapper:
    return EverythingMapper(Everything)


@pytest.fixture
def declare() -> Callable[..., Mapper]:
    """Build a mapper from fields, without registering it."""

    def build(model, meta=None, base=Mapper, **attributes) -> Mapper:
        options = {"resource": "things", **(meta or {})}
        return type("Built", (base,), {"Meta": type("Meta", (), options), **attributes})(model)

    return build


@pytest.fixture
def bound(everything):
    return {field.name: field for field in everything.fields}


@pytest.fixture
def fresh_registry():
    return type(registry)()
