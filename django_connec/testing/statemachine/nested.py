"""The rules about the rows inside records: an invoice's lines are added, changed, moved, copied and removed."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from django_connec.testing.statemachine.lists import RowList
from django_connec.testing.statemachine.rows import RowModel
from django_connec.testing.statemachine.world import World

__all__ = ["NestedRules"]


def _has_lists(machine: NestedRules) -> bool:
    return bool(machine.lists)


class NestedRules(RuleBasedStateMachine):
    """Part of :class:`~django_connec.testing.statemachine.machine.ConvergenceMachine`."""

    world: World
    focus: list[RowModel]

    @property
    def lists(self) -> list[tuple[RowModel, RowList]]:
        """The lists that something happens to in this example."""
        return [(entry, listed) for entry in self.focus for listed in entry.lists]

    # Here -------------------------------------------------------------------------------------------------

    @precondition(_has_lists)
    @rule(data=st.data())
    def add_rows(self, data: st.DataObject) -> None:
        """A user adds rows to a record, or copies one."""
        self._add_rows(data)

    @precondition(_has_lists)
    @rule(data=st.data())
    def edit_row(self, data: st.DataObject) -> None:
        """A user changes a row."""
        self._edit_row(data)

    @precondition(_has_lists)
    @rule(data=st.data())
    def edit_rows_in_bulk(self, data: st.DataObject) -> None:
        """A job changes several rows, without ``save()``."""
        listed, rows = self._drawn_rows(data)
        if rows:
            names = listed.edit(data.draw, self.world, rows[0])
            attnames = [bound.attname for bound in listed.local_fields if bound.column.name in names]
            values = {name: getattr(rows[0], name) for name in attnames}
            for other in rows[1:]:
                for name, value in values.items():
                    setattr(other, name, value)
            manager: Any = listed.model._default_manager
            pks = [row.pk for row in rows]
            if data.draw(st.booleans()):
                self.world.locally(lambda: manager.bulk_update(rows, names))
            else:
                self.world.locally(lambda: manager.filter(pk__in=pks).update(**values))

    @precondition(_has_lists)
    @rule(data=st.data(), in_bulk=st.booleans())
    def move_row(self, data: st.DataObject, in_bulk: bool) -> None:
        """A user moves a row to another record."""
        entry, listed = data.draw(st.sampled_from(self.lists))
        rows, records = list(self.world.rows_of(listed)), self.world.keys_of(entry.model)
        if rows and listed.changes_here:
            row, record = data.draw(st.sampled_from(rows)), data.draw(st.sampled_from(records))
            setattr(row, listed.key, record)
            moved = self.world.rows_of(listed).filter(pk=row.pk)
            self.world.locally(lambda: moved.update(**{listed.key: record}) if in_bulk else row.save())

    @precondition(_has_lists)
    @rule(data=st.data())
    def remove_rows(self, data: st.DataObject) -> None:
        """A user removes rows, one or several; or replaces them all, as forms do that know no better."""
        self._remove_rows(data)

    # There ------------------------------------------------------------------------------------------------

    @precondition(_has_lists)
    @rule(data=st.data())
    def change_rows_elsewhere(self, data: st.DataObject) -> None:
        """Another application adds, changes and removes rows of a record."""
        self._change_rows_elsewhere(data)

    # Parts ------------------------------------------------------------------------------------------------

    def _drawn_list(self, data: st.DataObject) -> tuple[RowModel, RowList]:
        return data.draw(st.sampled_from(self.lists))

    def _drawn_rows(self, data: st.DataObject, most: int = 3) -> tuple[RowList, list[Any]]:
        _, listed = self._drawn_list(data)
        rows = list(self.world.rows_of(listed)) if listed.changes_here else []
        if not rows:
            return listed, []
        chosen = st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=most, unique=True)
        return listed, [rows[index] for index in data.draw(chosen)]

    def _add_rows(self, data: st.DataObject) -> None:
        entry, listed = self._drawn_list(data)
        records = self.world.keys_of(entry.model)
        if not records or not listed.changes_here:
            return
        record = data.draw(st.sampled_from(records))
        present = list(self.world.rows_of(listed).filter(**{listed.key: record}))
        if present and data.draw(st.integers(0, 3)) == 0:
            copied = data.draw(st.sampled_from(present))
            copied.pk = None
            copied._state.adding = True
            self._set_unique(data, listed, copied)
            self.world.locally(copied.save)
            return
        self.make_rows(data, listed, record, data.draw(st.sampled_from([1, 1, 2])))

    def make_rows(self, data: st.DataObject, listed: RowList, record: Any, count: int) -> None:
        """Add rows to a record, several at once."""
        made = [row for row in (listed.new(data.draw, self.world, record) for _ in range(count)) if row is not None]
        if len(made) == 1:
            self.world.locally(made[0].save)
        elif made:
            manager: Any = listed.model._default_manager
            self.world.locally(lambda: manager.bulk_create(made))

    def _edit_row(self, data: st.DataObject) -> None:
        listed, rows = self._drawn_rows(data, most=1)
        if rows:
            listed.edit(data.draw, self.world, rows[0])
            self.world.locally(rows[0].save)

    def _remove_rows(self, data: st.DataObject) -> None:
        listed, rows = self._drawn_rows(data)
        if not rows:
            return
        if len(rows) == 1:
            self.world.locally(rows[0].delete)
            return
        record = getattr(rows[0], listed.key)
        of_record = self.world.rows_of(listed).filter(**{listed.key: record})
        if data.draw(st.booleans()):
            chosen = self.world.rows_of(listed).filter(pk__in=[row.pk for row in rows])
            self.world.locally(chosen.delete)
        else:
            self.world.locally(of_record.delete)
            self.make_rows(data, listed, record, data.draw(st.integers(0, 2)))

    def _change_rows_elsewhere(self, data: st.DataObject) -> None:
        entry, listed = self._drawn_list(data)
        records = self.world.records_of(entry)
        if records and listed.changes_there:
            record = data.draw(st.sampled_from(records))
            rows = [row for row in record.get(listed.path) or () if listed.mapper.takes(row)]
            others = [row for row in record.get(listed.path) or () if not listed.mapper.takes(row)]
            changes = listed.change(data.draw, self.world, rows)
            if others and "opts" in changes:
                changes[listed.path] += others
            if changes:
                self.world.elsewhere(entry, record["id"], changes)

    def _set_unique(self, data: st.DataObject, listed: RowList, row: Any) -> None:
        for bound in listed.local_fields:
            if bound.name in listed.unique_fields:
                setattr(row, bound.attname, listed.value(data.draw, self.world, bound))
