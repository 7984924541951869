from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_connec.client import ConnecError
from django_connec.management.naming import check_resource
from django_connec.management.options import COULD_NOT_RUN, SOME_FAILED, GroupCommand
from django_connec.operating.auditing import audit_group
from django_connec.operating.differences import Difference, ResourceAudit
from django_connec.work import client_of


class Command(GroupCommand):
    help = "Compare both sides record by record; exit code 1 when differences remain. Shows ids, never values."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--resource", action="append", metavar="NAME", help=_("Only this resource; repeatable."))
        parser.add_argument("--sample", type=int, metavar="N", help=_("Only N random rows of each model."))
        parser.add_argument(
            "--fix",
            choices=("push", "pull"),
            default="",
            help=_("push: mark what differs for sending; pull: apply the hub's records."),
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        for name in options["resource"] or ():
            check_resource(name)
        if options["sample"] is not None and options["sample"] < 1:
            raise CommandError(_("--sample takes a whole number above 0."), returncode=COULD_NOT_RUN)
        summary: dict[str, Any] = {}
        remaining = broken = 0
        for group in self.groups(options):
            self.say(f"{group} ({group.uid})")
            found: dict[str, Any] = {}
            error = ""
            try:
                for entry in audit_group(
                    group,
                    client_of(group),
                    resources=options["resource"],
                    sample=options["sample"],
                    fix=options["fix"],
                ):
                    found[entry.resource] = entry.as_dict()
                    remaining += entry.remaining
                    self._show(entry)
            except ConnecError as problem:
                error = problem.reason
                self.say("  " + _("stopped: %(error)s") % {"error": error})
                broken += 1
            summary[group.uid] = {"resources": found, "error": error}
        self.report({"groups": summary})
        self.end(0, broken)
        if remaining:
            raise CommandError(_("%(count)d differences remain.") % {"count": remaining}, returncode=SOME_FAILED)

    def _show(self, entry: ResourceAudit) -> None:
        line = (
            f"  {entry.resource:<16} {entry.compared:>8} compared {entry.counts['differs']:>6} differ "
            f"{entry.counts['missing-here']:>6} missing here {entry.counts['missing-there']:>6} missing there "
            f"{entry.pending:>6} pending {entry.unreadable:>4} unreadable {entry.mended:>6} mended"
        )
        self.say(line)
        for difference in entry.listed:
            self.say(f"    - {_line(difference)}")
        more = sum(entry.counts.values()) - len(entry.listed)
        if more > 0:
            self.say("    - " + _("and %(count)d more") % {"count": more})


def _line(difference: Difference) -> str:
    parts = [difference.kind, difference.model_label, difference.pk, difference.connec_id or ""]
    text = " ".join(part for part in parts if part)
    if difference.fields:
        text += ": " + ", ".join(difference.fields)
    return f"{text} ({_('mended')})" if difference.mended else text
