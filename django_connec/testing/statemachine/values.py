"""Values that fit a mapped field, for hypothesis to choose from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from hypothesis import strategies as st

from django_connec.mapping import ChoiceField, Mapper
from django_connec.mapping.fields import BoundField

__all__ = ["strategy_for", "unique_value"]

WORDS = ("Ines", "Tomas", "Aroha", "Wei", "Straße")
DAYS = (dt.date(1970, 1, 1), dt.date(1999, 12, 31), dt.date(2024, 2, 29))
MOMENTS = tuple(dt.datetime(2024, 2, 29, hour, 30, tzinfo=dt.UTC) for hour in (0, 11, 23))
AMOUNTS = (Decimal(0), Decimal("1.5"), Decimal("19.99"), Decimal(250))


def strategy_for(mapper: Mapper, bound: BoundField) -> st.SearchStrategy[Any] | None:
    """Return a strategy of local values for a field that is no reference; ``None`` where the column's type says
    too little, and the host has to name values."""
    declared, column = mapper.declared[bound.name], bound.column
    if isinstance(declared, ChoiceField):
        return st.sampled_from(list(declared.choices))
    if column.choices:
        return st.sampled_from([value for value, _ in column.flatchoices])
    found = _by_type(column)
    if found is None:
        return None
    empty: list[Any] = [None] if column.null else [""] if column.blank and isinstance(column, _TEXT) else []
    return st.one_of(found, st.sampled_from(empty)) if empty else found


def unique_value(bound: BoundField, number: int) -> Any:
    """Return a value that no other number gives: records are found again by it (``match_on``)."""
    column = bound.column
    if isinstance(column, models.EmailField):
        return f"n{number}@pelican.example"
    if isinstance(column, _TEXT):
        return f"N{number}"
    return number


_TEXT = (models.CharField, models.TextField)


def _by_type(column: models.Field[Any, Any]) -> st.SearchStrategy[Any] | None:
    for kind, make in _STRATEGIES:
        if isinstance(column, kind):
            return make(column)
    return None


def _texts(column: models.Field[Any, Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([word[: column.max_length] for word in WORDS])


def _amounts(column: models.Field[Any, Any]) -> st.SearchStrategy[Any]:
    places = Decimal(1).scaleb(-int(getattr(column, "decimal_places", 2)))
    return st.sampled_from([amount.quantize(places) for amount in AMOUNTS])


def _moments(column: models.Field[Any, Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([moment if settings.USE_TZ else timezone.make_naive(moment) for moment in MOMENTS])


#: The first that a column is an instance of; a DateTimeField is a DateField, an EmailField a CharField.
_STRATEGIES: tuple[tuple[type[models.Field[Any, Any]], Callable[[models.Field[Any, Any]], st.SearchStrategy[Any]]], ...]
_STRATEGIES = (
    (models.BooleanField, lambda column: st.booleans()),
    (models.DateTimeField, _moments),
    (models.DateField, lambda column: st.sampled_from(DAYS)),
    (models.DecimalField, _amounts),
    (models.FloatField, lambda column: st.sampled_from([0.0, 1.5, 19.25])),
    (models.IntegerField, lambda column: st.integers(0, 5)),
    (models.EmailField, lambda column: st.sampled_from([f"{name}@pelican.example" for name in ("ines", "wei")])),
    (models.URLField, lambda column: st.sampled_from([f"https://pelican.example/{name}" for name in ("a", "b")])),
    (models.CharField, _texts),
    (models.TextField, _texts),
)
