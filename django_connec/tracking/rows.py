"""A changed embedded row marks the record that it belongs to."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models

from django_connec.tracking import wakeups
from django_connec.tracking.clock import next_stamp
from django_connec.tracking.switch import is_tracking

__all__ = ["mark_parent", "on_post_delete", "on_post_save", "parent_field"]


@cache
def parent_field(model: type[models.Model]) -> models.ForeignKey[Any, Any] | None:
    """Return the foreign key of a row model that leads to its record; ``None`` when it cannot be told."""
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
        keys = [column for column in keys if column.name == named]
    return keys[0] if len(keys) == 1 else None


def mark_parent(instance: models.Model, using: str) -> None:
    """Mark the record of a changed row, in one UPDATE of the same transaction."""
    key = parent_field(type(instance))
    if key is None:
        return
    parent_id = getattr(instance, key.attname)
    if parent_id is None:
        return
    parent: Any = key.related_model
    parent._base_manager.using(using).filter(pk=parent_id).update(connec_changed_at=next_stamp())
    wakeups.note(using, parent, parent_id)


def on_post_save(sender: type[models.Model], instance: models.Model, using: str, raw: bool, **_: Any) -> None:
    if not raw and is_tracking() and not instance.__dict__.get("_connec_engine"):
        mark_parent(instance, using)


def on_post_delete(
    sender: type[models.Model], instance: models.Model, using: str, origin: Any = None, **_: Any
) -> None:
    key = parent_field(sender)
    # Rows that go with their record leave nothing to mark; Django deletes them before it.
    parent = key.related_model if key is not None else None
    model = getattr(origin, "model", type(origin))
    if is_tracking() and parent is not None and not (isinstance(model, type) and issubclass(model, parent)):
        mark_parent(instance, using)
