"""Conflicts: what both sides changed, and the buttons that settle it. Values are never shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from django_connec.admin import actions
from django_connec.admin.base import RecordAdmin, row_link
from django_connec.admin.filters import GroupMarketplaceFilter, ResourceFilter
from django_connec.admin.masking import mask_value
from django_connec.models import Conflict
from django_connec.settling import candidates, choose_row

__all__ = ["ConflictAdmin"]

SIDES = {"local": Conflict.Decision.LOCAL, "connec": Conflict.Decision.CONNEC}


class ConflictAdmin(RecordAdmin):
    """Conflicts; one that is not settled cannot be deleted."""

    masked = ("local_value", "remote_value")
    list_display = ("row", "kind", "field", "decision", "group", "resource", "connec_id", "found_at", "settled_at")
    list_filter = ("decision", "kind", ResourceFilter, GroupMarketplaceFilter, "found_at")
    search_fields = ("object_id", "connec_id", "field", "group__name", "group__uid")
    ordering = ("-found_at", "-pk")
    actions = (actions.settle_local, actions.settle_connec)
    fields = (
        "group",
        "kind",
        "resource",
        "row",
        "connec_id",
        "field",
        ("local_kind", "remote_kind"),
        "decision",
        ("found_at", "settled_at"),
    )
    readonly_fields = ("row", "local_kind", "remote_kind")

    def may_delete(self, obj: Any) -> bool:
        return obj.decision not in (Conflict.Decision.OPEN, Conflict.Decision.CHOSEN)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.settle_view)
        return [path("<path:object_id>/settle/", view, name="django_connec_conflict_settle"), *super().get_urls()]

    def settle_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Settle one conflict, as its page asks: for a side, or for a row."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_change_permission(request):
            raise PermissionDenied
        conflict = self.get_object(request, unquote(object_id))
        if conflict is None:
            raise Http404
        if request.POST.get("side") in SIDES:
            found = Conflict.objects.filter(pk=conflict.pk)
            actions.settle_and_say(self, request, found, SIDES[request.POST["side"]])
        else:
            self._choose(request, conflict, request.POST.get("row", ""))
        page = f"{self.admin_site.name}:django_connec_conflict_change"
        return HttpResponseRedirect(reverse(page, args=[quote(object_id)]))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        conflict = kwargs.get("obj")
        if conflict is not None and conflict.decision == Conflict.Decision.OPEN and self.has_change_permission(request):
            address = f"{self.admin_site.name}:django_connec_conflict_settle"
            context |= {
                "connec_settle": reverse(address, args=[quote(conflict.pk)]),
                "connec_sides": conflict.kind in (Conflict.Kind.FIELD, Conflict.Kind.DUPLICATE),
                "connec_rows": [
                    (pk, row_link(self.admin_site, conflict.model_label, str(pk))) for pk in candidates(conflict)
                ],
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def _choose(self, request: HttpRequest, conflict: Conflict, text: str) -> None:
        pk = next((pk for pk in candidates(conflict) if str(pk) == text), None)
        if pk is not None and choose_row(conflict, pk):
            self.message_user(request, _("The record is linked to this row."), messages.SUCCESS)
            actions.drain_groups(self, request, [conflict.group_id])
        else:
            self.message_user(request, _("The record does not match this row any more."), messages.WARNING)

    @admin.display(description=_("our value"))
    def local_kind(self, obj: Conflict) -> str:
        """Show the kind of our value."""
        return mask_value(obj.local_value)

    @admin.display(description=_("the hub's value"))
    def remote_kind(self, obj: Conflict) -> str:
        """Show the kind of the hub's value."""
        return mask_value(obj.remote_value)
