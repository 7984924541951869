"""Record what failed, once a record, and forget it when it goes through. The number of queries does not grow
with the number of failures."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import router
from django.db.models import Q, QuerySet
from django.utils import timezone

from django_connec.backoff import next_attempt
from django_connec.conf import get_settings
from django_connec.mapping import registry
from django_connec.mapping.scalars import parse_moment
from django_connec.models import ConnecGroup, Failure
from django_connec.sql import delete_rows, read_rows, update_rows

__all__ = [
    "FailedRecord",
    "drop_failed_versions",
    "drop_failures",
    "drop_orphans",
    "is_newer_version",
    "make_due",
    "store_failures",
]


@dataclass(frozen=True, slots=True)
class FailedRecord:
    """One record that failed.

    Attributes:
        object_id: Primary key of a row not sent, hub id of a record not applied.
        message: Why; the hub's words, or ours. Never a value.
        model_label: Its model, where it is known.
        record: The record itself as JSON, for a pull.
        retry_after: Seconds that the hub asked to wait.
        may_die: Counts towards giving up; a row that only waits for another one never is given up.
    """

    object_id: str
    message: str
    model_label: str = ""
    record: bytes | None = None
    retry_after: float | None = None
    may_die: bool = True


def store_failures(
    group: ConnecGroup, direction: Failure.Direction, resource: str, failed: Sequence[FailedRecord]
) -> None:
    """Store or renew the failures of one batch or page."""
    if not failed:
        return
    newest = {(item.model_label, item.object_id): item for item in failed}
    known = {
        (failure.model_label, failure.object_id): failure
        for failure in Failure.objects.filter(
            group=group, direction=direction, resource=resource, object_id__in={f.object_id for f in failed}
        ).defer("record")
    }
    now, limit = timezone.now(), get_settings().max_attempts
    fresh: list[Failure] = []
    renewed: list[Failure] = []
    for key, item in newest.items():
        failure = known.get(key)
        if failure is None:
            failure = Failure(
                group=group,
                direction=direction,
                resource=resource,
                model_label=item.model_label,
                object_id=item.object_id,
                attempts=0,
                first_failed_at=now,
            )
            fresh.append(failure)
        else:
            renewed.append(failure)
        failure.attempts += 1
        failure.message = item.message[:255]
        failure.record = item.record
        failure.last_failed_at = now
        failure.is_dead = item.may_die and failure.attempts >= limit
        failure.next_attempt_at = next_attempt(failure.attempts, item.retry_after)
    Failure.objects.bulk_create(fresh, ignore_conflicts=True)
    update_rows(
        Failure,
        renewed,
        ("attempts", "message", "record", "last_failed_at", "is_dead", "next_attempt_at"),
        using=group._state.db or "default",
    )


def drop_failures(
    group: ConnecGroup, direction: Failure.Direction, resource: str, object_ids: Collection[str], model_label: str = ""
) -> None:
    """Forget the failures of records that have gone through."""
    if not object_ids:
        return
    equal = {"group_id": group.pk, "direction": str(direction), "resource": resource}
    if model_label:
        equal["model_label"] = model_label
    delete_rows(Failure, using=router.db_for_write(Failure), among=("object_id", object_ids), equal=equal, rare=True)


def drop_failed_versions(group: ConnecGroup, resource: str, versions: Mapping[str, dt.datetime | None]) -> None:
    """Forget records that could not be applied, where the version that was applied now is no older one.

    Args:
        group: Whose.
        resource: Their resource.
        versions: The hub's version of each record that has gone through, by its id.
    """
    equal = {"group_id": group.pk, "direction": str(Failure.Direction.PULL), "resource": resource}
    names, using = ("pk", "object_id", "record"), router.db_for_write(Failure)
    lines = read_rows(Failure, names, using=using, among=("object_id", list(versions)), equal=equal, rare=True)
    outdated = [pk for pk, key, record in lines if not is_newer_version(record, versions[key])]
    if outdated:
        Failure.objects.using(using).filter(pk__in=outdated).delete()


def is_newer_version(kept: bytes | None, moment: dt.datetime | None) -> bool:
    """Tell whether a record that was kept as JSON is a newer version than one of this time."""
    if kept is None or moment is None:
        return False
    record = json.loads(bytes(kept))
    version = parse_moment(record.get("updated_at")) if isinstance(record, dict) else None
    return version is not None and version > moment


def drop_orphans(group: ConnecGroup) -> None:
    """Forget failed pushes of rows that have been deleted since: nobody can send them any more.

    Looked at when they fall due, not when a row is deleted, which would cost the host a query.
    """
    settled = Failure.objects.filter(group=group, direction=Failure.Direction.PUSH)
    settled = settled.filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=timezone.now()) | Q(is_dead=True))
    by_label: dict[str, dict[Any, int]] = {}
    for pk, label, object_id in settled.order_by("pk").values_list("pk", "model_label", "object_id")[:500]:
        mapper = registry.for_label(label)
        key = mapper.pk_from(f"{mapper.meta.id_prefix}{object_id}") if mapper is not None else None
        if key is not None:
            by_label.setdefault(label, {})[key] = pk
    orphans: list[int] = []
    for label, failures in by_label.items():
        mapper = registry.for_label(label)
        if mapper is not None:
            rows = mapper.model._base_manager.using(group._state.db).filter(pk__in=list(failures)).order_by()
            here = set(rows.values_list("pk", flat=True))
            orphans += [pk for key, pk in failures.items() if key not in here]
    if orphans:
        Failure.objects.filter(pk__in=orphans).delete()


def make_due(failures: QuerySet[Failure]) -> int:
    """Let these failures be tried again at once, also those given up; returns how many."""
    return failures.update(next_attempt_at=None, is_dead=False, attempts=0)
