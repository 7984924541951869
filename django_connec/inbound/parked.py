"""Records that wait for another one: kept with their newest version, tried when it comes, never dropped."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.db import router
from django.utils import timezone

from django_connec.conf import get_settings
from django_connec.failures import FailedRecord, is_newer_version, store_failures
from django_connec.inbound.incoming import Incoming, to_json
from django_connec.inbound.references import Missing
from django_connec.models import ConnecGroup, Failure, ParkedRecord
from django_connec.sql import read_rows

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RETRY_EVERY", "drop", "due_records", "expire", "fail_again", "park", "records_of", "waiting_for"]

RETRY_EVERY = dt.timedelta(hours=1)


def park(group: ConnecGroup, items: Sequence[tuple[Incoming, Missing]]) -> None:
    """Keep records until what they refer to is here; an older version of a parked record is replaced, and a late one
    replaces nothing."""
    now = timezone.now()
    known = {
        (entry.resource, entry.connec_id): entry
        for entry in ParkedRecord.objects.filter(
            group=group, connec_id__in=[item.connec_id for item, _ in items if item.connec_id]
        )
    }
    fresh: list[ParkedRecord] = []
    for item, gap in items:
        resource, connec_id = item.mapper.meta.resource, item.connec_id or ""
        entry = known.get((resource, connec_id))
        if entry is None:
            entry = ParkedRecord(group=group, resource=resource, connec_id=connec_id, parked_at=now)
            fresh.append(entry)
        elif is_newer_version(bytes(entry.record), item.updated_at):
            continue
        entry.record = to_json(item.record)
        entry.missing_resource, entry.missing_id, entry.field = gap.resource, gap.connec_id, gap.field
        entry.attempts += 1
        entry.next_attempt_at = now + RETRY_EVERY
        if entry.pk is not None:
            entry.save()
    ParkedRecord.objects.bulk_create(fresh, ignore_conflicts=True)


def drop(group: ConnecGroup, resource: str, versions: Mapping[str, dt.datetime | None]) -> None:
    """Forget the parked versions of records that are applied, or not wanted any more; a newer one still waits.

    Args:
        group: Whose.
        resource: Their resource.
        versions: The hub's version of each record that has been dealt with, by its id.
    """
    names, using = ("pk", "connec_id", "record"), router.db_for_write(ParkedRecord)
    equal = {"group_id": group.pk, "resource": resource}
    among = ("connec_id", list(versions))
    lines = read_rows(ParkedRecord, names, using=using, among=among, equal=equal, rare=True)
    outdated = [pk for pk, key, record in lines if not is_newer_version(record, versions[key])]
    if outdated:
        ParkedRecord.objects.using(using).filter(pk__in=outdated).delete()


def waiting_for(group: ConnecGroup, resource: str, connec_ids: Collection[str]) -> Mapping[str, list[Any]]:
    """Return the parked records that waited for these, by their resource."""
    found: dict[str, list[Any]] = {}
    entries = read_rows(
        ParkedRecord,
        ("resource", "record"),
        using=router.db_for_read(ParkedRecord),
        among=("missing_id", connec_ids),
        equal={"group_id": group.pk, "missing_resource": resource},
        rare=True,
    )
    for waiting, record in entries:
        found.setdefault(waiting, []).append(json.loads(bytes(record)))
    return found


def due_records(group: ConnecGroup, resources: Collection[str], *, limit: int = 500) -> Mapping[str, list[Any]]:
    """Return the parked records of some resources that are due to be tried, by their resource."""
    due = ParkedRecord.objects.filter(group=group, resource__in=resources, next_attempt_at__lte=timezone.now())
    found: dict[str, list[Any]] = {}
    for entry in due.order_by("next_attempt_at")[:limit]:
        found.setdefault(entry.resource, []).append(json.loads(bytes(entry.record)))
    return found


def records_of(group: ConnecGroup, resource: str, *, limit: int) -> list[Any]:
    """Return the parked records of one resource, due or not."""
    entries = ParkedRecord.objects.filter(group=group, resource=resource).order_by("next_attempt_at")
    return [json.loads(bytes(record)) for record in entries.values_list("record", flat=True)[:limit]]


def fail_again(group: ConnecGroup, resource: str, failures: Sequence[Failure]) -> None:
    """Count one more try of records that had waited too long, and that still have to wait.

    Args:
        group: Whose.
        resource: Their resource.
        failures: Failures whose records have just been tried; those of other records are left as they are.
    """
    ids = [failure.object_id for failure in failures]
    waiting = ParkedRecord.objects.filter(group=group, resource=resource, connec_id__in=ids)
    again = set(waiting.values_list("connec_id", flat=True))
    failed = [
        FailedRecord(failure.object_id, failure.message, record=bytes(failure.record or b""))
        for failure in failures
        if failure.object_id in again
    ]
    store_failures(group, Failure.Direction.PULL, resource, failed)


def expire(group: ConnecGroup) -> int:
    """Turn what has waited too long into failures that operators see; returns how many."""
    before = timezone.now() - dt.timedelta(days=get_settings().parked_days)
    late = list(ParkedRecord.objects.filter(group=group, parked_at__lt=before)[:500])
    by_resource: dict[str, list[FailedRecord]] = {}
    for entry in late:
        missing = f"{entry.missing_resource or 'a record'} {entry.missing_id}".strip()
        by_resource.setdefault(entry.resource, []).append(
            FailedRecord(entry.connec_id, f"{entry.field}: {missing} has not come", record=bytes(entry.record))
        )
    for resource, failed in by_resource.items():
        store_failures(group, Failure.Direction.PULL, resource, failed)
    ParkedRecord.objects.filter(pk__in=[entry.pk for entry in late]).delete()
    return len(late)
