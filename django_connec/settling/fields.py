"""A field that both sides changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django_connec.mapping import Mapper, registry
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.fields import BoundField
from django_connec.mapping.local import LocalValues
from django_connec.models import Conflict, ConnecGroup, ConnecRowMixin
from django_connec.models.columns import CHANGED, STATE, Columns
from django_connec.settling.inside import look_at_list_again
from django_connec.sql import update_rows
from django_connec.tracking.clock import next_stamp

__all__ = ["look_again", "settle_field", "stirred"]


@dataclass(slots=True)
class _Standing:
    """Both sides of one contested field, as they are now."""

    row: Any
    bound: BoundField
    agreement: Agreement
    ours: str

    @property
    def theirs(self) -> str | None:
        """Digest of the hub's value; ``None`` where the field is not contested any more."""
        shown = self.agreement.contested.get(self.bound.name)
        return shown[0] if shown else None

    @property
    def is_back(self) -> bool:
        """We are back at what was agreed: only the hub's change is left."""
        name = self.bound.name
        return name in self.agreement.agreed and self.agreement.is_local(name, self.ours)

    @property
    def is_over(self) -> bool:
        """There is nothing to decide any more."""
        return self.theirs in (None, self.ours) or self.is_back

    @property
    def shown(self) -> Any:
        """Our value as a conflict holds it."""
        value = self.bound.get(self.row)
        return str(value) if self.bound.reference is not None else self.bound.encode(value)

    @property
    def is_sent(self) -> bool:
        """A change of ours goes to the hub."""
        return self.bound.push and not self.bound.create_only


def settle_field(conflict: Conflict, decision: Conflict.Decision, using: str) -> Conflict.Decision:
    """Act on a choice; inside a transaction.

    Returns:
        What the conflict's decision is now: ``LOCAL``, ``CHOSEN`` (the hub's value has still to be fetched), or
        ``GONE`` where there is nothing to decide any more.
    """
    standing = _standing(conflict, using)
    if standing is None:
        return Conflict.Decision.GONE
    settled = _settle_itself(standing, using)
    if settled is not None:
        return settled
    if decision == Conflict.Decision.LOCAL:
        _keep_ours(standing, using)
        return Conflict.Decision.LOCAL
    _take_theirs(standing, using)
    return Conflict.Decision.CHOSEN


def stirred(group: ConnecGroup, conflicts: Sequence[Conflict], using: str) -> list[Conflict]:
    """Return those of these open conflicts of which a side has moved; a few queries a model, and no lock."""
    by_label: dict[str, list[Conflict]] = {}
    for conflict in conflicts:
        by_label.setdefault(conflict.model_label, []).append(conflict)
    found: list[Conflict] = []
    for label, listed in by_label.items():
        mapper = registry.for_label(label)
        if mapper is None:
            found += listed
            continue
        keys = {conflict.pk: mapper.pk_from(f"{mapper.meta.id_prefix}{conflict.object_id}") for conflict in listed}
        rows = list(mapper.model._base_manager.using(using).filter(pk__in=set(keys.values()) - {None}))
        values = LocalValues(mapper, rows, group.pk, group.effective_realm, using)
        by_key = {row.pk: (row, Agreement.load(Columns(row).state), values.digests(row)) for row in rows}
        fields = {bound.name: bound for bound in mapper.fields}
        for conflict in listed:
            bound = fields.get(conflict.field)
            row, agreement, digests = by_key.get(keys[conflict.pk], (None, Agreement(), {}))
            if bound is None or row is None:
                found.append(conflict)
                continue
            standing = _Standing(row, bound, agreement, digests[bound.name])
            if standing.is_over or standing.shown != conflict.local_value:
                found.append(conflict)
    return found


def look_again(conflict: Conflict, using: str) -> Conflict.Decision:
    """Close a conflict where one side has given way by itself; inside a transaction.

    Returns:
        What its decision is now; ``OPEN`` where it still waits for an operator.
    """
    standing = _standing(conflict, using)
    if standing is None:
        return Conflict.Decision.GONE
    if standing.shown != conflict.local_value:
        conflict.local_value = standing.shown
        conflict.save(update_fields=["local_value"])
    return _settle_itself(standing, using) or Conflict.Decision.OPEN


def _locked(conflict: Conflict, using: str) -> tuple[Mapper | None, Any]:
    """Return the mapper of a conflict and its row, locked; ``None`` for what is not here any more."""
    mapper = registry.for_label(conflict.model_label)
    if mapper is None:
        return None, None
    pk = mapper.pk_from(f"{mapper.meta.id_prefix}{conflict.object_id}")
    return mapper, mapper.model._base_manager.using(using).select_for_update().filter(pk=pk).first()


def _standing(conflict: Conflict, using: str) -> _Standing | None:
    mapper, row = _locked(conflict, using)
    bound = next((f for f in mapper.fields if f.name == conflict.field), None) if mapper is not None else None
    if mapper is None or bound is None or row is None:
        return None
    group = conflict.group
    ours = LocalValues(mapper, [row], group.pk, group.effective_realm, using).digests(row)[bound.name]
    return _Standing(row, bound, Agreement.load(Columns(row).state), ours)


def _settle_itself(standing: _Standing, using: str) -> Conflict.Decision | None:
    """What needs no choice: both sides are alike, or one of them is back at what was agreed."""
    name, agreement = standing.bound.name, standing.agreement
    if standing.theirs is None:
        # The hub has taken its change back, or an answer has settled it: what is left is a change of ours.
        if standing.is_sent and agreement.agreed and not agreement.is_local(name, standing.ours):
            _write(standing, using, is_change=True)
        return Conflict.Decision.GONE
    if standing.ours == standing.theirs:
        agreement.agree(name, standing.ours)
        agreement.contested.pop(name)
        _write(standing, using)
        return Conflict.Decision.GONE
    if standing.is_back:
        _take_theirs(standing, using)
        return Conflict.Decision.CHOSEN
    return None


def _keep_ours(standing: _Standing, using: str) -> None:
    agreement, name = standing.agreement, standing.bound.name
    theirs = agreement.contested.pop(name)[0]
    # Against what the hub shows now, ours is a plain change. Where it is not sent, both are content to differ.
    agreement.agree(name, theirs, None if standing.is_sent else standing.ours)
    _write(standing, using, is_change=standing.is_sent)


def _take_theirs(standing: _Standing, using: str) -> None:
    # Ours counts as agreed, so that it is not sent and the next version of the record is a change of the hub's alone.
    standing.agreement.contested.pop(standing.bound.name)
    standing.agreement.agree(standing.bound.name, standing.ours)
    _write(standing, using)


def _write(standing: _Standing, using: str, *, is_change: bool = False) -> None:
    row = standing.row
    setattr(row, STATE, standing.agreement.dump())
    if isinstance(row, ConnecRowMixin):
        update_rows(type(row), [row], (STATE,), using=using)
        look_at_list_again(row, using, is_change=is_change)
        return
    read = Columns(row).changed_at
    if is_change:
        # A new stamp also where the row is marked: a batch that is on its way may be about to clear the old one.
        setattr(row, CHANGED, next_stamp())
    names = (STATE, CHANGED) if is_change else (STATE,)
    update_rows(type(row), [row], names, using=using, unchanged=CHANGED, expected=[read])
