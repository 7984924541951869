"""Deliveries of the hub: what came in, and what became of it. Bodies are never shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from django_connec.admin import actions
from django_connec.admin.base import RecordAdmin
from django_connec.admin.filters import MarketplaceFilter
from django_connec.admin.masking import mask_payload
from django_connec.models import Notification

__all__ = ["NotificationAdmin"]


class NotificationAdmin(RecordAdmin):
    """Stored deliveries; one that is still to be applied cannot be deleted."""

    masked = ("body",)
    list_select_related = False
    list_display = ("received_at", "marketplace", "state", "body_size", "attempts", "finished_at", "error")
    list_filter = ("state", MarketplaceFilter, "received_at")
    search_fields = ("error",)
    ordering = ("-received_at", "-pk")
    actions = (actions.replay_deliveries,)
    fields = (
        "marketplace",
        "state",
        "payload",
        ("received_at", "started_at", "finished_at"),
        "attempts",
        "counts",
        "error",
    )
    readonly_fields = ("payload",)

    def may_delete(self, obj: Any) -> bool:
        return bool(obj.state != Notification.State.WAITING)

    @admin.display(description=_("size"), ordering="size")
    def body_size(self, obj: Notification) -> str:
        """Show how long the body is."""
        return filesizeformat(obj.size)

    @admin.display(description=_("body"))
    def payload(self, obj: Notification) -> str:
        """Show size and hash of the body."""
        return mask_payload(obj.body)
