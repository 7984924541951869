"""Deliveries: stored once, applied by a task, replayed by an operator."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from django_connec.backoff import next_attempt
from django_connec.client import client_for
from django_connec.conf import get_settings
from django_connec.dispatch import enqueue
from django_connec.inbound import Outcome, apply_records
from django_connec.mapping.resources import normalise
from django_connec.models import ConnecGroup, Notification
from django_connec.webhooks.parsers import check_shape

__all__ = ["apply_delivery", "replay", "store", "waiting_deliveries"]

#: A worker that has not finished a delivery for this long counts as gone.
CLAIM_EXPIRES = dt.timedelta(minutes=10)


def store(marketplace: str, body: bytes) -> bool:
    """Store a delivery and queue its application after commit.

    The same body again, while the first still waits, is one delivery.

    Returns:
        ``False`` for such a repetition.
    """
    delivery = Notification(
        marketplace=marketplace, body=body, size=len(body), waiting_key=Notification.key_for(marketplace, body)
    )
    try:
        with transaction.atomic():
            delivery.save(force_insert=True)
    except IntegrityError:
        if not Notification.objects.filter(waiting_key=delivery.waiting_key).exists():
            raise
        return False
    transaction.on_commit(lambda: enqueue("apply_notification", delivery.pk), robust=True)
    return True


def waiting_deliveries() -> QuerySet[Notification]:
    """Return what is stored and may be applied now, oldest first, without what a living worker is at."""
    now = timezone.now()
    return Notification.objects.filter(
        Q(started_at__isnull=True) | Q(started_at__lt=now - CLAIM_EXPIRES),
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
        state=Notification.State.WAITING,
    ).order_by("received_at", "pk")


def apply_delivery(pk: int) -> Outcome | None:
    """Apply one stored delivery.

    Returns:
        What became of its records; ``None`` where it is applied already or another worker is at it.

    Raises:
        ConnecUnavailable: The hub is needed to tell whose a record is, and is away; the delivery stays waiting.
    """
    now = timezone.now()
    # From here on the same body is a new delivery: what it says may have been overtaken by what is applied now.
    if not waiting_deliveries().filter(pk=pk).order_by().update(started_at=now, waiting_key=None):
        return None
    delivery = Notification.objects.get(pk=pk)
    delivery.attempts += 1
    try:
        outcome = _apply(delivery)
    except Exception as error:
        Notification.objects.filter(pk=pk).update(
            started_at=None,
            attempts=delivery.attempts,
            next_attempt_at=next_attempt(delivery.attempts, getattr(error, "retry_after", None)),
            error=f"{type(error).__name__}: tried again by the sweep",
        )
        raise
    delivery.finished_at = timezone.now()
    delivery.save(update_fields=["state", "attempts", "finished_at", "counts", "error"])
    return outcome


def replay(deliveries: QuerySet[Notification]) -> int:
    """Set deliveries waiting again, whatever became of them, and queue them.

    Returns:
        How many the queue took; the sweep finds the others.
    """
    pks = list(deliveries.values_list("pk", flat=True))
    Notification.objects.filter(pk__in=pks).update(
        state=Notification.State.WAITING, started_at=None, finished_at=None, next_attempt_at=None, error=""
    )
    return sum(enqueue("apply_notification", pk) for pk in pks)


def _apply(delivery: Notification) -> Outcome:
    total = Outcome()
    try:
        content = check_shape(json.loads(bytes(delivery.body)))
    except Exception as error:
        delivery.state = Notification.State.UNREADABLE
        delivery.error = type(error).__name__
        return total
    by_group = _by_group(content)
    groups = {
        group.uid: group
        for group in ConnecGroup.objects.filter(marketplace=delivery.marketplace, uid__in=list(by_group))
    }
    marketplace = get_settings().marketplaces.get(delivery.marketplace)
    client = client_for(marketplace) if marketplace is not None else None
    for uid, resources in by_group.items():
        group = groups.get(uid)
        for resource, records in resources.items():
            if group is None:
                total.ignored += len(records)
                continue
            total.add(apply_records(group, resource, records, source="webhook", client=client))
    delivery.counts = total.counts()
    delivery.state = Notification.State.FAILED if total.failed else Notification.State.APPLIED
    delivery.error = ""
    return total


def _by_group(content: Mapping[str, list[Any]]) -> dict[str, dict[str, list[Any]]]:
    """Route each record by its own ``group_id``: one call may hold several groups."""
    found: dict[str, dict[str, list[Any]]] = {}
    for name, records in content.items():
        resource = normalise(name)
        for record in records:
            uid = str(record.get("group_id") or "") if isinstance(record, Mapping) else ""
            found.setdefault(uid, {}).setdefault(resource, []).append(record)
    return _ordered(found)


def _ordered(found: dict[str, dict[str, list[Any]]]) -> dict[str, dict[str, list[Any]]]:
    """What is referred to comes first, so that an invoice and its customer in one call need no second try."""
    from django_connec.mapping import registry

    rank = {resource: index for index, resource in enumerate(registry.resources())}
    return {
        uid: dict(sorted(resources.items(), key=lambda entry: rank.get(entry[0], len(rank))))
        for uid, resources in found.items()
    }
