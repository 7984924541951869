"""Send everything that a group has to send, in slices, under its lease."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field
from typing import Any

from django.db import router, transaction

from django_connec.backoff import next_attempt
from django_connec.client import ConnecAuthError, ConnecClient, ConnecError, ConnecUnavailable
from django_connec.conf import get_settings
from django_connec.exceptions import ResourceOff, SharingEnded
from django_connec.failures import FailedRecord, store_failures
from django_connec.leases import HeldLease
from django_connec.mapping import Mapper, registry
from django_connec.models import ConnecGroup, Failure, Tombstone
from django_connec.models.columns import GROUP, HUB_UPDATED, ID, STATE, Columns
from django_connec.outbound.afterwards import send_link_backs, send_tombstones
from django_connec.outbound.pending import first_links, moved_rows, pending_keys, undecided_rows
from django_connec.outbound.rows import forget_rows
from django_connec.outbound.send import Sender, Sent
from django_connec.signals import push_failed
from django_connec.sql import update_rows
from django_connec.tracking import wakeups

__all__ = ["DrainResult", "drain"]

#: Batches that are looked for at once. A row that is saved meanwhile is found by the next look.
BATCHES_A_LOOK = 10


@dataclass(slots=True)
class DrainResult:
    """What one drain of one group sent.

    Attributes:
        counts: ``pushed``, ``unchanged``, ``failed``, by resource.
        deleted: Deletions that the hub accepted.
        linked: Ids that were sent back.
        failed: Records and deletions that were refused.
        error: Why the drain stopped early; empty where it did not.
        is_complete: Nothing that is due is left.
    """

    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    deleted: int = 0
    linked: int = 0
    failed: int = 0
    error: str = ""
    is_complete: bool = True

    @property
    def pushed(self) -> int:
        """Rows that the hub accepted."""
        return sum(entry.get("pushed", 0) for entry in self.counts.values())

    def add(self, resource: str, sent: Sent) -> None:
        """Count one batch."""
        entry = self.counts.setdefault(resource, {"pushed": 0, "unchanged": 0, "failed": 0})
        entry["pushed"] += sent.pushed
        entry["unchanged"] += sent.unchanged
        entry["failed"] += sent.failed
        self.failed += sent.failed


def drain(group: ConnecGroup, client: ConnecClient, lease: HeldLease, *, seconds: float | None = None) -> DrainResult:
    """Send pending rows in dependency order, then deletions, then ids to link back.

    Transport errors put the group off with a jittered back-off; 401 and 403 stop it. Neither loses anything:
    what was not answered stays pending.

    Args:
        group: Whose rows.
        client: The marketplace's client.
        lease: The group's lease, held.
        seconds: Stop after about this long; the rest is left for the next slice.

    Raises:
        LeaseLost: Another worker has taken the group over.
    """
    return _Drain(group, client, lease, seconds).run()


class _Drain:
    def __init__(self, group: ConnecGroup, client: ConnecClient, lease: HeldLease, seconds: float | None) -> None:
        self.group = group
        self.client = client
        self.lease = lease
        self.using = router.db_for_write(ConnecGroup)
        self.size = get_settings().batch_size
        self.sender = Sender(group, client, lease, self.using)
        self.ends = None if seconds is None else time.monotonic() + seconds
        self.result = DrainResult()
        self.put_off: dict[Mapper, dict[Any, list[str]]] = {}
        self.undecided = undecided_rows(group, self.using)

    def run(self) -> DrainResult:
        try:
            self._send_all()
        except SharingEnded:
            # Nothing of the group is due any more.
            self.result.is_complete = True
        except ConnecAuthError as error:
            self.group.stop(error.reason)
            self._stopped(error)
        except ConnecUnavailable as error:
            self.group.retry_count += 1
            self.group.retry_at = next_attempt(self.group.retry_count, error.retry_after)
            self.group.save(update_fields=["retry_count", "retry_at"])
            self._stopped(error)
        except ConnecError as error:
            self._stopped(error)
        else:
            if self.group.retry_count:
                self.group.retry_count, self.group.retry_at = 0, None
                self.group.save(update_fields=["retry_count", "retry_at"])
        return self.result

    def _send_all(self) -> None:
        first_link = first_links(self.group, self.using)
        mappers = [m for m in registry.ordered() if self.group.shares(m.meta.resource, "push")]
        for mapper in mappers:
            self._send_mapper(mapper, first_link.get(mapper.meta.resource))
        waiting = {mapper: dict(rows) for mapper, rows in self.put_off.items() if rows}
        if waiting and not self._is_over():
            # Rows that referred to others which have been sent since: themselves, or round a cycle.
            self.put_off = {}
            for mapper in waiting:
                self._send_mapper(mapper, first_link.get(mapper.meta.resource))
        self._report_waiting()
        while not self._is_over():
            found, sent, failed = send_tombstones(self.group, self.client, self.lease, self.size, self.using)
            self.result.deleted += sent
            self.result.failed += failed
            if not found:
                break
        while not self._is_over():
            found, sent = send_link_backs(self.group, self.client, self.lease, self.size, self.using)
            self.result.linked += sent
            if not found:
                break

    def _send_mapper(self, mapper: Mapper, first_link: dt.datetime | None) -> None:
        self._part_with_moved(mapper)
        put_off = self.put_off.setdefault(mapper, {})
        while not self._is_over():
            leave_out = [*put_off, *self.undecided.get(mapper.label, ())]
            keys = pending_keys(mapper, self.group, self.size * BATCHES_A_LOOK, leave_out=leave_out, using=self.using)
            if not keys:
                return
            for start in range(0, len(keys), self.size):
                if start and self._is_over():
                    break
                try:
                    sent = self.sender.send(mapper, keys[start : start + self.size], first_link)
                except ResourceOff:
                    return
                put_off.update(sent.put_off)
                self.result.add(mapper.meta.resource, sent)
        self.result.is_complete = False

    def _part_with_moved(self, mapper: Mapper) -> None:
        """Rows whose path leads to another group now are deleted in this one and created in that."""
        while keys := moved_rows(mapper, self.group, self.size, self.using):
            with transaction.atomic(using=self.using):
                rows = list(
                    mapper.model._base_manager.using(self.using).select_for_update().filter(pk__in=keys).order_by("pk")
                )
                Tombstone.objects.using(self.using).bulk_create(
                    [
                        Tombstone(
                            group=self.group,
                            resource=mapper.meta.resource,
                            model_label=mapper.label,
                            object_id=str(row.pk),
                            connec_id=Columns(row).connec_id,
                            hub_updated_at=Columns(row).hub_updated_at,
                            status=mapper.meta.delete_status or "",
                        )
                        for row in rows
                        if Columns(row).connec_id
                    ]
                )
                for row in rows:
                    for name in (GROUP, ID, HUB_UPDATED, STATE):
                        setattr(row, name, None)
                    wakeups.note(self.using, mapper.model, row.pk)
                update_rows(mapper.model, rows, (GROUP, ID, HUB_UPDATED, STATE), using=self.using)
                forget_rows(mapper, keys, self.using)

    def _report_waiting(self) -> None:
        """Rows that still wait for another one are shown as such, and tried again later."""
        for mapper, rows in self.put_off.items():
            if not rows:
                continue
            failed = [
                FailedRecord(
                    str(pk),
                    f"waits for {', '.join(names)}: the hub does not know it yet",
                    mapper.label,
                    may_die=False,
                )
                for pk, names in rows.items()
            ]
            store_failures(self.group, Failure.Direction.PUSH, mapper.meta.resource, failed)

    def _is_over(self) -> bool:
        over = self.ends is not None and time.monotonic() >= self.ends
        if over:
            self.result.is_complete = False
        return over

    def _stopped(self, error: ConnecError) -> None:
        self.result.error = error.reason
        self.result.is_complete = False
        push_failed.send_robust(ConnecGroup, group=self.group, resource="", pk=None, message=error.reason)
