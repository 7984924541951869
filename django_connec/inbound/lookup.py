"""Which rows are here already: by hub id, by our own external id, by ``match_on``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from django_connec.inbound.incoming import Incoming
from django_connec.mapping import Mapper
from django_connec.mapping.values import is_blank
from django_connec.models import Conflict, ConnecGroup, Tombstone
from django_connec.models.columns import CHANGED, GROUP, HUB_UPDATED, ID, STATE
from django_connec.sql import read_rows

__all__ = ["Held", "Matched", "find_rows", "known_ids"]

#: What is read of a row, in the order of :class:`Held`.
BOOKKEEPING = ("pk", ID, HUB_UPDATED, CHANGED, STATE)


@dataclass(slots=True)
class Held:
    """The bookkeeping of one row, as read without a lock."""

    pk: Any
    connec_id: str | None
    hub_updated_at: dt.datetime | None
    changed_at: dt.datetime | None
    state: dict[str, Any] | None


@dataclass(slots=True)
class Matched:
    """What was found for the records of one mapper.

    Attributes:
        rows: The row of each record, by the record's position.
        conflicts: Claims that cannot be decided here.
        undecided: Positions of the records with several candidates.
        candidates: Primary keys of the rows that an undecided record may mean, by its position.
    """

    rows: dict[int, Held]
    conflicts: list[Conflict]
    undecided: set[int]
    candidates: dict[int, list[Any]] = field(default_factory=dict)


def known_ids(group: ConnecGroup, mappers: Iterable[Mapper], ids: Collection[str], using: str) -> set[str]:
    """Return those of these hub ids that a row of the group holds."""
    found: set[str] = set()
    for mapper in mappers:
        rows = read_rows(mapper.model, (ID,), using=using, among=(ID, ids), equal={GROUP: group.pk})
        found.update(connec_id for (connec_id,) in rows)
    return found


def find_rows(group: ConnecGroup, mapper: Mapper, incoming: Sequence[Incoming], using: str) -> Matched:
    """Find the rows of one mapper's records: one query by hub id, at most one by our id, one a match rule."""
    matched = Matched({}, [], set())
    rows = mapper.model._base_manager.using(using).order_by()
    if mapper.is_singular:
        _match_singular(group, mapper, incoming, _read(rows.filter(**{mapper.meta.group: group})[:20]), matched)
        return matched
    ids = [item.connec_id for item in incoming if item.connec_id]
    known = read_rows(mapper.model, BOOKKEEPING, using=using, among=(ID, ids), equal={GROUP: group.pk})
    by_id = {held.connec_id: held for held in (Held(*values) for values in known)}
    for position, item in enumerate(incoming):
        if item.connec_id in by_id:
            matched.rows[position] = by_id[item.connec_id]
    _match_own_ids(group, mapper, incoming, rows, matched)
    if mapper.meta.match_on:
        _match_values(group, mapper, incoming, rows, matched)
    return matched


def _match_singular(
    group: ConnecGroup, mapper: Mapper, incoming: Sequence[Incoming], held: Sequence[Held], matched: Matched
) -> None:
    """A group has one record of the resource: its one row, or of several the one that holds the hub's id."""
    for position, item in enumerate(incoming):
        linked = [row for row in held if row.connec_id is not None and row.connec_id == item.connec_id]
        found = linked or held
        if len(found) == 1:
            matched.rows[position] = found[0]
        elif found:
            matched.undecided.add(position)
            matched.candidates[position] = [row.pk for row in found]
            matched.conflicts.append(_conflict(group, mapper, Conflict.Kind.MATCH, found, item))


def _match_own_ids(
    group: ConnecGroup, mapper: Mapper, incoming: Sequence[Incoming], rows: Any, matched: Matched
) -> None:
    pks = {
        item.own_pk
        for position, item in enumerate(incoming)
        if position not in matched.rows and item.own_pk is not None
    }
    if not pks:
        return
    by_pk = {row.pk: row for row in _read(rows.filter(pk__in=pks, **{mapper.meta.group: group}))}
    taken = {row.pk for row in matched.rows.values()}
    for position, item in enumerate(incoming):
        row = by_pk.get(item.own_pk)
        if position in matched.rows or row is None:
            continue
        if row.connec_id is not None or row.pk in taken:
            # A restored database or a reused key: the hub's id wins.
            matched.conflicts.append(_conflict(group, mapper, Conflict.Kind.STALE_ID, [row], item))
            continue
        taken.add(row.pk)
        matched.rows[position] = row


def _match_values(
    group: ConnecGroup, mapper: Mapper, incoming: Sequence[Incoming], rows: Any, matched: Matched
) -> None:
    by_path = {".".join(bound.path): bound for bound in mapper.fields}
    free = rows.filter(connec_id__isnull=True, **{mapper.meta.group: group})
    known = _known_here(group, mapper, incoming, rows)
    taken = {row.pk for row in matched.rows.values()}
    for alternative in mapper.meta.match_on:
        bounds = [by_path[path] for path in alternative]
        wanted: dict[tuple[str, ...], list[int]] = {}
        first_values: list[Any] = []
        for position, item in enumerate(incoming):
            values = item.decoded.values
            if position in matched.rows or position in matched.undecided or position in known:
                continue
            if any(bound.reference is not None or is_blank(values.get(bound.name)) for bound in bounds):
                continue
            if mapper.meta.on_inactive == "delete" and mapper.is_inactive(item.record):
                # A row that the hub has never known is not its to delete.
                continue
            wanted.setdefault(tuple(item.decoded.digests[b.name] for b in bounds), []).append(position)
            first_values.append(values[bounds[0].name])
        if not wanted:
            continue
        attnames = [bound.lookup for bound in bounds]
        candidates: dict[tuple[str, ...], list[Held]] = {}
        query = free.filter(**{f"{attnames[0]}__in": first_values})
        for *bookkeeping, local in _read_with(query, attnames):
            # Compared again by digest: MariaDB ignores case, and the other paths were not asked for.
            key = tuple(bound.digest(value) for bound, value in zip(bounds, local, strict=True))
            candidates.setdefault(key, []).append(Held(*bookkeeping))
        for key, positions in wanted.items():
            found = [row for row in candidates.get(key, ()) if row.pk not in taken]
            if not found:
                continue
            if len(found) > 1 or len(positions) > 1:
                for position in positions:
                    matched.undecided.add(position)
                    matched.candidates[position] = [row.pk for row in found]
                    matched.conflicts.append(_conflict(group, mapper, Conflict.Kind.MATCH, found, incoming[position]))
                continue
            taken.add(found[0].pk)
            matched.rows[positions[0]] = found[0]
            # An id of ours that is nobody's: the hub is given the row's own.
            incoming[positions[0]].known_to_us = False


def _known_here(group: ConnecGroup, mapper: Mapper, incoming: Sequence[Incoming], rows: Any) -> set[int]:
    """Return the positions of the records whose id of ours is that of a row which is here, or was deleted here.

    An id of ours that nobody here has ever had comes from a database that is no more.
    """
    pks = {item.own_pk: position for position, item in enumerate(incoming) if item.own_pk is not None}
    if not pks:
        return set()
    here = set(rows.filter(pk__in=pks).values_list("pk", flat=True))
    keys = {str(pk): pk for pk in pks}
    graves = Tombstone.objects.using(rows.db).filter(group=group, model_label=mapper.label, object_id__in=keys)
    here.update(keys[key] for key in graves.values_list("object_id", flat=True))
    return {position for pk, position in pks.items() if pk in here}


def _conflict(
    group: ConnecGroup, mapper: Mapper, kind: Conflict.Kind, rows: Sequence[Held], item: Incoming
) -> Conflict:
    is_settled = kind == Conflict.Kind.STALE_ID
    return Conflict(
        group=group,
        kind=kind,
        resource=mapper.meta.resource,
        model_label=mapper.label,
        object_id=str(rows[0].pk),
        local_value=None if is_settled else [str(row.pk) for row in rows],
        connec_id=item.connec_id or "",
        decision=Conflict.Decision.CONNEC if is_settled else Conflict.Decision.OPEN,
        settled_at=timezone.now() if is_settled else None,
    )


def _read(rows: Any) -> list[Held]:
    return [Held(*values) for values in rows.values_list(*BOOKKEEPING)]


def _read_with(rows: Any, attnames: Sequence[str]) -> list[tuple[Any, ...]]:
    return [(*values[:5], values[5:]) for values in rows.values_list(*BOOKKEEPING, *attnames)]
