"""How ``connec_import`` and ``connec_sync`` show a run."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from django_connec.management.options import GroupCommand
from django_connec.models import ConnecGroup, SyncRun

__all__ = ["ProgressBar", "add_acceptance", "is_stuck", "show_run"]


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


def add_acceptance(parser: CommandParser) -> None:
    """Add the option that lets a mass change go on."""
    parser.add_argument(
        "--accept-mass-change",
        action="store_true",
        help=_("Let it change as many rows as it likes, also where it was held for that."),
    )


def is_stuck(run: SyncRun) -> bool:
    """Tell whether a run could not go on, because of the hub or because an operator is asked first."""
    return run.state in (SyncRun.State.FAILED, SyncRun.State.HELD)


def show_run(command: GroupCommand, group: ConnecGroup, run: SyncRun) -> int:
    """Print a run's summary; returns how many records failed."""
    command.say(f"{group} ({group.uid})")
    for resource, counts in run.counts.items():
        parts = ", ".join(f"{count} {name}" for name, count in counts.items()) or _("nothing")
        command.say(f"  {resource}: {parts}")
    if run.state == SyncRun.State.HELD:
        command.say("  " + _("held: %(error)s. To let it go on: --accept-mass-change") % {"error": run.error})
    elif run.error:
        command.say("  " + _("stopped: %(error)s") % {"error": run.error})
    return sum(int(counts.get("failed", 0)) for counts in run.counts.values())
