"""Who signs on, and for which customer."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin

from django_connec.admin.base import RecordAdmin

__all__ = ["ConnecIdentityAdmin", "MembershipAdmin"]


class ConnecIdentityAdmin(RecordAdmin):
    """Users as a marketplace knows them. Without his identity a user is made, or linked, anew at the next sign-on."""

    list_display = ("uid", "marketplace", "user", "signed_on_at")
    list_filter = ("marketplace", ("signed_on_at", admin.DateFieldListFilter))
    list_select_related: ClassVar[Any] = ("user",)
    search_fields = ("uid",)
    ordering = ("-signed_on_at", "uid")

    def may_delete(self, obj: Any) -> bool:
        return True


class MembershipAdmin(RecordAdmin):
    """Users' places in groups. One that is deleted ends the user's sessions, until he signs on again."""

    list_display = ("user", "group", "role", "created_at")
    list_filter = ("role", "group__marketplace")
    list_select_related: ClassVar[Any] = ("user", "group")
    search_fields = ("group__uid", "group__name")
    ordering = ("group", "role")

    def may_delete(self, obj: Any) -> bool:
        return True
