"""Both sides, in a form in which they can be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django_connec.mapping.local import LocalValues
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
    """Return the values of the hub's records by id, without those that were deleted here."""
    mapper = rows.mapper
    buried = set(
        Tombstone.objects.using(using)
        .filter(group=group, resource=mapper.meta.resource, connec_id__isnull=False)
        .values_list("connec_id", flat=True)
    )
    side: Side = {}
    for record in hub.records(group.uid, mapper.meta.resource):
        if record["id"] in buried or not mapper.takes(record):
            continue
        if mapper.meta.on_inactive != "apply" and mapper.is_inactive(record):
            continue
        decoded = mapper.decode(record)
        side[record["id"]] = {
            bound.name: (decoded.digests.get(bound.name, BLANK), _shown(decoded.values.get(bound.name)))
            for bound in rows.compared_fields
        }
    return side


def waiting(models: Sequence[RowModel], group: ConnecGroup, hub: SandboxHub, using: str) -> set[str]:
    """Return the hub ids of records that refer to one that was deleted here, or to one of these: they are parked."""
    graves = Tombstone.objects.using(using).filter(group=group, connec_id__isnull=False)
    gone = set(graves.values_list("connec_id", flat=True))
    found: set[str] = set()
    records = [(entry, record) for entry in models for record in hub.records(group.uid, entry.resource)]
    while True:
        more = {
            record["id"]
            for entry, record in records
            for bound in entry.mapper.references
            if entry.mapper.takes(record) and bound.read(record) in gone | found
        }
        if more <= found:
            return found
        found |= more


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
