from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _

from django_connec.client import ConnecError, client_for
from django_connec.conf import get_settings
from django_connec.management.naming import find_model
from django_connec.management.options import COULD_NOT_RUN, GroupCommand
from django_connec.mapping.resources import normalise
from django_connec.startmapper import draft_mapper, read_schema


class Command(GroupCommand):
    help = "Print a first mapper of a model, from its fields and the hub's JSON schema of a resource."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("model", metavar="app.Model", help=_("The model, for example books.Customer."))
        parser.add_argument("resource", metavar="RESOURCE", help=_("The hub's name, for example people."))
        parser.add_argument("--marketplace", help=_("Ask the hub of this marketplace."))
        parser.add_argument("--schema", metavar="FILE", help=_("Read the schema from a file; the hub is not asked."))

    def handle(self, *args: Any, **options: Any) -> None:
        model, resource = find_model(options["model"]), normalise(options["resource"])
        schema = self._read(options["schema"]) if options["schema"] else self._ask(options["marketplace"], resource)
        try:
            attributes = read_schema(schema, resource)
        except ValueError as error:
            raise CommandError(
                _("That is no JSON schema of %(resource)s: %(error)s.") % {"resource": resource, "error": error},
                returncode=COULD_NOT_RUN,
            ) from None
        self.stdout.write(draft_mapper(model, resource, attributes), ending="")

    def _read(self, name: str) -> Any:
        try:
            return json.loads(Path(name).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CommandError(
                _("The schema cannot be read (%(error)s).") % {"error": type(error).__name__}, returncode=COULD_NOT_RUN
            ) from None

    def _ask(self, name: str | None, resource: str) -> Any:
        marketplaces = get_settings().marketplaces
        chosen = name or ("default" if "default" in marketplaces else next(iter(marketplaces)))
        if chosen not in marketplaces:
            raise CommandError(
                _('There is no marketplace "%(name)s" in CONNEC.') % {"name": chosen}, returncode=COULD_NOT_RUN
            )
        try:
            return client_for(marketplaces[chosen]).json_schema(resource)
        except ConnecError as error:
            raise CommandError(
                _("The hub did not give the schema of %(resource)s: %(reason)s. Give it as --schema FILE instead.")
                % {"resource": resource, "reason": error.reason},
                returncode=COULD_NOT_RUN,
            ) from None
