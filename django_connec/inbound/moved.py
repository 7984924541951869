"""Records that have moved from one model to another: a lead that has become a customer.

Several mappers may share a resource; ``Meta.when`` and ``accepts`` say whose a record is, and the record may change so
that it is another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from django_connec.inbound.incoming import Incoming
from django_connec.inbound.lookup import BOOKKEEPING, Held
from django_connec.mapping import Mapper, registry
from django_connec.mapping.agreement import Agreement
from django_connec.models import ConnecGroup
from django_connec.models.columns import GROUP, ID, STATE, Columns
from django_connec.signals import record_moved
from django_connec.sql import read_rows, update_rows

__all__ = ["Elsewhere", "find_elsewhere", "retire"]


@dataclass(slots=True)
class Elsewhere:
    """The rows of other models that hold the records of one mapper.

    Attributes:
        rows: Of each other mapper, those whose record is theirs no longer.
    """

    rows: dict[Mapper, list[Held]] = field(default_factory=dict)

    def keeps(self, item: Incoming) -> bool:
        """Tell whether a record is still another model's: that one has seen a newer version, or has been given the
        record here and not told the hub yet."""
        for rows in self.rows.values():
            for held in rows:
                if held.connec_id != item.connec_id:
                    continue
                if held.changed_at is not None and not Agreement.load(held.state).agreed:
                    return True
                if item.updated_at and held.hub_updated_at and item.updated_at < held.hub_updated_at:
                    return True
        return False


def find_elsewhere(group: ConnecGroup, mapper: Mapper, items: Sequence[Incoming], using: str) -> Elsewhere:
    """Find the rows of other models that hold these records, one query a model that shares the resource."""
    found = Elsewhere()
    ids = {item.connec_id for item in items if item.connec_id}
    for other in registry.for_resource(mapper.meta.resource):
        if other is mapper or not ids or mapper.is_singular:
            continue
        lines = read_rows(other.model, BOOKKEEPING, using=using, among=(ID, ids), equal={GROUP: group.pk})
        held = [row for row in (Held(*line) for line in lines) if not Agreement.load(row.state).has_moved]
        if held:
            found.rows[other] = held
    return found


def retire(group: ConnecGroup, mapper: Mapper, elsewhere: Elsewhere, using: str) -> None:
    """Let the rows of other models go whose records are this mapper's now.

    Where the other mapper has ``on_inactive = "delete"`` the row is deleted; otherwise it stays, is neither sent nor
    changed any more, and is taken up again when its record comes back.
    """
    for other, held in elsewhere.rows.items():
        rows = _locked(other, [row.pk for row in held], using)
        for row in rows:
            if other.meta.on_inactive == "delete":
                row.__dict__["_connec_engine"] = True
                row.delete(using=using)
            else:
                agreement = Agreement.load(Columns(row).state)
                agreement.has_moved = True
                setattr(row, STATE, agreement.dump())
        if other.meta.on_inactive != "delete":
            update_rows(other.model, rows, (STATE,), using=using)
        _announce(group, other, mapper, rows, held, using)


def _locked(mapper: Mapper, pks: Sequence[Any], using: str) -> list[Any]:
    rows = mapper.model._base_manager.using(using).select_for_update().filter(pk__in=pks)
    return list(rows.order_by("pk"))


def _announce(
    group: ConnecGroup, other: Mapper, mapper: Mapper, rows: Sequence[Any], held: Sequence[Held], using: str
) -> None:
    keys = {row.pk: row.connec_id for row in held}

    def send() -> None:
        for row in rows:
            record_moved.send_robust(
                other.model,
                group=group,
                resource=mapper.meta.resource,
                connec_id=keys.get(row.pk),
                row=row,
                to=mapper.model,
            )

    transaction.on_commit(send, using=using, robust=True)
