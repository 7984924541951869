"""From a pending row to the operation that tells the hub."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal

from django_connec.client import Operation
from django_connec.conf import get_settings
from django_connec.exceptions import BadValue
from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.local import LocalValues
from django_connec.mapping.mapper import put_value
from django_connec.mapping.paths import put
from django_connec.mapping.references import external_id
from django_connec.mapping.values import BLANK, is_blank
from django_connec.models import ConnecGroup
from django_connec.models.columns import Columns
from django_connec.outbound.changes import changed_fields
from django_connec.outbound.rows import RowsOfRecords, SentRows

__all__ = ["Prepared", "is_known", "own_id", "prepare", "stored_create_payload"]


@dataclass(slots=True)
class Prepared:
    """One row and what is to be done with it.

    Attributes:
        row: The instance, read fresh and locked.
        token: ``connec_changed_at`` as read; cleared only where it is still so.
        operation: What to send; ``None`` where nothing differs from what was agreed.
        agreement: The row's agreement with the digests that are on their way.
        waits_for: References to rows that the hub does not know yet, left out of the operation.
        problem: Why the row cannot be sent; empty where it can.
        reason: Why there is nothing to send: ``"handed-over"``, ``"should-push"``, ``"history"`` or ``"unchanged"``;
            empty elsewhere.
        nested: What it sends of the rows inside it.
    """

    row: Any
    token: dt.datetime | None
    operation: Operation | None = None
    agreement: Agreement = field(default_factory=Agreement)
    waits_for: list[str] = field(default_factory=list)
    problem: str = ""
    reason: str = ""
    nested: SentRows = field(default_factory=SentRows)


def own_id(mapper: Mapper, group: ConnecGroup, pk: Any) -> list[dict[str, str]]:
    """Return the ``id`` that this application may send: its own entry (Connec! API v2, external-id mode)."""
    return external_id(mapper.identifier(pk), get_settings().provider, group.effective_realm)


def prepare(
    mapper: Mapper, group: ConnecGroup, rows: Sequence[Any], *, first_link: dt.datetime | None, using: str
) -> list[Prepared]:
    """Encode rows. One that cannot be encoded says why and harms no other.

    Args:
        mapper: Their mapper.
        group: The group they belong to.
        rows: Instances, read fresh and locked.
        first_link: Rows changed up to then are matched to records that the hub has already; ``None``: all.
        using: Alias of the database.

    Raises:
        RowChanged: Somebody is writing one of the rows inside them.
    """
    local = LocalValues(mapper, rows, group.pk, group.effective_realm, using)
    nested = RowsOfRecords(mapper, group, rows, using) if mapper.nested else None
    prepared: list[Prepared] = []
    for row in rows:
        item = Prepared(row, Columns(row).changed_at, agreement=Agreement.load(Columns(row).state))
        prepared.append(item)
        try:
            _encode(mapper, group, item, local, nested, first_link)
        except BadValue as error:
            item.operation, item.problem = None, str(error)
        except Exception as error:
            # A host's encode or before_push; what it raised may hold values.
            item.operation, item.problem = None, f"the mapper raised {type(error).__name__}"
    return prepared


def stored_create_payload(mapper: Mapper, pk: Any, group_id: int, using: str) -> bytes | None:
    """Return, as JSON, the whole create of a row that is about to be deleted while its create is on the way."""
    row = mapper.model._base_manager.using(using).filter(pk=pk).first()
    group = ConnecGroup.objects.using(using).filter(pk=group_id).first()
    if row is None or group is None:
        return None
    local = LocalValues(mapper, [row], group.pk, group.effective_realm, using)
    payload = _create_payload(mapper, group, row, local.values(row), {})
    return json.dumps(payload, default=str).encode()


def _encode(
    mapper: Mapper,
    group: ConnecGroup,
    item: Prepared,
    local: LocalValues,
    nested: RowsOfRecords | None,
    first_link: dt.datetime | None,
) -> None:
    row, agreement = item.row, item.agreement
    if agreement.has_moved:
        item.reason = "handed-over"
        return
    if "should_push" in mapper.customises and not mapper.should_push(row):
        item.reason = "should-push"
        return
    if mapper.meta.created_field and not group.is_within_history(getattr(row, mapper.meta.created_field)):
        item.reason = "history"
        return
    values, digests = local.values(row), local.digests(row)
    connec_id = Columns(row).connec_id
    contested = agreement.contested
    item.waits_for = [
        name for name in local.unresolved(row) if name not in contested and not agreement.is_local(name, digests[name])
    ]
    is_update = is_known(mapper, connec_id, agreement)
    was_in_flight = agreement.is_in_flight
    if nested is not None:
        item.nested = nested.encode(row, agreement, is_update=is_update)
    if is_update:
        changed = changed_fields(mapper, agreement, digests, skip=[*item.waits_for, *contested])
        if not (changed or item.nested.lists):
            item.reason = "unchanged"
            item.waits_for += item.nested.waits_for
            return
        agreed_values = {name: value for name, value in values.items() if name not in contested}
        payload = mapper.payload(agreed_values, changed, _with_contested(mapper, agreement))
        if not (agreement.agreed or contested):
            # Its record was another model's until now.
            _put_when(mapper, payload)
    else:
        changed = [f.name for f in mapper.fields if f.push and f.name not in item.waits_for]
        payload = _create_payload(mapper, group, row, values, agreement.leftovers)
        for bound in mapper.fields:
            # Filled in an earlier try whose answer was lost: leaving it out would keep what was cleared since.
            if bound.name in changed and digests[bound.name] == BLANK and agreement.is_in_doubt(bound.name, BLANK):
                put_value(payload, bound, values[bound.name], clears=True)
        if first_link is None or (item.token is not None and item.token <= first_link):
            _add_matching(mapper, payload, digests)
    item.waits_for += item.nested.waits_for
    payload |= item.nested.lists
    if item.nested.lists and item.nested.is_whole and (is_update or was_in_flight):
        # Connec! API v2, opts: without it the hub keeps the rows that a request does not name.
        payload.setdefault("opts", {})["sparse"] = False
    if "before_push" in mapper.customises:
        mapper.before_push(payload, row)
    # What cannot be written as JSON must fail here, alone, and not in the middle of a batch.
    json.dumps(payload, allow_nan=False)
    agreement.send({name: digests[name] for name in changed})
    method: Literal["put", "post"] = "put" if is_update else "post"
    target = None if mapper.is_singular else connec_id
    item.operation = Operation(method, group.uid, mapper.meta.resource, target, payload)


def _with_contested(mapper: Mapper, agreement: Agreement) -> dict[str, Any]:
    """Return the unmapped parts of blocks and, beside them, what the hub shows of fields with an open conflict."""
    if not agreement.contested:
        return agreement.leftovers
    blocks = deepcopy(agreement.leftovers)
    for bound in mapper.fields:
        _, *shown = agreement.contested.get(bound.name, [""])
        if shown and not is_blank(shown[0]):
            put(blocks, bound.path, shown[0])
    return blocks


def is_known(mapper: Mapper, connec_id: str | None, agreement: Agreement) -> bool:
    """Tell whether the hub has a record of a row, so that it is updated and not created."""
    return connec_id is not None or (mapper.is_singular and bool(agreement.agreed or agreement.contested))


def _create_payload(
    mapper: Mapper, group: ConnecGroup, row: Any, values: dict[str, Any], leftovers: dict[str, Any]
) -> dict[str, Any]:
    names = [bound.name for bound in mapper.fields if bound.push]
    payload = mapper.payload(values, names, leftovers, skip_blank=True)
    _put_when(mapper, payload)
    payload = {key: value for key, value in payload.items() if not is_blank(value)}
    payload["id"] = own_id(mapper, group, row.pk)
    return payload


def _put_when(mapper: Mapper, payload: dict[str, Any]) -> None:
    """Make the record one of this mapper's."""
    for path, value in mapper.meta.when.items():
        put(payload, tuple(path.split(".")), value)


def _add_matching(mapper: Mapper, payload: dict[str, Any], digests: dict[str, str]) -> None:
    """Ask the hub to look for an existing record (Connec! API v2, matching_fields); a blank matches nothing."""
    blank = {".".join(bound.path) for bound in mapper.fields if digests[bound.name] == BLANK}
    usable = [list(alternative) for alternative in mapper.meta.match_on if not blank & set(alternative)]
    if usable:
        payload["opts"] = {"matching_fields": usable[0] if len(mapper.meta.match_on) == 1 else usable}
