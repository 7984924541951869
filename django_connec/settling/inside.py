"""Conflicts about the rows inside a record: what is sent and fetched for them is their record."""

from __future__ import annotations

from typing import Any

from django_connec.inbound.incoming import UNRESOLVED
from django_connec.mapping import registry
from django_connec.mapping.agreement import Agreement
from django_connec.models import ConnecRowMixin
from django_connec.models.columns import STATE, Columns
from django_connec.sql import update_rows
from django_connec.tracking.rows import mark_parents, parent_field

__all__ = ["look_at_list_again", "record_of"]


def record_of(row: Any, using: str) -> Any | None:
    """Return the record that a row is inside of; the row itself where it is a record."""
    if not isinstance(row, ConnecRowMixin):
        return row
    key = parent_field(type(row))
    if key is None:
        return None
    return key.related_model._base_manager.using(using).filter(pk=getattr(row, key.attname)).first()


def look_at_list_again(row: Any, using: str, *, is_change: bool) -> None:
    """Let the next version of a row's record be looked at, although its list has not changed; inside a transaction.

    Args:
        row: A row whose agreement was just written.
        using: Alias of the database.
        is_change: The row has something to send: its record is marked.
    """
    record = record_of(row, using)
    mapper = registry.for_model(type(record)) if record is not None else None
    if record is None or mapper is None:
        return
    agreement = Agreement.load(Columns(record).state)
    for nested in mapper.nested:
        if nested.model is type(row) and nested.name in agreement.agreed:
            agreement.agreed[nested.name] = UNRESOLVED
    setattr(record, STATE, agreement.dump())
    update_rows(type(record), [record], (STATE,), using=using)
    if is_change:
        mark_parents(type(row), {record.pk}, using)
