"""The sharing page: plain Django, every template of it for a host to override."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views import View
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from django_connec.control import request_sync, sync_state
from django_connec.dashboard.access import groups_of
from django_connec.dashboard.choices import apply_choices
from django_connec.dashboard.forms import SharingForm
from django_connec.models import ConnecGroup, Failure, SyncRun

__all__ = ["GroupListView", "SharingView", "StartView"]

#: Runs that the page shows.
RUNS = 10


@method_decorator([never_cache, csrf_protect], name="dispatch")
class SharingPage(View):
    """For users who are logged in; which groups they may manage, ``SHARING_GROUPS`` decides."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            # Not at the top: webhooks must work without django.contrib.auth.
            from django.contrib.auth.views import redirect_to_login

            return redirect_to_login(request.get_full_path())
        return super().dispatch(request, *args, **kwargs)

    def group(self, pk: int) -> ConnecGroup:
        """Return a group that the user may manage; any other is as if it were not there.

        Raises:
            Http404: There is none.
        """
        group = groups_of(self.request).filter(pk=pk).first()
        if group is None:
            raise Http404
        return group

    def back(self, group: ConnecGroup) -> HttpResponse:
        """Return to the group's page."""
        return redirect(self.address("sharing-group"), pk=group.pk)

    def address(self, name: str) -> str:
        """Return the name of a page in the namespace that the host has included it under."""
        match = self.request.resolver_match
        return f"{match.namespace}:{name}" if match and match.namespace else name

    def say(self, level: int, words: str) -> None:
        """Show a message on the next page, where the host has ``django.contrib.messages``."""
        messages.add_message(self.request, level, words, fail_silently=True)


class GroupListView(SharingPage):
    """``sharing/``: the groups of a user; straight on where it is one."""

    def get(self, request: HttpRequest) -> HttpResponse:
        groups = list(groups_of(request).order_by("name", "uid"))
        if len(groups) == 1:
            return self.back(groups[0])
        names = {"page": self.address("sharing-group")}
        return render(request, "django_connec/sharing/groups.html", {"groups": groups, "names": names})


class SharingView(SharingPage):
    """``sharing/<pk>/``: what a group shares, and how it stands."""

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        group = self.group(pk)
        return self._show(group, SharingForm(group))

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        group = self.group(pk)
        form = SharingForm(group, request.POST)
        if not form.is_valid():
            return self._show(group, form, status=400)
        queued = apply_choices(group, form.choices())
        self.say(
            messages.SUCCESS,
            _("Saved. What is new will be shared in a moment.") if queued else _("Saved."),
        )
        return self.back(group)

    def _show(self, group: ConnecGroup, form: SharingForm, status: int = 200) -> HttpResponse:
        runs = SyncRun.objects.filter(group=group).order_by("-started_at", "-pk")[:RUNS]
        context = {
            "group": group,
            "form": form,
            "state": sync_state(group),
            "runs": [(run, _records(run)) for run in runs],
            "failures": Failure.objects.filter(group=group).count(),
            "names": {"page": self.address("sharing-group"), "start": self.address("sharing-start")},
        }
        return render(self.request, "django_connec/sharing/group.html", context, status=status)


class StartView(SharingPage):
    """``sharing/<pk>/start/``: synchronise now."""

    http_method_names = ("post", "options")

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        group = self.group(pk)
        if request_sync(group):
            self.say(messages.SUCCESS, _("The synchronisation will begin in a moment."))
        elif sync_state(group).is_busy:
            self.say(messages.INFO, _("A synchronisation is on its way already."))
        else:
            self.say(messages.WARNING, _("Nothing can be synchronised now."))
        return self.back(group)


def _records(run: SyncRun) -> int:
    """Count the records that a run changed on either side."""
    names = ("created", "updated", "pushed", "deleted", "linked")
    return sum(int(counts.get(name, 0)) for counts in run.counts.values() for name in names)
