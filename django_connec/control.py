"""Start a synchronisation, switch sharing, and tell how a group's synchronisation stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from django.db import router, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_connec.dispatch import enqueue, wake
from django_connec.leases import EXPIRES
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, Lease, SyncCursor, SyncRun
from django_connec.tracking.clock import next_stamp

__all__ = [
    "REQUEST_EXPIRES",
    "SyncState",
    "late_requests",
    "request_sync",
    "share_history",
    "switch_sharing",
    "sync_state",
]

#: A request, or a run between two slices, that nobody has gone on with for this long counts as lost.
REQUEST_EXPIRES = dt.timedelta(minutes=30)
#: A request that nobody has begun for this long is queued again by the sweep.
REQUEST_IS_LATE = dt.timedelta(minutes=5)

Word = Literal["DISABLED", "ENQUEUED", "RUNNING", "SUCCESS", "ERROR"]


@dataclass(frozen=True, slots=True)
class SyncState:
    """How a group's synchronisation stands, in the platform's words.

    Attributes:
        word: ``DISABLED``: nothing was ever read or sent.
        message: What went wrong last; empty where nothing did.
        updated_at: When that was so; ``None`` before the first run.
    """

    word: Word
    message: str = ""
    updated_at: dt.datetime | None = None

    @property
    def is_busy(self) -> bool:
        """It runs, or is about to."""
        return self.word in ("ENQUEUED", "RUNNING")


def request_sync(group: ConnecGroup, *, full: bool = False, resources: Sequence[str] | None = None) -> bool:
    """Queue a synchronisation both ways, after commit: read what changed (all, where nothing was read yet), then send.

    A request that waits already is enough, unless this one asks for more or for something in particular. It is kept in
    the group's row: one that the queue loses is found by the sweep, and then reads what changed.

    Args:
        full: Read everything again.
        resources: Read only these; sending covers all.

    Returns:
        Whether a new one is queued. A group that shares nothing, or is stopped, is not synchronised.
    """
    using = router.db_for_write(ConnecGroup)
    now = timezone.now()
    groups = ConnecGroup.objects.using(using).working().filter(pk=group.pk)
    if not full and resources is None:
        groups = groups.filter(Q(sync_requested_at__isnull=True) | Q(sync_requested_at__lt=now - REQUEST_EXPIRES))
    if not groups.update(sync_requested_at=now):
        return False
    group.sync_requested_at = now
    names = None if resources is None else list(resources)
    transaction.on_commit(partial(enqueue, "synchronise", group.pk, full, names), using=using, robust=True)
    return True


def share_history(group: ConnecGroup, using: str) -> None:
    """Let everything be read again, and mark the rows that were too old to be sent."""
    cursors = SyncCursor.objects.using(using).filter(group=group)
    cursors.update(polled_from=None, import_started=None, import_skip=0)
    for mapper in registry:
        made = mapper.meta.created_field
        if made is None:
            continue
        old = {mapper.meta.group: group, f"{made}__lt": group.linked_at, "connec_changed_at__isnull": True}
        mapper.model._base_manager.using(using).filter(**old).update(connec_changed_at=next_stamp())
    transaction.on_commit(partial(wake, [group.pk], using=using), using=using, robust=True)


def late_requests() -> list[int]:
    """Return the keys of groups whose request nobody has begun, and put those off, so that each is queued once."""
    now = timezone.now()
    late = ConnecGroup.objects.working().filter(sync_requested_at__lt=now - REQUEST_IS_LATE)
    return [pk for pk in late.values_list("pk", flat=True) if late.filter(pk=pk).update(sync_requested_at=now)]


def switch_sharing(group: ConnecGroup, on: bool) -> bool:
    """Switch all sharing of a group on or off, as its customer wants it; what waited is caught up with when it is on.

    Returns:
        Whether that changed anything.
    """
    using = router.db_for_write(ConnecGroup)
    changed = ConnecGroup.objects.using(using).filter(pk=group.pk, sharing_enabled=not on).update(sharing_enabled=on)
    group.sharing_enabled = on
    if changed and on:
        request_sync(group)
    return bool(changed)


def sync_state(group: ConnecGroup) -> SyncState:
    """Tell how a group stands. Two queries; a run whose process died is told from one that is alive by its lease."""
    run = SyncRun.objects.filter(group=group).order_by("-started_at", "-pk").first()
    moment = None if run is None else run.finished_at or run.started_at
    now = timezone.now()
    names = [f"read:{group.pk}", f"drain:{group.pk}"]
    held = Lease.objects.filter(name__in=names, token__isnull=False, renewed_at__gte=now - EXPIRES)
    if held.exists():
        return SyncState("RUNNING", updated_at=moment)
    if group.sync_requested_at is not None and group.sync_requested_at >= now - REQUEST_EXPIRES:
        return SyncState("ENQUEUED", updated_at=moment)
    if group.stopped_at is not None:
        return SyncState("ERROR", group.stopped_reason, group.stopped_at)
    if run is None:
        return SyncState("DISABLED")
    return _after(run, moment, now)


def _after(run: SyncRun, moment: dt.datetime | None, now: dt.datetime) -> SyncState:
    if run.state == SyncRun.State.PAUSED and moment is not None and moment >= now - REQUEST_EXPIRES:
        return SyncState("RUNNING", updated_at=moment)
    if run.state in (SyncRun.State.RUNNING, SyncRun.State.PAUSED):
        return SyncState("ERROR", _("It was interrupted; the next one goes on from there."), moment)
    if run.state == SyncRun.State.FAILED:
        return SyncState("ERROR", run.error, moment)
    if run.state == SyncRun.State.PARTIAL:
        failed = sum(int(counts.get("failed", 0)) for counts in run.counts.values())
        words = ngettext("%(count)d record failed.", "%(count)d records failed.", failed) % {"count": failed}
        return SyncState("SUCCESS", words, moment)
    return SyncState("SUCCESS", "", moment)
