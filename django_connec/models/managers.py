"""The manager that covers what Django does without ``save()``: bulk writes and deletes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from django.db import models, router

from django_connec.models.columns import BOOKKEEPING, reads_only_engine
from django_connec.models.flags import queryset_only
from django_connec.tracking import deletions, wakeups
from django_connec.tracking.clock import next_stamp
from django_connec.tracking.switch import is_tracking

__all__ = ["BaseManager", "ConnecManager", "ConnecQuerySet"]

T = TypeVar("T", bound=models.Model)


class ConnecQuerySet(models.QuerySet[T]):
    """Marks what bulk operations change, in the same statement.

    A model with a manager of its own combines them: ``ConnecManager.from_queryset(MyQuerySet)``, or
    ``class MyQuerySet(ConnecQuerySet)``.
    """

    def update(self, **kwargs: Any) -> int:
        """As Django's; the rows are marked as changed in the same UPDATE. ``bulk_update`` comes through here."""
        if not is_tracking() or not kwargs or reads_only_engine(kwargs):
            return super().update(**kwargs)
        changed = super().update(**kwargs, connec_changed_at=next_stamp())
        # After the statement: outside a transaction the wake-up looks for marked rows at once.
        if changed:
            wakeups.note(self._write_alias(), self.model, None)
        return changed

    def bulk_create(
        self,
        objs: Iterable[T],
        batch_size: int | None = None,
        ignore_conflicts: bool = False,
        update_conflicts: bool = False,
        update_fields: Collection[str] | None = None,
        unique_fields: Collection[str] | None = None,
    ) -> list[T]:
        """As Django's; every row is marked as changed, also those that ``update_conflicts`` updates."""
        rows = list(objs)
        tracking = is_tracking()
        for row in rows:
            # A copied instance must not bring another row's identity along.
            for name in BOOKKEEPING - {"connec_group_id"}:
                setattr(row, name, None)
            row.__dict__["connec_changed_at"] = next_stamp() if tracking else None
        if tracking and update_fields is not None:
            update_fields = [*update_fields, "connec_changed_at"]
        made = super().bulk_create(
            rows,
            batch_size=batch_size,
            ignore_conflicts=ignore_conflicts,
            update_conflicts=update_conflicts,
            update_fields=update_fields,
            unique_fields=unique_fields,
        )
        if tracking and rows:
            wakeups.note(self._write_alias(), self.model, None)
        return made

    @queryset_only
    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's; the tombstones of all rows are read and written together, in the same transaction."""
        alias = self._write_alias()
        with deletions.collecting(alias, self):
            return super().delete()

    def pending(self) -> ConnecQuerySet[T]:
        """Only the rows with changes that the hub has not got yet."""
        return self.filter(connec_changed_at__isnull=False)

    def _write_alias(self) -> str:
        # The alias that Django's own writes would take.
        queryset: Any = self
        return str(queryset._db or router.db_for_write(self.model, **queryset._hints))


class ConnecManager(models.Manager.from_queryset(ConnecQuerySet)):  # type: ignore[misc] # made at run time
    """The default manager of :class:`~django_connec.models.ConnecSyncMixin`."""


class _BaseQuerySet(models.QuerySet[T]):
    def update(self, **kwargs: Any) -> int:
        # The engine always writes bookkeeping too; Django itself writes one foreign key and nothing else.
        if not is_tracking() or not kwargs or any(name.startswith("connec_") for name in kwargs):
            return super().update(**kwargs)
        changed = super().update(**kwargs, connec_changed_at=next_stamp())
        if changed:
            queryset: Any = self
            wakeups.note(str(queryset._db or router.db_for_write(self.model, **queryset._hints)), queryset.model, None)
        return changed


class BaseManager(models.Manager.from_queryset(_BaseQuerySet)):  # type: ignore[misc] # made at run time
    """The base manager, through which Django itself changes rows: ``on_delete=SET_NULL`` and ``related.add()``."""
