"""Build, change and write rows: in bulk where the model allows it, one by one where its own code must run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models.signals import post_init, post_save, pre_init, pre_save

from django_connec.exceptions import BadValue
from django_connec.inbound.incoming import Incoming
from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.fields import BoundField
from django_connec.mapping.related import is_reverse, set_related
from django_connec.mapping.values import BLANK, MISSING
from django_connec.models import ConnecGroup, ConnecRowMixin, ConnecSyncMixin
from django_connec.models.columns import CHANGED, GROUP, HUB_UPDATED, ID, STATE
from django_connec.sql import insert_rows, read_rows, update_rows
from django_connec.tracking import rows as tracked_rows
from django_connec.tracking import wakeups

__all__ = [
    "GroupValues",
    "Written",
    "agreed_state",
    "fill_fields",
    "has_listeners",
    "needs_save",
    "new_row",
    "save_one",
    "send_post_save",
    "set_fields",
    "touch",
    "write",
    "write_references",
]


@dataclass(slots=True)
class Written:
    """One row to be written.

    Attributes:
        item: The record.
        row: The instance, with its new values.
        taken: The fields that took the record's value; of a new row, those that take it where the record has one.
        read_changed_at: ``connec_changed_at`` as it was read.
        has_rows: Rows inside it are made, changed or deleted.
    """

    item: Incoming
    row: Any
    taken: Sequence[BoundField]
    read_changed_at: dt.datetime | None = None
    has_rows: bool = False


class GroupValues:
    """Makes new rows of a group: what ties them to it is the mapper's ``group`` path, read backwards.

    Attributes:
        problem: Why no row can be made; empty where it can.
    """

    def __init__(self, mapper: Mapper, group: ConnecGroup, using: str) -> None:
        self.values: dict[str, Any] = {GROUP: group.pk}
        self.problem = ""
        self._model: Any = mapper.model
        self._pattern: Any = None
        self._fresh = [
            (c.attname, c.get_default)
            for c in mapper.model._meta.concrete_fields
            if c.has_default() and callable(c.default)
        ]
        # A receiver, as Django's own for images, wants to see each instance being made.
        self._hears = pre_init.has_listeners(mapper.model) or post_init.has_listeners(mapper.model)
        self._tie(mapper, group, using)

    def make(self) -> Any:
        """Return a new instance with the model's defaults, tied to the group."""
        if self._hears or self._model.__init__ is not models.Model.__init__:
            return self._model(**self.values)
        if self._pattern is None:
            self._pattern = self._model(**self.values)
        # Django's constructor asks every field for its default; those that are no function stay the same.
        row = self._model.__new__(self._model)
        row.__dict__.update(self._pattern.__dict__)
        row._state = type(self._pattern._state)()
        for attname, make_default in self._fresh:
            row.__dict__[attname] = make_default()
        return row

    def _tie(self, mapper: Mapper, group: ConnecGroup, using: str) -> None:
        hops = mapper.meta.group.split("__")
        if len(hops) != 2:
            return
        key: Any = mapper.model._meta.get_field(hops[0])
        holder: Any = key.related_model
        back: Any = holder._meta.get_field(hops[1])
        asked = getattr(group, back.target_field.attname)
        names = (key.target_field.attname,)
        found = read_rows(holder, names, using=using, among=(back.attname, [asked]), equal={}, limit=2)
        if len(found) == 1:
            self.values[key.attname] = found[0][0]
        elif "before_apply" not in mapper.customises:
            how_many = "no" if not found else "more than one"
            self.problem = f"{how_many} {holder._meta.verbose_name} belongs to the group, so a new row has no place"


def needs_save(model: type[models.Model]) -> bool:
    """Tell whether rows must be saved one by one: the model has a ``save()`` of its own, a ``pre_save``
    receiver, or more than one table."""
    saves = (ConnecSyncMixin.save.__qualname__, ConnecRowMixin.save.__qualname__)
    own_save = getattr(model.save, "__qualname__", "") not in saves
    return own_save or bool(model._meta.parents) or pre_save.has_listeners(model)


def has_listeners(model: type[models.Model]) -> bool:
    """Tell whether anybody but this package listens to the model's ``post_save``."""
    receivers: Any = post_save._live_receivers(model)
    found = [r for kind in receivers for r in kind] if isinstance(receivers, tuple) else list(receivers)
    return any(receiver not in (wakeups.on_post_save, tracked_rows.on_post_save) for receiver in found)


def new_row(item: Incoming, group_values: GroupValues) -> Any:
    """Make the instance for a record that has no row yet.

    Raises:
        BadValue: The model cannot hold it, or there is no place for it.
    """
    if group_values.problem:
        raise BadValue("id", "a row to put the record under", group_values.problem)
    row = group_values.make()
    fill_fields(row, item)
    held = row.__dict__
    held[ID] = item.connec_id
    held[HUB_UPDATED] = item.updated_at
    held[STATE] = agreed_state(item)
    return row


def agreed_state(item: Incoming) -> dict[str, Any] | None:
    """Return the state of a row that is made of a record: everything is agreed."""
    local = dict.fromkeys(item.buried, BLANK)
    return Agreement(item.decoded.digests, local, leftovers=item.decoded.leftovers).dump()


def fill_fields(row: Any, item: Incoming) -> None:
    """Set all fields of an instance that was just made to what its record says, or to their defaults."""
    # Nothing is cached on an instance this fresh, so its values need no descriptor.
    held = row.__dict__
    values, references = item.decoded.values, item.references
    plain, others = item.mapper.filling
    for name, attname in plain:
        if name in values:
            held[attname] = values[name]
    for bound in others:
        if bound.name in values:
            value = references.get(bound.name) if bound.reference is not None else values[bound.name]
        elif bound.default is not MISSING:
            value = bound.default() if callable(bound.default) else bound.default
        else:
            continue
        if bound.via is None:
            held[bound.attname] = value
        else:
            set_related(row, bound, value)


def set_fields(row: Any, item: Incoming, fields: Sequence[BoundField]) -> None:
    """Set the named fields of a row to the record's values."""
    for bound in fields:
        if bound.via is None:
            setattr(row, bound.attname, _value(item, bound))
        else:
            set_related(row, bound, _value(item, bound))


def write(
    mapper: Mapper,
    created: Sequence[Written],
    updated: Sequence[Written],
    columns: set[str],
    *,
    using: str,
) -> None:
    """Write the rows of one mapper.

    Args:
        mapper: Their mapper.
        created: New rows.
        updated: Rows that exist.
        columns: Attribute names that any of the updated rows changes.
        using: Alias of the database.

    Raises:
        RowChanged: A row was saved by somebody else meanwhile.
        django.db.Error: The database refused one of them.
    """
    model = mapper.model
    everything = (*created, *updated)
    if mapper.related:
        columns |= _save_related(mapper, [written.row for written in everything], using, reverse=False)
    if needs_save(model):
        for written in everything:
            save_one(written, using)
    else:
        _write_together(model, created, updated, columns, using)
    if mapper.related:
        _save_related(mapper, [written.row for written in everything], using, reverse=True)


def write_references(mapper: Mapper, bound: BoundField, filled: Sequence[tuple[Any, Any]], *, using: str) -> None:
    """Write one reference of rows that exist, and their state; none of them is marked for pushing.

    Args:
        mapper: Mapper of the rows.
        bound: The reference.
        filled: Each instance, locked, with the primary key that it refers to now.
        using: Alias of the database.
    """
    rows, columns = [row for row, _ in filled], {STATE}
    for row, pk in filled:
        if bound.via is None:
            setattr(row, bound.attname, pk)
            columns.add(bound.attname)
        else:
            set_related(row, bound, pk)
    if mapper.related:
        columns |= _save_related(mapper, rows, using, reverse=False)
    if needs_save(mapper.model):
        for row in rows:
            _save_as_engine(row, using)
    else:
        columns |= touch(mapper.model, rows)
        update_rows(mapper.model, rows, sorted(columns), using=using)
    if mapper.related:
        _save_related(mapper, rows, using, reverse=True)


def _write_together(
    model: type[models.Model], created: Sequence[Written], updated: Sequence[Written], columns: set[str], using: str
) -> None:
    insert_rows(model, [written.row for written in created], using=using, find=ID)
    columns |= touch(model, [written.row for written in updated])
    update_rows(
        model,
        [written.row for written in updated],
        sorted(columns - {CHANGED}),
        using=using,
        unchanged=CHANGED,
        expected=[written.read_changed_at for written in updated],
    )


def _save_related(mapper: Mapper, rows: Sequence[Any], using: str, *, reverse: bool) -> set[str]:
    """Save the rows behind one-to-one relations that were set, those that hold the key after the row itself; returns
    the keys of the model's own that are new."""
    keys: set[str] = set()
    for row in rows:
        for via, related in list(row.__dict__.get("_connec_related", {}).items()):
            step: Any = mapper.model._meta.get_field(via)
            if is_reverse(mapper.model, via) is not reverse:
                continue
            if reverse:
                setattr(related, step.field.attname, getattr(row, step.field.target_field.attname))
            _save_as_engine(related, using)
            if not reverse:
                setattr(row, step.attname, getattr(related, step.target_field.attname))
                step.set_cached_value(row, related)
                keys.add(step.attname)
            del row.__dict__["_connec_related"][via]
    return keys


def touch(model: type[models.Model], rows: Sequence[Any]) -> set[str]:
    """Set what ``auto_now`` sets on a save; returns the attributes."""
    touched = set()
    for column in model._meta.concrete_fields:
        if getattr(column, "auto_now", False) and rows:
            touched.add(str(column.attname))
            for row in rows:
                column.pre_save(row, False)
    return touched


def save_one(written: Written, using: str) -> None:
    """Save one row through the model's own code, and agree on what that made of the values."""
    row, item = written.row, written.item
    _save_as_engine(row, using)
    agreement = Agreement.load(getattr(row, STATE))
    before = dict(agreement.local)
    for bound in written.taken:
        if bound.reference is None and bound.name in item.decoded.digests:
            remote = item.decoded.digests[bound.name]
            agreement.agree(bound.name, remote, bound.digest(bound.get(row)))
    if agreement.local != before:
        setattr(row, STATE, agreement.dump())
        type(row)._base_manager.using(using).filter(pk=row.pk).update(**{STATE: agreement.dump()})


def _save_as_engine(row: Any, using: str) -> None:
    row.__dict__["_connec_engine"] = True
    try:
        row.save(using=using)
    finally:
        row.__dict__.pop("_connec_engine", None)


def send_post_save(rows: Sequence[tuple[Any, bool]], using: str) -> None:
    """Send Django's ``post_save`` for rows that were written in bulk."""
    for row, created in rows:
        post_save.send(type(row), instance=row, created=created, raw=False, using=using, update_fields=None)


def _value(item: Incoming, bound: BoundField) -> Any:
    if bound.reference is not None:
        return item.references.get(bound.name)
    return item.decoded.values[bound.name]
