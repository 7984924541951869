"""The page that an operator opens first: every group, whether it works, and what waits or failed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import is_aware, localtime, now
from django.utils.translation import gettext_lazy as _

from django_connec.admin import actions
from django_connec.admin.base import EMPTY, ModelAdmin
from django_connec.admin.filters import MarketplaceFilter
from django_connec.admin.forms import ConnecGroupForm
from django_connec.admin.summary import GroupSummary, resources_of, summarise
from django_connec.control import request_sync, share_history
from django_connec.models import ConnecGroup, SyncRun

__all__ = ["ConnecGroupAdmin"]

#: Switches after which there may be something to read or to send at once.
WAKING = frozenset({"is_active", "sharing_enabled", "historical_data", "entities"})

#: What is counted, the list that shows it, and that list's filter for what is open.
COUNTED: dict[str, tuple[str, dict[str, str]]] = {
    "failures": ("failure", {}),
    "parked": ("parkedrecord", {}),
    "unsent": ("tombstone", {"sent": "no"}),
    "conflicts": ("conflict", {"decision__exact": "open"}),
}


class GroupChangeList(ChangeList):
    """Gathers the figures of the page once it is known which groups are on it."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        groups = list(self.result_list)
        figures = summarise(groups)
        for group in groups:
            group._connec_summary = figures[group.pk]
        self.result_list = groups


class ConnecGroupAdmin(ModelAdmin):
    """Groups with their switches and their backlog."""

    form = ConnecGroupForm
    list_display = (
        "label",
        "uid",
        "marketplace",
        "state",
        "backlog",
        "unsent",
        "failures",
        "parked",
        "conflicts",
        "last_run",
    )
    list_display_links = ("label", "uid")
    list_filter = (
        MarketplaceFilter,
        "is_active",
        "sharing_enabled",
        ("stopped_at", admin.EmptyFieldListFilter),
        "historical_data",
    )
    search_fields = ("name", "uid", "org_uid", "realm", "stopped_reason")
    ordering = ("marketplace", "name", "uid")
    actions = (actions.import_now, actions.push_now, actions.poll_now, actions.resume)
    readonly_fields = (
        "state",
        "last_run",
        "linked_at",
        "unlinked_at",
        "stopped_at",
        "stopped_reason",
        "retry_at",
        "retry_count",
    )
    fieldsets = (
        (None, {"fields": ("marketplace", "uid", "name", "org_uid")}),
        (_("Sharing"), {"fields": ("is_active", "sharing_enabled", "historical_data", "realm", "entities")}),
        (
            _("State"),
            {
                "fields": (
                    "state",
                    "last_run",
                    ("linked_at", "unlinked_at"),
                    ("stopped_at", "stopped_reason"),
                    ("retry_at", "retry_count"),
                )
            },
        ),
    )

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return GroupChangeList

    def get_fieldsets(self, request: HttpRequest, obj: ConnecGroup | None = None) -> Any:
        return self.fieldsets if obj is not None else self.fieldsets[:2]

    def get_readonly_fields(self, request: HttpRequest, obj: ConnecGroup | None = None) -> Any:
        # Rows, ids and tombstones hang on who the group is: that cannot change under them.
        return self.readonly_fields if obj is None else ("marketplace", "uid", "org_uid", *self.readonly_fields)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The rows here would keep ids of a group that is gone, and its tombstones would go with it: a group is
        # cancelled, not deleted.
        return False

    def save_model(self, request: HttpRequest, obj: ConnecGroup, form: Any, change: bool) -> None:
        """Save only what the operator changed: a drain may be stopping the group at the same time."""
        if not change:
            if obj.is_active:
                obj.link()
            else:
                obj.save()
            return
        changed = set(form.changed_data)
        plain = changed - {"is_active"}
        if plain:
            obj.save(update_fields=plain)
        if "is_active" in changed:
            if obj.is_active:
                obj.link()
            else:
                obj.unlink()
        if "historical_data" in changed and obj.historical_data:
            share_history(obj, obj._state.db or "default")
        if changed & WAKING and obj.is_linked:
            # What was switched on catches up both ways, as on the customer's page.
            request_sync(obj)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        group = kwargs.get("obj")
        if group is not None:
            entries = resources_of(group)
            for entry in entries:
                entry.links = {name: self._link(name, group, resource=entry.resource) for name in COUNTED}
            context |= {"connec_resources": entries, "connec_cursors": self._list("synccursor", group)}
        return super().render_change_form(request, context, *args, **kwargs)

    # Columns ----------------------------------------------------------------------------------------------

    @admin.display(description=_("name"), ordering="name")
    def label(self, obj: ConnecGroup) -> str:
        """Show the name, or the id of a group that has none."""
        return str(obj)

    @admin.display(description=_("state"))
    def state(self, obj: ConnecGroup) -> str:
        """Say in words whether the group works, and if not, why."""
        if not obj.is_active:
            return str(_("cancelled"))
        if not obj.sharing_enabled:
            return str(_("sharing is off"))
        if obj.stopped_at is not None:
            return format_html("<strong>{}</strong>", _("stopped: %(reason)s") % {"reason": obj.stopped_reason})
        if obj.retry_at is not None and obj.retry_at > now():
            return str(_("waits until %(time)s") % {"time": _short(obj.retry_at)})
        return str(_("sharing"))

    @admin.display(description=_("backlog"))
    def backlog(self, obj: ConnecGroup) -> int:
        """Show how many rows wait to be sent."""
        return _summary(obj).pending

    @admin.display(description=_("unsent deletions"))
    def unsent(self, obj: ConnecGroup) -> str:
        """Show how many deletions the hub has still to be told of."""
        return self._count("unsent", obj)

    @admin.display(description=_("failures"))
    def failures(self, obj: ConnecGroup) -> str:
        """Show how many records failed, and how many of them are given up."""
        summary = _summary(obj)
        if not summary.given_up:
            return self._count("failures", obj)
        text = _("%(total)d (%(dead)d given up)") % {"total": summary.failures, "dead": summary.given_up}
        return format_html('<a href="{}">{}</a>', self._link("failures", obj), text)

    @admin.display(description=_("parked"))
    def parked(self, obj: ConnecGroup) -> str:
        """Show how many records wait for another one."""
        return self._count("parked", obj)

    @admin.display(description=_("open conflicts"))
    def conflicts(self, obj: ConnecGroup) -> str:
        """Show how many conflicts wait for the operator."""
        return self._count("conflicts", obj)

    @admin.display(description=_("last run"))
    def last_run(self, obj: ConnecGroup) -> str:
        """Show what was last read or sent, and how that ended."""
        run = _summary(obj).last_run
        if run is None:
            return EMPTY
        url = reverse(f"{self.admin_site.name}:django_connec_syncrun_change", args=[run.pk])
        return format_html('<a href="{}">{}</a>', url, _describe(run))

    def _count(self, name: str, group: ConnecGroup) -> str:
        count = getattr(_summary(group), name)
        return format_html('<a href="{}">{}</a>', self._link(name, group), count) if count else "0"

    def _link(self, name: str, group: ConnecGroup, **filters: str) -> str:
        model, open_only = COUNTED[name]
        return self._list(model, group, **open_only, **filters)

    def _list(self, model: str, group: ConnecGroup, **filters: str) -> str:
        query = urlencode({"group__id__exact": str(group.pk), **filters})
        return f"{reverse(f'{self.admin_site.name}:django_connec_{model}_changelist')}?{query}"


def _summary(group: Any) -> GroupSummary:
    held = group.__dict__.get("_connec_summary")
    if held is None:
        # A page of one group, which no list has gathered.
        held = group._connec_summary = summarise([group])[group.pk]
    return held  # type: ignore[no-any-return] # JSON of any shape


def _describe(run: SyncRun) -> str:
    return f"{run.get_kind_display()}, {run.get_state_display()}, {_short(run.started_at)}"


def _short(moment: Any) -> str:
    return date_format(localtime(moment) if is_aware(moment) else moment, "SHORT_DATETIME_FORMAT")
