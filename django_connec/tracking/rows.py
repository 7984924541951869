"""A changed embedded row marks the record that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from django.db import models

from django_connec.tracking import wakeups
from django_connec.tracking.clock import next_stamp
from django_connec.tracking.switch import is_tracking

__all__ = [
    "mark_parent",
    "mark_parents",
    "marked_together",
    "on_post_delete",
    "on_post_save",
    "parent_field",
    "parents_of",
]

_together: ContextVar[bool] = ContextVar("django_connec_rows_together", default=False)


def parent_field(model: type[models.Model]) -> models.ForeignKey[Any, Any] | None:
    """Return the foreign key of a row model that leads to its record; ``None`` when it cannot be told.

    It is the one that ``connec_parent`` names, or the only one to a record, or the one that a mapper's ``Nested``
    reads backwards (a line refers to its item as well).
    """
    key, is_open = _own_parent_field(model)
    if not is_open:
        return key
    from django_connec.mapping import registry

    return registry.row_keys.get(model)


@cache
def _own_parent_field(model: type[models.Model]) -> tuple[models.ForeignKey[Any, Any] | None, bool]:
    """Return the foreign key as the model alone tells it, and whether that leaves it open."""
    from django_connec.models.mixins import ConnecSyncMixin

    keys = [
        column
        for column in model._meta.concrete_fields
        if isinstance(column, models.ForeignKey)
        and isinstance(column.related_model, type)
        and issubclass(column.related_model, ConnecSyncMixin)
    ]
    named = getattr(model, "connec_parent", None)
    if named is not None:
        return next((column for column in keys if column.name == named), None), False
    return (keys[0], False) if len(keys) == 1 else (None, bool(keys))


def parents_of(rows: models.QuerySet[Any], using: str) -> set[Any]:
    """Return the keys of the records that the rows of a queryset belong to, in one query."""
    model: type[models.Model] = rows.model
    key = parent_field(model)
    if key is None:
        return set()
    return set(rows.using(using).order_by().values_list(key.attname, flat=True))


def mark_parents(model: type[models.Model], parent_ids: set[Any], using: str) -> None:
    """Mark records, in one UPDATE of the same transaction.

    Args:
        model: The model of the rows.
        parent_ids: Keys of the records; ``None`` among them is left out.
        using: Alias of the database.
    """
    key = parent_field(model)
    wanted = parent_ids - {None}
    if key is None or not wanted:
        return
    parent: Any = key.related_model
    parent._base_manager.using(using).filter(pk__in=wanted).update(connec_changed_at=next_stamp())
    for parent_id in wanted:
        wakeups.note(using, parent, parent_id)


@contextmanager
def marked_together() -> Iterator[None]:
    """Leave the marking of deleted rows' records to the caller of this block."""
    token = _together.set(True)
    try:
        yield
    finally:
        _together.reset(token)


def mark_parent(instance: models.Model, using: str) -> None:
    """Mark the record of a changed row, in one UPDATE of the same transaction; the one that it has left, too."""
    key = parent_field(type(instance))
    if key is not None:
        now = getattr(instance, key.attname)
        mark_parents(type(instance), {now, instance.__dict__.get("_connec_belonged", now)}, using)
        instance.__dict__["_connec_belonged"] = now


def on_post_save(sender: type[models.Model], instance: models.Model, using: str, raw: bool, **_: Any) -> None:
    marks = instance.__dict__.get("_connec_marks", True)
    if not raw and marks and is_tracking() and not instance.__dict__.get("_connec_engine"):
        mark_parent(instance, using)


def on_post_delete(
    sender: type[models.Model], instance: models.Model, using: str, origin: Any = None, **_: Any
) -> None:
    if _together.get() or instance.__dict__.get("_connec_engine"):
        return
    key = parent_field(sender)
    # Rows that go with their record leave nothing to mark; Django deletes them before it.
    parent = key.related_model if key is not None else None
    model = getattr(origin, "model", type(origin))
    if is_tracking() and parent is not None and not (isinstance(model, type) and issubclass(model, parent)):
        mark_parent(instance, using)
