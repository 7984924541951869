"""How ``connec_import`` and ``connec_sync`` show a run."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from django_connec.management.options import GroupCommand
from django_connec.models import ConnecGroup, SyncRun

__all__ = ["ProgressBar", "show_run"]


class ProgressBar:
    """One bar a resource on a terminal; nothing elsewhere."""

    def __init__(self, visible: bool) -> None:
        self._visible = visible
        self._bar: Any = None
        self._resource = ""

    def __call__(self, resource: str, seen: int, total: int | None) -> None:
        """Move on; see :data:`django_connec.reading.runs.Progress`."""
        if not self._visible:
            return
        if resource != self._resource:
            self.close()
            from tqdm import tqdm

            self._bar = tqdm(total=total, desc=resource, unit="rec")
            self._resource = resource
        self._bar.update(seen - self._bar.n)

    def close(self) -> None:
        """End the bar."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def show_run(command: GroupCommand, group: ConnecGroup, run: SyncRun) -> int:
    """Print a run's summary; returns how many records failed."""
    command.say(f"{group} ({group.uid})")
    for resource, counts in run.counts.items():
        parts = ", ".join(f"{count} {name}" for name, count in counts.items()) or _("nothing")
        command.say(f"  {resource}: {parts}")
    if run.error:
        command.say("  " + _("stopped: %(error)s") % {"error": run.error})
    return sum(int(counts.get("failed", 0)) for counts in run.counts.values())
