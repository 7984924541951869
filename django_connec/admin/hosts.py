"""What a host adds to the admin of its own models: one column that says where a row stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_connec.mapping import registry
from django_connec.models import Failure
from django_connec.models.columns import CHANGED, GROUP, ID

__all__ = ["ConnecSyncAdminMixin"]

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object

HELD = "_connec_standing"


@dataclass(slots=True)
class Standing:
    """Where one row stands: whether its customer shares, what the hub calls it, and why it failed."""

    shares: bool = False
    connec_id: str | None = None
    is_pending: bool = False
    message: str | None = None


class ConnecSyncAdminMixin(Base):
    """Adds a read-only column "Connec!" to the list of a model with :class:`~django_connec.models.ConnecSyncMixin`.

    ``class CustomerAdmin(ConnecSyncAdminMixin, admin.ModelAdmin)``. It costs two queries a page, none a row.
    Name ``connec_status`` in ``list_display`` to choose its place, or in ``readonly_fields`` to have it on the
    form too.
    """

    def get_list_display(self, request: HttpRequest) -> Any:
        columns = super().get_list_display(request)
        return columns if "connec_status" in columns else [*columns, "connec_status"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        base = super().get_changelist(request, **kwargs)
        return type("ConnecChangeList", (_StandingChangeList, base), {})

    @admin.display(description=_("Connec!"))
    def connec_status(self, obj: Any) -> str:
        """Say whether the hub has what is in the row."""
        if obj is None or obj.pk is None:
            return str(_("not linked"))
        if HELD not in obj.__dict__:
            _gather(type(obj), [obj])
        standing: Standing = obj.__dict__[HELD]
        if not standing.shares:
            return str(_("not linked"))
        if standing.message is not None:
            return str(_("failed: %(message)s") % {"message": standing.message})
        if standing.is_pending:
            return str(_("waiting to be sent"))
        return str(_("in step") if standing.connec_id is not None else _("not linked"))


class _StandingChangeList(ChangeList):
    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        # Fills the queryset's own cache: with list_editable Django needs it to stay a queryset.
        _gather(self.model, self.result_list)


def _gather(model: type[models.Model], rows: Iterable[Any]) -> None:
    found = {row.pk: row for row in rows}
    for row in found.values():
        row.__dict__[HELD] = Standing()
    mapper = registry.for_model(model)
    if mapper is None or not found:
        return
    using = next(iter(found.values()))._state.db
    path = mapper.meta.group
    # Asked for, not read off the instances: a host's list may have deferred the columns, and a row that no
    # drain has met yet finds its group by the mapper's path only.
    shared = mapper.model._base_manager.using(using).filter(
        **{"pk__in": list(found), f"{path}__is_active": True, f"{path}__sharing_enabled": True}
    )
    by_key: dict[str, Standing] = {}
    by_id: dict[tuple[int, str], Standing] = {}
    for pk, group_id, connec_id, changed_at in shared.values_list("pk", GROUP, ID, CHANGED):
        standing = Standing(True, connec_id, changed_at is not None)
        found[pk].__dict__[HELD] = by_key[str(pk)] = standing
        if connec_id is not None and group_id is not None:
            by_id[group_id, connec_id] = standing
    failures = Failure.objects.using(using).filter(
        Q(direction=Failure.Direction.PUSH, model_label=mapper.label, object_id__in=list(by_key))
        | Q(
            direction=Failure.Direction.PULL,
            group__in={group_id for group_id, _id in by_id},
            resource=mapper.meta.resource,
            object_id__in={connec_id for _id, connec_id in by_id},
        )
    )
    # The newest comes last, and stays.
    for direction, group_id, object_id, message in failures.order_by("last_failed_at", "pk").values_list(
        "direction", "group_id", "object_id", "message"
    ):
        is_push = direction == Failure.Direction.PUSH
        failed = by_key.get(object_id) if is_push else by_id.get((group_id, object_id))
        if failed is not None:
            failed.message = message
