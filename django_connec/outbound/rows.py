"""The rows inside a record on their way to the hub: only those that changed, or the whole list where one was removed.

A row goes whole, with what no field maps as last seen, and with both ids (Connec! API v2, external-id mode: rows; sales
and purchase documents: rows whose id does not come back are deleted and made again).
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_connec.conf import get_settings
from django_connec.inbound.nested import lock_rows
from django_connec.inbound.pairing import HeldRow, hold_rows
from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement, RowsAgreement
from django_connec.mapping.local import LocalValues
from django_connec.mapping.mapper import put_value
from django_connec.mapping.nested import BoundNested
from django_connec.mapping.paths import put
from django_connec.mapping.references import HUB_PROVIDER, external_id
from django_connec.mapping.values import is_blank
from django_connec.models import ConnecGroup
from django_connec.models.columns import ID, STATE
from django_connec.outbound.changes import changed_fields
from django_connec.sql import update_rows

__all__ = ["RowsOfRecords", "SentRows", "forget_rows", "store_states"]


@dataclass(slots=True)
class SentRows:
    """What a record sends of its lists.

    Attributes:
        lists: The attributes of the payload.
        is_whole: The lists are complete, and what they do not name is to go.
        waits_for: References of rows to what the hub does not know yet, left out.
        rows: The rows that are sent, by list; their state says what is on its way.
    """

    lists: dict[str, list[Any]] = field(default_factory=dict)
    is_whole: bool = False
    waits_for: list[str] = field(default_factory=list)
    rows: list[tuple[BoundNested, Any]] = field(default_factory=list)


class RowsOfRecords:
    """The rows of some records, read and locked: one query a list, for all records together.

    Args:
        mapper: The records' mapper.
        group: Whose they are.
        parents: The records, locked.
        using: Alias of the database.

    Raises:
        RowChanged: Somebody is writing one of them.
    """

    def __init__(self, mapper: Mapper, group: ConnecGroup, parents: Sequence[Any], using: str) -> None:
        self._group = group
        self._lists: list[tuple[BoundNested, dict[Any, list[HeldRow]], LocalValues]] = []
        for nested in mapper.nested:
            if not nested.push:
                continue
            found = lock_rows(nested, [parent.pk for parent in parents], using)
            flat = [row for rows in found.values() for row in rows]
            local = LocalValues(nested.rows, flat, group.pk, group.effective_realm, using)
            digests = {row.pk: local.digests(row) for row in flat}
            states = {parent.pk: Agreement.load(getattr(parent, STATE)).rows for parent in parents}
            held = {
                pk: hold_rows(nested, rows, digests, states[pk].get(nested.name, RowsAgreement()))
                for pk, rows in found.items()
            }
            self._lists.append((nested, held, local))

    def encode(self, parent: Any, agreement: Agreement, *, is_update: bool) -> SentRows:
        """Return what a record sends of its lists; its agreement and the rows' state say so from then on."""
        sent = SentRows()
        lists = [entry for entry in self._lists if not (is_update and entry[0].create_only)]
        for nested, held, _ in lists:
            part = agreement.rows.get(nested.name, RowsAgreement())
            kept = {ours.key for ours in held.get(parent.pk, ())}
            # Where the answer to an earlier try was lost, a new row may be there already, under an id unknown to us.
            sent.is_whole |= bool(part.sent) or bool(part.digests.keys() - kept)
        for nested, held, local in lists:
            self._encode_list(nested, held.get(parent.pk, ()), local, agreement, sent, is_update)
        return sent

    def _encode_list(
        self,
        nested: BoundNested,
        held: Sequence[HeldRow],
        local: LocalValues,
        agreement: Agreement,
        sent: SentRows,
        is_update: bool,
    ) -> None:
        part = agreement.rows.get(nested.name, RowsAgreement())
        payload: list[Any] = []
        on_the_way: list[str] = []
        for ours in held:
            row, is_new = ours.row, not ours.key
            waits_for = [
                name
                for name in local.unresolved(row)
                if name not in ours.agreement.contested and not ours.agreement.is_local(name, ours.local[name])
            ]
            sent.waits_for += [f"{nested.name}.{name}" for name in waits_for]
            if is_new:
                changed = [bound.name for bound in nested.rows.fields if bound.push and bound.name not in waits_for]
            else:
                skip = [*waits_for, *ours.agreement.contested]
                changed = changed_fields(nested.rows, ours.agreement, ours.local, skip=skip)
            if not (changed or is_new or sent.is_whole):
                continue
            payload.append(self._row(nested, ours, local.values(row), () if is_new else changed))
            if changed or is_new:
                ours.agreement.send({name: ours.local[name] for name in changed})
                setattr(row, STATE, ours.agreement.dump())
                sent.rows.append((nested, row))
                on_the_way.append(str(row.pk))
        kept = {ours.key for ours in held}
        if not on_the_way and not part.sent and not part.digests.keys() - kept:
            return
        if sent.is_whole:
            payload += [copy.deepcopy(other) for other in part.others]
        if payload or is_update:
            sent.lists[nested.path] = payload
            agreement.rows[nested.name] = RowsAgreement(part.digests, on_the_way, part.others)

    def _row(
        self, nested: BoundNested, ours: HeldRow, values: Mapping[str, Any], changed: Collection[str]
    ) -> dict[str, Any]:
        payload: dict[str, Any] = copy.deepcopy(ours.agreement.leftovers)
        for bound in nested.rows.fields:
            _, *shown = ours.agreement.contested.get(bound.name, [""])
            if shown:
                # The hub's own value goes back while a conflict about the field is open.
                if not is_blank(shown[0]):
                    put(payload, bound.path, shown[0])
            elif bound.name in values:
                # A blank beside a change says nothing; where it is the change itself, it clears.
                put_value(payload, bound, values[bound.name], clears=bound.name in changed)
        if nested.has_ids:
            payload["id"] = self._id(nested, ours)
        if "before_push" in nested.rows.customises:
            nested.rows.before_push(payload, ours.row)
        return payload

    def _id(self, nested: BoundNested, ours: HeldRow) -> Any:
        realm = self._group.effective_realm
        own = external_id(nested.rows.identifier(ours.row.pk), get_settings().provider, realm)
        if ours.connec_id is None:
            return own
        if not self._group.org_uid:
            # The list form names the organisation, which nobody has told us.
            return ours.connec_id
        return [{"id": ours.connec_id, "provider": HUB_PROVIDER, "realm": self._group.org_uid}, *own]


def store_states(sent: Iterable[SentRows], using: str) -> None:
    """Put on record what is about to be sent of rows, one statement a list."""
    by_list: dict[str, tuple[BoundNested, list[Any]]] = {}
    for entry in sent:
        for nested, row in entry.rows:
            by_list.setdefault(nested.name, (nested, []))[1].append(row)
    for nested, rows in by_list.values():
        update_rows(nested.model, rows, (ID, STATE), using=using)


def forget_rows(mapper: Mapper, parent_pks: Sequence[Any], using: str) -> None:
    """Forget what the hub knew of the rows of some records: they are sent as new ones next time."""
    for nested in mapper.nested:
        rows = nested.model._base_manager.using(using).filter(**{f"{nested.key}__in": list(parent_pks)})
        rows.update(**{ID: None, STATE: None})
