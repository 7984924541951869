"""A record that several rows match: the operator says which one it is."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

from django.db import router, transaction
from django.utils import timezone

from django_connec.failures import drop_failures
from django_connec.inbound import Outcome
from django_connec.inbound.incoming import read_records
from django_connec.inbound.lookup import find_rows
from django_connec.mapping import Mapper, registry
from django_connec.models import Conflict, ConnecGroup, Failure, LinkBack
from django_connec.models.columns import CHANGED, GROUP, ID
from django_connec.outbound.answers import apply_answers
from django_connec.tracking.clock import next_stamp

__all__ = ["candidates", "choose_row"]


def candidates(conflict: Conflict) -> list[Any]:
    """Return the primary keys of the rows that the record may mean, as things stand now.

    None where the conflict is of another kind or settled, or where the record was not kept.
    """
    mapper, record = registry.for_label(conflict.model_label), _record_of(conflict)
    if conflict.decision != Conflict.Decision.OPEN or mapper is None or record is None:
        return []
    return _candidates(conflict, mapper, record, router.db_for_write(ConnecGroup))


def choose_row(conflict: Conflict, pk: Any) -> bool:
    """Link the record of a conflict to one of its :func:`candidates`, and apply it there.

    The two meet as at a first contact: a value wins over a blank on either side, and fields with two values are
    settled by the mapper's ``conflict``. Other records that waited for the same rows are tried with the next drain.

    Args:
        conflict: An open one, of several rows that match a record.
        pk: Primary key of the row.

    Returns:
        Whether it was done; not where the row is no candidate any more.
    """
    using = router.db_for_write(ConnecGroup)
    mapper = registry.for_label(conflict.model_label)
    with transaction.atomic(using=using):
        mine = Conflict.objects.using(using).select_for_update().filter(pk=conflict.pk)
        record = _record_of(conflict)
        if mapper is None or record is None or not mine.filter(decision=Conflict.Decision.OPEN).exists():
            return False
        found = _candidates(conflict, mapper, record, using)
        if pk not in found:
            return False
        _link(conflict, mapper, pk, using)
        _part_from(mapper, [key for key in found if key != pk], using)
        _bring_together(conflict, mapper, pk, record, using)
        conflict.object_id, conflict.decision, conflict.settled_at = str(pk), Conflict.Decision.ROW, timezone.now()
        conflict.save(using=using, update_fields=["object_id", "decision", "settled_at"])
    _try_others(conflict)
    return True


def _link(conflict: Conflict, mapper: Mapper, pk: Any, using: str) -> None:
    rows = mapper.model._base_manager.using(using)
    rows.filter(pk=pk).update(**{ID: conflict.connec_id or None, GROUP: conflict.group_id})
    if conflict.group.shares(mapper.meta.resource, "push") and not mapper.is_singular:
        LinkBack.objects.using(using).create(
            group=conflict.group, model_label=mapper.label, object_id=str(pk), connec_id=conflict.connec_id
        )


def _bring_together(conflict: Conflict, mapper: Mapper, pk: Any, record: Any, using: str) -> None:
    """Let the record meet its row at once, as the answer to a link does: were all of it to wait for a record that it
    refers to, the row's values would be sent first, and the two never compared."""
    applied = apply_answers(conflict.group, mapper, [(pk, record)], skew=dt.timedelta(0), using=using, sent=False)
    if not applied.broken:
        drop_failures(conflict.group, Failure.Direction.PULL, conflict.resource, [conflict.connec_id])


def _part_from(mapper: Mapper, pks: Sequence[Any], using: str) -> None:
    """The other rows are records of their own now. A row changed since the import is made without being matched:
    asked to match, the hub would merge it into the very record that it is not."""
    pending = mapper.model._base_manager.using(using).filter(pk__in=pks, connec_changed_at__isnull=False)
    for pk in pending.order_by("pk").values_list("pk", flat=True):
        mapper.model._base_manager.using(using).filter(pk=pk).update(**{CHANGED: next_stamp()})


def _try_others(conflict: Conflict) -> None:
    """The row is taken: what else matched it is decided anew."""
    waiting = Conflict.objects.filter(
        group=conflict.group_id,
        kind=Conflict.Kind.MATCH,
        decision=Conflict.Decision.OPEN,
        resource=conflict.resource,
    )
    _failures(conflict).filter(object_id__in=waiting.values("connec_id")).update(
        next_attempt_at=None, is_dead=False, attempts=0
    )


def _candidates(conflict: Conflict, mapper: Mapper, record: Any, using: str) -> list[Any]:
    incoming, _ = read_records(conflict.group, conflict.resource, [record], Outcome())
    if not incoming or incoming[0].mapper is not mapper:
        return []
    matched = find_rows(conflict.group, mapper, incoming, using)
    # Two records may match one row; asked for alone, this one has it to itself.
    found = matched.rows.get(0)
    if found is not None and found.connec_id is None:
        return [found.pk]
    return matched.candidates.get(0, [])


def _record_of(conflict: Conflict) -> Any:
    """Return the record, which is kept as a failure until it is applied."""
    if conflict.kind != Conflict.Kind.MATCH:
        return None
    failure = _failures(conflict).filter(object_id=conflict.connec_id).first()
    return json.loads(bytes(failure.record)) if failure is not None and failure.record is not None else None


def _failures(conflict: Conflict) -> Any:
    return Failure.objects.filter(group=conflict.group_id, direction=Failure.Direction.PULL, resource=conflict.resource)
