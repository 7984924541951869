"""Do all due work at once, as a worker would, also where the test's own transaction never commits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import router
from django.test import TestCase

from django_connec.client import ConnecError
from django_connec.inbound import Outcome
from django_connec.models import ConnecGroup
from django_connec.webhooks.deliveries import apply_delivery, waiting_deliveries
from django_connec.work import Report, work_group

__all__ = ["Drained", "drain"]


@dataclass(slots=True)
class Drained:
    """What a drain did.

    Attributes:
        applied: What became of the records of stored deliveries.
        reports: What was retried and sent, by the group's id.
    """

    applied: Outcome = field(default_factory=Outcome)
    reports: dict[str, Report] = field(default_factory=dict)

    @property
    def pushed(self) -> int:
        """Rows that the hub accepted."""
        return sum(report.drained.pushed for report in self.reports.values())

    @property
    def deleted(self) -> int:
        """Deletions that the hub accepted."""
        return sum(report.drained.deleted for report in self.reports.values())

    @property
    def failed(self) -> int:
        """Records that failed, in either direction."""
        return self.applied.failed + sum(report.failed for report in self.reports.values())

    @property
    def errors(self) -> dict[str, str]:
        """Why groups stopped early, by their ids."""
        return {uid: report.error for uid, report in self.reports.items() if report.error}


def drain(groups: Sequence[ConnecGroup] = (), *, force: bool = False) -> Drained:
    """Apply stored deliveries, retry what is due, send what is pending.

    What the engine does after a commit (its signals) is done at the end where the test's transaction never commits.

    Args:
        groups: Only these; all that are linked by default.
        force: Do not wait for the groups' back-off.
    """
    drained = Drained()
    with TestCase.captureOnCommitCallbacks(using=router.db_for_write(ConnecGroup), execute=True):
        for pk in waiting_deliveries().values_list("pk", flat=True):
            try:
                outcome = apply_delivery(pk)
            except ConnecError:
                # The hub is away: the delivery waits for its next attempt.
                continue
            if outcome is not None:
                drained.applied.add(outcome)
        working = ConnecGroup.objects.working()
        if groups:
            working = working.filter(pk__in=[group.pk for group in groups])
        for group in working.order_by("pk"):
            report = work_group(group, force=force)
            if report is not None:
                drained.reports[group.uid] = report
    return drained
