"""The manager of embedded rows: bulk writes mark the records that the rows belong to."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeVar

from django.db import models, router, transaction

from django_connec.models.columns import reads_only_engine
from django_connec.models.flags import queryset_only
from django_connec.tracking import rows as tracked_rows
from django_connec.tracking.switch import is_tracking

__all__ = ["ConnecRowManager", "ConnecRowQuerySet"]

T = TypeVar("T", bound=models.Model)


class ConnecRowQuerySet(models.QuerySet[T]):
    """Marks the records of the rows that bulk operations change, with one UPDATE in the same transaction.

    ``update`` and ``delete`` ask first which records those are, one query more.
    """

    def update(self, **kwargs: Any) -> int:
        """As Django's; rows that move to another record mark both. ``bulk_update`` comes through here."""
        key = tracked_rows.parent_field(self.model)
        if not is_tracking() or not kwargs or reads_only_engine(kwargs) or key is None:
            return super().update(**kwargs)
        alias = self._write_alias()
        with transaction.atomic(using=alias, savepoint=False):
            parents = tracked_rows.parents_of(self, alias)
            changed = super().update(**kwargs)
            moved = kwargs.get(key.name, kwargs.get(key.attname))
            if moved is not None:
                parents.add(getattr(moved, "pk", moved))
            tracked_rows.mark_parents(self.model, parents, alias)
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
        """As Django's; the records of all rows are marked."""
        alias = self._write_alias()
        key = tracked_rows.parent_field(self.model)
        rows = list(objs)
        for row in rows:
            # A copied instance must not bring another row's identity along.
            for name in ("connec_id", "connec_state"):
                setattr(row, name, None)
        with transaction.atomic(using=alias, savepoint=False):
            made = super().bulk_create(
                rows,
                batch_size=batch_size,
                ignore_conflicts=ignore_conflicts,
                update_conflicts=update_conflicts,
                update_fields=update_fields,
                unique_fields=unique_fields,
            )
            if is_tracking() and key is not None:
                tracked_rows.mark_parents(self.model, {getattr(row, key.attname) for row in made}, alias)
        return made

    @queryset_only
    def delete(self) -> tuple[int, dict[str, int]]:
        """As Django's; the records of all rows are marked together, not one by one."""
        alias = self._write_alias()
        if not is_tracking():
            return super().delete()
        with transaction.atomic(using=alias, savepoint=False):
            parents = tracked_rows.parents_of(self, alias)
            with tracked_rows.marked_together():
                deleted = super().delete()
            tracked_rows.mark_parents(self.model, parents, alias)
        return deleted

    def _write_alias(self) -> str:
        # The alias that Django's own writes would take.
        queryset: Any = self
        return str(queryset._db or router.db_for_write(self.model, **queryset._hints))


class ConnecRowManager(models.Manager.from_queryset(ConnecRowQuerySet)):  # type: ignore[misc] # made at run time
    """The default manager of :class:`~django_connec.models.ConnecRowMixin`."""
