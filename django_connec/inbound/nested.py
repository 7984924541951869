"""Merge the rows inside records, three ways as the records themselves, and write them with their record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from django.db import OperationalError
from django.db.models.deletion import Collector
from django.utils import timezone

from django_connec.inbound.incoming import Incoming
from django_connec.inbound.merge import is_remote_newer, merge
from django_connec.inbound.pairing import HeldRow, Keys, hold_rows, pair_rows
from django_connec.inbound.rows import (
    Written,
    agreed_state,
    fill_fields,
    has_listeners,
    needs_save,
    save_one,
    set_fields,
    touch,
)
from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement, RowsAgreement
from django_connec.mapping.local import LocalValues
from django_connec.mapping.nested import BoundNested
from django_connec.models import Conflict, ConnecGroup
from django_connec.models.columns import ID, STATE, Columns
from django_connec.sql import RowChanged, insert_rows, update_rows

__all__ = ["NestedRows", "local_value", "lock_rows"]


@dataclass(slots=True)
class _Changes:
    """What is to be written of one list of rows, for all records of a chunk."""

    nested: BoundNested
    created: list[tuple[Any, Written]] = field(default_factory=list)
    updated: list[Written] = field(default_factory=list)
    bookkeeping: list[Any] = field(default_factory=list)
    deleted: list[Any] = field(default_factory=list)


def lock_rows(nested: BoundNested, parent_pks: Iterable[Any], using: str) -> dict[Any, list[Any]]:
    """Read and lock the rows of some records, by their record's key.

    Who saves a row locks it before its record, and the engine locks the record first: so it never waits for a row
    while it holds a record, or both would wait for ever.

    Raises:
        RowChanged: Somebody else is writing one of them.
    """
    found: dict[Any, list[Any]] = {}
    rows = nested.model._base_manager.using(using).filter(**{f"{nested.key}__in": list(parent_pks)}).order_by("pk")
    try:
        for row in rows.select_for_update(nowait=True):
            found.setdefault(getattr(row, nested.key), []).append(row)
    except OperationalError as error:
        raise RowChanged(nested.model._meta.label) from error
    return found


class NestedRows:
    """The rows of the records of one chunk.

    Args:
        group: Whose they are.
        mapper: The records' mapper.
        using: Alias of the database.
        skew: The hub's clock less ours.
        answers: The records are answers to what their rows sent.
    """

    def __init__(
        self, group: ConnecGroup, mapper: Mapper, using: str, skew: dt.timedelta, *, answers: bool = False
    ) -> None:
        self.group = group
        self.using = using
        self.skew = skew
        self.answers = answers
        self.conflicts: list[Conflict] = []
        #: The hub's new values of fields with an open conflict: model, primary key, field, value.
        self.moved: list[tuple[str, str, str, Any]] = []
        self._changes = [_Changes(nested) for nested in mapper.nested]
        self._held: dict[str, dict[Any, list[HeldRow]]] = {}

    def load(self, pairs: Iterable[tuple[Incoming, Any]]) -> None:
        """Read the rows of those records whose list may have changed.

        Args:
            pairs: Each record with the instance that it belongs to, locked.
        """
        listed = [(item, parent, Agreement.load(getattr(parent, STATE))) for item, parent in pairs]
        for changes in self._changes:
            nested = changes.nested
            due = [parent.pk for item, parent, agreement in listed if self._is_due(nested, item, agreement)]
            if not due:
                continue
            rows = lock_rows(nested, due, self.using)
            flat = [row for found in rows.values() for row in found]
            local = LocalValues(nested.rows, flat, self.group.pk, self.group.effective_realm, self.using)
            digests = {row.pk: local.digests(row) for row in flat}
            parts = {parent.pk: agreement.rows.get(nested.name, RowsAgreement()) for _, parent, agreement in listed}
            self._held[nested.name] = {pk: hold_rows(nested, found, digests, parts[pk]) for pk, found in rows.items()}

    def merge(self, parent: Any, item: Incoming, changed_at: dt.datetime | None, agreement: Agreement) -> bool:
        """Merge the lists of one record into its rows.

        Args:
            parent: The instance, locked.
            item: The record.
            changed_at: Its mark as it was read; ``None``: neither it nor its rows have changes of their own.
            agreement: The record's agreement; the lists' part of it is brought up to date.

        Returns:
            Whether any row is made, changed or deleted.
        """
        before = [self._size(changes) for changes in self._changes]
        for changes in self._changes:
            nested = changes.nested
            held = self._held.get(nested.name, {}).get(parent.pk, [])
            if nested.name not in item.decoded.digests:
                if self.answers:
                    self._accept_as_sent(changes, held, agreement)
                continue
            if self._is_due(nested, item, agreement):
                self._merge_list(changes, parent, item, changed_at, agreement, held)
        return before != [self._size(changes) for changes in self._changes]

    def create(self, parent: Any, item: Incoming) -> None:
        """Make the rows of a record that is new here; its state is brought up to date."""
        agreement = Agreement.load(getattr(parent, STATE))
        for changes in self._changes:
            if changes.nested.name in item.decoded.digests:
                self._merge_list(changes, parent, item, None, agreement, [])
        setattr(parent, STATE, agreement.dump())

    def write(self) -> None:
        """Write what :meth:`merge` and :meth:`create` have decided; the records have their keys by now.

        Raises:
            django.db.Error: The database refused one of them.
        """
        for changes in self._changes:
            nested, model = changes.nested, changes.nested.model
            for row in changes.deleted:
                row.__dict__["_connec_engine"] = True
            if changes.deleted:
                collector = Collector(using=self.using)
                collector.collect(changes.deleted)
                collector.delete()
            created = []
            for parent, written in changes.created:
                setattr(written.row, nested.key, parent.pk)
                created.append(written)
            for written in (*created, *changes.updated):
                if "before_apply" in nested.rows.customises:
                    nested.rows.before_apply(written.row, written.item.record)
            if needs_save(model) or has_listeners(model):
                for written in (*created, *changes.updated):
                    save_one(written, self.using)
            else:
                rows = [written.row for written in created]
                if "after_apply" in nested.rows.customises:
                    model._base_manager.using(self.using).bulk_create(rows)
                else:
                    insert_rows(model, rows, using=self.using)
                self._update(nested, changes.updated)
            update_rows(model, changes.bookkeeping, (ID, STATE), using=self.using)
            if "after_apply" in nested.rows.customises and (created or changes.updated):
                nested.rows.after_apply([written.row for written in (*created, *changes.updated)])

    def _update(self, nested: BoundNested, updated: Sequence[Written]) -> None:
        rows = [written.row for written in updated]
        names = {ID, STATE, *(bound.attname for written in updated for bound in written.taken)}
        if "before_apply" in nested.rows.customises:
            names.update(c.attname for c in nested.model._meta.concrete_fields if not c.primary_key)
        names |= touch(nested.model, rows)
        update_rows(nested.model, rows, sorted(names), using=self.using)

    def _is_due(self, nested: BoundNested, item: Incoming, agreement: Agreement) -> bool:
        """Tell whether the hub's list says anything that the rows here must hear."""
        remote = item.decoded.digests.get(nested.name)
        part = agreement.rows.get(nested.name)
        is_answer = self.answers and part is not None and bool(part.sent)
        if remote is None or (nested.create_only and nested.name in agreement.agreed):
            return is_answer
        return is_answer or remote != agreement.agreed.get(nested.name)

    def _merge_list(
        self,
        changes: _Changes,
        parent: Any,
        item: Incoming,
        changed_at: dt.datetime | None,
        agreement: Agreement,
        held: Sequence[HeldRow],
    ) -> None:
        nested = changes.nested
        part = agreement.rows.get(nested.name, RowsAgreement())
        fresh = RowsAgreement(others=list(item.decoded.others.get(nested.name, ())))
        if changed_at is not None and not self.answers:
            fresh.sent = part.sent
        paired = pair_rows(nested, held, item.rows[nested.name])
        keys = Keys(nested)
        for ours, theirs in paired.pairs:
            agreed = self._merge_row(changes, parent, ours, theirs, changed_at)
            fresh.digests[keys.of(theirs.connec_id, agreed)] = theirs.digest
        for theirs, key in paired.remote:
            was_here = key in part.digests or str(theirs.own_pk) in part.sent
            if changed_at is not None and was_here and not self._comes_back(changes, parent, item, theirs, part, key):
                fresh.digests[key] = theirs.digest
            elif nested.pull:
                changes.created.append((parent, Written(theirs, _new(nested, theirs), [])))
                fresh.digests[keys.of(theirs.connec_id, theirs.decoded.digests)] = theirs.digest
            else:
                fresh.others.append(theirs.record)
        for ours in paired.held:
            self._settle_lost(changes, parent, item, ours, changed_at)
        agreement.agreed[nested.name] = item.decoded.digests[nested.name]
        agreement.rows[nested.name] = fresh

    def _merge_row(
        self, changes: _Changes, parent: Any, ours: HeldRow, theirs: Incoming, changed_at: dt.datetime | None
    ) -> Mapping[str, str]:
        """Merge one row; returns what is agreed on about it now."""
        row = ours.row
        bookkeeping = SimpleNamespace(
            pk=row.pk, hub_updated_at=Columns(parent).hub_updated_at, changed_at=changed_at, state=getattr(row, STATE)
        )
        has_own = changed_at is not None or not ours.agreement.agreed
        is_answer = self.answers and bool(ours.agreement.sent)
        contested = ours.agreement.contested
        # An open conflict outlives the mark, so that field is looked at in any case.
        local = {name: digest for name, digest in ours.local.items() if has_own or name in contested} or None
        change = merge(self.group, theirs, bookkeeping, local, self.skew, answers=is_answer)
        for conflict in change.conflicts:
            conflict.local_value = local_value(theirs.mapper, row, conflict.field)
        self.conflicts += change.conflicts
        self.moved += [(theirs.mapper.label, str(row.pk), name, value) for name, value in change.moved.items()]
        identity = theirs.connec_id or ours.connec_id
        if not (change.fields or change.is_touched) and identity == ours.connec_id:
            return change.agreement.agreed
        set_fields(row, theirs, change.fields)
        setattr(row, ID, identity)
        setattr(row, STATE, change.agreement.dump())
        if change.fields:
            changes.updated.append(Written(theirs, row, change.fields))
        else:
            changes.bookkeeping.append(row)
        return change.agreement.agreed

    def _comes_back(
        self, changes: _Changes, parent: Any, item: Incoming, theirs: Incoming, part: RowsAgreement, key: str
    ) -> bool:
        """Tell whether a row that was removed here is made again, because the hub has changed it since."""
        if part.digests.get(key) in (None, theirs.digest) or not changes.nested.pull:
            return False
        takes_remote = self._takes_remote(changes.nested, item, parent, survives=True)
        self._record(parent, item, changes.nested, takes_remote, remote=dict(theirs.record))
        return takes_remote

    def _settle_lost(
        self, changes: _Changes, parent: Any, item: Incoming, ours: HeldRow, changed_at: dt.datetime | None
    ) -> None:
        """Deal with a row that the hub does not show: new here, or removed there."""
        if not ours.key:
            if self.answers and ours.agreement.sent:
                # The answer does not show it: the hub has not kept it.
                self._record(parent, item, changes.nested, False, local=_local(changes.nested, ours.row))
            return
        fields = changes.nested.rows.fields
        is_changed = changed_at is not None and any(
            bound.push and not ours.agreement.is_local(bound.name, ours.local[bound.name]) for bound in fields
        )
        if is_changed and changes.nested.pull:
            takes_remote = self._takes_remote(changes.nested, item, parent, survives=False)
            self._record(parent, item, changes.nested, takes_remote, local=_local(changes.nested, ours.row))
            is_changed = not takes_remote
        if is_changed or not changes.nested.pull:
            # Sent once more, as a new one: the hub knows nothing of it any longer.
            setattr(ours.row, ID, None)
            setattr(ours.row, STATE, None)
            changes.bookkeeping.append(ours.row)
        else:
            changes.deleted.append(ours.row)

    def _takes_remote(self, nested: BoundNested, item: Incoming, parent: Any, *, survives: bool) -> bool:
        policy = nested.rows.meta.conflict
        if policy == "manual":
            # Nobody can be asked about a row that is gone, so it is the one side that still has it.
            return survives
        return policy == "connec" or (policy == "newest" and is_remote_newer(item, Columns(parent), self.skew))

    def _record(
        self,
        parent: Any,
        item: Incoming,
        nested: BoundNested,
        takes_remote: bool,
        *,
        local: Any = None,
        remote: Any = None,
    ) -> None:
        self.conflicts.append(
            Conflict(
                group=self.group,
                kind=Conflict.Kind.FIELD,
                resource=item.mapper.meta.resource,
                model_label=item.mapper.label,
                object_id=str(parent.pk),
                connec_id=item.connec_id or "",
                field=nested.name,
                local_value=local,
                remote_value=remote,
                decision=Conflict.Decision.CONNEC if takes_remote else Conflict.Decision.LOCAL,
                settled_at=timezone.now(),
            )
        )

    def _accept_as_sent(self, changes: _Changes, held: Sequence[HeldRow], agreement: Agreement) -> None:
        """The answer does not show the list: what was sent of it is agreed."""
        part = agreement.rows.get(changes.nested.name)
        if part is None or not part.sent:
            return
        for ours in held:
            if ours.agreement.sent:
                for name, digest in ours.agreement.sent.items():
                    ours.agreement.agree(name, digest)
                ours.agreement.answered()
                setattr(ours.row, STATE, ours.agreement.dump())
                changes.bookkeeping.append(ours.row)
        part.sent = []
        agreement.agreed.pop(changes.nested.name, None)

    @staticmethod
    def _size(changes: _Changes) -> tuple[int, ...]:
        return len(changes.created), len(changes.updated), len(changes.deleted)


def local_value(mapper: Mapper, row: Any, name: str) -> Any:
    """Return a field's own value as a conflict stores it."""
    bound = next(f for f in mapper.fields if f.name == name)
    value = bound.get(row)
    return str(value) if bound.reference is not None else bound.encode(value)


def _new(nested: BoundNested, item: Incoming) -> Any:
    row: Any = nested.model()
    fill_fields(row, item)
    setattr(row, ID, item.connec_id)
    setattr(row, STATE, agreed_state(item))
    return row


def _local(nested: BoundNested, row: Any) -> dict[str, Any]:
    return {bound.name: local_value(nested.rows, row, bound.name) for bound in nested.rows.fields}
