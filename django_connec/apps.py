from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class DjangoConnecConfig(AppConfig):
    """Finds every application's ``connec.py`` and registers the system checks."""

    name = "django_connec"
    verbose_name = _("Connec!")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_connec import checks  # noqa: F401 - registers the checks
        from django_connec.client.clients import limit_with
        from django_connec.limiting import limiter_for
        from django_connec.sso.leaving import watch_removals
        from django_connec.tracking.deletions import watch_holders
        from django_connec.tracking.related import watch_related

        autodiscover_modules("connec")
        watch_holders()
        watch_related()
        watch_removals()
        limit_with(limiter_for)
