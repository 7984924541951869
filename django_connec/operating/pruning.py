"""Remove what has been kept long enough, in small batches. What is still to be done is never removed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from django_connec.conf import get_settings
from django_connec.inbound.tombstones import find_buried
from django_connec.mapping import registry
from django_connec.models import Conflict, Failure, Notification, SyncRun, Tombstone
from django_connec.models.columns import CHANGED

__all__ = ["KINDS", "Pruned", "prune_all"]

#: Rows of one statement: under every database's cap on parameters, and short to lock.
BATCH = 500


@dataclass(slots=True)
class Pruned:
    """What was removed, or would be.

    Attributes:
        counts: Rows by kind, see :data:`KINDS`.
        is_complete: Nothing that is old enough is left.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    is_complete: bool = True


def prune_all(*, dry_run: bool = False, seconds: float | None = None) -> Pruned:
    """Remove deliveries, runs, settled conflicts, given-up failures and sent tombstones that are old enough.

    Ages are the settings ``DELIVERY_DAYS``, ``RUN_DAYS``, ``CONFLICT_DAYS``, ``FAILURE_DAYS`` and
    ``TOMBSTONE_DAYS``. Kept whatever their age are waiting deliveries, each group's newest run, conflicts that
    are open or whose chosen value has still to be fetched, failures that are tried again, given-up pushes of rows
    that still hold the change, deletions that the hub has not been told of, and those that a reference here is
    empty for.

    Args:
        dry_run: Count only.
        seconds: Stop after about this long, between two batches.
    """
    done = Pruned()
    ends = None if seconds is None else time.monotonic() + seconds
    limits, now = get_settings(), timezone.now()
    for kind, (setting, find) in KINDS.items():
        old = find(now - dt.timedelta(days=getattr(limits, setting)))
        for keys in _batches(old):
            if not dry_run:
                old.model._base_manager.filter(pk__in=keys).delete()
            done.counts[kind] += len(keys)
            if ends is not None and time.monotonic() >= ends:
                done.is_complete = False
                return done
    return done


def _batches(old: QuerySet[Any]) -> Iterator[list[int]]:
    """Walk up the primary keys, so that rows which are kept are looked at once."""
    last = 0
    while True:
        found = list(old.filter(pk__gt=last).order_by("pk")[:BATCH])
        if not found:
            return
        last = found[-1].pk
        kept = KEPT[old.model](found) if old.model in KEPT else set()
        keys = [row.pk for row in found if row.pk not in kept]
        if keys:
            yield keys


def _deliveries(before: dt.datetime) -> QuerySet[Any]:
    done = Notification.objects.exclude(state=Notification.State.WAITING)
    return done.filter(received_at__lt=before).only("pk")


def _runs(before: dt.datetime) -> QuerySet[Any]:
    return SyncRun.objects.filter(started_at__lt=before).only("pk", "group")


def _conflicts(before: dt.datetime) -> QuerySet[Any]:
    # What was chosen and not fetched yet is still to be done.
    settled = Conflict.objects.exclude(decision__in=[Conflict.Decision.OPEN, Conflict.Decision.CHOSEN])
    return settled.alias(since=Coalesce("settled_at", "found_at")).filter(since__lt=before).only("pk")


def _failures(before: dt.datetime) -> QuerySet[Any]:
    dead = Failure.objects.filter(is_dead=True, last_failed_at__lt=before)
    return dead.only("pk", "direction", "model_label", "object_id")


def _tombstones(before: dt.datetime) -> QuerySet[Any]:
    sent = Q(sent_at__lt=before)
    never_told = Q(status="", sent_at__isnull=True, deleted_at__lt=before)
    return Tombstone.objects.filter(sent | never_told).only("pk", "group", "resource", "connec_id")


def _newest_runs(runs: list[SyncRun]) -> set[int]:
    """Return the newest runs of these runs' groups: they show how a group stands."""
    of_groups = SyncRun.objects.filter(group__in={run.group_id for run in runs}).order_by()
    return set(of_groups.values("group").annotate(newest=Max("pk")).values_list("newest", flat=True))


def _still_pending(failures: list[Failure]) -> set[int]:
    """Return those whose row holds an unsent change: without its failure the row would be sent again and again."""
    by_label: dict[str, dict[Any, int]] = {}
    for failure in failures:
        mapper = registry.for_label(failure.model_label)
        if failure.direction != Failure.Direction.PUSH or mapper is None:
            continue
        key = mapper.pk_from(f"{mapper.meta.id_prefix}{failure.object_id}")
        if key is not None:
            by_label.setdefault(failure.model_label, {})[key] = failure.pk
    kept: set[int] = set()
    for label, keys in by_label.items():
        mapper = registry.for_label(label)
        if mapper is not None:
            rows = mapper.model._base_manager.filter(pk__in=list(keys), **{f"{CHANGED}__isnull": False})
            kept.update(keys[pk] for pk in rows.order_by().values_list("pk", flat=True))
    return kept


#: Each kind with the attribute of :class:`~django_connec.conf.ConnecSettings` that says how many days it is kept.
KINDS: dict[str, tuple[str, Callable[[dt.datetime], QuerySet[Any]]]] = {
    "deliveries": ("delivery_days", _deliveries),
    "runs": ("run_days", _runs),
    "conflicts": ("conflict_days", _conflicts),
    "failures": ("failure_days", _failures),
    "tombstones": ("tombstone_days", _tombstones),
}
#: What of a batch is kept in spite of its age.
KEPT: dict[Any, Callable[[Any], set[int]]] = {
    SyncRun: _newest_runs,
    Failure: _still_pending,
    Tombstone: find_buried,
}
