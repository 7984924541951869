"""Rows that were deleted here: their records stay away, references to them stay empty, until they come back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, models, router
from django.db.models import Q

from django_connec.inbound.incoming import Incoming
from django_connec.inbound.outcome import Outcome
from django_connec.inbound.rows import has_listeners, needs_save, send_post_save, write_references
from django_connec.mapping import Mapper, registry
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.fields import BoundField
from django_connec.mapping.references import RemoteId
from django_connec.mapping.related import attach_related
from django_connec.mapping.values import BLANK
from django_connec.models import ConnecGroup, Tombstone
from django_connec.models.columns import GROUP, ID, STATE
from django_connec.sql import RowChanged, read_rows

__all__ = ["bury", "find_buried", "is_buried", "raise_rows", "refill", "tombstones_for"]


def tombstones_for(
    group: ConnecGroup, mapper: Mapper, incoming: Sequence[Incoming], using: str
) -> dict[int, Tombstone]:
    """Return the tombstone of each record whose row was deleted here, by the record's position."""
    ids = [item.connec_id for item in incoming if item.connec_id]
    pks = [str(item.own_pk) for item in incoming if item.own_pk is not None]
    found: Iterable[Tombstone]
    if pks:
        found = Tombstone.objects.using(using).filter(
            Q(connec_id__in=ids) | Q(object_id__in=pks, model_label=mapper.label),
            group=group,
            resource=mapper.meta.resource,
        )
    else:
        names = [column.attname for column in Tombstone._meta.concrete_fields]
        equal = {"group_id": group.pk, "resource": mapper.meta.resource}
        lines = read_rows(Tombstone, names, using=using, among=("connec_id", ids), equal=equal, rare=True)
        found = [Tombstone.from_db(using, names, line) for line in lines]
    by_id: dict[str, Tombstone] = {}
    by_pk: dict[str, Tombstone] = {}
    for tombstone in found:
        if tombstone.connec_id:
            by_id[tombstone.connec_id] = tombstone
        elif tombstone.model_label == mapper.label:
            by_pk[tombstone.object_id] = tombstone
    result: dict[int, Tombstone] = {}
    for position, item in enumerate(incoming):
        grave = by_id.get(item.connec_id or "") or by_pk.get(str(item.own_pk))
        if grave is not None:
            result[position] = grave
    return result


def is_buried(tombstone: Tombstone, item: Incoming) -> bool:
    """Tell whether a deleted row stays deleted in spite of this record.

    It comes back only when the deletion has been sent and the hub shows the record active with a version
    newer than the last one that we know of, our own among them.
    """
    if item.mapper.is_inactive(item.record) or item.updated_at is None:
        return True
    if tombstone.status and tombstone.sent_at is None:
        return True
    return tombstone.hub_updated_at is None or item.updated_at <= tombstone.hub_updated_at


def bury(group: ConnecGroup, incoming: Sequence[Incoming], using: str, *, rising: Collection[str] = ()) -> None:
    """Take references to records whose rows were deleted here for empty, where the column can be.

    What they lead to stays deleted, so the records that refer to it would wait for ever.

    Args:
        group: Whose records.
        incoming: Those of which some references are unresolved.
        using: Alias of the database.
        rising: Hub ids of records on the same page that come back: what refers to them waits for them.
    """
    wanted: dict[str, list[tuple[Incoming, BoundField, str]]] = {}
    for record in incoming:
        for _, item, bound in record.unresolved():
            mapper = registry.for_model(bound.reference) if bound.reference is not None else None
            value = item.decoded.values[bound.name]
            if mapper is not None and bound.column.null and value.connec_id and value.connec_id not in rising:
                wanted.setdefault(mapper.meta.resource, []).append((item, bound, value.connec_id))
    for resource, entries in wanted.items():
        ids = {connec_id for _, _, connec_id in entries}
        graves = Tombstone.objects.using(using).filter(group=group, resource=resource, connec_id__in=ids)
        buried = {tombstone.connec_id: tombstone for tombstone in graves}
        for item, bound, connec_id in entries:
            if connec_id in buried:
                item.references[bound.name] = None
                item.buried[bound.name] = buried[connec_id]


def raise_rows(group: ConnecGroup, incoming: Iterable[Incoming], using: str) -> None:
    """Remove the tombstones of records that come back, and look at references to others once more.

    In the transaction that writes these records, before any row is locked: whoever brings a row back and whoever
    leaves a reference to it empty take turns at its tombstone, so that neither misses the other's work.
    """
    risen = {item.risen.pk for item in incoming if item.risen is not None}
    references = [(part, name) for item in incoming for _, part in item.parts() for name in part.buried]
    graves = {part.buried[name].pk for part, name in references}
    if not risen | graves:
        return
    held = Tombstone.objects.using(using).filter(pk__in=risen | graves).order_by("pk").select_for_update()
    found = set(held.values_list("pk", flat=True))
    if risen:
        Tombstone.objects.using(using).filter(pk__in=risen).delete()
    for part, name in references:
        grave = part.buried[name]
        if grave.pk in found:
            continue
        # It came back since the reference was looked up.
        bound = next(bound for bound in part.mapper.references if bound.name == name)
        model: Any = bound.reference
        rows = model._base_manager.using(using).filter(**{ID: grave.connec_id, GROUP: group.pk})
        pk = rows.values_list("pk", flat=True).first()
        if pk is not None:
            part.references[name] = pk
            del part.buried[name]


def refill(group: ConnecGroup, mapper: Mapper, back: Mapping[str, Any], outcome: Outcome, using: str) -> None:
    """Fill the references that are empty here only because what they lead to was deleted here: it has come back.

    Args:
        group: Whose rows.
        mapper: Mapper of the rows that came back.
        back: Their primary keys by hub id.
        outcome: Takes the keys of the records whose references were filled.
        using: Alias of the database.

    Raises:
        RowChanged: Somebody else is writing one of them.
    """
    for referring in _referring(mapper) if back else ():
        bound = referring.bound
        keys = {bound.digest(RemoteId(connec_id)): pk for connec_id, pk in back.items()}
        filled: list[tuple[Any, Any]] = []
        for row in _locked(referring, [pk for pk, _ in referring.rows(group.pk, keys, using)], using):
            agreement = Agreement.load(getattr(row, STATE))
            if bound.get(row) is None and agreement.local.pop(bound.name, None) == BLANK:
                setattr(row, STATE, agreement.dump())
                filled.append((row, keys[agreement.agreed[bound.name]]))
        if not filled:
            continue
        written = [row for row, _ in filled]
        write_references(referring.mapper, bound, filled, using=using)
        if not needs_save(referring.mapper.model) and has_listeners(referring.mapper.model):
            send_post_save([(row, False) for row in written], using)
        if "after_apply" in referring.mapper.customises:
            referring.mapper.after_apply(written)
        pks = outcome.updated_pks.setdefault(referring.records.label, [])
        pks += dict.fromkeys(pk for row in written if (pk := referring.record_of(row)) not in pks)


def find_buried(tombstones: Iterable[Tombstone]) -> set[int]:
    """Return the keys of the tombstones that a reference is empty for: should the row come back, it is filled."""
    by_place: dict[tuple[int, str], dict[str, int]] = {}
    for tombstone in tombstones:
        if tombstone.connec_id:
            by_place.setdefault((tombstone.group_id, tombstone.resource), {})[tombstone.connec_id] = tombstone.pk
    kept: set[int] = set()
    for (group_id, resource), ids in by_place.items():
        for referring in (found for mapper in registry.for_resource(resource) for found in _referring(mapper)):
            bound = referring.bound
            keys = {bound.digest(RemoteId(connec_id)): key for connec_id, key in ids.items()}
            using = router.db_for_write(referring.mapper.model)
            agreements = [Agreement.load(state) for _, state in referring.rows(group_id, keys, using)]
            kept.update(keys[a.agreed[bound.name]] for a in agreements if a.local.get(bound.name) == BLANK)
    return kept


@dataclass(frozen=True, slots=True)
class _Referring:
    """One reference to a model, in a record or in a row inside one.

    Attributes:
        bound: The reference.
        mapper: Mapper of what holds it.
        records: Mapper of the record that this is, or is inside.
        key: The foreign key of a row to its record; ``None`` for a record.
    """

    bound: BoundField
    mapper: Mapper
    records: Mapper
    key: models.ForeignKey[Any, Any] | None = None

    def rows(self, group_id: int, digests: Collection[str], using: str) -> list[tuple[Any, Any]]:
        """Return key and state of those that were agreed to refer to one of these records, and refer to nothing."""
        found = self.mapper.model._base_manager.using(using).filter(
            **{
                GROUP if self.key is None else f"{self.key.name}__{GROUP}": group_id,
                f"{self.bound.lookup}__isnull": True,
                f"{STATE}__a__{self.bound.name}__in": list(digests),
            }
        )
        return list(found.order_by().values_list("pk", STATE))

    def record_of(self, row: Any) -> Any:
        """Return the primary key of the record that a row is, or is inside."""
        return row.pk if self.key is None else getattr(row, self.key.attname)


def _referring(mapper: Mapper) -> Iterator[_Referring]:
    holders: list[tuple[Mapper, Mapper, Any]] = []
    for other in registry:
        holders.append((other, other, None))
        holders += [(nested.rows, other, registry.row_keys[nested.model]) for nested in other.nested]
    for holder, records, key in holders:
        for bound in holder.references:
            target = bound.reference and (bound.reference._meta.concrete_model or bound.reference)
            if target is mapper.model and bound.column.null and bound.pull:
                yield _Referring(bound, holder, records, key)


def _locked(referring: _Referring, pks: Collection[Any], using: str) -> list[Any]:
    if not pks:
        return []
    rows = referring.mapper.model._base_manager.using(using).filter(pk__in=pks).order_by("pk")
    try:
        # Who saves one may wait for what this transaction holds already; so it never waits for them.
        found = list(rows.select_for_update(nowait=True))
    except OperationalError as error:
        raise RowChanged(referring.mapper.model._meta.label) from error
    attach_related(referring.mapper, found, using)
    return found
