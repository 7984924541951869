from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_connec.management.explaining import lines_of
from django_connec.management.naming import find_mapper, read_pk
from django_connec.management.options import COULD_NOT_RUN, GroupCommand
from django_connec.operating.explaining import explain


class Command(GroupCommand):
    help = "Say what the hub knows of a row, what would be sent now, and why it is or is not. Shows field values."

    def add_arguments(self, parser: CommandParser) -> None:
        # The row says which group.
        parser.add_argument("model", metavar="app.Model", help=_("The model, for example books.Customer."))
        parser.add_argument("pk", metavar="PK", help=_("The row's primary key; it may have been deleted."))
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object instead of text."))

    def handle(self, *args: Any, **options: Any) -> None:
        self.begin(options)
        mapper = find_mapper(options["model"])
        found = explain(mapper, read_pk(mapper, options["pk"]))
        if not found.is_known:
            raise CommandError(
                _("%(model)s has no row with this primary key, and nothing is stored about one.")
                % {"model": found.model},
                returncode=COULD_NOT_RUN,
            )
        for line in lines_of(found):
            self.say(line)
        self.report(asdict(found))
