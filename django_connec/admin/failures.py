"""What did not go through: records that failed, that wait for another one, and deletions to be sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_connec.admin import actions
from django_connec.admin.base import EMPTY, RecordAdmin, row_link
from django_connec.admin.filters import GroupMarketplaceFilter, ResourceFilter
from django_connec.admin.masking import mask_payload
from django_connec.models import Failure, ParkedRecord, Tombstone
from django_connec.models.tombstone import UNSENT

__all__ = ["FailureAdmin", "ParkedRecordAdmin", "TombstoneAdmin"]


class FailureAdmin(RecordAdmin):
    """Records that could not be sent or applied. Only one that is given up may be dismissed."""

    masked = ("record",)
    list_display = (
        "resource",
        "row",
        "direction",
        "group",
        "message",
        "attempts",
        "is_dead",
        "last_failed_at",
        "next_attempt_at",
    )
    list_filter = ("direction", "is_dead", ResourceFilter, GroupMarketplaceFilter, "last_failed_at")
    search_fields = ("object_id", "message", "group__name", "group__uid")
    ordering = ("-last_failed_at", "-pk")
    actions = (actions.retry_failures,)
    fields = (
        "group",
        "direction",
        "resource",
        "row",
        "message",
        "payload",
        "attempts",
        "is_dead",
        ("first_failed_at", "last_failed_at", "next_attempt_at"),
    )
    readonly_fields = ("row", "payload")

    def may_delete(self, obj: Any) -> bool:
        return bool(obj.is_dead)

    @admin.display(description=_("record"), ordering="object_id")
    def row(self, obj: Failure) -> str:
        """Show which row was not sent, or which record was not applied."""
        if obj.direction == Failure.Direction.PUSH:
            return row_link(self.admin_site, obj.model_label, obj.object_id)
        return obj.object_id or EMPTY

    @admin.display(description=_("stored record"))
    def payload(self, obj: Failure) -> str:
        """Show size and hash of the record that was not applied."""
        return mask_payload(obj.record)


class ParkedRecordAdmin(RecordAdmin):
    """Records that refer to one which is not here yet."""

    masked = ("record",)
    list_display = (
        "resource",
        "connec_id",
        "group",
        "missing_resource",
        "missing_id",
        "parked_at",
        "attempts",
        "next_attempt_at",
    )
    list_filter = (ResourceFilter, GroupMarketplaceFilter, "parked_at")
    search_fields = ("connec_id", "missing_id", "group__name", "group__uid")
    ordering = ("-parked_at", "-pk")
    actions = (actions.try_parked,)
    fields = (
        "group",
        "resource",
        "connec_id",
        "payload",
        ("missing_resource", "missing_id", "field"),
        ("parked_at", "next_attempt_at"),
        "attempts",
    )
    readonly_fields = ("payload",)

    @admin.display(description=_("stored record"))
    def payload(self, obj: ParkedRecord) -> str:
        """Show size and hash of the record that waits."""
        return mask_payload(obj.record)


class SentFilter(admin.SimpleListFilter):
    """By whether the hub has been told."""

    title = _("sent")
    parameter_name = "sent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, Any]]:
        return [("no", _("to be sent")), ("yes", _("sent")), ("never", _("the hub is not told"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "no":
                return queryset.filter(UNSENT)
            case "yes":
                return queryset.filter(sent_at__isnull=False)
            case "never":
                return queryset.filter(status="", sent_at__isnull=True)
        return queryset


class TombstoneAdmin(RecordAdmin):
    """Rows deleted here. One may be deleted when the hub knows: its record can then come back."""

    masked = ("payload",)
    list_display = (
        "resource",
        "model_label",
        "object_id",
        "connec_id",
        "group",
        "deleted_at",
        "sent_at",
        "attempts",
        "is_dead",
        "message",
    )
    list_filter = (SentFilter, "is_dead", ResourceFilter, GroupMarketplaceFilter, "deleted_at")
    search_fields = ("object_id", "connec_id", "message", "group__name", "group__uid")
    ordering = ("-deleted_at", "-pk")
    actions = (actions.send_tombstones,)
    fields = (
        "group",
        "resource",
        ("model_label", "object_id", "connec_id"),
        "hub_updated_at",
        "status",
        "create_payload",
        ("deleted_at", "sent_at", "next_attempt_at"),
        "attempts",
        "is_dead",
        "message",
    )
    readonly_fields = ("create_payload",)

    def may_delete(self, obj: Any) -> bool:
        return obj.sent_at is not None

    @admin.display(description=_("stored create"))
    def create_payload(self, obj: Tombstone) -> str:
        """Show size and hash of the create that was on its way when the row was deleted."""
        return mask_payload(obj.payload)
