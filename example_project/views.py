from django.apps import apps
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from django_connec.models import ConnecSyncMixin


def index(request: HttpRequest) -> HttpResponse:
    """Say what is here. Counts only: the rows are behind the login."""
    counts = [
        (model._meta.verbose_name_plural, model._default_manager.count())
        for model in apps.get_app_config(settings.HOST_APP).get_models()
    ]
    return render(request, "index.html", {"site": settings.SITE_NAME, "counts": counts})


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Show a user the shared rows of the company for which he signed on, and of no other."""
    tenant = apps.get_model(settings.HOST_APP, settings.HOST_TENANT)
    company = tenant._default_manager.filter(pk=request.session.get("company")).first()
    if company is None:
        # Who came by the admin's login works for no company.
        return redirect("index")
    shared = [
        (model._meta.verbose_name_plural, rows.count(), rows[:5])
        for model in apps.get_app_config(settings.HOST_APP).get_models()
        if issubclass(model, ConnecSyncMixin)
        for rows in [model._default_manager.filter(**{settings.HOST_TENANT: company})]
    ]
    return render(request, "home.html", {"site": settings.SITE_NAME, "company": company, "shared": shared})
