"""Keep a run's record: counts by resource, how it ended, and the signal at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from django.utils import timezone

from django_connec.client import ConnecAuthError, ConnecError
from django_connec.exceptions import SharingEnded, SliceOver
from django_connec.inbound import Outcome
from django_connec.models import ConnecGroup, SyncCursor, SyncRun
from django_connec.signals import sync_finished

__all__ = ["Progress", "RunRecorder"]

logger = logging.getLogger(__name__)

#: Told after each page: resource, records seen so far, records in all (``None``: not known).
Progress = Callable[[str, int, "int | None"], None]


class RunRecorder:
    """Context manager around one run of one group.

    The end of a slice pauses the run, a customer who stops sharing ends it. Errors of the hub end it and are kept
    in its record; all others are kept and raised on. 401 and 403 stop the group.

    Attributes:
        run: The record; never saved where ``dry_run``.
    """

    def __init__(self, group: ConnecGroup, kind: SyncRun.Kind, *, dry_run: bool = False) -> None:
        self.group = group
        self.dry_run = dry_run
        self.run = SyncRun(group=group, kind=kind)
        self._totals: dict[str, Outcome] = {}
        self._held: list[str] = []

    def count(self, resource: str, outcome: Outcome) -> None:
        """Add what became of one page."""
        total = self._totals.setdefault(resource, Outcome())
        for name in Outcome.COUNTS:
            setattr(total, name, getattr(total, name) + getattr(outcome, name))
        self.run.counts = {name: entry.counts() for name, entry in self._totals.items()}

    def hold(self, cursor: SyncCursor, here: int) -> None:
        """Note that a resource is held.

        Args:
            cursor: Its cursor, which says how many rows would change.
            here: Rows that would have changed next.
        """
        self.count(cursor.resource, Outcome(held=here))
        about = f"{cursor.resource}: {cursor.held_changes} of {cursor.held_of} linked rows would change"
        self._held.append(about)

    @property
    def failed(self) -> int:
        """Records that failed so far."""
        return sum(entry.failed for entry in self._totals.values())

    def __enter__(self) -> Self:
        if not self.dry_run:
            self.run.save()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.run.finished_at = timezone.now()
        if isinstance(error, SliceOver):
            self.run.state = SyncRun.State.PAUSED
        elif isinstance(error, SharingEnded):
            self.run.state = SyncRun.State.ENDED
        elif error is None and self._held:
            self.run.state = SyncRun.State.HELD
            self.run.error = "; ".join(self._held)[:255]
        elif error is None:
            self.run.state = SyncRun.State.PARTIAL if self.failed else SyncRun.State.SUCCEEDED
        else:
            self.run.state = SyncRun.State.FAILED
            self.run.error = error.reason if isinstance(error, ConnecError) else type(error).__name__
        if isinstance(error, ConnecAuthError) and not self.dry_run:
            self.group.stop(error.reason)
        if not self.dry_run:
            self.run.save()
            sync_finished.send_robust(ConnecGroup, group=self.group, run=self.run)
        return isinstance(error, (ConnecError, SharingEnded, SliceOver))
