"""The rows behind one-to-one relations, for fields whose ``source`` is dotted: read together, made when needed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models

from django_connec.mapping.fields import BoundField, related_row
from django_connec.mapping.mapper import Mapper

__all__ = ["attach_related", "is_reverse", "set_related"]


def is_reverse(model: type[models.Model], via: str) -> bool:
    """Tell whether the other row holds the key."""
    return isinstance(model._meta.get_field(via), models.OneToOneRel)


def attach_related(mapper: Mapper, rows: Iterable[Any], using: str) -> None:
    """Read the rows behind the one-to-one relations that a mapper's fields go over, one query a relation."""
    listed = list(rows)
    for via in mapper.related:
        step: Any = mapper.model._meta.get_field(via)
        others: Any = step.related_model._base_manager.using(using)
        if is_reverse(mapper.model, via):
            key, own = step.field.attname, step.field.target_field.attname
        else:
            key, own = step.target_field.attname, step.attname
        wanted = {getattr(row, own) for row in listed} - {None}
        found = {getattr(other, key): other for other in others.filter(**{f"{key}__in": wanted})} if wanted else {}
        for row in listed:
            other = found.get(getattr(row, own))
            if is_reverse(mapper.model, via) or other is not None:
                step.set_cached_value(row, other)


def set_related(row: Any, bound: BoundField, value: Any) -> None:
    """Set a field of the row behind a one-to-one relation; one is made in memory where there is none."""
    assert bound.via is not None
    related = related_row(row, bound.via)
    if related is None:
        if value is None or value == "":
            return
        step = type(row)._meta.get_field(bound.via)
        related = step.related_model()
        step.set_cached_value(row, related)
    setattr(related, bound.attname, value)
    row.__dict__.setdefault("_connec_related", {})[bound.via] = related
