"""The records in the hub's answers, applied through the same path as all others.

Agreed is what the hub answered, not what we sent: it may have normalised, merged or completed it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from django_connec.failures import FailedRecord, store_failures
from django_connec.inbound import parked
from django_connec.inbound.announcing import announce_records
from django_connec.inbound.chunk import write_chunk
from django_connec.inbound.dberrors import describe, is_record_error
from django_connec.inbound.incoming import Incoming, failed, read_each
from django_connec.inbound.lookup import Held
from django_connec.inbound.references import resolve
from django_connec.inbound.tombstones import bury
from django_connec.mapping import Mapper
from django_connec.models import Conflict, ConnecGroup, Failure
from django_connec.models.columns import CHANGED, HUB_UPDATED, ID, STATE
from django_connec.signals import conflict_found

__all__ = ["Applied", "apply_answers"]

Around = Callable[[Sequence[Any]], AbstractContextManager[object]]


@dataclass(slots=True)
class Applied:
    """What became of the answers.

    Attributes:
        agreed: Keys of the rows that are in step with their answers now.
        elsewhere: Of those, the ones whose answers are another model's records, so that nothing was written.
        duplicates: Keys of rows whose record another row holds already.
        broken: Keys of rows whose answer could not be read, with why.
    """

    agreed: list[Any] = field(default_factory=list)
    elsewhere: set[Any] = field(default_factory=set)
    duplicates: list[Any] = field(default_factory=list)
    broken: dict[Any, str] = field(default_factory=dict)


def apply_answers(
    group: ConnecGroup,
    mapper: Mapper,
    answers: Sequence[tuple[Any, Mapping[str, Any]]],
    *,
    skew: dt.timedelta,
    using: str,
    sent: bool = True,
    around: Around = nullcontext,
) -> Applied:
    """Apply the record of each answer to the row that was sent.

    Args:
        group: Whose they are.
        mapper: Mapper of the rows.
        answers: Primary key and record of each row that the hub accepted.
        skew: The hub's clock less ours.
        using: Alias of the database.
        sent: The rows' own changes were sent, not only their ids.
        around: Called with the keys of the rows that are written in one transaction; entered at its beginning, left
            at its end.
    """
    applied = Applied()
    pairs = _read(group, mapper, answers, applied, using)
    pairs = _set_duplicates_apart(group, mapper, pairs, applied, using)
    _leave_out_missing(group, mapper, pairs, using)
    try:
        if pairs:
            _write(group, mapper, pairs, applied, skew, using, sent, around)
    except Exception as error:
        if not is_record_error(error):
            raise
        for pair in pairs:
            _write_alone(group, mapper, pair, applied, skew, using, sent, around)
    return applied


def _read(
    group: ConnecGroup, mapper: Mapper, answers: Sequence[tuple[Any, Mapping[str, Any]]], applied: Applied, using: str
) -> list[tuple[Incoming, Held]]:
    rows = mapper.model._base_manager.using(using).filter(pk__in=[pk for pk, _ in answers]).order_by()
    held = {values[0]: Held(*values) for values in rows.values_list("pk", ID, HUB_UPDATED, CHANGED, STATE)}
    pairs: list[tuple[Incoming, Held]] = []
    # Those that are missing were deleted while they were on the way: their tombstones take it from here.
    here = [(pk, record) for pk, record in answers if pk in held]
    broken: list[FailedRecord] = []
    items = read_each(group, mapper.meta.resource, [record for _, record in here])
    for (pk, _), item in zip(here, items, strict=True):
        if isinstance(item, FailedRecord):
            applied.broken[pk] = item.message
            broken.append(item)
        elif item is not None and item.mapper is mapper:
            pairs.append((item, held[pk]))
        else:
            applied.agreed.append(pk)
            applied.elsewhere.add(pk)
    store_failures(group, Failure.Direction.PULL, mapper.meta.resource, broken)
    return pairs


def _set_duplicates_apart(
    group: ConnecGroup, mapper: Mapper, pairs: Sequence[tuple[Incoming, Held]], applied: Applied, using: str
) -> list[tuple[Incoming, Held]]:
    """The hub merges records: an answer may carry the id that another row holds."""
    if mapper.is_singular:
        return list(pairs)
    claims = {item.connec_id for item, held in pairs if item.connec_id and held.connec_id != item.connec_id}
    owners: dict[str | None, Any] = {}
    if claims:
        rows = mapper.model._base_manager.using(using).filter(connec_group=group, connec_id__in=claims)
        owners = dict(rows.order_by().values_list(ID, "pk"))
    kept: list[tuple[Incoming, Held]] = []
    conflicts: list[Conflict] = []
    for item, held in pairs:
        owner = owners.get(item.connec_id)
        if owner is None or owner == held.pk:
            # Two rows of one batch may come back as one record.
            owners[item.connec_id] = held.pk
            kept.append((item, held))
            continue
        applied.duplicates.append(held.pk)
        conflicts.append(
            Conflict(
                group=group,
                kind=Conflict.Kind.DUPLICATE,
                resource=mapper.meta.resource,
                model_label=mapper.label,
                object_id=str(held.pk),
                connec_id=item.connec_id or "",
            )
        )
    for conflict in Conflict.objects.using(using).record_new(conflicts):
        conflict_found.send_robust(mapper.model, group=group, conflict=conflict)
    return kept


def _leave_out_missing(group: ConnecGroup, mapper: Mapper, pairs: Sequence[tuple[Incoming, Held]], using: str) -> None:
    """Park records that refer to what is not here, and agree on the rest of them all the same."""
    missing = resolve(group, [item for item, _ in pairs], using)
    if missing:
        bury(group, [pairs[position][0] for position in missing], using)
        missing = {position: gap for position, gap in missing.items() if any(pairs[position][0].unresolved())}
    if not missing:
        return
    parked.park(group, [(pairs[position][0], gap) for position, gap in missing.items()])
    for position in missing:
        pairs[position][0].leave_out_unresolved()


def _write(
    group: ConnecGroup,
    mapper: Mapper,
    pairs: Sequence[tuple[Incoming, Held]],
    applied: Applied,
    skew: dt.timedelta,
    using: str,
    sent: bool,
    around: Around,
) -> None:
    keys = [held.pk for _, held in pairs]
    result = write_chunk(group, mapper, pairs, using=using, skew=skew, answers=sent, around=lambda: around(keys))
    applied.agreed += keys
    if result.outcome.updated_pks:
        transaction.on_commit(lambda: announce_records(group, result.outcome, "push"), using=using, robust=True)


def _write_alone(
    group: ConnecGroup,
    mapper: Mapper,
    pair: tuple[Incoming, Held],
    applied: Applied,
    skew: dt.timedelta,
    using: str,
    sent: bool,
    around: Around,
) -> None:
    item, held = pair
    try:
        _write(group, mapper, [pair], applied, skew, using, sent, around)
    except Exception as error:
        if not is_record_error(error):
            raise
        # The hub has it, so the row must know its id, or the next drain would create it again.
        mapper.model._base_manager.using(using).filter(pk=held.pk).update(
            connec_group=group, connec_id=item.connec_id, connec_updated_at=item.updated_at
        )
        applied.broken[held.pk] = describe(error)
        record = failed(item.connec_id, item.record, describe(error))
        store_failures(group, Failure.Direction.PULL, mapper.meta.resource, [record])
