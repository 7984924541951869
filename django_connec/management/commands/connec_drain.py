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
        deliveries, failed = self._apply_deliveries(options["marketplace"])
        summary, more_failed, broken = drain_groups(self, groups, force=False)
        self.report({"deliveries": deliveries, "groups": summary})
        self.end(failed + more_failed, broken)

    def _apply_deliveries(self, marketplace: str | None) -> tuple[int, int]:
        waiting = waiting_deliveries()
        if marketplace:
            waiting = waiting.filter(marketplace=marketplace)
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
