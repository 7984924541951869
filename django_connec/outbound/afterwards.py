"""What is sent beside rows: deletions, and our ids of rows that came from the hub."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.db.models import Q
from django.utils import timezone

from django_connec.backoff import next_attempt
from django_connec.client import ConnecAuthError, ConnecClient, ConnecNotFound, ConnecUnavailable, Operation, Result
from django_connec.conf import get_settings
from django_connec.leases import HeldLease
from django_connec.mapping import Mapper, registry
from django_connec.mapping.references import external_id, parse_remote_id
from django_connec.mapping.scalars import parse_moment
from django_connec.models import ConnecGroup, LinkBack, Tombstone
from django_connec.outbound.answers import apply_answers
from django_connec.outbound.encoding import own_id
from django_connec.outbound.send import run_batch
from django_connec.sql import update_rows

__all__ = ["due_tombstones", "send_link_backs", "send_tombstones"]

_TOMBSTONE_COLUMNS = (
    "connec_id",
    "hub_updated_at",
    "payload",
    "sent_at",
    "attempts",
    "next_attempt_at",
    "is_dead",
    "message",
)


def due_tombstones(group: ConnecGroup, using: str) -> Any:
    """Return the deletions of a group that may be sent now."""
    now = timezone.now()
    return (
        Tombstone.objects.using(using)
        .filter(Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))
        .filter(group=group, sent_at__isnull=True, is_dead=False)
        .exclude(status="")
        .order_by("pk")
    )


def send_tombstones(
    group: ConnecGroup, client: ConnecClient, lease: HeldLease, limit: int, using: str
) -> tuple[int, int, int]:
    """Tell the hub of one batch of deleted rows, by their status (Connec! API v2, delete and archive).

    Returns:
        How many were found, accepted and refused.

    Raises:
        ConnecUnavailable, ConnecAuthError: They stay due.
        LeaseLost: Another worker has the group.
    """
    shared = [m.meta.resource for m in registry.ordered() if group.shares(m.meta.resource, "push")]
    tombstones = list(due_tombstones(group, using).filter(resource__in=shared)[:limit])
    if not tombstones:
        return 0, 0, 0
    lease.check()
    group.require_sharing()
    results, _ = run_batch(client, [_operation(group, tombstone) for tombstone in tombstones])
    lease.confirm()
    sent = failed = 0
    for tombstone, result in zip(tombstones, results, strict=True):
        if isinstance(result.error, ConnecAuthError):
            raise result.error
        if _record(tombstone, result):
            sent += 1
        else:
            failed += 1
    update_rows(Tombstone, tombstones, _TOMBSTONE_COLUMNS, using=using)
    return len(tombstones), sent, failed


def send_link_backs(
    group: ConnecGroup, client: ConnecClient, lease: HeldLease, limit: int, using: str
) -> tuple[int, int]:
    """Tell the hub our ids of one batch of rows (Connec! API v2, link back after importing).

    Returns:
        How many were found and accepted.

    Raises:
        ConnecUnavailable, ConnecAuthError: They stay due.
        LeaseLost: Another worker has the group.
    """
    now = timezone.now()
    due = LinkBack.objects.using(using).filter(
        Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now),
        group=group,
        # What is switched off waits, and is told when it is switched on again.
        model_label__in=[m.label for m in registry.ordered() if group.shares(m.meta.resource, "push")],
    )
    links = list(due.order_by("pk")[:limit])
    if not links:
        return 0, 0
    mappers = {label: registry.for_label(label) for label in {link.model_label for link in links}}
    usable: list[tuple[LinkBack, Mapper, Any]] = []
    obsolete: list[int] = []
    for link in links:
        mapper = mappers[link.model_label]
        pk = mapper.pk_from(f"{mapper.meta.id_prefix}{link.object_id}") if mapper is not None else None
        if mapper is None or pk is None:
            obsolete.append(link.pk)
        else:
            usable.append((link, mapper, pk))
    operations = [
        Operation("put", group.uid, mapper.meta.resource, link.connec_id, {"id": own_id(mapper, group, pk)})
        for link, mapper, pk in usable
    ]
    lease.check()
    group.require_sharing()
    results, skew = run_batch(client, operations) if operations else ([], dt.timedelta(0))
    lease.confirm()
    later: list[LinkBack] = []
    answers: dict[Mapper, list[tuple[Any, Any]]] = {}
    for (link, mapper, pk), result in zip(usable, results, strict=True):
        if isinstance(result.error, ConnecAuthError):
            raise result.error
        if isinstance(result.error, ConnecUnavailable):
            link.attempts += 1
            link.next_attempt_at = next_attempt(link.attempts, result.error.retry_after)
            later.append(link)
            continue
        obsolete.append(link.pk)
        if result.record is not None:
            answers.setdefault(mapper, []).append((pk, result.record))
    for mapper, pairs in answers.items():
        # Where the hub counts this as a new version, holding it keeps the next poll from writing the rows again.
        apply_answers(group, mapper, pairs, skew=skew, using=using, sent=False)
    update_rows(LinkBack, later, ("attempts", "next_attempt_at"), using=using)
    LinkBack.objects.using(using).filter(pk__in=obsolete).delete()
    return len(links), sum(len(pairs) for pairs in answers.values())


def _operation(group: ConnecGroup, tombstone: Tombstone) -> Operation:
    if tombstone.connec_id:
        return Operation("put", group.uid, tombstone.resource, tombstone.connec_id, {"status": tombstone.status})
    mapper = registry.for_label(tombstone.model_label)
    payload: dict[str, Any] = json.loads(bytes(tombstone.payload)) if tombstone.payload else {}
    prefix = mapper.meta.id_prefix if mapper is not None else ""
    payload["id"] = external_id(f"{prefix}{tombstone.object_id}", get_settings().provider, group.effective_realm)
    payload["status"] = tombstone.status
    return Operation("post", group.uid, tombstone.resource, None, payload)


def _record(tombstone: Tombstone, result: Result) -> bool:
    """Record one answer; returns whether the deletion needs no more sending."""
    if result.error is None or isinstance(result.error, ConnecNotFound):
        tombstone.sent_at = timezone.now()
        tombstone.payload = None
        tombstone.message = ""
        if result.record is not None:
            moment = parse_moment(result.record.get("updated_at"))
            tombstone.hub_updated_at = moment or tombstone.hub_updated_at
            identity = _identity(result.record)
            tombstone.connec_id = tombstone.connec_id or identity
        return True
    tombstone.attempts += 1
    tombstone.message = result.error.reason
    tombstone.next_attempt_at = next_attempt(tombstone.attempts, result.error.retry_after)
    tombstone.is_dead = tombstone.attempts >= get_settings().max_attempts
    return False


def _identity(record: Any) -> str | None:
    try:
        found = parse_remote_id(record.get("id"))
    except ValueError:
        return None
    return found.connec_id if found else None
