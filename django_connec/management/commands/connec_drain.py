from __future__ import annotations

from typing import Any

from django_connec.client import ConnecError
from django_connec.management.draining import drain_groups
from django_connec.management.options import GroupCommand
from django_connec.webhooks.deliveries import apply_delivery, waiting_deliveries


class Command(GroupCommand):
    help = "Do all due work once, without a cluster: deliveries, retries, pushes, deletions, ids to link back."

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        groups = self.groups(options)
        # A delivery may hold several groups; with --group, those of its marketplace are applied.
        marketplaces = {group.marketplace for group in groups} if options["group"] else None
        if options["marketplace"]:
            marketplaces = {options["marketplace"]}
        deliveries, failed = self._apply_deliveries(marketplaces)
        summary, more_failed, broken = drain_groups(self, groups, force=False)
        self.report({"deliveries": deliveries, "groups": summary})
        self.end(failed + more_failed, broken)

    def _apply_deliveries(self, marketplaces: set[str] | None) -> tuple[int, int]:
        waiting = waiting_deliveries()
        if marketplaces is not None:
            waiting = waiting.filter(marketplace__in=marketplaces)
        applied = failed = 0
        for pk in list(waiting.values_list("pk", flat=True)):
            try:
                outcome = apply_delivery(pk)
            except ConnecError:
                continue
            if outcome is not None:
                applied += 1
                failed += outcome.failed
        return applied, failed
