"""What the queue runs. Each is a few lines over the functions that commands and admin actions use too.

A task carries only keys. None raises for what is expected to go wrong: attempts, back-off and given-up
records live in our own tables, and the sweep finds whatever a lost task left.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

from django.utils import timezone

from django_connec.client import ConnecError
from django_connec.control import late_requests
from django_connec.dispatch import enqueue
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, SyncCursor, SyncRun
from django_connec.operating.pruning import prune_all
from django_connec.platform.refresh import refresh_marketplaces as ask_the_platform
from django_connec.webhooks.deliveries import apply_delivery, waiting_deliveries
from django_connec.work import SLICE_SECONDS, import_one, poll_one, work_group

__all__ = [
    "apply_notification",
    "drain_group",
    "import_group",
    "poll",
    "poll_group",
    "prune",
    "refresh_marketplaces",
    "sweep",
    "synchronise",
]


logger = logging.getLogger(__name__)


def apply_notification(pk: int) -> None:
    """Apply one stored delivery."""
    try:
        apply_delivery(pk)
    except ConnecError:
        return


def drain_group(pk: int) -> None:
    """Do a group's due work; what does not fit into one slice is queued again."""
    group = ConnecGroup.objects.filter(pk=pk).first()
    if group is None:
        return
    report = work_group(group, seconds=SLICE_SECONDS)
    if report is not None and not report.is_complete and not report.error:
        enqueue("drain_group", pk)


def import_group(pk: int, full: bool = False, resources: list[str] | None = None) -> None:
    """Import a group's records, and send what its rows had waiting before; slice by slice."""
    for group in _working(pk):
        run = import_one(group, full=full, resources=resources, seconds=SLICE_SECONDS)
        if run is not None and run.state == SyncRun.State.PAUSED:
            # On from the resource that it has reached, which knows its page by itself.
            reached = list(run.counts)[-1]
            left = registry.resources()[registry.resources().index(reached) :]
            enqueue("import_group", pk, False, [name for name in left if resources is None or name in resources])
        else:
            drain_group(pk)


def poll_group(pk: int) -> None:
    """Read what changed in one group."""
    for group in _working(pk):
        poll_one(group)


def synchronise(pk: int, full: bool = False, resources: list[str] | None = None) -> None:
    """Read what changed in one group, import what was never read, then send; asked for by a person or the platform."""
    ConnecGroup.objects.filter(pk=pk).update(sync_requested_at=None)
    for group in _working(pk):
        if full:
            import_group(pk, True, resources)
            return
        wanted = [
            resource
            for resource in registry.resources()
            if (resources is None or resource in resources) and group.shares(resource, "pull")
        ]
        cursors = SyncCursor.objects.filter(group=group, polled_from__isnull=False)
        read = set(cursors.values_list("resource", flat=True))
        known = [resource for resource in wanted if resource in read]
        if known and poll_one(group, resources=known) is None:
            # Another worker is reading, and may be past what this request is about: the sweep asks again.
            ConnecGroup.objects.filter(pk=pk).update(sync_requested_at=timezone.now())
        unread = [resource for resource in wanted if resource not in read]
        if unread:
            # By slices, and sends at its end.
            import_group(pk, False, unread)
        else:
            drain_group(pk)


def poll() -> None:
    """Queue a poll for every linked group; run by a schedule."""
    for pk in ConnecGroup.objects.working().values_list("pk", flat=True):
        enqueue("poll_group", pk)


def sweep() -> None:
    """Find all that is due and do it; run by a schedule, so that no lost wake-up loses a change.

    What does not fit into one slice is queued, group by group.
    """
    ends = time.monotonic() + SLICE_SECONDS
    for pk in list(waiting_deliveries().values_list("pk", flat=True)[:200]):
        if time.monotonic() < ends:
            apply_notification(pk)
        else:
            enqueue("apply_notification", pk)
    for pk in late_requests():
        enqueue("synchronise", pk)
    for pk in list(ConnecGroup.objects.working().values_list("pk", flat=True)):
        if time.monotonic() >= ends:
            enqueue("drain_group", pk)
            continue
        try:
            drain_group(pk)
        except Exception as error:
            # What is wrong with one group's rows or mappers must not keep the others waiting.
            logger.error("the sweep could not drain group %s (%s)", pk, type(error).__name__)


def prune() -> None:
    """Remove what has been kept long enough; run by a schedule, slice by slice."""
    if not prune_all(seconds=SLICE_SECONDS).is_complete:
        enqueue("prune")


def refresh_marketplaces() -> None:
    """Ask the developer platform for the marketplaces; run by a schedule."""
    if ask_the_platform().error:
        # Why, in the platform's own words, stands in the copy: they may quote what must not be in a log.
        logger.error("the developer platform gave no good list of marketplaces; connec_marketplaces says why")


def _working(pk: int) -> Iterator[ConnecGroup]:
    yield from ConnecGroup.objects.working().filter(pk=pk)
