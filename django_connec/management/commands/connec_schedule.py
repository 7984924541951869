from __future__ import annotations

import datetime as dt
import random
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from django_connec.conf import get_settings
from django_connec.exceptions import ConnecConfigurationError
from django_connec.management.options import COULD_NOT_RUN

SWEEP, POLL, PRUNE = "connec sweep", "connec poll", "connec prune"
MARKETPLACES = "connec marketplaces"
DAY = 24 * 60


class Command(BaseCommand):
    help = "Install the schedules in django-q2: the sweep that finds all due work, the poll, and the daily clean-up."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--remove", action="store_true", help=_("Remove the schedules."))

    def handle(self, *args: Any, **options: Any) -> None:
        if not apps.is_installed("django_q"):
            raise CommandError(_('"django_q" is not in INSTALLED_APPS.'), returncode=COULD_NOT_RUN)
        from django_q.models import Schedule

        if options["remove"]:
            Schedule.objects.filter(name__in=[SWEEP, POLL, PRUNE, MARKETPLACES]).delete()
            self.stdout.write(_("Removed."))
            return
        try:
            limits = get_settings()
        except ConnecConfigurationError as error:
            raise CommandError(str(error), returncode=COULD_NOT_RUN) from None
        # Polls of all applications at the same minute would meet at the hub.
        offset = dt.timedelta(seconds=random.uniform(0, limits.poll_minutes * 60))
        some_time = dt.timedelta(minutes=random.uniform(0, DAY))
        platform = limits.developer_platform
        if platform is None:
            Schedule.objects.filter(name=MARKETPLACES).delete()
        asked = [(MARKETPLACES, "refresh_marketplaces", platform.refresh_minutes, timezone.now())] if platform else []
        for name, task, minutes, first in (
            *asked,
            (SWEEP, "sweep", limits.sweep_minutes, timezone.now()),
            (POLL, "poll", limits.poll_minutes, timezone.now() + offset),
            (PRUNE, "prune", DAY, timezone.now() + some_time),
        ):
            Schedule.objects.update_or_create(
                name=name,
                defaults={
                    "func": f"django_connec.tasks.{task}",
                    "schedule_type": Schedule.MINUTES,
                    "minutes": minutes,
                    "repeats": -1,
                },
                create_defaults={
                    "func": f"django_connec.tasks.{task}",
                    "schedule_type": Schedule.MINUTES,
                    "minutes": minutes,
                    "repeats": -1,
                    "next_run": first,
                },
            )
            self.stdout.write(_("%(name)s: every %(minutes)d minutes") % {"name": name, "minutes": minutes})
