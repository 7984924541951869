from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from django_connec.management.options import GroupCommand
from django_connec.models import Notification
from django_connec.status import GroupStatus, status_of

COMMANDS = {"import": "connec_import", "poll": "connec_sync"}


class Command(GroupCommand):
    help = "Show what is pending, waiting and failed. Exit code 1 when anything has failed or is held."

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        found = [status_of(group) for group in self.groups(options, linked=False)]
        waiting = Notification.objects.filter(state=Notification.State.WAITING).count()
        self.say(_("deliveries waiting: %(count)d") % {"count": waiting})
        for status in found:
            self._show(status)
        self.report({"deliveries_waiting": waiting, "groups": [status.as_dict() for status in found]})
        self.end(
            sum(entry.failed + entry.given_up + bool(entry.held) for status in found for entry in status.resources)
        )

    def _show(self, status: GroupStatus) -> None:
        step = _("in step") if status.is_in_step else _("not in step")
        self.say(f"{status.name or status.uid} ({status.uid}): {status.state}, {step}")
        for entry in status.resources:
            arrows = (
                ("<" if entry.pull else " ") + ("-" if entry.pull or entry.push else " ") + (">" if entry.push else " ")
            )
            line = (
                f"  {arrows} {entry.resource:<16} {entry.linked:>8} linked {entry.pending:>6} pending "
                f"{entry.failed:>5} failed {entry.given_up:>5} given up {entry.parked:>5} parked"
            )
            if entry.needs_full:
                line += "  " + _("the mapper has changed: run connec_import --full")
            self.say(line)
            if entry.held:
                self.say(
                    "    "
                    + _("held: %(count)s linked rows would change; %(command)s --accept-mass-change lets it go on")
                    % {"count": entry.held, "command": COMMANDS[entry.held_by]}
                )
        self.say(
            f"  {status.deletions} deletions, {status.link_backs} ids to link back, {status.conflicts} open conflicts"
        )
