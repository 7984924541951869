from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from django_connec.management.options import GroupCommand
from django_connec.management.reading import ProgressBar, add_acceptance, is_stuck, show_run
from django_connec.work import poll_one


class Command(GroupCommand):
    help = "Read what changed at the hub since the last read; import what was never read."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        add_acceptance(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        summary: dict[str, Any] = {}
        failed = broken = 0
        for group in self.groups(options):
            bar = ProgressBar(self.has_terminal)
            try:
                run = poll_one(group, progress=bar, accept_mass_change=options["accept_mass_change"])
            finally:
                bar.close()
            if run is None:
                self.say(_("%(uid)s: another process is reading it") % {"uid": group.uid})
                broken += 1
                continue
            failed += show_run(self, group, run)
            broken += is_stuck(run)
            summary[group.uid] = {"state": run.state, "counts": run.counts, "error": run.error}
        self.report({"groups": summary})
        self.end(failed, broken)
