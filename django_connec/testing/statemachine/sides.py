"""Both sides, in a form in which they can be compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django_connec.mapping import registry
from django_connec.mapping.decoding import Decoded
from django_connec.mapping.fields import BoundField
from django_connec.mapping.local import LocalValues
from django_connec.mapping.references import RemoteId
from django_connec.mapping.values import BLANK
from django_connec.models import ConnecGroup, Tombstone
from django_connec.sandbox import SandboxHub
from django_connec.testing.statemachine.fields import FieldValues
from django_connec.testing.statemachine.lists import RowList
from django_connec.testing.statemachine.rows import RowModel

__all__ = ["compare", "here", "there", "waiting"]

#: Digest and value by field.
Side = dict[str, dict[str, tuple[str, Any]]]


def here(rows: RowModel, group: ConnecGroup, using: str) -> Side:
    """Return the values of the group's rows by hub id; of one without an id, by its key in angle brackets."""
    mapper = rows.mapper
    found: list[Any] = list(mapper.model._base_manager.using(using).filter(**{mapper.meta.group: group}).order_by("pk"))
    local = LocalValues(mapper, found, group.pk, group.effective_realm, using)
    side: Side = {}
    for row in found:
        side[row.connec_id or f"<{row.pk}>"] = _local(rows.compared_fields, local, row)
    ids = {row.pk: row.connec_id or f"<{row.pk}>" for row in found}
    for listed in rows.lists:
        if listed.is_compared:
            for pk, held in _rows_here(listed, group, ids, using).items():
                side[ids[pk]][listed.name] = _as_list(held)
    return side


def there(rows: RowModel, group: ConnecGroup, hub: SandboxHub, using: str) -> Side:
    """Return the values of the hub's records by id, without those that were deleted here; a reference to one of
    those counts as blank."""
    mapper = rows.mapper
    graves = graves_of(group, using)
    side: Side = {}
    for record in hub.records(group.uid, mapper.meta.resource):
        if (mapper.meta.resource, record["id"]) in graves or not mapper.takes(record):
            continue
        if mapper.meta.on_inactive != "apply" and mapper.is_inactive(record):
            continue
        decoded = mapper.decode(record)
        side[record["id"]] = _remote(rows.compared_fields, decoded, graves)
        for listed in rows.lists:
            if listed.is_compared:
                held = decoded.rows.get(listed.name, ())
                values = [_remote(listed.compared_fields, row.decoded, graves) for row in held]
                ids = [row.identity.connec_id if row.identity else None for row in held]
                side[record["id"]][listed.name] = _as_list(list(zip(ids, values, strict=True)))
    return side


def graves_of(group: ConnecGroup, using: str) -> set[tuple[str, str]]:
    """Return resource and hub id of each record whose row was deleted here."""
    graves = Tombstone.objects.using(using).filter(group=group, connec_id__isnull=False)
    return {(resource, id or "") for resource, id in graves.values_list("resource", "connec_id")}


def waiting(models: Sequence[RowModel], group: ConnecGroup, hub: SandboxHub, using: str) -> set[str]:
    """Return the hub ids of records that must refer to something, and do to what was deleted here, or to one of
    these: they are parked."""
    gone = {id for _, id in graves_of(group, using)}
    wanted = [
        (record["id"], set(_required(entry, record)))
        for entry in models
        for record in hub.records(group.uid, entry.resource)
        if entry.mapper.takes(record)
    ]
    found: set[str] = set()
    while True:
        more = {id for id, needed in wanted if needed & (gone | found)}
        if more <= found:
            return found
        found |= more


def _required(entry: RowModel, record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the hub ids that a record, or a row in it, must refer to."""
    parts: list[tuple[FieldValues, Mapping[str, Any]]] = [(entry, record)]
    parts += [(listed, row) for listed in entry.lists for row in record.get(listed.path) or ()]
    for part, shown in parts:
        for bound in part.mapper.references:
            if not bound.column.null and isinstance(id := bound.read(shown), str):
                yield id


#: Hub id, and digest and value by field, of each row of one list.
_Rows = list[tuple[str | None, dict[str, tuple[str, Any]]]]


def _rows_here(listed: RowList, group: ConnecGroup, records: Mapping[Any, str], using: str) -> dict[Any, _Rows]:
    rows = listed.model._base_manager.using(using).filter(**{f"{listed.key}__in": list(records)}).order_by("pk")
    found: list[Any] = list(rows)
    local = LocalValues(listed.mapper, found, group.pk, group.effective_realm, using)
    held: dict[Any, _Rows] = {pk: [] for pk in records}
    for row in found:
        id = (row.connec_id or f"<{row.pk}>") if listed.nested.has_ids else None
        held[getattr(row, listed.key)].append((id, _local(listed.compared_fields, local, row)))
    return held


def _as_list(rows: _Rows) -> tuple[str, Any]:
    """Return a list's digest and value: its order says nothing."""
    digests = sorted(str((id, sorted((name, d) for name, (d, _) in fields.items()))) for id, fields in rows)
    return str(digests), [{"id": id, **_values(fields)} for id, fields in rows]


def _local(fields: Iterable[BoundField], local: LocalValues, row: Any) -> dict[str, tuple[str, Any]]:
    digests, values = local.digests(row), local.values(row)
    return {bound.name: (digests[bound.name], _shown(values.get(bound.name))) for bound in fields}


def _remote(
    fields: Iterable[BoundField], decoded: Decoded, graves: Collection[tuple[str, str]]
) -> dict[str, tuple[str, Any]]:
    found: dict[str, tuple[str, Any]] = {}
    for bound in fields:
        value = decoded.values.get(bound.name)
        if isinstance(value, RemoteId) and bound.reference is not None:
            target = registry.for_model(bound.reference)
            if target is not None and (target.meta.resource, value.connec_id or "") in graves:
                found[bound.name] = (BLANK, None)
                continue
        found[bound.name] = (decoded.digests.get(bound.name, BLANK), _shown(value))
    return found


def compare(ours: Side, theirs: Side) -> list[str]:
    """Return what differs, in words."""
    lines = [f"{id} is only here: {_values(ours[id])}" for id in ours if id not in theirs]
    lines += [f"{id} is only at the hub: {_values(theirs[id])}" for id in theirs if id not in ours]
    for id in ours.keys() & theirs.keys():
        for name, (digest, value) in ours[id].items():
            if theirs[id][name][0] != digest:
                lines.append(f"{id}.{name}: {value!r} here, {theirs[id][name][1]!r} at the hub")
    return lines


def _values(fields: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, (_, value) in fields.items()}


def _shown(value: Any) -> Any:
    return value.connec_id if isinstance(value, RemoteId) else value
