"""A new group's first import: started at its first sign-on, watched by the user who is waiting."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from django_connec.dispatch import enqueue
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, SyncCursor, SyncRun

__all__ = ["Progress", "progress_of", "start"]

#: A task that nobody has begun for this long counts as lost.
LOST_AFTER = dt.timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a group's import is.

    Attributes:
        state: ``waiting``, ``running``, ``done`` or ``failed``.
        records: Records read so far.
        resources: Resources done, of
        total: how many.
    """

    state: str
    records: int
    resources: int
    total: int

    @property
    def is_over(self) -> bool:
        """Nothing more is to be waited for."""
        return self.state in ("done", "failed")

    def as_json(self) -> dict[str, Any]:
        """Return it for whoever polls."""
        return {"state": self.state, "records": self.records, "resources": self.resources, "total": self.total}


def start(group: ConnecGroup, *, was_linked: bool) -> bool:
    """Queue a group's import, where it has had none since it was linked (integration checklist 3.1.1).

    Args:
        group: Whose records.
        was_linked: It is linked since this sign-on; its import begins from the start.

    Returns:
        Whether there is something to wait for.
    """
    if not group.is_linked or not registry.resources() or (not was_linked and _run(group) is not None):
        return False
    if was_linked or group.linked_at < timezone.now() - LOST_AFTER:
        enqueue("import_group", group.pk, True)
    return True


def progress_of(group: ConnecGroup) -> Progress:
    """Return how far a group's import is."""
    total = len([name for name in registry.resources() if group.shares(name, "pull")])
    cursors = SyncCursor.objects.filter(group=group)
    finished = sum(1 for c in cursors if c.imported_at is not None and c.imported_at >= group.linked_at)
    run = _run(group)
    if run is None:
        return Progress("waiting", 0, 0, total)
    runs = SyncRun.objects.filter(group=group, kind=SyncRun.Kind.IMPORT, started_at__gte=group.linked_at)
    records = sum(_count(one.counts) for one in runs)
    if run.state in (SyncRun.State.SUCCEEDED, SyncRun.State.PARTIAL):
        return Progress("done", records, total, total)
    if run.state == SyncRun.State.FAILED:
        return Progress("failed", records, finished, total)
    # What the run under way has read stands in its cursors; its own counts are written at its end.
    under_way = sum(c.import_skip for c in cursors if c.import_started is not None)
    return Progress("running", max(records, under_way), finished, total)


def _run(group: ConnecGroup) -> SyncRun | None:
    return (
        SyncRun.objects.filter(group=group, kind=SyncRun.Kind.IMPORT, started_at__gte=group.linked_at)
        .order_by("-started_at", "-pk")
        .first()
    )


def _count(counts: Any) -> int:
    if not isinstance(counts, dict):
        return 0
    return sum(value for entry in counts.values() if isinstance(entry, dict) for value in entry.values())
