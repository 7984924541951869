"""Which row of a record is which row here: by id first, then by what identifies it; never by position alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django_connec.inbound.incoming import Incoming
from django_connec.mapping.agreement import Agreement, RowsAgreement
from django_connec.mapping.nested import BoundNested
from django_connec.mapping.values import BLANK, digest
from django_connec.models.columns import ID, STATE

__all__ = ["HeldRow", "Keys", "Paired", "hold_rows", "pair_rows"]


@dataclass(slots=True, eq=False)
class HeldRow:
    """One row as it is here.

    Attributes:
        row: The instance.
        agreement: What both sides last agreed on about it.
        local: Digests of its own values.
        key: What it is known by in the record's agreement; empty for one that the hub never had.
    """

    row: Any
    agreement: Agreement
    local: Mapping[str, str]
    key: str = ""

    @property
    def connec_id(self) -> str | None:
        """The hub's id of the row."""
        found: str | None = getattr(self.row, ID)
        return found


@dataclass(slots=True)
class Paired:
    """The rows of one list, both sides.

    Attributes:
        pairs: Each row that is on both.
        remote: Those that only the hub has, with their keys.
        held: Those that only we have.
    """

    pairs: list[tuple[HeldRow, Incoming]] = field(default_factory=list)
    remote: list[tuple[Incoming, str]] = field(default_factory=list)
    held: list[HeldRow] = field(default_factory=list)


class Keys:
    """What the rows of one list are known by in their record's agreement: the hub's id, or their content.

    Rows that are alike are numbered, so that it shows when one of them goes.
    """

    def __init__(self, nested: BoundNested) -> None:
        self._names = [*_match_names(nested), [bound.name for bound in nested.rows.fields]][0]
        self._taken: Counter[str] = Counter()

    def of(self, connec_id: str | None, digests: Mapping[str, str]) -> str:
        """Return the key of the next row.

        Args:
            connec_id: The hub's id of it, if it has one.
            digests: Of its fields, as the hub has them.
        """
        if connec_id is not None:
            return connec_id
        key = f"={digest('|'.join(_values(self._names, digests)))}"
        self._taken[key] += 1
        return key if self._taken[key] == 1 else f"{key}#{self._taken[key]}"


def hold_rows(
    nested: BoundNested, rows: Iterable[Any], local: Mapping[Any, Mapping[str, str]], part: RowsAgreement
) -> list[HeldRow]:
    """Look at the rows of one record.

    A row whose key its record does not know has come from another record, or never was at the hub: nothing is agreed
    about it.

    Args:
        nested: Their list.
        rows: The instances.
        local: Digests of their own values, by primary key.
        part: What was agreed on about the list.
    """
    keys = Keys(nested)
    found = []
    for row in rows:
        held = HeldRow(row, Agreement.load(getattr(row, STATE)), local[row.pk])
        if held.connec_id is not None or held.agreement.agreed:
            held.key = keys.of(held.connec_id, held.agreement.agreed)
            if held.key not in part.digests:
                setattr(row, ID, None)
                setattr(row, STATE, None)
                held.agreement, held.key = Agreement(), ""
        found.append(held)
    return found


def pair_rows(nested: BoundNested, rows: Sequence[HeldRow], incoming: Sequence[Incoming]) -> Paired:
    """Pair the rows of one record with those that are here.

    In this order: by the hub's id, by our own id, by the key of rows without ids, by ``match_on`` where exactly one
    row fits, and by equal content.
    """
    paired = Paired()
    # Ordered, and without asking every row whether it is the one that goes.
    waiting = dict.fromkeys(rows)
    remaining: list[tuple[Incoming, str]] = []
    keys = Keys(nested)
    by_id: dict[str | None, HeldRow] = {held.connec_id: held for held in rows if held.connec_id is not None}
    by_pk = {held.row.pk: held for held in rows}
    by_key = {held.key: held for held in rows if held.key and held.connec_id is None}
    for item in incoming:
        key = keys.of(item.connec_id, item.decoded.digests)
        found = by_id.get(item.connec_id)
        if found is None and item.own_pk is not None:
            found = by_pk.get(item.own_pk)
            # A restored database or a reused key: the hub's id wins.
            found = None if found is None or found.connec_id not in (None, item.connec_id) else found
        if found is None and item.connec_id is None:
            found = by_key.get(key)
        if found is not None and found in waiting:
            del waiting[found]
            paired.pairs.append((found, item))
        else:
            remaining.append((item, key))
    rivals = [Counter(_values(names, item.decoded.digests) for item, _ in remaining) for names in _match_names(nested)]
    for item, key in remaining:
        free = [held for held in waiting if held.connec_id is None]
        found = _matched(nested, free, item, rivals) or _equal(nested, free, item) if free else None
        if found is not None:
            del waiting[found]
            paired.pairs.append((found, item))
        else:
            paired.remote.append((item, key))
    paired.held = list(waiting)
    return paired


def _matched(
    nested: BoundNested, free: Sequence[HeldRow], item: Incoming, rivals: Sequence[Counter[tuple[str, ...]]]
) -> HeldRow | None:
    """Find the one row that is equal in what ``match_on`` names, if it is the only one on either side."""
    for names, counts in zip(_match_names(nested), rivals, strict=True):
        wanted = _values(names, item.decoded.digests)
        if BLANK in wanted or counts[wanted] != 1:
            continue
        fitting = [held for held in free if _values(names, held.local) == wanted]
        if len(fitting) == 1:
            return fitting[0]
    return None


def _values(names: Sequence[str], digests: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(digests.get(name, BLANK) for name in names)


def _equal(nested: BoundNested, free: Sequence[HeldRow], item: Incoming) -> HeldRow | None:
    """Find a row with the same content, as it was sent or as it is; among equal ones any will do."""
    remote = item.decoded.digests
    for held in free:
        ours = held.agreement.sent or held.local
        shared = [b.name for b in nested.rows.fields if b.name in remote and b.name in ours]
        if shared and all(remote[name] == ours[name] for name in shared):
            return held
    return None


def _match_names(nested: BoundNested) -> list[list[str]]:
    by_path = {".".join(bound.path): bound.name for bound in nested.rows.fields}
    return [[by_path[path] for path in alternative] for alternative in nested.rows.meta.match_on]
