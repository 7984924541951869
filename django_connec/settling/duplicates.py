"""Two rows that stand for one record, since the hub made one of two."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from django_connec.failures import drop_failures
from django_connec.mapping import Mapper, registry
from django_connec.mapping.agreement import Agreement
from django_connec.models import Conflict, Failure, LinkBack
from django_connec.models.columns import CHANGED, GROUP, HUB_UPDATED, ID, STATE, Columns
from django_connec.sql import update_rows
from django_connec.tracking.clock import next_stamp

__all__ = ["both_rows", "release", "settle_duplicate"]


def settle_duplicate(conflict: Conflict, decision: Conflict.Decision, using: str) -> Conflict.Decision:
    """Let one row keep the record and unlink the other; inside a transaction.

    The row that does not keep it stays here as it is, and what it had waiting is not sent: the hub would answer
    with the same record again.

    Returns:
        ``LOCAL`` or ``CONNEC`` as decided; ``GONE`` where one of the rows is not here any more.
    """
    mapper = registry.for_label(conflict.model_label)
    row, holder = both_rows(conflict, using)
    if mapper is None or row is None or holder is None:
        release(conflict)
        return Conflict.Decision.GONE
    if decision == Conflict.Decision.CONNEC:
        _unlink(row, using)
    else:
        known = (Columns(holder).connec_id, Columns(holder).hub_updated_at, Columns(holder).state)
        _unlink(holder, using)
        _take_over(conflict, mapper, row, known, using)
    keys = [str(row.pk), str(holder.pk)]
    drop_failures(conflict.group, Failure.Direction.PUSH, mapper.meta.resource, keys, mapper.label)
    return decision


def both_rows(conflict: Conflict, using: str) -> tuple[Any, Any]:
    """Return the row of a conflict and the other one, which holds the record; ``None`` for one that is not here.

    Both are locked, in the order of their keys as everywhere.
    """
    mapper = registry.for_label(conflict.model_label)
    if mapper is None:
        return None, None
    pk = mapper.pk_from(f"{mapper.meta.id_prefix}{conflict.object_id}")
    either = Q(pk=pk) | Q(connec_group=conflict.group_id, connec_id=conflict.connec_id)
    rows = mapper.model._base_manager.using(using).select_for_update().filter(either).order_by("pk")
    found = {row.pk: row for row in rows}
    row = found.pop(pk, None)
    return row, next(iter(found.values()), None)


def release(conflict: Conflict) -> None:
    """Let a row that was set aside be sent again."""
    drop_failures(conflict.group, Failure.Direction.PUSH, conflict.resource, [conflict.object_id], conflict.model_label)


def _unlink(row: Any, using: str) -> None:
    read = Columns(row).changed_at
    for name in (ID, HUB_UPDATED, STATE, CHANGED):
        setattr(row, name, None)
    names = (ID, HUB_UPDATED, STATE, CHANGED)
    update_rows(type(row), [row], names, using=using, unchanged=CHANGED, expected=[read])


def _take_over(conflict: Conflict, mapper: Mapper, row: Any, known: tuple[Any, Any, Any], using: str) -> None:
    """Give a row the record, with what the other one had agreed on: its own values are changes against that."""
    read = Columns(row).changed_at
    agreement = Agreement.load(known[2])
    for name, shown in agreement.contested.items():
        agreement.agreed[name] = shown[0]
    agreement.contested = {}
    agreement.answered()
    for name, value in ((GROUP, conflict.group_id), (ID, known[0]), (HUB_UPDATED, known[1])):
        setattr(row, name, value)
    setattr(row, STATE, agreement.dump())
    setattr(row, CHANGED, next_stamp())
    names = (GROUP, ID, HUB_UPDATED, STATE, CHANGED)
    update_rows(type(row), [row], names, using=using, unchanged=CHANGED, expected=[read])
    links = LinkBack.objects.using(using)
    links.filter(group=conflict.group, model_label=mapper.label, connec_id=known[0]).delete()
    if conflict.group.shares(mapper.meta.resource, "push") and not mapper.is_singular:
        links.create(
            group=conflict.group, model_label=mapper.label, object_id=str(row.pk), connec_id=str(known[0] or "")
        )
