"""What this application does when somebody signs on: make the company of a new group."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.dispatch import receiver
from django.http import HttpRequest

from django_connec.models import ConnecGroup
from django_connec.signals import user_authenticated


@receiver(user_authenticated, dispatch_uid="example_project")
def open_company(sender: type, group: ConnecGroup, request: HttpRequest, **kwargs: Any) -> None:
    """Find or make the company, and remember for which one this session is."""
    tenant = apps.get_model(settings.HOST_APP, settings.HOST_TENANT)
    company, _ = tenant._default_manager.get_or_create(connec_group=group, defaults={"name": group.name})
    request.session["company"] = company.pk
