"""Read, merge and write the rows of one chunk, in one transaction with the rows locked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from django_connec.inbound.incoming import Incoming
from django_connec.inbound.lookup import Held
from django_connec.inbound.merge import Change, merge
from django_connec.inbound.nested import NestedRows, local_value
from django_connec.inbound.outcome import Outcome
from django_connec.inbound.rows import (
    GroupValues,
    Written,
    has_listeners,
    needs_save,
    new_row,
    send_post_save,
    set_fields,
    write,
)
from django_connec.inbound.tombstones import raise_rows, refill
from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.local import LocalValues
from django_connec.mapping.related import attach_related
from django_connec.models import Conflict, ConnecGroup, LinkBack
from django_connec.models.columns import GROUP, HUB_UPDATED, ID, STATE, Columns
from django_connec.sql import insert_values, standing_still

__all__ = ["ChunkResult", "write_chunk"]

BOOKKEEPING_WRITTEN = (GROUP, ID, HUB_UPDATED, STATE)


@dataclass(slots=True)
class ChunkResult:
    """What one transaction did."""

    outcome: Outcome = field(default_factory=Outcome)
    created: list[Any] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    moved: list[tuple[str, str, str, Any]] = field(default_factory=list)


def write_chunk(
    group: ConnecGroup,
    mapper: Mapper,
    pairs: Sequence[tuple[Incoming, Held | None]],
    *,
    using: str,
    skew: dt.timedelta,
    answers: bool = False,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> ChunkResult:
    """Write records whose references are resolved.

    Args:
        group: Whose they are.
        mapper: Their mapper.
        pairs: Each record with the row that was found for it, if any.
        using: Alias of the database.
        skew: The hub's clock less ours.
        answers: The records are answers to what these rows sent.
        around: Entered inside the transaction, before anything is read, and left before it commits.

    Raises:
        django.db.Error, BadValue: One of them cannot be written; then none is.
        RowChanged: The rows would not stand still.
    """

    def work() -> ChunkResult:
        with around():
            return _write(group, mapper, pairs, using, skew, answers)

    return standing_still(work, using)


def _write(
    group: ConnecGroup,
    mapper: Mapper,
    pairs: Sequence[tuple[Incoming, Held | None]],
    using: str,
    skew: dt.timedelta,
    answers: bool,
) -> ChunkResult:
    result = ChunkResult()
    raise_rows(group, [item for item, _ in pairs], using)
    rows = _locked(mapper, [held.pk for _, held in pairs if held is not None], using)
    local = _local_digests(group, mapper, rows.values(), using)
    created: list[Written] = []
    updated: list[Written] = []
    columns: set[str] = set()
    group_values = GroupValues(mapper, group, using) if any(held is None for _, held in pairs) else None
    nested = NestedRows(group, mapper, using, skew, answers=answers) if mapper.nested else None
    if nested is not None:
        nested.load((item, rows[held.pk]) for item, held in pairs if held is not None and held.pk in rows)
    for item, held in pairs:
        if held is None:
            assert group_values is not None
            row = new_row(item, group_values)
            created.append(Written(item, row, mapper.pulled))
            if nested is not None:
                nested.create(row, item)
        elif held.pk not in rows:
            # Deleted between reading and locking; its tombstone says so from now on.
            result.outcome.ignored += 1
            continue
        else:
            row = rows[held.pk]
            written = _merge_row(group, item, row, local.get(held.pk), skew, result, using, answers, nested)
            if written is None:
                continue
            columns.update(BOOKKEEPING_WRITTEN, (bound.attname for bound in written.taken if bound.via is None))
            updated.append(written)
        if "before_apply" in mapper.customises:
            mapper.before_apply(row, item.record)
            columns.update(c.attname for c in mapper.model._meta.concrete_fields if not c.primary_key)
    write(mapper, created, updated, columns, using=using)
    if nested is not None:
        nested.write()
        result.conflicts += nested.conflicts
        result.moved += nested.moved
    _finish(group, mapper, created, updated, result, using)
    risen = {w.item.connec_id: w.row.pk for w in created if w.item.risen is not None}
    risen |= {item.connec_id: held.pk for item, held in pairs if held is not None and item.risen is not None}
    refill(group, mapper, {connec_id: pk for connec_id, pk in risen.items() if connec_id}, result.outcome, using)
    return result


def _merge_row(
    group: ConnecGroup,
    item: Incoming,
    row: Any,
    local: dict[str, str] | None,
    skew: dt.timedelta,
    result: ChunkResult,
    using: str,
    answers: bool,
    nested: NestedRows | None,
) -> Written | None:
    """Set what a record changes in a row; returns ``None`` where nothing is left to write."""
    held = Columns(row)
    outcome = result.outcome
    if item.updated_at is not None and held.hub_updated_at is not None and item.updated_at < held.hub_updated_at:
        outcome.stale += 1
        if not answers:
            return None
        # A newer version came in before this answer: what was sent is answered all the same.
        agreement = Agreement.load(held.state)
        agreement.answered()
        setattr(row, STATE, agreement.dump())
        return Written(item, row, [], held.changed_at)
    if item.mapper.meta.on_inactive == "delete" and item.mapper.is_inactive(item.record):
        row.__dict__["_connec_engine"] = True
        row.delete(using=using)
        outcome.deleted += 1
        return None
    change: Change = merge(
        group,
        item,
        SimpleNamespace(pk=row.pk, hub_updated_at=held.hub_updated_at, changed_at=held.changed_at, state=held.state),
        local,
        skew,
        answers=answers,
    )
    for conflict in change.conflicts:
        conflict.local_value = local_value(item.mapper, row, conflict.field)
    result.conflicts += change.conflicts
    result.moved += [(item.mapper.label, str(row.pk), name, value) for name, value in change.moved.items()]
    read_changed_at = held.changed_at
    rows_before = dict(change.agreement.rows)
    has_rows = nested is not None and nested.merge(row, item, held.changed_at, change.agreement)
    change.is_touched |= change.agreement.rows != rows_before
    linked = held.connec_id == item.connec_id and held.group_id == group.pk
    if not (change.fields or change.is_newer or change.is_touched) and linked:
        outcome.unchanged += 1
        return None
    set_fields(row, item, change.fields)
    setattr(row, GROUP, group.pk)
    setattr(row, ID, item.connec_id or held.connec_id)
    if item.updated_at is not None:
        setattr(row, HUB_UPDATED, item.updated_at)
    setattr(row, STATE, change.agreement.dump())
    if change.fields or has_rows:
        outcome.updated += 1
        outcome.updated_pks.setdefault(item.mapper.label, []).append(row.pk)
    else:
        outcome.unchanged += 1
    return Written(item, row, change.fields, read_changed_at, has_rows)


def _finish(
    group: ConnecGroup,
    mapper: Mapper,
    created: Sequence[Written],
    updated: Sequence[Written],
    result: ChunkResult,
    using: str,
) -> None:
    result.outcome.created += len(created)
    if created:
        result.outcome.created_pks.setdefault(mapper.label, []).extend(written.row.pk for written in created)
        result.created = [written.row for written in created]
    if result.conflicts:
        Conflict.objects.using(using).bulk_create(result.conflicts)
    for label, object_id, name, value in result.moved:
        Conflict.objects.using(using).filter(
            group=group,
            decision=Conflict.Decision.OPEN,
            kind=Conflict.Kind.FIELD,
            model_label=label,
            object_id=object_id,
            field=name,
        ).update(remote_value=value)
    changed = [(w.row, True) for w in created] + [(w.row, False) for w in updated if w.taken or w.has_rows]
    if not needs_save(mapper.model) and has_listeners(mapper.model):
        send_post_save(changed, using)
    if "after_apply" in mapper.customises and changed:
        mapper.after_apply([row for row, _ in changed])
    if not mapper.is_singular:
        first_seen = [*created, *(w for w in updated if _is_new_link(w))]
        links = [
            (group.pk, mapper.label, str(w.row.pk), w.item.connec_id or "", 0)
            for w in first_seen
            if not w.item.known_to_us
        ]
        columns = ("group_id", "model_label", "object_id", "connec_id", "attempts")
        insert_values(LinkBack, columns, links, using=using)


def _is_new_link(written: Written) -> bool:
    # A row that was matched to a record had no agreement before: every field of the record is in it now.
    return bool(written.row.__dict__.pop("_connec_new_link", False))


def _locked(mapper: Mapper, pks: Sequence[Any], using: str) -> dict[Any, Any]:
    if not pks:
        return {}
    rows = mapper.model._base_manager.using(using).select_for_update().filter(pk__in=pks).order_by("pk")
    found = {row.pk: row for row in rows}
    attach_related(mapper, found.values(), using)
    for row in found.values():
        if Columns(row).connec_id is None:
            row.__dict__["_connec_new_link"] = True
    return found


def _local_digests(group: ConnecGroup, mapper: Mapper, rows: Iterable[Any], using: str) -> dict[Any, dict[str, str]]:
    """Digest the own values of the rows that may hold changes: marked ones, and those never in agreement."""
    asked = [row for row in rows if Columns(row).changed_at is not None or not Columns(row).state]
    if not asked:
        return {}
    values = LocalValues(mapper, asked, group.pk, group.effective_realm, using)
    return {row.pk: values.digests(row) for row in asked}
