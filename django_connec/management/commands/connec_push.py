from __future__ import annotations

from typing import Any

from django_connec.management.draining import drain_groups
from django_connec.management.options import GroupCommand


class Command(GroupCommand):
    help = "Send what is pending now, without waiting for a group's back-off."

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        summary, failed, broken = drain_groups(self, self.groups(options), force=True)
        self.report({"groups": summary})
        self.end(failed, broken)
