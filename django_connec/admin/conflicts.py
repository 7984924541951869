"""Conflicts: what both sides changed, and how it was settled. Values are never shown."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from django_connec.admin import actions
from django_connec.admin.base import RecordAdmin
from django_connec.admin.filters import GroupMarketplaceFilter, ResourceFilter
from django_connec.admin.masking import mask_value
from django_connec.models import Conflict

__all__ = ["ConflictAdmin"]


class ConflictAdmin(RecordAdmin):
    """Conflicts; an open one cannot be deleted."""

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
        return bool(obj.decision != Conflict.Decision.OPEN)

    @admin.display(description=_("our value"))
    def local_kind(self, obj: Conflict) -> str:
        """Show the kind of our value."""
        return mask_value(obj.local_value)

    @admin.display(description=_("the hub's value"))
    def remote_kind(self, obj: Conflict) -> str:
        """Show the kind of the hub's value."""
        return mask_value(obj.remote_value)
