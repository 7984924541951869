"""A changed row behind a one-to-one relation marks the row whose mapper reads through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.signals import post_delete, post_save

from django_connec.tracking import wakeups
from django_connec.tracking.clock import next_stamp
from django_connec.tracking.switch import is_tracking

if TYPE_CHECKING:
    from django_connec.mapping import Mapper

__all__ = ["watch_related"]


def watch_related() -> None:
    """Listen to the models that a registered mapper reaches over a one-to-one relation (``source="profile.phone"``)."""
    from django_connec.mapping import registry

    for mapper in registry:
        for via in _related(mapper):
            step: Any = mapper.model._meta.get_field(via)
            uid = f"django_connec:related:{step.related_model._meta.label_lower}"
            post_save.connect(_on_change, sender=step.related_model, dispatch_uid=uid)
            post_delete.connect(_on_change, sender=step.related_model, dispatch_uid=uid)


def _related(mapper: Mapper) -> tuple[str, ...]:
    try:
        return mapper.related
    except Exception:
        # The system checks say what is wrong with it.
        return ()


def _on_change(sender: type[models.Model], instance: models.Model, using: str, raw: bool = False, **_: Any) -> None:
    from django_connec.mapping import registry

    if raw or not is_tracking() or instance.__dict__.get("_connec_engine"):
        return
    for mapper in registry:
        for via in _related(mapper):
            step: Any = mapper.model._meta.get_field(via)
            if step.related_model is not sender:
                continue
            if isinstance(step, models.OneToOneRel):
                key, value = step.field.target_field.attname, getattr(instance, step.field.attname)
            else:
                key, value = step.attname, getattr(instance, step.target_field.attname)
            rows: Any = mapper.model._base_manager.using(using)
            for pk in rows.filter(**{key: value}).values_list("pk", flat=True) if value is not None else ():
                rows.filter(pk=pk).update(connec_changed_at=next_stamp())
                wakeups.note(using, mapper.model, pk)
