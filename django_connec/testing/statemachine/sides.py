"""Both sides, in a form in which they can be compared."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django_connec.mapping import registry
from django_connec.mapping.fields import BoundField
from django_connec.mapping.local import LocalValues
from django_connec.mapping.mapper import Decoded
from django_connec.mapping.references import RemoteId
from django_connec.mapping.values import BLANK
from django_connec.models import ConnecGroup, Tombstone
from django_connec.sandbox import SandboxHub
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
        digests, values = local.digests(row), local.values(row)
        side[row.connec_id or f"<{row.pk}>"] = {
            bound.name: (digests[bound.name], _shown(values.get(bound.name))) for bound in rows.compared_fields
        }
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
        side[record["id"]] = _remote(rows.compared_fields, mapper.decode(record), graves)
    return side


def graves_of(group: ConnecGroup, using: str) -> set[tuple[str, str]]:
    """Return resource and hub id of each record whose row was deleted here."""
    graves = Tombstone.objects.using(using).filter(group=group, connec_id__isnull=False)
    return {(resource, id or "") for resource, id in graves.values_list("resource", "connec_id")}


def waiting(models: Sequence[RowModel], group: ConnecGroup, hub: SandboxHub, using: str) -> set[str]:
    """Return the hub ids of records that must refer to something, and do to what was deleted here, or to one of
    these: they are parked."""
    gone = {id for _, id in graves_of(group, using)}
    required = [(entry, [b for b in entry.mapper.references if not b.column.null]) for entry in models]
    records = [
        (bounds, record)
        for entry, bounds in required
        if bounds
        for record in hub.records(group.uid, entry.resource)
        if entry.mapper.takes(record)
    ]
    found: set[str] = set()
    while True:
        more = {record["id"] for bounds, record in records for b in bounds if b.read(record) in gone | found}
        if more <= found:
            return found
        found |= more


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
