from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_connec.management.naming import check_resource, find_mapper, read_pk
from django_connec.management.options import COULD_NOT_RUN, GroupCommand
from django_connec.models import ConnecGroup
from django_connec.operating.retrying import EVERYTHING, Choice, MadeDue, make_group_due


class Command(GroupCommand):
    help = "Make everything due now that failed or waits, also what was given up, and resume stopped groups."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--resource", metavar="NAME", help=_("Only this resource."))
        parser.add_argument("--model", metavar="app.Model", help=_("Only rows and records of this model."))
        parser.add_argument("--pk", metavar="PK", help=_("Only this row; needs --model."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        choice = self._choice(options)
        summary: dict[str, Any] = {}
        for group in self.groups(options, linked=False):
            if not group.is_linked:
                self._leave(group, named=bool(options["group"]))
                continue
            done = make_group_due(group, choice)
            self.say(f"{group} ({group.uid}): {_show(done)}")
            summary[group.uid] = asdict(done)
        self.report({"groups": summary})

    def _choice(self, options: dict[str, Any]) -> Choice:
        if options["pk"] is not None and not options["model"]:
            raise CommandError(_("--pk needs --model."), returncode=COULD_NOT_RUN)
        if options["resource"] and options["model"]:
            raise CommandError(_("Give --resource or --model, not both."), returncode=COULD_NOT_RUN)
        if options["resource"]:
            check_resource(options["resource"])
            return Choice(resource=options["resource"])
        if not options["model"]:
            return EVERYTHING
        mapper = find_mapper(options["model"])
        return Choice(mapper=mapper, pk="" if options["pk"] is None else str(read_pk(mapper, options["pk"])))

    def _leave(self, group: ConnecGroup, *, named: bool) -> None:
        text = _("%(uid)s is cancelled or sharing is off: nothing is tried for it") % {"uid": group.uid}
        if named:
            raise CommandError(text, returncode=COULD_NOT_RUN)
        self.say(text)


def _show(done: MadeDue) -> str:
    parts = [
        _("%(count)d failures") % {"count": done.failures},
        _("%(count)d parked records") % {"count": done.parked},
        _("%(count)d deletions") % {"count": done.deletions},
    ]
    if done.link_backs:
        parts.append(_("%(count)d ids to link back") % {"count": done.link_backs})
    if done.deliveries:
        parts.append(_("%(count)d deliveries") % {"count": done.deliveries})
    text = _("due now: %(parts)s") % {"parts": ", ".join(parts)}
    if done.set_aside:
        text += "; " + _("%(count)d stay set aside until their conflict is settled") % {"count": done.set_aside}
    if done.resumed:
        text += "; " + _("resumed")
    return text
