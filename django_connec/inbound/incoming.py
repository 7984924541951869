"""Records as they come in: whose they are, who they are and what they say, or why they cannot be read."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_connec.conf import get_settings
from django_connec.exceptions import BadValue
from django_connec.failures import FailedRecord
from django_connec.inbound.outcome import Outcome
from django_connec.mapping import Mapper, registry
from django_connec.mapping.decoding import Decoded
from django_connec.mapping.fields import BoundField
from django_connec.mapping.nested import RowRecord
from django_connec.mapping.references import RemoteId, parse_remote_id
from django_connec.mapping.scalars import parse_moment
from django_connec.mapping.values import kind_of
from django_connec.models import ConnecGroup, Tombstone

__all__ = ["Incoming", "failed", "id_of", "read_each", "read_records", "to_json"]

#: A record that is some mapper's, with that mapper and who it is.
_Ours = tuple[Mapper, Mapping[str, Any], RemoteId]

#: The digest of a list of which not everything could be taken; no list has it.
UNRESOLVED = "?"


@dataclass(slots=True)
class Incoming:
    """One record that could be read.

    Attributes:
        mapper: Whose it is.
        record: As it came.
        connec_id: The hub's id; ``None`` only for a singular resource that shows none.
        own_pk: Primary key in our own external id on it, if there is one.
        known_to_us: The hub knows our id of it.
        plain: Its id came in the plain form, which does not say who else knows it.
        updated_at: The hub's version; ``None`` where it shows none.
        decoded: Values and digests of the mapped fields.
        references: Primary key of each reference by field name, once resolved.
        rows: The rows inside it, by field name; they have no version of their own.
        digest: Of a row, all that the hub says of it.
        buried: References to records whose rows were deleted here, with their tombstones: empty on our side, and
            agreed so.
        risen: The tombstone of its own row, which was deleted here and comes back.
    """

    mapper: Mapper
    record: Mapping[str, Any]
    connec_id: str | None
    own_pk: Any | None
    known_to_us: bool
    plain: bool
    updated_at: dt.datetime | None
    decoded: Decoded
    references: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, list[Incoming]] = field(default_factory=dict)
    digest: str = ""
    buried: dict[str, Tombstone] = field(default_factory=dict)
    risen: Tombstone | None = None

    def parts(self) -> Iterator[tuple[str, Incoming]]:
        """Yield the record itself and each row in it, with what goes before the names of its fields."""
        yield "", self
        for name, rows in self.rows.items():
            for row in rows:
                yield f"{name}.", row

    def unresolved(self) -> Iterator[tuple[str, Incoming, BoundField]]:
        """Yield the references that lead to what is not here: what goes before the name, whose it is, the field."""
        for prefix, part in self.parts():
            for bound in part.mapper.references:
                if bound.name in part.decoded.values and bound.name not in part.references:
                    yield prefix, part, bound

    def leave_out_unresolved(self) -> None:
        """Take the references that lead nowhere out of what the record says: the rest can be applied without."""
        for prefix, part, bound in list(self.unresolved()):
            del part.decoded.values[bound.name], part.decoded.digests[bound.name]
            if prefix:
                # Nor is its list agreed on: the same version must be looked at again.
                self.decoded.digests[prefix[:-1]] = UNRESOLVED


def read_records(
    group: ConnecGroup, resource: str, records: Iterable[Any], outcome: Outcome
) -> tuple[list[Incoming], list[FailedRecord]]:
    """Read what can be read; count what is not ours; describe what is broken.

    Of several versions of one record only the newest is kept, the last one where they are equally new.
    """
    incoming: dict[str, Incoming] = {}
    broken: list[FailedRecord] = []
    for item in read_each(group, resource, records):
        if item is None:
            outcome.ignored += 1
            continue
        if isinstance(item, FailedRecord):
            broken.append(item)
            continue
        key = item.connec_id or ""
        earlier = incoming.get(key)
        if earlier is not None:
            older = (
                item.updated_at is not None and earlier.updated_at is not None and item.updated_at < earlier.updated_at
            )
            outcome.stale += 1
            if older:
                continue
        incoming[key] = item
    return list(incoming.values()), broken


def read_each(group: ConnecGroup, resource: str, records: Iterable[Any]) -> list[Incoming | FailedRecord | None]:
    """Read each of some records: what it says, or why it cannot be read; ``None`` for one that is not ours."""
    mappers = registry.for_resource(resource)
    found: list[_Ours | FailedRecord | None] = [_recognise(group, mappers, record) for record in records]
    decoded = iter(_decode([ours for ours in found if isinstance(ours, tuple)]))
    items: list[Incoming | FailedRecord | None] = []
    for ours in found:
        if not isinstance(ours, tuple):
            items.append(ours)
            continue
        mapper, record, identity = ours
        said = next(decoded)
        if isinstance(said, Exception):
            items.append(failed(identity.connec_id, record, _reason(said)))
        else:
            items.append(_incoming(group, mapper, record, identity, said))
    return items


def failed(object_id: str | None, record: Any, message: str) -> FailedRecord:
    """Describe a record that failed; one without a usable id is known by its content."""
    body = to_json(record)
    return FailedRecord(
        object_id=object_id or f"sha256:{hashlib.sha256(body).hexdigest()[:32]}", message=message, record=body
    )


def to_json(record: Any) -> bytes:
    """Return a record as JSON bytes, as it is stored: ASCII, so that no text in it can be refused."""
    return json.dumps(record, separators=(",", ":"), default=str).encode("ascii", "backslashreplace")


def _reason(error: Exception) -> str:
    # A host's accepts() may raise anything; what it raised may hold values.
    return str(error) if isinstance(error, BadValue) else f"the mapper raised {type(error).__name__}"


def _recognise(group: ConnecGroup, mappers: tuple[Mapper, ...], record: Any) -> _Ours | FailedRecord | None:
    if type(record) is not dict and not isinstance(record, Mapping):
        return failed(None, record, f"expected a record, found {kind_of(record)}")
    try:
        return _ours(group, mappers, record)
    except Exception as error:
        return failed(id_of(record), record, _reason(error))


def _ours(group: ConnecGroup, mappers: tuple[Mapper, ...], record: Mapping[str, Any]) -> _Ours | None:
    for mapper in mappers:
        if mapper.takes(record):
            break
    else:
        return None
    identity = parse_remote_id(record.get("id")) or RemoteId(None)
    if identity.connec_id is None and not mapper.is_singular:
        raise BadValue("id", "the hub's id", kind_of(record.get("id")))
    if not (group.historical_data or group.is_within_history(parse_moment(record.get("created_at")))):
        return None
    if mapper.meta.on_inactive == "ignore" and mapper.is_inactive(record):
        return None
    return mapper, record, identity


def _decode(ours: Sequence[_Ours]) -> list[Decoded | Exception]:
    """Decode records, those of a mapper together; where that fails each alone, so that a bad one fails alone."""
    by_mapper: dict[Mapper, list[int]] = {}
    for position, (mapper, _, _) in enumerate(ours):
        by_mapper.setdefault(mapper, []).append(position)
    found: dict[int, Decoded | Exception] = {}
    for mapper, positions in by_mapper.items():
        try:
            decoded: Sequence[Decoded | Exception] = mapper.decoder.decode_all([ours[at][1] for at in positions])
        except Exception:
            decoded = [_decode_alone(mapper, ours[at][1]) for at in positions]
        found.update(zip(positions, decoded, strict=True))
    return [found[position] for position in range(len(ours))]


def _decode_alone(mapper: Mapper, record: Mapping[str, Any]) -> Decoded | Exception:
    try:
        return mapper.decode(record)
    except Exception as error:
        return error


def _incoming(
    group: ConnecGroup, mapper: Mapper, record: Mapping[str, Any], identity: RemoteId, decoded: Decoded
) -> Incoming:
    own = identity.own(get_settings().provider, group.effective_realm) if identity.others else None
    own_pk = None if own is None else mapper.pk_from(own)
    item = Incoming(
        mapper=mapper,
        record=record,
        connec_id=identity.connec_id,
        own_pk=own_pk,
        # An id of ours that is no key of this model is that of the model which had the record before.
        known_to_us=own_pk is not None,
        plain=identity.plain,
        updated_at=parse_moment(record.get("updated_at")),
        decoded=decoded,
    )
    for nested in mapper.nested:
        if nested.name in decoded.rows:
            item.rows[nested.name] = [
                _read_row(group, nested.rows, row, item.updated_at) for row in decoded.rows[nested.name]
            ]
    return item


def _read_row(group: ConnecGroup, mapper: Mapper, row: RowRecord, updated_at: dt.datetime | None) -> Incoming:
    identity = row.identity or RemoteId(None)
    own = identity.own(get_settings().provider, group.effective_realm)
    return Incoming(
        mapper=mapper,
        record=row.record,
        connec_id=identity.connec_id,
        own_pk=None if own is None else mapper.pk_from(own),
        known_to_us=own is not None,
        plain=identity.plain,
        updated_at=updated_at,
        decoded=row.decoded,
        digest=row.digest,
    )


def id_of(record: Mapping[str, Any]) -> str | None:
    """Return the hub's id of a record; ``None`` where it shows none, or one that cannot be read."""
    try:
        identity = parse_remote_id(record.get("id"))
    except BadValue:
        return None
    return identity.connec_id if identity else None
