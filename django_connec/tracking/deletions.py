"""What is left behind by deleted rows: tombstones, written in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import connections, models, transaction
from django.db.models.signals import post_delete

from django_connec.tracking import wakeups
from django_connec.tracking.switch import is_tracking

if TYPE_CHECKING:
    from django_connec.mapping import Mapper
    from django_connec.models import Tombstone

__all__ = ["collecting", "holder_of", "on_pre_delete", "watch_holders"]

COLUMNS = ("connec_group_id", "connec_id", "connec_updated_at", "connec_state")


@dataclass
class _Batch:
    alias: str
    known: dict[tuple[type[models.Model], Any], dict[str, Any]] = field(default_factory=dict)
    tombstones: list[Tombstone] = field(default_factory=list)


_batch: ContextVar[_Batch | None] = ContextVar("django_connec_deletions", default=None)


@contextmanager
def collecting(alias: str, queryset: models.QuerySet[Any] | None = None) -> Iterator[None]:
    """Write the tombstones of all rows that one call deletes together, in the transaction of the delete.

    Args:
        alias: Database of the rows.
        queryset: What is deleted. Django reads its rows afresh, but not the columns that it defers: these
            are read here, all at once.
    """
    if not is_tracking() or _batch.get() is not None:
        yield
        return
    batch = _Batch(alias)
    # No savepoint inside a host's transaction: a ProtectedError that the host catches must not cost it that.
    with nullcontext() if connections[alias].in_atomic_block else transaction.atomic(using=alias):
        if queryset is not None and queryset.query.deferred_loading != (frozenset(), True):
            for row in queryset.using(alias).order_by().values("pk", *COLUMNS):
                batch.known[(queryset.model, row["pk"])] = row
        token = _batch.set(batch)
        try:
            yield
        finally:
            _batch.reset(token)
        with transaction.mark_for_rollback_on_error(using=alias):
            _store(batch.tombstones, alias)


def on_pre_delete(sender: type[models.Model], instance: models.Model, using: str, origin: Any = None, **_: Any) -> None:
    """Leave a tombstone for a row that the hub knows, or may know."""
    mapper = _mapper_for(sender)
    if mapper is None or not is_tracking() or instance.__dict__.get("_connec_engine"):
        return
    if _deletes_holder(mapper, origin):
        # The whole company goes: that is a cancellation, not a thousand deletions for the hub.
        return
    batch = _batch.get()
    row = batch.known.get((sender, instance.pk)) if batch is not None else None
    if row is None and _is_fresh(instance, origin):
        row = {name: instance.__dict__[name] for name in COLUMNS}
    if row is None:
        row = sender._base_manager.using(using).filter(pk=instance.pk).values(*COLUMNS).first()
    tombstone = _tombstone(mapper, instance.pk, row, using)
    if tombstone is None:
        return
    if origin is not None:
        origin.__dict__.setdefault("_connec_tombstones", []).append(tombstone)
    if batch is not None and batch.alias == using:
        batch.tombstones.append(tombstone)
    else:
        _store([tombstone], using)


def _is_fresh(instance: models.Model, origin: Any) -> bool:
    """Tell whether Django has just read this row, for this very deletion.

    The one that a host calls ``delete()`` on may be older than the answer that brought its id; what goes
    with it, and the rows of a queryset, are read by the deletion itself.
    """
    if origin is None or any(name not in instance.__dict__ for name in COLUMNS):
        return False
    if not isinstance(origin, models.Model):
        return True
    mine, begun = instance._meta.concrete_model, origin._meta.concrete_model
    if mine is None or not isinstance(origin, mine):
        return True
    # A parent of a multi-table child is built from the child that is in memory.
    return mine is begun and instance.pk != origin.pk


def watch_holders() -> None:
    """Connect the cancellation of a group to the deletion of the row that holds it (a company)."""
    from django_connec.mapping import registry

    for mapper in registry:
        holder = holder_of(mapper)
        if holder is not None:
            post_delete.connect(
                _on_holder_deleted, sender=holder[0], dispatch_uid=f"django_connec:holder:{holder[0]._meta.label_lower}"
            )


def _tombstone(mapper: Mapper, pk: Any, row: dict[str, Any] | None, using: str) -> Tombstone | None:
    from django_connec.mapping.agreement import Agreement
    from django_connec.models import Tombstone
    from django_connec.outbound.encoding import stored_create_payload

    if row is None or row["connec_group_id"] is None:
        return None
    agreement = Agreement.load(row["connec_state"])
    if agreement.has_moved:
        # The record lives on as another model's.
        return None
    in_flight = agreement.is_in_flight and row["connec_id"] is None
    if row["connec_id"] is None and not in_flight:
        return None
    return Tombstone(
        group_id=row["connec_group_id"],
        resource=mapper.meta.resource,
        model_label=mapper.label,
        object_id=str(pk),
        connec_id=row["connec_id"],
        hub_updated_at=row["connec_updated_at"],
        status=mapper.meta.delete_status or "",
        payload=stored_create_payload(mapper, pk, row["connec_group_id"], using) if in_flight else None,
    )


def _store(tombstones: list[Tombstone], alias: str) -> None:
    from django_connec.models import Tombstone

    if not tombstones:
        return
    Tombstone.objects.using(alias).bulk_create(tombstones, batch_size=80)
    for group_id in {t.group_id for t in tombstones}:
        wakeups.note_group(alias, group_id)


def _mapper_for(model: type[models.Model]) -> Mapper | None:
    from django_connec.mapping import registry

    return registry.for_model(model)


def holder_of(mapper: Mapper) -> tuple[type[models.Model], str] | None:
    """Return the model whose row holds the group, and its foreign key, where that is not the row itself."""
    *hops, last = mapper.meta.group.split("__")
    if not hops:
        return None
    model: Any = mapper.model
    try:
        for hop in hops:
            model = model._meta.get_field(hop).related_model
    except Exception:
        return None
    return (model, last) if isinstance(model, type) else None


def _deletes_holder(mapper: Mapper, origin: Any) -> bool:
    holder = holder_of(mapper)
    # Django passes the instance or the queryset that the deletion began with.
    begun = getattr(origin, "model", type(origin))
    return holder is not None and isinstance(begun, type) and issubclass(begun, holder[0])


def _on_holder_deleted(
    sender: type[models.Model], instance: models.Model, using: str, origin: Any = None, **_: Any
) -> None:
    from django_connec.mapping import registry
    from django_connec.models import ConnecGroup

    for mapper in registry:
        holder = holder_of(mapper)
        if holder is None or holder[0] is not sender:
            continue
        key: Any = sender._meta.get_field(holder[1])
        group_id = getattr(instance, key.attname)
        others = sender._base_manager.using(using).filter(**{holder[1]: group_id}).exclude(pk=instance.pk)
        if group_id is not None and not others.exists():
            _withdraw(group_id, origin, using)
            group = ConnecGroup.objects.using(using).filter(pk=group_id, is_active=True).first()
            if group is not None:
                group.unlink()
        return


def _withdraw(group_id: int, origin: Any, using: str) -> None:
    """Take back the tombstones of a deletion that turns out to take the whole company along.

    It began further up (with an account that owns companies), and Django deletes what depends first.
    """
    from django_connec.models import Tombstone

    left = getattr(origin, "__dict__", {}).get("_connec_tombstones") or []
    written: dict[str, list[str]] = {}
    for tombstone in left:
        if tombstone.group_id == group_id:
            written.setdefault(tombstone.model_label, []).append(tombstone.object_id)
    for label, keys in written.items():
        ours = Tombstone.objects.using(using).filter(group_id=group_id, model_label=label, sent_at__isnull=True)
        for start in range(0, len(keys), wakeups.PKS_PER_QUERY):
            ours.filter(object_id__in=keys[start : start + wakeups.PKS_PER_QUERY]).delete()
    batch = _batch.get()
    if batch is not None:
        batch.tombstones[:] = [t for t in batch.tombstones if t.group_id != group_id]
