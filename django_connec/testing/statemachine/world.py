"""One example's world: both sides, what may happen to them, and what must hold whatever does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from django.apps import apps
from django.db import connections, models, router, transaction
from django.db.models import CharField, TextField

from django_connec.client import ConnecError
from django_connec.exceptions import LeaseLost
from django_connec.mapping import Mapper, registry
from django_connec.models import Conflict, ConnecGroup, Failure
from django_connec.testing.kit import ConnecKit
from django_connec.testing.outbox import Notice
from django_connec.testing.statemachine.lists import RowList
from django_connec.testing.statemachine.rows import RowModel
from django_connec.testing.statemachine.sides import compare, here, there, waiting
from django_connec.testing.statemachine.snapshots import Key, Snapshots
from django_connec.testing.statemachine.workers import mortal
from django_connec.webhooks.deliveries import apply_delivery, waiting_deliveries
from django_connec.work import import_one, poll_one, work_group

__all__ = ["World"]

#: When every example begins; what one left behind in this process must not reach the next.
BEGINNING = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
#: Small, so that a few rows make several calls. Threads would take turns as they like; nothing is given up.
OPTIONS = {"PAGE_SIZE": 3, "BATCH_SIZE": 3, "IMPORT_THREADS": 1, "MAX_ATTEMPTS": 1_000_000}
#: Longer than any lease, claim or back-off.
LONG = dt.timedelta(hours=2)


class World:
    """The hub, the group and the host's rows of one example.

    Attributes:
        kit: The hub and the clock.
        using: Alias of the database.
        touched: Hub ids of records that another application made or changed.
        deleted: Hub ids of records whose rows were deleted here, unless another application changed them since.
        removed: Hub ids of rows that were removed from a record here, each with the record's id, unless another
            application changed one of them since.
        ticks: Each change and each worker has a second of its own; otherwise several versions of a record share one.
    """

    def __init__(self, rows: Sequence[RowModel], holder: Callable[[ConnecGroup], models.Model] | None = None) -> None:
        self.rows = list(rows)
        self.by_resource = {entry.resource: entry for entry in self.rows}
        self.using = router.db_for_write(ConnecGroup)
        self.snapshots = Snapshots(self.rows, self.using)
        self._make_holder = holder
        self._holders: dict[type[models.Model], models.Model] = {}
        self._numbers = 0
        self.touched: set[str] = set()
        self.made_there: set[str] = set()
        self.made_here: set[Key] = set()
        self.deleted: dict[str, str] = {}
        self.removed: dict[str, str] = {}
        self.known_rows: set[str] = set()
        self.interfered = False
        self.ticks = False
        self.clean()
        self.kit = ConnecKit(options=OPTIONS)
        self.kit.start()
        self.kit.clock.freeze(BEGINNING)
        self.hub = self.kit.hub
        self.hub.holds_notices = True
        self._group = self.kit.link()
        #: What else is mapped would be read and sent each time, and there is nothing of it.
        self.others = {r: {"pull": False, "push": False} for r in registry.resources() if r not in self.by_resource}
        self.share()
        for entry in self.rows:
            self.holder_of(entry)

    def close(self) -> None:
        """Put everything back, and leave the tables empty."""
        self.kit.stop()
        self.clean()

    def clean(self) -> None:
        """Empty the tables of the models' applications and of the package."""
        labels = {"django_connec", *(entry.model._meta.app_label for entry in self.rows)}
        labels.update(listed.model._meta.app_label for _, listed in self.lists)
        for entry in self.rows:
            labels.update(model._meta.app_label for model in _holder_models(entry))
        connection = connections[self.using]
        found = [m for m in apps.get_models(include_auto_created=True) if m._meta.app_label in labels]
        tables = {m._meta.db_table for m in found if m._meta.managed and not m._meta.proxy}
        with (
            transaction.atomic(using=self.using),
            connection.constraint_checks_disabled(),
            connection.cursor() as cursor,
        ):
            for table in sorted(tables):
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")  # noqa: S608 - names of our own

    # What rows and records are made of --------------------------------------------------------------------

    @property
    def group(self) -> ConnecGroup:
        """The group, read anew."""
        return ConnecGroup.objects.using(self.using).get(pk=self._group.pk)

    @property
    def lists(self) -> list[tuple[RowModel, RowList]]:
        """The lists of rows inside records, each with the model of its records."""
        return self.snapshots.lists

    def number(self) -> int:
        """Return a number that was not returned before."""
        self._numbers += 1
        return self._numbers

    def holder_of(self, entry: RowModel) -> dict[str, Any]:
        """Return what ties a new row to the group: the first step of the mapper's group path."""
        first, _, rest = entry.mapper.meta.group.partition("__")
        if not rest:
            return {first: self._group}
        if "__" in rest:
            # Through another of the host's rows: its ``extra`` says which.
            return {}
        model = _holder_models(entry)[0]
        if model not in self._holders:
            made = self._make_holder(self._group) if self._make_holder else _plain_holder(model, rest, self._group)
            self._holders[model] = made
        return {first: self._holders[model]}

    def keys_of(self, model: type[models.Model]) -> list[Any]:
        """Return the primary keys of the rows that a row may refer to."""
        return self.snapshots.keys_of(model)

    def rows_of(self, entry: RowModel | RowList) -> models.QuerySet[Any]:
        """Return the rows of a model, through the host's manager."""
        return entry.model._default_manager.using(self.using).order_by("pk")

    def records_of(self, entry: RowModel) -> list[dict[str, Any]]:
        """Return the hub's records of a model, oldest first."""
        return [r for r in self.hub.records(self._group.uid, entry.resource) if entry.mapper.takes(r)]

    def records_for(self, model: type[models.Model]) -> list[str]:
        """Return the hub ids that a record may refer to."""
        entry = next((entry for entry in self.rows if issubclass(model, entry.mapper.model)), None)
        if entry is None:
            return []
        return [
            r["id"] for r in self.records_of(entry) if not entry.mapper.is_inactive(r) and r["id"] not in self.deleted
        ]

    # What happens ---------------------------------------------------------------------------------------

    def locally(self, change: Callable[[], object]) -> None:
        """Let the host change its rows, and remember what was deleted."""
        before, rows_before = self.snapshots.ids(), self.snapshots.row_ids()
        with suppress(models.ProtectedError, models.RestrictedError):
            change()
        after, rows_after = self.snapshots.ids(), self.snapshots.row_ids()
        for resource, ids in before.items():
            self.deleted.update(dict.fromkeys(ids - after[resource], resource))
        self._note_removed(rows_before, rows_after)
        # The hub may make a row again that we change while another application removes it, and knows but its own id.
        self.known_rows.update(row_id for rows in rows_before.values() for row_id, _ in rows)
        for entry in (*self.rows, *(listed for _, listed in self.lists)):
            self.made_here.update((entry.mapper.label, pk) for pk in self.keys_of(entry.mapper.model))
        self.interfered = True

    def elsewhere(self, entry: RowModel, id: str | None, attributes: Mapping[str, Any]) -> None:
        """Let another application make or change a record."""
        self._tick()
        shown: dict[str, Any] = {}
        if id is None:
            record = self.hub.create(self._group.uid, entry.resource, attributes)
            self.made_there.add(record["id"])
        else:
            shown = self.hub.get(self._group.uid, entry.resource, id) or {}
            record = self.hub.update(self._group.uid, entry.resource, id, attributes)
        self._tick()
        self.touched.add(record["id"])
        self.deleted.pop(record["id"], None)
        for listed in entry.lists:
            rows = {row.get("id"): row for row in shown.get(listed.path) or ()}
            for row in record.get(listed.path) or ():
                row_id = row.get("id")
                if row_id not in rows:
                    self.made_there.add(row_id)
                if row != rows.get(row_id):
                    self.removed.pop(row_id, None)
                self.touched.add(row_id)
        self.interfered = True

    def work(self, action: Callable[[], object], *, kill_at: int | None = None) -> None:
        """Let a worker do something, and look at what it has no business to do."""
        self._tick()
        before, versions, pushes = self.snapshots.pending(), self.snapshots.versions(), len(self.hub.pushes)
        values = self.snapshots.own_values(self.made_here, self.touched)
        group, self.interfered = self.group, False
        with mortal(self.hub, self.using, kill_at), suppress(LeaseLost):
            action()
        now_seen = self.snapshots.versions()
        back = [key for key, seen in versions.items() if now_seen.get(key, seen) < seen]
        assert not back, f"an older version was applied over a newer one: {back}"
        if self.interfered:
            return
        marked = {key: stamp for key, stamp in self.snapshots.pending().items() if before.get(key) != stamp}
        assert not marked, f"applying marked rows for pushing: {sorted(map(str, marked))}"
        for push in self.hub.pushes[pushes:]:
            assert group.is_active, f"pushed although the group is not linked: {push}"
            assert group.shares(push.resource, "push"), f"pushed although it is not shared: {push}"
        now, gone = self.snapshots.own_values(self.made_here, self.touched), self.snapshots.gone(values)
        assert not gone, f"the engine deleted rows, though nobody else changed their records: {gone}"
        for key, held in values.items():
            # One that is missing now has met a record that others changed.
            assert now.get(key, held) == held, f"{key} was overwritten, though nobody else did: {held} -> {now[key]}"

    def drain(self, *, force: bool = False) -> None:
        """What a worker does about pending rows."""
        group = ConnecGroup.objects.using(self.using).working().filter(pk=self._group.pk).first()
        if group is not None:
            work_group(group, force=force)

    def apply(self) -> None:
        """What workers do about stored deliveries."""
        for pk in list(waiting_deliveries().values_list("pk", flat=True)):
            with suppress(ConnecError):
                apply_delivery(pk)

    def poll(self) -> None:
        """What the schedule does now and then."""
        group = ConnecGroup.objects.using(self.using).working().filter(pk=self._group.pk).first()
        if group is not None:
            poll_one(group)

    def read_all(self, *, full: bool) -> None:
        """What an operator does."""
        group = ConnecGroup.objects.using(self.using).working().filter(pk=self._group.pk).first()
        if group is not None:
            import_one(group, full=full)

    def _tick(self) -> None:
        """Where versions are told apart, nothing else happens in the same second."""
        if self.ticks:
            self.kit.clock.advance(seconds=1)

    def settle(self) -> None:
        """What the workers do when nothing disturbs them."""
        for action in (self.apply, self.drain, self.poll):
            self.work(action)

    def deliver(self, notice: Notice) -> None:
        """Let a notification arrive."""
        self.hub.deliver(notice)
        assert notice.status is not None
        assert 200 <= notice.status < 300, f"the webhook answered {notice.status}"

    # The end --------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Trouble ends, sharing is on, and time goes by."""
        self.hub.recover()
        self.restore()
        self.kit.clock.advance(LONG)

    def restore(self) -> None:
        """The customer shares everything, the hub lets the group in, and an operator has seen to it."""
        self.hub.link(self.group)
        self.share()
        group = self.group
        if not group.is_active:
            group.link()
        if group.stopped_at is not None:
            group.resume()

    def share(self, resource: str | None = None, **directions: bool) -> None:
        """Let the customer share the models' resources, but one of them only so far."""
        group = self.group
        group.entities = self.others | ({resource: directions} if resource else {})
        group.save(update_fields=["entities"])

    def converge(self) -> None:
        """Heal, drain, poll once; then both sides are equal and there is nothing more to send.

        Raises:
            AssertionError: They are not; it says in what.
        """
        self.heal()
        self.drain()
        self.apply()
        self.poll()
        self.check_equal()
        self.hub.clear_log()
        self.drain()
        changes = [str(push) for push in self.hub.pushes if push.attributes]
        assert not changes, f"sent although both sides are equal: {changes}"
        # What came in is given our ids; after that there is nothing left.
        self.hub.clear_log()
        self.drain()
        self.kit.assert_nothing_pushed()
        pending = self.snapshots.pending()
        assert not pending, f"still waiting to be pushed, though both sides are equal: {sorted(map(str, pending))}"

    def check_equal(self) -> None:
        """Compare both sides field by field."""
        group = self.group
        problems: list[str] = []
        parked = waiting(self.rows, group, self.hub, self.using)
        for entry in self.rows:
            ours, theirs = here(entry, group, self.using), there(entry, group, self.hub, self.using)
            for side in (ours, theirs):
                for id in parked & side.keys():
                    del side[id]
            problems += [f"{entry.resource} {line}" for line in compare(ours, theirs)]
            problems += [f"{entry.resource} {id} came back" for id in self.deleted if id in ours]
            problems += self._duplicates(entry)
        here_now = {row_id for rows in self.snapshots.row_ids().values() for row_id, _ in rows}
        problems += [f"the row {row_id} of {id} came back" for row_id, id in self.removed.items() if row_id in here_now]
        problems += self._strays()
        if problems:
            failures = [f"{f.direction} {f.resource} {f.object_id}: {f.message}" for f in Failure.objects.all()]
            raise AssertionError("\n".join(["both sides are not equal:", *problems, *failures]))

    def _duplicates(self, entry: RowModel) -> list[str]:
        problems = []
        for record in self.hub.records(self._group.uid, entry.resource, external_ids=True):
            if not entry.mapper.takes(record):
                continue
            id, known = self._maker(entry.mapper, record)
            if id not in self.made_there and known is None:
                problems.append(f"{entry.resource} {id} was made by nobody: a duplicate")
            for listed in entry.lists:
                makers = [
                    self._maker(listed.mapper, row)
                    for row in record.get(listed.path) or ()
                    if listed.nested.has_ids and listed.mapper.takes(row)
                ]
                ours = [known for _, known in makers if known is not None]
                problems += [
                    f"the row {row_id} of {entry.resource} {id} was made by nobody: a duplicate"
                    for row_id, known in makers
                    if row_id not in self.made_there | self.known_rows and known is None
                ]
                problems += [f"{entry.resource} {id} has row {pk} twice" for pk in set(ours) if ours.count(pk) > 1]
        return problems

    def _maker(self, mapper: Mapper, record: Mapping[str, Any]) -> tuple[str, Any | None]:
        """Return the hub's id of a record or row, and the key of the row here that it was made of."""
        ids = record["id"]
        own = [mapper.pk_from(e["id"]) for e in ids if e["provider"] != "connec"]
        known = [pk for pk in own if (mapper.label, pk) in self.made_here]
        return next(e["id"] for e in ids if e["provider"] == "connec"), known[0] if known else None

    def _strays(self) -> list[str]:
        """Conflicts about records that nobody else ever changed: our own change was taken for theirs."""
        conflicts = Conflict.objects.using(self.using).exclude(connec_id__in=self.touched)
        return [f"{c.kind} conflict about {c.connec_id}.{c.field}, which only we changed" for c in conflicts]

    def _note_removed(
        self, before: Mapping[str, set[tuple[str, str]]], after: Mapping[str, set[tuple[str, str]]]
    ) -> None:
        records = {id for ids in self.snapshots.ids().values() for id in ids}
        for label, rows in before.items():
            kept = {row_id for row_id, _ in after[label]}
            self.removed.update((row_id, id) for row_id, id in rows if row_id not in kept and id in records)
        # With a record all its rows go, and come back with it.
        self.removed = {row_id: id for row_id, id in self.removed.items() if id in records}


def _holder_models(entry: RowModel) -> list[type[models.Model]]:
    first, _, rest = entry.mapper.meta.group.partition("__")
    target = entry.model._meta.get_field(first).related_model
    return [target] if rest and isinstance(target, type) else []


def _plain_holder(model: type[models.Model], name: str, group: ConnecGroup) -> models.Model:
    texts = {
        column.name: "Pelican Freight"[: column.max_length]
        for column in model._meta.concrete_fields
        if isinstance(column, (CharField, TextField)) and not column.has_default()
    }
    return model._base_manager.create(**texts, **{name: group})
