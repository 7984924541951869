"""The first import: every shared resource, in dependency order, resumable after each page."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from django.db import router, transaction
from django.utils import timezone

from django_connec.client import ConnecClient, Page, iso
from django_connec.conf import get_settings
from django_connec.exceptions import ResourceOff
from django_connec.inbound import Outcome, apply_records
from django_connec.inbound.preview import preview_records
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, SyncCursor, SyncRun
from django_connec.outbound.send import skew_of
from django_connec.reading.pages import fetch_ahead
from django_connec.reading.runs import Progress, RunRecorder

__all__ = ["import_group", "import_resource"]

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
) -> SyncRun:
    """Import a group's records.

    Args:
        group: Whose records.
        client: The marketplace's client.
        resources: Only these; all mapped ones that are shared by default.
        full: Begin again, also where an earlier import went through or was interrupted.
        since: Only records that changed at or after this time.
        dry_run: Read and count; write nothing, not even the run.
        progress: Told after each page.

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
    """Import one resource, from where an interrupted import left off."""
    group.require_sharing(resource)
    cursor = _cursor(group, resource, full=full, since=since, dry_run=dry_run)
    filter_ = None if since is None else f"updated_at gte '{iso(since)}'"
    for _attempt in range(MAX_WALKS):
        complete, began = _walk(group, client, resource, cursor, filter_, recorder, dry_run, progress)
        if complete:
            break
        cursor.import_skip = 0
        if not dry_run:
            cursor.save(update_fields=["import_skip"])
    if not dry_run and since is None:
        cursor.imported_at = timezone.now()
        cursor.polled_from = began
        cursor.import_skip = 0
        cursor.import_started = None
        cursor.mapper_version = "-".join(m.version for m in registry.for_resource(resource))[:64]
        cursor.save()


def _walk(
    group: ConnecGroup,
    client: ConnecClient,
    resource: str,
    cursor: SyncCursor,
    filter_: str | None,
    recorder: RunRecorder,
    dry_run: bool,
    progress: Progress | None,
) -> tuple[bool, dt.datetime | None]:
    """Read a collection once; returns whether all of it was seen, and when the reading began."""
    limits = get_settings()
    singular = registry.for_resource(resource)[0].is_singular
    pages = (
        iter([_singular_page(client, group, resource)])
        if singular
        else fetch_ahead(
            client,
            group.uid,
            resource,
            filter=filter_,
            skip=cursor.import_skip,
            top=limits.page_size,
            threads=limits.import_threads,
        )
    )
    began = cursor.import_started
    distinct = cursor.import_skip
    # A record that slides over a border shows up on one of the next pages again; all ids would not fit.
    recent: deque[set[str]] = deque(maxlen=limits.import_threads + 2)
    total: int | None = None
    for page in pages:
        group.require_sharing(resource)
        began = began or page.date or timezone.now()
        ids = {str(record.get("id")) for record in page.records if isinstance(record, dict)}
        distinct += len(ids.difference(*recent))
        recent.append(ids)
        total = page.total
        outcome = _apply(group, client, resource, page, cursor, began, dry_run)
        recorder.count(resource, outcome)
        if progress is not None:
            progress(resource, distinct, total)
    return total is None or distinct >= total, began


def _apply(
    group: ConnecGroup,
    client: ConnecClient,
    resource: str,
    page: Page,
    cursor: SyncCursor,
    began: dt.datetime,
    dry_run: bool,
) -> Outcome:
    if dry_run:
        return preview_records(group, resource, page.records)
    using = router.db_for_write(ConnecGroup)
    skew = skew_of(page.date)
    with transaction.atomic(using=using):
        # No network in here: what is missing is parked, and fetched below.
        outcome = apply_records(group, resource, page.records, source="import", skew=skew)
        cursor.import_skip += len(page.records)
        cursor.import_started = began
        cursor.save(update_fields=["import_skip", "import_started"])
    if outcome.parked:
        from django_connec.inbound.parked import due_records

        ids = [str(r.get("id")) for r in page.records if isinstance(r, dict)]
        retried = Outcome()
        for parked_resource, records in due_records(group, resource=resource, limit=len(ids)).items():
            retried.add(apply_records(group, parked_resource, records, source="import", client=client, skew=skew))
        outcome.parked = retried.parked
        retried.parked = 0
        outcome.add(retried)
    return outcome


def _singular_page(client: ConnecClient, group: ConnecGroup, resource: str) -> Page:
    answer = client.get(group.uid, resource)
    records = [dict(answer.record)] if answer.record else []
    return Page(records=records, total=len(records), skip=0, top=None, has_next=False, date=answer.date)


def _cursor(group: ConnecGroup, resource: str, *, full: bool, since: dt.datetime | None, dry_run: bool) -> SyncCursor:
    found = SyncCursor.objects.filter(group=group, resource=resource).first()
    cursor = found or SyncCursor(group=group, resource=resource)
    if full or since is not None or cursor.import_started is None or dry_run:
        cursor.import_skip, cursor.import_started = 0, None
    if not dry_run:
        cursor.save()
    return cursor
