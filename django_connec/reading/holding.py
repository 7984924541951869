"""A read that would change too many rows is held, resource by resource, until an operator lets it go on."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone

from django_connec.conf import get_settings
from django_connec.inbound.guard import MassChange, MassChangeGuard
from django_connec.models import ConnecGroup, SyncCursor

__all__ = ["accept", "finish", "guard_for", "hold"]

PROGRESS = ("changed_rows", "held_at", "held_changes", "held_of", "accepted_at")


def accept(cursors: QuerySet[SyncCursor]) -> int:
    """Let the reads of these cursors change as many rows as they like, until each has gone through once.

    Returns:
        How many of them were held.
    """
    held = cursors.filter(held_at__isnull=False).count()
    cursors.update(accepted_at=timezone.now(), held_at=None, held_changes=0, held_of=0, changed_rows=0)
    return held


def guard_for(group: ConnecGroup, cursor: SyncCursor) -> MassChangeGuard | None:
    """Return what watches over a read; ``None`` where the settings switch it off or an operator has accepted."""
    percent = get_settings().mass_change_percent
    if not percent or cursor.accepted_at is not None:
        return None
    return MassChangeGuard(group, cursor.resource, percent, cursor.changed_rows)


def hold(cursor: SyncCursor, change: MassChange) -> None:
    """Hold a resource: it is not read again before :func:`accept`. The place that was reached stays."""
    cursor.held_at, cursor.held_changes, cursor.held_of = timezone.now(), change.changes, change.linked
    cursor.save(update_fields=PROGRESS)


def finish(cursor: SyncCursor) -> None:
    """A read has gone through: what it changed, and what was accepted for it, counts no more."""
    cursor.changed_rows, cursor.accepted_at = 0, None
    cursor.save(update_fields=PROGRESS)
