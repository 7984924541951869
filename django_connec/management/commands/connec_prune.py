from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from django_connec.management.options import GroupCommand
from django_connec.operating.pruning import prune_all


class Command(GroupCommand):
    help = "Remove deliveries, runs, conflicts, failures and tombstones that have been kept long enough."

    def add_arguments(self, parser: CommandParser) -> None:
        # Not of single groups: how long things are kept is one rule for all.
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object instead of text."))
        parser.add_argument("--dry-run", action="store_true", help=_("Count; remove nothing."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        done = prune_all(dry_run=options["dry_run"])
        text = _("%(count)d %(kind)s to be removed") if options["dry_run"] else _("%(count)d %(kind)s removed")
        for kind, count in done.counts.items():
            self.say(text % {"count": count, "kind": kind})
        self.report({"dry_run": options["dry_run"], "counts": done.counts})
