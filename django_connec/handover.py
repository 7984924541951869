"""``hand_over``: a row of another model takes a record over, as when a lead becomes a customer here."""

from __future__ import annotations

from typing import Any

from django.db import models, router, transaction

from django_connec.mapping import Mapper, registry
from django_connec.mapping.agreement import Agreement
from django_connec.models import ConnecGroup, LinkBack
from django_connec.models.columns import CHANGED, GROUP, HUB_UPDATED, ID, STATE, Columns
from django_connec.sql import update_rows
from django_connec.tracking import wakeups
from django_connec.tracking.clock import next_stamp

__all__ = ["hand_over"]

_COLUMNS = (GROUP, ID, HUB_UPDATED, CHANGED, STATE)


def hand_over(old: models.Model, new: models.Model) -> None:
    """Let ``new`` be the row of the record that ``old`` has been the row of.

    The record stays one record at the hub: the next drain sends it the values of ``new`` and what its mapper's
    ``Meta.when`` asks for. ``old`` is not sent any more and may be kept or deleted; either says nothing to the hub.

    Args:
        old: A saved row of a mapped model.
        new: A saved row of another model that is mapped to the same resource.

    Raises:
        ValueError: They are not mapped to one resource, one is not saved, ``new`` has a record already, or the
            creation of ``old`` is on its way (drain first).
    """
    one, other = _mapper_of(old), _mapper_of(new)
    if one is other or one.meta.resource != other.meta.resource:
        raise ValueError(f"{one} and {other} are not two mappers of one resource.")
    using = router.db_for_write(ConnecGroup)
    with transaction.atomic(using=using):
        giver, taker = _locked(one, old, using), _locked(other, new, using)
        if Columns(taker).connec_id is not None:
            raise ValueError(f"{new!r} is the row of another record.")
        if Columns(giver).connec_id is None and Agreement.load(Columns(giver).state).is_in_flight:
            raise ValueError(f"The creation of {old!r} is on its way; drain the group first.")
        group_id, connec_id = Columns(giver).group_id, Columns(giver).connec_id
        if group_id is not None and connec_id is not None:
            for name in (GROUP, ID, HUB_UPDATED):
                setattr(taker, name, getattr(giver, name))
            # Our new id of it; what is agreed is not known in terms of the other mapper.
            LinkBack.objects.using(using).create(
                group_id=group_id, model_label=other.label, object_id=str(taker.pk), connec_id=connec_id
            )
        setattr(taker, CHANGED, next_stamp())
        setattr(taker, STATE, None)
        setattr(giver, ID, None)
        setattr(giver, HUB_UPDATED, None)
        setattr(giver, CHANGED, None)
        setattr(giver, STATE, Agreement(has_moved=True).dump())
        # Not both at once: the record is never that of two rows.
        update_rows(one.model, [giver], _COLUMNS, using=using)
        update_rows(other.model, [taker], _COLUMNS, using=using)
        wakeups.note(using, other.model, taker.pk)


def _mapper_of(row: models.Model) -> Mapper:
    mapper = registry.for_model(type(row))
    if mapper is None or row.pk is None or row._state.adding:
        raise ValueError(f"{type(row).__name__} is not mapped, or the row is not saved.")
    return mapper


def _locked(mapper: Mapper, row: models.Model, using: str) -> Any:
    return mapper.model._base_manager.using(using).select_for_update().get(pk=row.pk)
