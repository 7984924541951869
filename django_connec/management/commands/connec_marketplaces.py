from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from django_connec.conf import get_settings
from django_connec.exceptions import ConnecConfigurationError
from django_connec.management.options import COULD_NOT_RUN, SOME_FAILED
from django_connec.platform.refresh import refresh_marketplaces, stored_copy


class Command(BaseCommand):
    help = "List the marketplaces that are in use; with --refresh, ask the developer platform for them first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--refresh", action="store_true", help=_("Ask the developer platform now."))

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            copy = refresh_marketplaces() if options["refresh"] else stored_copy()
            marketplaces = get_settings().marketplaces
        except ConnecConfigurationError as problem:
            raise CommandError(str(problem), returncode=COULD_NOT_RUN) from None
        for name, marketplace in sorted(marketplaces.items()):
            # Never the key.
            self.stdout.write(f"{name}: {marketplace.api_id}, {marketplace.connec_host}")
        if not marketplaces:
            self.stdout.write(_("There is no marketplace."))
        if copy is None:
            return
        if copy.fetched_at is not None:
            when = date_format(copy.fetched_at, "DATETIME_FORMAT")
            self.stdout.write(_("From the developer platform, %(when)s.") % {"when": when})
        if copy.error:
            raise CommandError(
                _("The developer platform: %(error)s") % {"error": copy.error},
                returncode=SOME_FAILED if copy.fetched_at == copy.attempted_at else COULD_NOT_RUN,
            )
