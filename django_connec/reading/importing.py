"""The first import: every shared resource, in dependency order, resumable after each commit: a page, or
a few that have come in while the ones before were applied."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress

from django.db import router, transaction
from django.utils import timezone

from django_connec.client import ConnecClient, Page, iso
from django_connec.conf import get_settings
from django_connec.exceptions import ResourceOff
from django_connec.inbound import Outcome, apply_records
from django_connec.inbound.apply import CHUNK
from django_connec.inbound.guard import MassChange
from django_connec.inbound.parked import records_of
from django_connec.inbound.preview import preview_records
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, SyncCursor, SyncRun
from django_connec.outbound.send import skew_of
from django_connec.reading.holding import accept, finish, guard_for, hold
from django_connec.reading.pages import fetch_together
from django_connec.reading.runs import Progress, RunRecorder

__all__ = ["accept_resource", "import_group", "import_resource"]

#: Walks of a collection that showed fewer distinct records than it has, before the poll is left to repair it.
MAX_WALKS = 3


def import_group(
    group: ConnecGroup,
    client: ConnecClient,
    *,
    resources: Sequence[str] | None = None,
    full: bool = False,
    since: dt.datetime | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    accept_mass_change: bool = False,
) -> SyncRun:
    """Import a group's records.

    Args:
        group: Whose records.
        client: The marketplace's client.
        resources: Only these; all mapped ones that are shared by default.
        full: Begin again, also where an earlier import went through or was interrupted.
        since: Only records that changed at or after this time.
        dry_run: Read and count; write nothing, not even the run.
        progress: Told after each page, or after several that came in together.
        accept_mass_change: Let it change as many rows as it likes, also where it was held for that.

    Returns:
        The finished run, unsaved where ``dry_run``. Its state says whether records, or the run, failed.
    """
    recorder = RunRecorder(group, SyncRun.Kind.IMPORT, dry_run=dry_run)
    with recorder:
        for resource in registry.resources():
            if resources is not None and resource not in resources:
                continue
            if not group.shares(resource, "pull"):
                continue
            if accept_mass_change and not dry_run:
                accept_resource(group, resource)
            with suppress(ResourceOff):
                import_resource(
                    group, client, resource, recorder, full=full, since=since, dry_run=dry_run, progress=progress
                )
    return recorder.run


def import_resource(
    group: ConnecGroup,
    client: ConnecClient,
    resource: str,
    recorder: RunRecorder,
    *,
    full: bool,
    since: dt.datetime | None,
    dry_run: bool,
    progress: Progress | None,
) -> None:
    """Import one resource, from where an interrupted import left off; a resource that is held is left alone."""
    group.require_sharing(resource)
    cursor = _cursor(group, resource, full=full, since=since, dry_run=dry_run)
    if cursor.held_at is not None and not dry_run:
        recorder.hold(cursor, cursor.held_changes - cursor.changed_rows)
        return
    walk = _Walk(group, client, cursor, recorder, since=since, dry_run=dry_run, progress=progress)
    try:
        walk.run()
    except MassChange as change:
        if walk.keeps_place:
            # Also where the very first page was too much: it is this import that goes on when it may.
            cursor.import_started = walk.began
            cursor.save(update_fields=["import_started"])
        hold(cursor, change)
        recorder.hold(cursor, change.here)
        return
    if not dry_run:
        finish(cursor)
    if not dry_run and since is None:
        cursor.imported_at = timezone.now()
        cursor.polled_from = walk.began
        cursor.import_skip = 0
        cursor.import_started = None
        cursor.mapper_version = "-".join(m.version for m in registry.for_resource(resource))[:64]
        cursor.save()


class _Walk:
    """Reads a collection, again where records slid away under it.

    Args:
        since: Only what changed since then is read. That is no import: its place in the collection is not kept.

    Attributes:
        began: When the reading began, by the hub's clock.
    """

    def __init__(
        self,
        group: ConnecGroup,
        client: ConnecClient,
        cursor: SyncCursor,
        recorder: RunRecorder,
        *,
        since: dt.datetime | None,
        dry_run: bool,
        progress: Progress | None,
    ) -> None:
        self.group = group
        self.client = client
        self.resource = cursor.resource
        self.cursor = cursor
        self.recorder = recorder
        self.dry_run = dry_run
        self.progress = progress
        self.filter = None if since is None else f"updated_at gte '{iso(since)}'"
        self.keeps_place = since is None
        self.began = cursor.import_started
        self.guard = None if dry_run else guard_for(group, cursor)

    def run(self) -> None:
        """Read until all of it was seen.

        Raises:
            MassChange: Too many rows would change; the pages before are applied, and the cursor is behind them.
        """
        for _attempt in range(MAX_WALKS):
            if self._walk():
                break
            self.cursor.import_skip = 0
            if self.keeps_place and not self.dry_run:
                self.cursor.save(update_fields=["import_skip"])

    def _walk(self) -> bool:
        limits = get_settings()
        distinct = self.cursor.import_skip
        # A record that slides over a border shows up on one of the next pages again; all ids would not fit.
        recent: deque[set[str]] = deque(maxlen=limits.import_threads + 2)
        total: int | None = None
        for pages in self._pages():
            self.group.require_sharing(self.resource)
            self.began = self.began or pages[0].date or timezone.now()
            for page in pages:
                ids = {str(record.get("id")) for record in page.records if isinstance(record, dict)}
                distinct += len(ids.difference(*recent))
                recent.append(ids)
            total = pages[-1].total
            self.recorder.count(self.resource, self._apply(pages))
            if self.progress is not None:
                self.progress(self.resource, distinct, total)
        return total is None or distinct >= total

    def _pages(self) -> Iterator[list[Page]]:
        if registry.for_resource(self.resource)[0].is_singular:
            return iter([[_singular_page(self.client, self.group, self.resource)]])
        limits = get_settings()
        return fetch_together(
            self.client,
            self.group.uid,
            self.resource,
            filter=self.filter,
            skip=self.cursor.import_skip,
            top=limits.page_size,
            threads=limits.import_threads,
            together=max(1, CHUNK // limits.page_size),
        )

    def _apply(self, pages: Sequence[Page]) -> Outcome:
        """Apply pages in one transaction, with the place behind the last of them: what a transaction costs by itself
        is paid once."""
        group, resource = self.group, self.resource
        records = [record for page in pages for record in page.records]
        if self.dry_run:
            return preview_records(group, resource, records)
        using = router.db_for_write(ConnecGroup)
        skew = skew_of(pages[-1].date)
        with transaction.atomic(using=using):
            # No network in here: what is missing is parked, and fetched below.
            outcome = apply_records(group, resource, records, source="import", skew=skew, guard=self.guard)
            self._keep_place(len(records))
        if outcome.parked:
            waiting = records_of(group, resource, limit=len(records))
            retried = apply_records(group, resource, waiting, source="import", client=self.client, skew=skew)
            outcome.parked = retried.parked
            retried.parked = 0
            outcome.add(retried)
        return outcome

    def _keep_place(self, records: int) -> None:
        """Commit the place, and what was changed on the way to it, with the pages that it is behind."""
        cursor = self.cursor
        names = []
        cursor.import_skip += records
        if self.keeps_place:
            cursor.import_started = self.began
            names += ["import_skip", "import_started"]
        if self.guard is not None and cursor.changed_rows != self.guard.changed:
            cursor.changed_rows = self.guard.changed
            names.append("changed_rows")
        if names:
            cursor.save(update_fields=names)


def accept_resource(group: ConnecGroup, resource: str) -> None:
    """Let the next read of a resource change as many rows as it likes, also the first one."""
    SyncCursor.objects.get_or_create(group=group, resource=resource)
    accept(SyncCursor.objects.filter(group=group, resource=resource))


def _singular_page(client: ConnecClient, group: ConnecGroup, resource: str) -> Page:
    answer = client.get(group.uid, resource)
    records = [dict(answer.record)] if answer.record else []
    return Page(records=records, total=len(records), skip=0, top=None, has_next=False, date=answer.date)


def _cursor(group: ConnecGroup, resource: str, *, full: bool, since: dt.datetime | None, dry_run: bool) -> SyncCursor:
    found = SyncCursor.objects.filter(group=group, resource=resource).first()
    cursor = found or SyncCursor(group=group, resource=resource)
    if since is not None or dry_run:
        if found is None and not dry_run:
            cursor.save()
        # Kept in memory alone: an import under way goes on from where it was.
        cursor.import_skip, cursor.import_started = 0, None
        return cursor
    if cursor.held_at is None and (full or cursor.import_started is None):
        cursor.import_skip, cursor.import_started = 0, None
    cursor.save()
    return cursor
