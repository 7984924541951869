"""The state machine: everything that can happen, in any order."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from typing import Any, ClassVar

from django.db import models
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from django_connec.models import ConnecGroup
from django_connec.testing.statemachine.lists import RowList
from django_connec.testing.statemachine.nested import NestedRules
from django_connec.testing.statemachine.rows import RowModel
from django_connec.testing.statemachine.world import World

__all__ = ["ConvergenceMachine", "convergence_machine"]

#: A worker lives, dies at a step, or somebody does something at one of its calls.
FATES = st.one_of(
    st.just(("lives", 0)),
    st.tuples(st.just("dies"), st.integers(1, 30)),
    st.tuples(st.just("meets"), st.integers(1, 6)),
)
#: Seconds. The hub shows whole ones, and several things happen in one; then the poll's overlap, a lease, a back-off.
PAUSES = st.sampled_from([0, 1, 5, 150, 700, 4000])


class ConvergenceMachine(NestedRules):
    """Made by :func:`convergence_machine`."""

    row_models: ClassVar[tuple[RowModel, ...]] = ()
    make_holder: ClassVar[Callable[[ConnecGroup], models.Model] | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.row_models, type(self).make_holder)
        #: Instances that somebody has read and not saved yet.
        self.held: list[tuple[RowModel | RowList, Any]] = []
        self.is_off = False
        #: Models that something happens to in this example.
        self.focus: list[RowModel] = []

    @initialize(data=st.data(), seconds=st.sampled_from([0, 37, -37]), agreed=st.booleans(), ticks=st.booleans())
    def begin(self, data: st.DataObject, seconds: int, agreed: bool, ticks: bool) -> None:
        """Both sides have something, and mostly agree on it. The hub's clock is not ours."""
        self.world.ticks = ticks
        self.world.kit.clock.hub_ahead = dt.timedelta(seconds=seconds)
        chosen = st.lists(st.sampled_from(self.world.rows), min_size=1, max_size=2, unique=True)
        # Few models, so that things happen to the same rows.
        self.focus = data.draw(st.one_of(chosen, st.just(self.world.rows)))
        for entry in self.world.rows:
            if entry in self.focus:
                row, record = entry.new(data.draw, self.world), entry.record(data.draw, self.world)
                if row is not None:
                    self.world.locally(row.save)
                    for listed in (listed for listed in entry.lists if listed.changes_here):
                        self.make_rows(data, listed, row.pk, data.draw(st.integers(0, 2)))
                if record is not None:
                    self.world.elsewhere(entry, None, record)
        if agreed:
            self.world.settle()

    def teardown(self) -> None:
        """Both sides end equal, unless the example has failed or was cut short already."""
        try:
            if sys.exc_info()[0] is None:
                self.world.converge()
        finally:
            self.world.close()

    # Here -------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def create(self, data: st.DataObject) -> None:
        """A user makes a row, or several at once."""
        self._create(data)

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        """A user changes a row."""
        self._edit(data)

    @rule(data=st.data())
    def edit_another(self, data: st.DataObject) -> None:
        """Rules are chosen alike; what brings most to light is here twice."""
        self._edit(data)

    @rule(data=st.data())
    def bulk_update(self, data: st.DataObject) -> None:
        """A job changes several rows, without ``save()``."""
        entry, chosen = self._rows(data)
        if chosen:
            names = entry.edit(data.draw, self.world, chosen[0])
            for other in chosen[1:]:
                for bound in (bound for bound in entry.local_fields if bound.column.name in names):
                    if bound.name not in entry.unique_fields:
                        setattr(other, bound.attname, getattr(chosen[0], bound.attname))
            manager: Any = entry.model._default_manager
            if data.draw(st.booleans()):
                self.world.locally(lambda: manager.bulk_update(chosen, names))
            else:
                changes = {bound.attname: getattr(chosen[0], bound.attname) for bound in entry.local_fields}
                pk = chosen[0].pk
                changes = {name: changes[name] for name in _attnames(entry, names)}
                self.world.locally(lambda: manager.filter(pk=pk).update(**changes))

    @rule(data=st.data())
    def copy(self, data: st.DataObject) -> None:
        """A user copies a row, as Django's documentation says."""
        entry, row = self._row(data)
        if row is not None:
            row.pk = None
            row._state.adding = True
            for bound in entry.local_fields:
                if bound.name in entry.unique_fields:
                    setattr(row, bound.attname, entry.value(data.draw, self.world, bound))
            self.world.locally(row.save)

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        """A user deletes a row, or several at once."""
        self._delete(data)

    @rule(data=st.data())
    def read_for_later(self, data: st.DataObject) -> None:
        """A user opens a form."""
        entry, row = self._row(data)
        if row is not None:
            self.held.append((entry, row))
            for listed in (listed for listed in entry.lists if listed.changes_here):
                self.held += [(listed, inner) for inner in self.world.rows_of(listed).filter(**{listed.key: row.pk})]

    @rule(data=st.data())
    def save_stale(self, data: st.DataObject) -> None:
        """He saves it, whatever has happened since."""
        if self.held:
            entry, row = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
            if self.world.rows_of(entry).filter(pk=row.pk).exists() and self._is_whole(entry, row):
                entry.edit(data.draw, self.world, row)
                if self._is_whole(entry, row):
                    self.world.locally(row.save)

    # There ------------------------------------------------------------------------------------------------

    @rule(data=st.data())
    def create_elsewhere(self, data: st.DataObject) -> None:
        """Another application makes a record."""
        entry = self._model(data)
        record = entry.record(data.draw, self.world)
        if record is not None:
            self.world.elsewhere(entry, None, record)

    @rule(data=st.data())
    def edit_elsewhere(self, data: st.DataObject) -> None:
        """Another application changes a record."""
        self._edit_elsewhere(data)

    @rule(data=st.data())
    def edit_another_elsewhere(self, data: st.DataObject) -> None:
        """It changes another one, or the same."""
        self._edit_elsewhere(data)

    @rule(data=st.data(), status=st.sampled_from(["INACTIVE", "ARCHIVED", "ACTIVE"]))
    def set_status_elsewhere(self, data: st.DataObject, status: str) -> None:
        """Another application takes a record out of use, or into it again."""
        entry, record = self._record(data)
        if record is not None and "status" in record:
            self.world.elsewhere(entry, record["id"], {"status": status})

    # On the way ---------------------------------------------------------------------------------------------

    @rule(data=st.data(), keep=st.booleans())
    def deliver(self, data: st.DataObject, keep: bool) -> None:
        """A notification arrives: any of those on the way, and now and then not for the last time."""
        waiting = self.world.hub.waiting
        if waiting:
            notice = waiting[data.draw(st.integers(0, len(waiting) - 1))]
            self.world.deliver(notice)
            if keep:
                waiting.append(notice)

    @rule(reverse=st.booleans())
    def deliver_all(self, reverse: bool) -> None:
        """All arrive, in one order or the other."""
        waiting = self.world.hub.waiting
        for notice in list(reversed(waiting) if reverse else waiting):
            self.world.deliver(notice)

    @rule(data=st.data())
    def lose(self, data: st.DataObject) -> None:
        """A notification never arrives."""
        waiting = self.world.hub.waiting
        if waiting:
            del waiting[data.draw(st.integers(0, len(waiting) - 1))]

    # Workers ----------------------------------------------------------------------------------------------

    @rule(data=st.data(), fate=FATES)
    def drain(self, data: st.DataObject, fate: tuple[str, int]) -> None:
        """A worker sends what is pending."""
        self._work(data, fate, self.world.drain)

    @rule(data=st.data(), at=st.integers(1, 4))
    def save_during_push(self, data: st.DataObject, at: int) -> None:
        """A user saves a row, and again while it is on its way."""
        entry, row = self._row(data)
        if row is not None:
            self._save(data, entry, row)
            self._meet(at, lambda: self._save(data, entry, row), self.world.drain)

    @rule(data=st.data(), new=st.booleans(), again=st.booleans(), then=st.sampled_from(["nothing", "poll", "drain"]))
    def lose_answer(self, data: st.DataObject, new: bool, again: bool, then: str) -> None:
        """What a user made or changed reaches the hub, and we do not hear of it; meanwhile he goes on."""
        entry, row = self._row(data)
        if new and (made := entry.new(data.draw, self.world)) is not None:
            row = made
            self.world.locally(row.save)
        elif row is not None:
            self._save(data, entry, row)
        if row is not None:
            self.world.hub.fail("down", moment="after", method="POST", times=3)
            self.world.work(lambda: self.world.drain(force=True))
            self.world.hub.recover()
            if again:
                self._save(data, entry, row)
            if then != "nothing":
                self.world.work(getattr(self.world, then))

    @rule(data=st.data(), fate=FATES)
    def drain_anyway(self, data: st.DataObject, fate: tuple[str, int]) -> None:
        """An operator does not wait for the back-off."""
        self._work(data, fate, lambda: self.world.drain(force=True))

    @rule()
    def settle(self) -> None:
        """Everything that is due is done, undisturbed."""
        self.world.settle()

    @rule(data=st.data(), fate=FATES)
    def apply(self, data: st.DataObject, fate: tuple[str, int]) -> None:
        """A worker applies what was delivered."""
        self._work(data, fate, self.world.apply)

    @rule(data=st.data(), fate=FATES)
    def poll(self, data: st.DataObject, fate: tuple[str, int]) -> None:
        """The schedule polls."""
        self._work(data, fate, self.world.poll)

    @rule(data=st.data(), fate=FATES, full=st.booleans())
    def import_all(self, data: st.DataObject, fate: tuple[str, int], full: bool) -> None:
        """An operator imports."""
        self._work(data, fate, lambda: self.world.read_all(full=full))

    # Trouble ------------------------------------------------------------------------------------------------

    @rule(
        what=st.sampled_from(["down", "garbage", "slow", 429, 500, 503]),
        moment=st.sampled_from(["before", "after"]),
        method=st.sampled_from(["POST", "GET", None]),
        at=st.integers(1, 2),
        times=st.sampled_from([3, 1, -1]),
    )
    def trouble(self, what: Any, moment: Any, method: str | None, at: int, times: int) -> None:
        """The hub is in trouble, for a while or until it recovers; where it is already, it recovers."""
        if self.world.hub.troubles.any():
            self.world.hub.recover()
        else:
            self.world.hub.fail(what, moment=moment, method=method, at=at, times=times)

    @rule(data=st.data(), what=st.sampled_from(["link", "push", "revoke", "pull"]))
    def switch(self, data: st.DataObject, what: str) -> None:
        """Sharing is switched off, the customer cancels, or the hub turns the group away; the next time, all of that
        is over."""
        group = self.world.group
        if self.is_off:
            self.world.restore()
        elif what == "revoke":
            self.world.hub.revoke(group.uid)
        elif what == "link":
            group.unlink()
        else:
            self.world.share(self._model(data).resource, **{what: False})
        self.is_off = not self.is_off

    @rule(seconds=PAUSES)
    def wait(self, seconds: int) -> None:
        """Time goes by."""
        self.world.kit.clock.advance(seconds=seconds)

    # Parts ----------------------------------------------------------------------------------------------------

    def _model(self, data: st.DataObject) -> RowModel:
        return data.draw(st.sampled_from(self.focus))

    def _row(self, data: st.DataObject) -> tuple[RowModel, Any]:
        entry, rows = self._rows(data, most=1)
        return entry, rows[0] if rows else None

    def _rows(self, data: st.DataObject, most: int = 3) -> tuple[RowModel, list[Any]]:
        entry = self._model(data)
        keys = self.world.keys_of(entry.model)
        if not keys:
            return entry, []
        indexes = st.lists(st.integers(0, len(keys) - 1), min_size=1, max_size=most, unique=True)
        chosen = [keys[index] for index in data.draw(indexes)]
        return entry, list(self.world.rows_of(entry).filter(pk__in=chosen))

    def _record(self, data: st.DataObject) -> tuple[RowModel, dict[str, Any] | None]:
        entry = self._model(data)
        records = self.world.records_of(entry)
        return entry, records[data.draw(st.integers(0, len(records) - 1))] if records else None

    def _create(self, data: st.DataObject) -> None:
        entry = self._model(data)
        count = data.draw(st.sampled_from([1, 1, 1, 4]))
        made = [row for row in (entry.new(data.draw, self.world) for _ in range(count)) if row is not None]
        if len(made) == 1:
            self.world.locally(made[0].save)
        elif made:
            manager: Any = entry.model._default_manager
            self.world.locally(lambda: manager.bulk_create(made))

    def _edit(self, data: st.DataObject) -> None:
        entry, row = self._row(data)
        if row is not None:
            entry.edit(data.draw, self.world, row)
            self.world.locally(row.save)

    def _delete(self, data: st.DataObject) -> None:
        entry, rows = self._rows(data)
        if entry.deletes and rows:
            if len(rows) == 1:
                self.world.locally(rows[0].delete)
            else:
                self.world.locally(lambda: self.world.rows_of(entry).filter(pk__in=[row.pk for row in rows]).delete())

    def _edit_elsewhere(self, data: st.DataObject) -> None:
        entry, record = self._record(data)
        if record is not None:
            changes = entry.change(data.draw, self.world, record)
            if changes:
                self.world.elsewhere(entry, record["id"], changes)

    def _overtake(self, data: st.DataObject) -> None:
        """The worker takes so long that another one takes its lease."""
        self.world.interfered = True
        self.world.kit.clock.advance(seconds=700)
        self.world.drain(force=True)

    def _work(self, data: st.DataObject, fate: tuple[str, int], action: Callable[[], object]) -> None:
        what, at = fate
        if what != "meets":
            self.world.work(action, kill_at=at if what == "dies" else None)
            return
        # Drawn now: what is drawn in the middle of a call would depend on the call.
        names = ["edit", "create", "delete", "edit_elsewhere", "overtake"]
        if self.lists:
            names += ["edit_row", "add_rows", "remove_rows", "change_rows_elsewhere"]
        name = data.draw(st.sampled_from(names))
        happens = getattr(self, f"_{name}")
        self._meet(at, lambda: happens(data), action)

    def _save(self, data: st.DataObject, entry: RowModel, row: Any) -> None:
        entry.edit(data.draw, self.world, row)
        if self._is_whole(entry, row) and self.world.rows_of(entry).filter(pk=row.pk).exists():
            self.world.locally(row.save)
            if entry.lists:
                name = data.draw(st.sampled_from(["nothing", "edit_row", "add_rows", "remove_rows"]))
                getattr(self, f"_{name}", lambda data: None)(data)

    def _meet(self, at: int, happens: Callable[[], object], action: Callable[[], object]) -> None:
        """Let something happen at one side of one of a worker's calls."""
        calls = 0

        def watch(moment: str, request: object) -> None:
            nonlocal calls
            calls += 1
            if calls == at:
                happens()

        self.world.hub.watchers.append(watch)
        try:
            self.world.work(action)
        finally:
            self.world.hub.watchers.remove(watch)

    def _is_whole(self, entry: RowModel | RowList, row: Any) -> bool:
        """A form that refers to a row which is gone is refused by the database, and proves nothing."""
        if isinstance(entry, RowList):
            record = next(model for model, listed in self.world.lists if listed is entry)
            if getattr(row, entry.key) not in self.world.keys_of(record.model):
                return False
        return all(
            getattr(row, bound.attname) is None or getattr(row, bound.attname) in self.world.keys_of(bound.reference)
            for bound in entry.mapper.references
            if bound.reference is not None
        )


def convergence_machine(
    *row_models: RowModel, holder: Callable[[ConnecGroup], models.Model] | None = None
) -> type[ConvergenceMachine]:
    """Return a state machine for these models.

    Args:
        row_models: What has rows and records, models that others refer to too.
        holder: Makes the row through which rows find the group (``Meta.group`` of the mappers), for the group that
            it is given. By default it is made with nothing but its required texts.
    """
    names = "And".join(entry.model.__name__ for entry in row_models)
    make = None if holder is None else staticmethod(holder)
    return type(f"{names}Machine", (ConvergenceMachine,), {"row_models": row_models, "make_holder": make})


def _attnames(entry: RowModel, names: list[str]) -> list[str]:
    return [bound.attname for bound in entry.local_fields if bound.column.name in names]
