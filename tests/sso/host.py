"""A host application for people: the page of whoever is signed on, and a company for each new group."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from tests.app.models import Company, Person

#: What was queued, by the name of the task.
queued: list[tuple[str, tuple[Any, ...]]] = []


def queue(task: str, *args: Any) -> None:
    queued.append((task.rpartition(".")[2], args))


def make_company(sender: Any, group: Any, **_: Any) -> None:
    Company.objects.get_or_create(connec_group=group, defaults={"name": group.name or group.uid})


@login_required(login_url="/maestrano/auth/saml/init")
def home(request: HttpRequest) -> HttpResponse:
    companies = Company.objects.filter(connec_group__memberships__user=request.user, connec_group__is_active=True)
    people = Person.objects.filter(company__in=companies).order_by("first_name")
    names = ", ".join(people.values_list("first_name", flat=True))
    whose = ", ".join(companies.order_by("name").values_list("name", flat=True))
    return HttpResponse(f"<main>{request.user.get_short_name()} works for {whose}: {names}</main>")


urlpatterns = [path("home", home), path("maestrano/", include("django_connec.urls"))]
