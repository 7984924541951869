"""Let a read go on that was held because it would change too many rows."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_connec.dispatch import enqueue
from django_connec.models import SyncCursor
from django_connec.reading.holding import accept

__all__ = ["HeldReadFilter", "accept_mass_change"]


class HeldReadFilter(admin.SimpleListFilter):
    """By whether reading waits for an operator."""

    title = _("held")
    parameter_name = "held"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in ("yes", "no"):
            return queryset.filter(held_at__isnull=self.value() == "no")
        return queryset


@admin.action(description=_("Accept the mass change and go on"), permissions=["change"])
def accept_mass_change(modeladmin: Any, request: HttpRequest, queryset: QuerySet[SyncCursor]) -> None:
    """Let the selected reads change as many rows as they like, and queue those that were held."""
    held = list(queryset.filter(held_at__isnull=False).select_related("group").order_by("group", "pk"))
    waiting = [(cursor, cursor.held_by) for cursor in held]
    accept(SyncCursor.objects.filter(pk__in=[cursor.pk for cursor in held]))
    polled: set[int] = set()
    lost = 0
    for cursor, held_by in waiting:
        if held_by == "import":
            lost += not enqueue("import_group", cursor.group_id, False, [cursor.resource])
        elif cursor.group_id not in polled:
            polled.add(cursor.group_id)
            lost += not enqueue("poll_group", cursor.group_id)
    if held:
        message = ngettext("%(count)d read goes on.", "%(count)d reads go on.", len(held))
        modeladmin.message_user(request, message % {"count": len(held)}, messages.SUCCESS)
    if lost:
        lost_words = _("The queue did not take all of it. The next poll or import goes on.")
        modeladmin.message_user(request, lost_words, messages.WARNING)
    if not held:
        modeladmin.message_user(request, _("None of these was held."), messages.WARNING)
