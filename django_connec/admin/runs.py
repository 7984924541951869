"""What ran, how far it got, who works on what, and which ids the hub has still to be told."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_connec.admin.base import RecordAdmin
from django_connec.admin.filters import GroupMarketplaceFilter, MarketplaceFilter, ResourceFilter
from django_connec.admin.holding import HeldReadFilter, accept_mass_change
from django_connec.models import SyncRun

__all__ = ["LeaseAdmin", "LinkBackAdmin", "RequestSlotAdmin", "SyncCursorAdmin", "SyncRunAdmin"]


class SyncRunAdmin(RecordAdmin):
    """Imports, polls and pushes; one that is still running cannot be deleted."""

    list_display = ("started_at", "kind", "group", "state", "finished_at", "error")
    list_filter = ("state", "kind", GroupMarketplaceFilter, "started_at")
    search_fields = ("error", "group__name", "group__uid")
    ordering = ("-started_at", "-pk")
    fields = ("group", "kind", "state", ("started_at", "finished_at"), "counts", "error")

    def may_delete(self, obj: Any) -> bool:
        return bool(obj.state != SyncRun.State.RUNNING)


class SyncCursorAdmin(RecordAdmin):
    """How far each resource of each group has been read, and which reads wait for an operator."""

    list_display = ("resource", "group", "polled_from", "import_started", "import_skip", "imported_at", "held_at")
    list_filter = (HeldReadFilter, ResourceFilter, GroupMarketplaceFilter, ("imported_at", admin.EmptyFieldListFilter))
    search_fields = ("group__name", "group__uid")
    ordering = ("group__name", "group__uid", "resource")
    actions = (accept_mass_change,)
    fields = (
        "group",
        "resource",
        "polled_from",
        ("import_started", "import_skip", "imported_at"),
        "mapper_version",
        "changed_rows",
        ("held_at", "held_changes", "held_of", "accepted_at"),
    )


class LinkBackAdmin(RecordAdmin):
    """Rows whose own id the hub has still to be told."""

    list_display = ("row", "connec_id", "group", "attempts", "next_attempt_at")
    list_filter = (GroupMarketplaceFilter,)
    search_fields = ("object_id", "connec_id", "group__name", "group__uid")
    ordering = ("-pk",)
    fields = ("group", "row", "connec_id", "attempts", "next_attempt_at")
    readonly_fields = ("row",)


class HeldFilter(admin.SimpleListFilter):
    """By whether somebody works under the lease."""

    title = _("held")
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(token__isnull=self.value() == "no")
        return queryset


class LeaseAdmin(RecordAdmin):
    """Locks. One whose holder died is taken by the next worker, ten minutes after it was last renewed."""

    # Who knows the token could give another's lease back.
    masked = ("token",)
    list_select_related = False
    list_display = ("name", "is_held", "renewed_at", "again")
    list_filter = (HeldFilter,)
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "is_held", "renewed_at", "again")
    readonly_fields = ("is_held",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        held = ExpressionWrapper(Q(token__isnull=False), output_field=BooleanField())
        rows: QuerySet[Any] = super().get_queryset(request).annotate(held=held)
        return rows

    @admin.display(description=_("held"), boolean=True, ordering="held")
    def is_held(self, obj: Any) -> bool:
        """Tell whether a worker holds it."""
        return bool(obj.held)


class RequestSlotAdmin(RecordAdmin):
    """When the hub of a marketplace with a cap may be called next."""

    list_select_related = False
    list_display = ("marketplace", "next_free")
    list_filter = (MarketplaceFilter,)
    search_fields = ("marketplace",)
    ordering = ("marketplace",)
    fields = ("marketplace", "next_free")
