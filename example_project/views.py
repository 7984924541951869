from django.apps import apps
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def index(request: HttpRequest) -> HttpResponse:
    """Say what is here. Counts only: the rows are behind the admin's login."""
    counts = [
        (model._meta.verbose_name_plural, model._default_manager.count())
        for model in apps.get_app_config(settings.HOST_APP).get_models()
    ]
    return render(request, "index.html", {"site": settings.SITE_NAME, "counts": counts})
