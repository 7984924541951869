"""After a commit, wake the groups whose rows changed: once a group and transaction.

A wake-up only saves time. Whatever becomes of it (queue down, process killed) the change itself is in the
row, and the scheduled sweep finds it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.db import connections, models, transaction

from django_connec.tracking.switch import is_tracking

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

    __slots__ = ("alias", "bulk", "entry", "groups", "index", "pks")

    def __init__(self, alias: str) -> None:
        self.alias = alias
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
    level = tuple(connection.savepoint_ids) if connection.in_atomic_block else None
    if level is None:
        return _Collector(alias)
    held: dict[tuple[Any, ...], _Collector] = connection.__dict__.setdefault("_connec_collectors", {})
    known = held.get(level)
    callbacks = connection.run_on_commit
    if known is not None and 0 <= known.index < len(callbacks) and callbacks[known.index] is known.entry:
        return known
    if len(held) > 100:
        held.clear()
    fresh = held[level] = _Collector(alias)
    return fresh


def _arm(collector: _Collector) -> None:
    if collector.entry is not None:
        return
    connection: Any = connections[collector.alias]
    # robust: a dead queue must not raise into the host's view, nor drop its later callbacks.
    transaction.on_commit(collector, using=collector.alias, robust=True)
    if connection.in_atomic_block and connection.run_on_commit:
        collector.index = len(connection.run_on_commit) - 1
        collector.entry = connection.run_on_commit[-1]


def _groups_of(model: type[models.Model], alias: str, pks: set[Any]) -> Iterator[int]:
    from django_connec.mapping import registry

    mapper = registry.for_model(model)
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
    from django_connec.mapping import registry
    from django_connec.models import ConnecGroup

    mapper = registry.for_model(model)
    if mapper is None:
        return
    pending = model._base_manager.using(alias).filter(
        connec_changed_at__isnull=False, **{mapper.meta.group: models.OuterRef("pk")}
    )
    yield from ConnecGroup.objects.using(alias).working().filter(models.Exists(pending)).values_list("pk", flat=True)
