from __future__ import annotations

import datetime as dt
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_connec.management.options import COULD_NOT_RUN, GroupCommand
from django_connec.management.reading import ProgressBar, add_acceptance, is_stuck, show_run
from django_connec.mapping import registry
from django_connec.mapping.scalars import parse_moment
from django_connec.work import import_one


class Command(GroupCommand):
    help = "Import the hub's records, what is referred to first. A killed import goes on where it was."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--resource", action="append", metavar="NAME", help=_("Only this resource; repeatable."))
        parser.add_argument("--full", action="store_true", help=_("Begin again, not where a killed import was."))
        parser.add_argument("--since", metavar="TIME", help=_("Only what changed since then (ISO 8601)."))
        parser.add_argument("--dry-run", action="store_true", help=_("Read and count; write and send nothing."))
        add_acceptance(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        resources = self._resources(options["resource"])
        since = self._since(options["since"])
        summary: dict[str, Any] = {}
        failed = broken = 0
        for group in self.groups(options):
            bar = ProgressBar(self.has_terminal)
            try:
                run = import_one(
                    group,
                    resources=resources,
                    full=options["full"],
                    since=since,
                    dry_run=options["dry_run"],
                    progress=bar,
                    accept_mass_change=options["accept_mass_change"],
                )
            finally:
                bar.close()
            if run is None:
                self.say(_("%(uid)s: another process is reading it") % {"uid": group.uid})
                broken += 1
                continue
            failed += show_run(self, group, run)
            broken += is_stuck(run)
            summary[group.uid] = {"state": run.state, "counts": run.counts, "error": run.error}
        self.report({"dry_run": options["dry_run"], "groups": summary})
        self.end(failed, broken)

    def _resources(self, names: list[str] | None) -> list[str] | None:
        unknown = sorted(set(names or ()) - set(registry.resources()))
        if unknown:
            raise CommandError(
                _("No mapper for %(unknown)s; there are: %(known)s.")
                % {"unknown": ", ".join(unknown), "known": ", ".join(registry.resources())},
                returncode=COULD_NOT_RUN,
            )
        return names

    def _since(self, text: str | None) -> dt.datetime | None:
        if text is None:
            return None
        moment = parse_moment(text)
        if moment is None:
            raise CommandError(
                _("--since takes an ISO 8601 time such as 2018-03-01T00:00:00Z."), returncode=COULD_NOT_RUN
            )
        return moment
