"""The poll: what changed at the hub since the last read that succeeded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import suppress

from django.utils import timezone

from django_connec.client import ConnecClient, iso
from django_connec.conf import get_settings
from django_connec.exceptions import ResourceOff
from django_connec.inbound import apply_records
from django_connec.inbound.guard import MassChange
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, SyncCursor, SyncRun
from django_connec.outbound.send import skew_of
from django_connec.reading.holding import finish, guard_for, hold
from django_connec.reading.importing import accept_resource, import_resource
from django_connec.reading.pages import fetch_ahead
from django_connec.reading.runs import Progress, RunRecorder

__all__ = ["OVERLAP", "poll_group"]

#: Read again from so long before the last beginning: the hub shows whole seconds, and writes are not instant.
OVERLAP = dt.timedelta(minutes=2)


def poll_group(
    group: ConnecGroup,
    client: ConnecClient,
    *,
    resources: Sequence[str] | None = None,
    progress: Progress | None = None,
    accept_mass_change: bool = False,
) -> SyncRun:
    """Read what changed since the last successful read of each resource; import what was never read.

    The next poll begins where this one began, by the hub's clock, and only when this one went through.

    Args:
        group: Whose records.
        client: The marketplace's client.
        resources: Only these.
        progress: Told after each page.
        accept_mass_change: Let it change as many rows as it likes, also where it was held for that.
    """
    recorder = RunRecorder(group, SyncRun.Kind.POLL)
    with recorder:
        for resource in registry.resources():
            if (resources is not None and resource not in resources) or not group.shares(resource, "pull"):
                continue
            if accept_mass_change:
                accept_resource(group, resource)
            with suppress(ResourceOff):
                _read(group, client, resource, recorder, progress)
    return recorder.run


def _read(
    group: ConnecGroup, client: ConnecClient, resource: str, recorder: RunRecorder, progress: Progress | None
) -> None:
    cursor = SyncCursor.objects.filter(group=group, resource=resource).first()
    if cursor is None or cursor.polled_from is None or registry.for_resource(resource)[0].is_singular:
        import_resource(group, client, resource, recorder, full=False, since=None, dry_run=False, progress=progress)
    else:
        _poll_resource(group, client, cursor, recorder, progress)


def _poll_resource(
    group: ConnecGroup, client: ConnecClient, cursor: SyncCursor, recorder: RunRecorder, progress: Progress | None
) -> None:
    if cursor.held_at is not None:
        recorder.hold(cursor, cursor.held_changes - cursor.changed_rows)
        return
    try:
        _poll(group, client, cursor, recorder, progress)
    except MassChange as change:
        hold(cursor, change)
        recorder.hold(cursor, change.here)
    else:
        finish(cursor)


def _poll(
    group: ConnecGroup, client: ConnecClient, cursor: SyncCursor, recorder: RunRecorder, progress: Progress | None
) -> None:
    assert cursor.polled_from is not None
    group.require_sharing(cursor.resource)
    limits = get_settings()
    guard = guard_for(group, cursor)
    began: dt.datetime | None = None
    seen = 0
    for page in fetch_ahead(
        client,
        group.uid,
        cursor.resource,
        filter=f"updated_at gte '{iso(cursor.polled_from - OVERLAP)}'",
        top=limits.page_size,
        threads=limits.import_threads,
    ):
        group.require_sharing(cursor.resource)
        began = began or page.date or timezone.now()
        outcome = apply_records(
            group, cursor.resource, page.records, source="poll", client=client, skew=skew_of(page.date), guard=guard
        )
        if guard is not None and cursor.changed_rows != guard.changed:
            # A poll that fails begins again where this one did, and must not be given the whole share once more.
            cursor.changed_rows = guard.changed
            cursor.save(update_fields=["changed_rows"])
        recorder.count(cursor.resource, outcome)
        seen += len(page.records)
        if progress is not None:
            progress(cursor.resource, seen, page.total)
    if began is not None:
        cursor.polled_from = began
        cursor.save(update_fields=["polled_from"])
