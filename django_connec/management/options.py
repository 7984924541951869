"""What the commands share: which groups they work on, how they report, how they end."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, SystemCheckError
from django.utils.translation import gettext as _

from django_connec.conf import get_settings
from django_connec.exceptions import ConnecConfigurationError, MapperError
from django_connec.mapping import registry
from django_connec.models import ConnecGroup

__all__ = ["COULD_NOT_RUN", "SOME_FAILED", "GroupCommand"]

SOME_FAILED = 1
COULD_NOT_RUN = 2


class GroupCommand(BaseCommand):
    """A command over groups. Exit code 0: all done; 1: some records failed; 2: could not run.

    The codes hold under ``call_command`` too, as ``CommandError.returncode``.
    """

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--marketplace", help=_("Only groups of this marketplace."))
        parser.add_argument("--group", metavar="UID", help=_("Only the group with this id, for example cld-7p2k."))
        parser.add_argument("--json", action="store_true", help=_("Print one JSON object instead of text."))

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            get_settings()
            for mapper in registry.ordered():
                mapper.fields  # noqa: B018 - raises where it cannot be compiled
            return super().execute(*args, **options)
        except SystemCheckError as error:
            error.returncode = COULD_NOT_RUN
            raise
        except (ConnecConfigurationError, MapperError) as error:
            raise CommandError(str(error), returncode=COULD_NOT_RUN) from None

    def groups(self, options: Mapping[str, Any], *, linked: bool = True) -> list[ConnecGroup]:
        """Return the chosen groups.

        Raises:
            CommandError: The named group or marketplace does not exist, or is not linked (exit code 2).
        """
        groups = ConnecGroup.objects.order_by("marketplace", "uid")
        marketplace, uid = options.get("marketplace"), options.get("group")
        if marketplace:
            if marketplace not in get_settings().marketplaces:
                raise CommandError(
                    _('There is no marketplace "%(name)s" in CONNEC.') % {"name": marketplace}, returncode=COULD_NOT_RUN
                )
            groups = groups.filter(marketplace=marketplace)
        if uid:
            groups = groups.filter(uid=uid)
            if not groups.exists():
                raise CommandError(_('There is no group "%(uid)s".') % {"uid": uid}, returncode=COULD_NOT_RUN)
        if linked:
            working = list(groups.working())
            if uid and not working:
                raise CommandError(
                    _('The group "%(uid)s" is not linked, or is stopped: %(reason)s')
                    % {"uid": uid, "reason": groups[0].stopped_reason or _("sharing is off")},
                    returncode=COULD_NOT_RUN,
                )
            return working
        return list(groups)

    def say(self, text: str) -> None:
        """Print a line, unless JSON was asked for."""
        if not self.as_json and self.verbosity > 0:
            self.stdout.write(text)

    def report(self, content: Mapping[str, Any]) -> None:
        """Print the JSON object, where it was asked for."""
        if self.as_json:
            self.stdout.write(json.dumps(content, default=str))

    def begin(self, options: Mapping[str, Any]) -> None:
        """Take note of how to print."""
        self.as_json = bool(options.get("json"))
        self.verbosity = int(options.get("verbosity") or 0)

    @property
    def has_terminal(self) -> bool:
        """A person watches: progress bars are for them only."""
        return not self.as_json and self.verbosity > 0 and sys.stderr.isatty()

    @staticmethod
    def end(failed: int, broken: int = 0) -> None:
        """End with the right exit code.

        Raises:
            CommandError: Records failed (1), or groups could not be worked on (2).
        """
        if broken:
            raise CommandError(
                _("%(count)d groups could not be worked on; connec_status says why.") % {"count": broken},
                returncode=COULD_NOT_RUN,
            )
        if failed:
            raise CommandError(
                _("%(count)d records failed; connec_status and the admin show them.") % {"count": failed},
                returncode=SOME_FAILED,
            )
