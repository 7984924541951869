"""Compare the rows inside records, and prepare those that differ for the drain or for the apply path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django_connec.inbound.incoming import UNRESOLVED, Incoming
from django_connec.inbound.pairing import HeldRow, Paired, hold_rows, pair_rows
from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement, RowsAgreement
from django_connec.mapping.local import LocalValues
from django_connec.mapping.nested import BoundNested
from django_connec.mapping.values import BLANK
from django_connec.models import ConnecGroup
from django_connec.models.columns import ID, STATE, Columns
from django_connec.sql import update_rows

__all__ = ["RowDifferences", "compare_rows"]


@dataclass(slots=True)
class RowDifferences:
    """How one list of rows of one record differs.

    Attributes:
        nested: The list.
        differing: Rows that are on both sides, with the record's row and the names of the fields that differ.
        paired: The others.
    """

    nested: BoundNested
    differing: list[tuple[HeldRow, Incoming, list[str]]]
    paired: Paired

    def __bool__(self) -> bool:
        return bool(self.differing or self.paired.remote or self.paired.held)

    def align(self, agreement: Agreement, using: str, *, push: bool) -> None:
        """Agree on what one side holds, so that the other side's work is to bring it there; inside a transaction.

        Args:
            agreement: The record's; brought up to date, not stored.
            using: Alias of the database.
            push: Ours is to be sent; otherwise the hub's is to be written.
        """
        part = agreement.rows.setdefault(self.nested.name, RowsAgreement())
        changed = []
        for held, item, names in self.differing:
            for name in names:
                held.agreement.agree(name, item.decoded.digests.get(name, BLANK) if push else held.local[name])
            setattr(held.row, STATE, held.agreement.dump())
            changed.append(held.row)
        for item, key in self.paired.remote:
            if push:
                # Known and not here: removed.
                part.digests[key] = item.digest
            else:
                part.digests.pop(key, None)
        for held in self.paired.held:
            if push and held.key:
                setattr(held.row, ID, None)
                setattr(held.row, STATE, None)
                part.digests.pop(held.key, None)
                changed.append(held.row)
        agreement.agreed[self.nested.name] = UNRESOLVED
        update_rows(self.nested.model, changed, (ID, STATE), using=using)


def compare_rows(
    group: ConnecGroup, mapper: Mapper, pairs: Sequence[tuple[Incoming, Any]], using: str
) -> dict[Any, list[RowDifferences]]:
    """Compare the lists of some records with the rows that are here, two queries or so a list.

    Args:
        group: Whose they are.
        mapper: The records' mapper.
        pairs: Each record with its row.
        using: Alias of the database.

    Returns:
        What differs, by the primary key of the record's row.
    """
    found: dict[Any, list[RowDifferences]] = {}
    for nested in mapper.nested:
        shown = [(item, row) for item, row in pairs if nested.name in item.rows and not nested.create_only]
        rows: Any = nested.model._base_manager.using(using)
        listed = list(rows.filter(**{f"{nested.key}__in": [row.pk for _, row in shown]}).order_by("pk"))
        local = LocalValues(nested.rows, listed, group.pk, group.effective_realm, using)
        digests = {row.pk: local.digests(row) for row in listed}
        by_parent: dict[Any, list[Any]] = {}
        for row in listed:
            by_parent.setdefault(getattr(row, nested.key), []).append(row)
        for item, parent in shown:
            part = Agreement.load(Columns(parent).state).rows.get(nested.name, RowsAgreement())
            held = hold_rows(nested, by_parent.get(parent.pk, ()), digests, part)
            paired = pair_rows(nested, held, item.rows[nested.name])
            differing = [(ours, theirs, _names(nested, ours, theirs)) for ours, theirs in paired.pairs]
            difference = RowDifferences(nested, [entry for entry in differing if entry[2]], paired)
            if difference:
                found.setdefault(parent.pk, []).append(difference)
    return found


def _names(nested: BoundNested, ours: HeldRow, theirs: Incoming) -> list[str]:
    names = []
    for bound in nested.rows.fields:
        agreement, local = ours.agreement, ours.local[bound.name]
        remote = theirs.decoded.digests.get(bound.name, agreement.agreed.get(bound.name, BLANK))
        in_two_forms = agreement.local.get(bound.name) == local and agreement.agreed.get(bound.name) == remote
        if local != remote and not in_two_forms and not bound.create_only and bound.name not in agreement.contested:
            names.append(bound.name)
    return names
