"""After a commit, wake the groups whose rows changed: once a group and transaction.

A wake-up only saves time. Whatever becomes of it (queue down, process killed) the change itself is in the
row, and the scheduled sweep finds it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db import connections, models, transaction

from django_connec.tracking.switch import is_tracking

if TYPE_CHECKING:
    from django_connec.mapping import Mapper

__all__ = ["note", "note_group", "on_post_save"]

logger = logging.getLogger(__name__)

#: More primary keys than this are asked for in slices: SQLite caps the parameters of a statement.
PKS_PER_QUERY = 500


class _Collector:
    """What one savepoint level of one transaction has changed.

    ``entry`` is the callback as the connection holds it. Django drops callbacks with a rolled back savepoint,
    and this collector must go with its callback, or the changes noted next would wait for one that never
    comes.
    """

    __slots__ = ("alias", "bulk", "entry", "groups", "index", "level", "pks")

    def __init__(self, alias: str, level: tuple[str, ...] = ()) -> None:
        self.alias = alias
        self.level = level
        self.pks: dict[type[models.Model], set[Any]] = {}
        self.bulk: set[type[models.Model]] = set()
        self.groups: set[int] = set()
        self.index = -1
        self.entry: Any = None

    def __call__(self) -> None:
        from django_connec.dispatch import wake

        pks, bulk, groups = self.pks, self.bulk, self.groups
        self.pks, self.bulk, self.groups = {}, set(), set()
        try:
            for model in bulk:
                groups.update(_groups_with_pending(model, self.alias))
            for model, keys in pks.items():
                if model not in bulk:
                    groups.update(_groups_of(model, self.alias, keys))
            wake(groups, using=self.alias)
        except Exception as error:
            logger.warning("could not wake groups after commit (%s); the sweep will", type(error).__name__)

    def is_held(self, callbacks: list[Any]) -> bool:
        """Tell whether the connection will still call this collector."""
        if self.entry is None:
            return False
        if 0 <= self.index < len(callbacks) and callbacks[self.index] is self.entry:
            return True
        self.index = next((i for i, entry in enumerate(callbacks) if entry is self.entry), -1)
        return self.index >= 0

    def absorb(self, other: _Collector) -> None:
        """Take over what another has collected; it has nothing to do then."""
        for model, keys in other.pks.items():
            self.pks.setdefault(model, set()).update(keys)
        self.bulk |= other.bulk
        self.groups |= other.groups
        other.pks, other.bulk, other.groups = {}, set(), set()


def on_post_save(sender: type[models.Model], instance: models.Model, using: str, raw: bool, **_: Any) -> None:
    """Note a saved row, unless it was saved without marking or by the engine itself."""
    if raw:
        return
    write = instance.__dict__.get("_connec_write")
    if write is not None and write[1]:
        note(using, sender, instance.pk)


def note(alias: str, model: type[models.Model], pk: Any) -> None:
    """Remember that a row (or, with ``pk`` None, some rows) of a model changed; acted on after commit."""
    concrete = model._meta.concrete_model or model
    collector = _collector(alias)
    if pk is None:
        collector.bulk.add(concrete)
    else:
        collector.pks.setdefault(concrete, set()).add(pk)
    _arm(collector)


def note_group(alias: str, group_id: int) -> None:
    """Remember that a group has something to send."""
    if not is_tracking():
        return
    collector = _collector(alias)
    collector.groups.add(group_id)
    _arm(collector)


def _collector(alias: str) -> _Collector:
    connection: Any = connections[alias]
    if not connection.in_atomic_block:
        return _Collector(alias)
    active = tuple(sid for sid in connection.savepoint_ids if sid is not None)
    callbacks = connection.run_on_commit
    held: list[_Collector] = connection.__dict__.setdefault("_connec_collectors", [])
    if held and held[-1].level == active and held[-1].is_held(callbacks):
        return held[-1]
    alive: dict[tuple[str, ...], _Collector] = {}
    for collector in held:
        if collector.is_held(callbacks):
            # What a released savepoint has collected belongs to the level around it: a loop of a thousand
            # savepoints, as get_or_create makes them, must not cost a thousand queries after the commit.
            collector.level = tuple(sid for sid in active if sid in collector.level)
            around = alive.setdefault(collector.level, collector)
            if around is not collector:
                around.absorb(collector)
    found = alive.pop(active, None) or _Collector(alias, active)
    held[:] = [*alive.values(), found]
    return found


def _arm(collector: _Collector) -> None:
    if collector.entry is not None:
        return
    connection: Any = connections[collector.alias]
    if not connection.in_atomic_block and not connection.get_autocommit():
        # A transaction that the host manages by hand has no "after the commit"; the sweep finds the rows.
        return
    # robust: a dead queue must not raise into the host's view, nor drop its later callbacks.
    transaction.on_commit(collector, using=collector.alias, robust=True)
    if connection.in_atomic_block and connection.run_on_commit:
        collector.index = len(connection.run_on_commit) - 1
        collector.entry = connection.run_on_commit[-1]


def _mapper_of(model: type[models.Model]) -> Mapper | None:
    from django_connec.mapping import registry

    # A multi-table child is its parent's record where only the parent is mapped.
    mappers = (registry.for_model(candidate) for candidate in (model, *model._meta.all_parents))
    return next((mapper for mapper in mappers if mapper is not None), None)


def _groups_of(model: type[models.Model], alias: str, pks: set[Any]) -> Iterator[int]:
    mapper = _mapper_of(model)
    if mapper is None:
        return
    path = mapper.meta.group
    keys = list(pks)
    for start in range(0, len(keys), PKS_PER_QUERY):
        yield from (
            model._base_manager.using(alias)
            .filter(
                pk__in=keys[start : start + PKS_PER_QUERY],
                **{f"{path}__is_active": True, f"{path}__sharing_enabled": True, f"{path}__stopped_at": None},
            )
            .values_list(path, flat=True)
            .distinct()
        )


def _groups_with_pending(model: type[models.Model], alias: str) -> Iterator[int]:
    from django_connec.models import ConnecGroup

    mapper = _mapper_of(model)
    if mapper is None:
        return
    pending = model._base_manager.using(alias).filter(
        connec_changed_at__isnull=False, **{mapper.meta.group: models.OuterRef("pk")}
    )
    yield from ConnecGroup.objects.using(alias).working().filter(models.Exists(pending)).values_list("pk", flat=True)
