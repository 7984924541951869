"""What the pages of stored bookkeeping have in common: they show, they never edit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    # Generic only in the type stubs.
    ModelAdmin = admin.ModelAdmin

__all__ = ["EMPTY", "ModelAdmin", "RecordAdmin"]

EMPTY = "-"


class RecordAdmin(ModelAdmin):
    """A model whose rows only the engine writes: no adding, no editing, deleting where :meth:`may_delete` says so.

    Lists are narrowed by date with a filter, not with Django's hierarchy: that one truncates the dates of the
    whole table for every page, and fails on a MariaDB whose time zone tables were never loaded.

    Attributes:
        masked: Columns that hold business data. They are neither loaded by a list nor open to a filter in the
            address, which would answer questions about what they hold.
    """

    masked: ClassVar[tuple[str, ...]] = ()
    list_select_related: ClassVar[Any] = ("group",)

    def may_delete(self, obj: Any) -> bool:
        """Tell whether deleting this row loses nothing."""
        return False

    @property
    def is_deletable(self) -> bool:
        """Some rows of the model may be deleted."""
        return type(self).may_delete is not RecordAdmin.may_delete

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.defer(*self.masked)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        if lookup.partition("__")[0] in self.masked:
            return False
        return super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Without an object Django asks for the actions; with one, whether to show a form.
        return obj is None and super().has_change_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = self.is_deletable if obj is None else self.may_delete(obj)
        return allowed and super().has_delete_permission(request)

    @admin.display(description=_("row"))
    def row(self, obj: Any) -> str:
        """Show which row of the host's it is about, linked to the host's own admin where there is one."""
        return row_link(self.admin_site, obj.model_label, obj.object_id)


def row_link(site: admin.AdminSite, label: str, object_id: str) -> str:
    """Return a row's model and key, as a link where the model has a page in this admin."""
    text = f"{label} {object_id}".strip()
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        model = None
    if model is None or not object_id or not site.is_registered(model):
        return text or EMPTY
    name = f"{site.name}:{model._meta.app_label}_{model._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[quote(object_id)]), text)
