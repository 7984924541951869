"""One group's work, as tasks, commands and admin actions share it."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from django_connec.client import ConnecClient, ConnecError, client_for
from django_connec.conf import get_settings
from django_connec.exceptions import ConnecConfigurationError, SharingEnded, SliceOver
from django_connec.failures import drop_orphans
from django_connec.inbound import Outcome, apply_records, parked
from django_connec.leases import HeldLease, hold
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, Failure, SyncRun
from django_connec.outbound import DrainResult, drain
from django_connec.reading import import_group, poll_group
from django_connec.reading.runs import Progress
from django_connec.settling import settle_due

__all__ = ["SLICE_SECONDS", "Report", "client_of", "import_one", "poll_one", "work_group"]

#: A drain gives way after this long, well under the time-out of any sensible queue.
SLICE_SECONDS = 40.0


@dataclass(slots=True)
class Report:
    """What working on a group did.

    Attributes:
        retried: What became of parked and failed records that were due.
        drained: What was sent.
    """

    retried: Outcome = field(default_factory=Outcome)
    drained: DrainResult = field(default_factory=DrainResult)

    @property
    def error(self) -> str:
        """Why it stopped early; empty where it did not."""
        return self.drained.error

    @property
    def is_complete(self) -> bool:
        """Nothing that is due is left."""
        return self.drained.is_complete

    @property
    def failed(self) -> int:
        """Records that failed in this run, in either direction."""
        return self.retried.failed + self.drained.failed


def client_of(group: ConnecGroup) -> ConnecClient:
    """Return the client of a group's marketplace.

    Raises:
        ConnecConfigurationError: The marketplace is not configured (any more).
    """
    marketplace = get_settings().marketplaces.get(group.marketplace)
    if marketplace is None:
        raise ConnecConfigurationError(
            f'group {group.uid} belongs to the marketplace "{group.marketplace}", which CONNEC["MARKETPLACES"] lacks'
        )
    return client_for(marketplace)


def work_group(group: ConnecGroup, *, seconds: float | None = None, force: bool = False) -> Report | None:
    """Retry parked and failed records that are due, then send what is pending.

    Args:
        group: Whose work.
        seconds: Give way after about this long.
        force: Do not wait for the group's back-off.

    Returns:
        ``None`` where another worker has the group: it has been told that there is more to do.
    """
    with hold(f"drain:{group.pk}") as lease:
        if lease is None:
            return None
        report = Report()
        ends = None if seconds is None else time.monotonic() + seconds
        while True:
            # Cleared before looking: whoever saves from now on wakes the group again.
            ConnecGroup.objects.filter(pk=group.pk).update(wake_requested_at=None)
            group.refresh_from_db()
            obstacle = group.obstacle(timezone.now())
            if obstacle and not (force and obstacle == "waiting"):
                return report
            _work(group, lease, report, None if ends is None else ends - time.monotonic())
            if report.error or not report.is_complete or lease.finish():
                _remember(group, report)
                return report


def import_one(
    group: ConnecGroup,
    *,
    resources: Sequence[str] | None = None,
    full: bool = False,
    since: dt.datetime | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
    seconds: float | None = None,
    accept_mass_change: bool = False,
) -> SyncRun | None:
    """Import a group under its lease of reading.

    Args:
        seconds: Pause after about this long, at the end of a page; the next import goes on from there. The
            others are :func:`~django_connec.reading.import_group`'s.

    Returns:
        The run; ``None`` where another worker is reading the group.
    """
    if dry_run:
        return import_group(group, client_of(group), resources=resources, full=full, since=since, dry_run=True)
    with hold(f"read:{group.pk}", ask_again=False) as lease:
        if lease is None:
            return None
        _end_dead_runs(group)
        return import_group(
            group,
            client_of(group),
            resources=resources,
            full=full,
            since=since,
            progress=_renewing(lease, progress, seconds),
            accept_mass_change=accept_mass_change,
        )


def poll_one(
    group: ConnecGroup,
    *,
    resources: Sequence[str] | None = None,
    progress: Progress | None = None,
    accept_mass_change: bool = False,
) -> SyncRun | None:
    """Poll a group under its lease of reading; ``None`` where another worker is reading it."""
    with hold(f"read:{group.pk}", ask_again=False) as lease:
        if lease is None:
            return None
        _end_dead_runs(group)
        return poll_group(
            group,
            client_of(group),
            resources=resources,
            progress=_renewing(lease, progress),
            accept_mass_change=accept_mass_change,
        )


def _end_dead_runs(group: ConnecGroup) -> None:
    """Under the lease of reading nobody else reads the group: a run that still counts as running has died."""
    SyncRun.objects.filter(group=group, state=SyncRun.State.RUNNING).update(
        state=SyncRun.State.FAILED, finished_at=timezone.now(), error="its process died"
    )


def _renewing(lease: HeldLease, progress: Progress | None, seconds: float | None = None) -> Progress:
    ends = None if seconds is None else time.monotonic() + seconds

    def renew(resource: str, seen: int, total: int | None) -> None:
        lease.check()
        if progress is not None:
            progress(resource, seen, total)
        # Not after a resource's last page: it is finished first, or the next slice would end at it again.
        if ends is not None and time.monotonic() >= ends and (total is None or seen < total):
            raise SliceOver

    return renew


def _work(group: ConnecGroup, lease: HeldLease, report: Report, seconds: float | None) -> None:
    client = client_of(group)
    # A hub that is away is met again by the drain, which puts the group off.
    with contextlib.suppress(ConnecError, SharingEnded):
        _retry_records(group, client, report)
    drained = drain(group, client, lease, seconds=seconds)
    for resource, counts in drained.counts.items():
        entry = report.drained.counts.setdefault(resource, dict.fromkeys(counts, 0))
        for name, count in counts.items():
            entry[name] += count
    report.drained.deleted += drained.deleted
    report.drained.linked += drained.linked
    report.drained.failed += drained.failed
    report.drained.error = drained.error
    report.drained.is_complete = drained.is_complete


def _retry_records(group: ConnecGroup, client: ConnecClient, report: Report) -> None:
    drop_orphans(group)
    parked.expire(group)
    # What is switched off waits without being counted: it must not keep the others out.
    shared = [resource for resource in registry.resources() if group.shares(resource, "pull")]
    for resource, records in parked.due_records(group, shared).items():
        group.require_sharing()
        report.retried.add(apply_records(group, resource, records, source="retry", client=client))
    due = Failure.objects.due(timezone.now()).filter(group=group, direction=Failure.Direction.PULL, resource__in=shared)
    by_resource: dict[str, list[Failure]] = {}
    for failure in due.order_by("pk")[:500]:
        if failure.record is not None:
            by_resource.setdefault(failure.resource, []).append(failure)
    for resource, failures in by_resource.items():
        group.require_sharing()
        records = [json.loads(bytes(failure.record or b"null")) for failure in failures]
        report.retried.add(apply_records(group, resource, records, source="retry", client=client))
        parked.fail_again(group, resource, failures)
    # Last: what has just been applied may have ended a conflict, and what it held back is sent at once.
    report.retried.add(settle_due(group, client))


def _remember(group: ConnecGroup, report: Report) -> None:
    """Keep a run's record, where anything was done."""
    drained = report.drained
    if not (drained.pushed or drained.failed or drained.deleted or drained.linked or drained.error):
        return
    counts: dict[str, dict[str, int]] = {
        resource: {name: count for name, count in entry.items() if count} for resource, entry in drained.counts.items()
    }
    extra = {"deleted": drained.deleted, "linked": drained.linked}
    counts[""] = {name: count for name, count in extra.items() if count}
    state = SyncRun.State.SUCCEEDED
    if drained.error:
        state = SyncRun.State.FAILED
    elif report.failed:
        state = SyncRun.State.PARTIAL
    SyncRun.objects.create(
        group=group,
        kind=SyncRun.Kind.PUSH,
        state=state,
        finished_at=timezone.now(),
        counts={resource: entry for resource, entry in counts.items() if entry},
        error=drained.error[:255],
    )
