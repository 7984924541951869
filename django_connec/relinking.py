"""A customer who comes back under another group id keeps his rows."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import Any

from django.apps import apps
from django.db import models, router, transaction

from django_connec.dispatch import wake
from django_connec.exceptions import GroupBusy, RelinkError
from django_connec.leases import hold
from django_connec.mapping import registry
from django_connec.models import (
    Conflict,
    ConnecGroup,
    ConnecRowMixin,
    Failure,
    LinkBack,
    ParkedRecord,
    SyncCursor,
    Tombstone,
)
from django_connec.models.columns import CHANGED, HUB_UPDATED, ID, STATE
from django_connec.tracking.clock import next_stamp
from django_connec.tracking.deletions import holder_of
from django_connec.tracking.rows import parent_field

__all__ = ["relink"]

#: What hangs on the records themselves, and means nothing to another organisation.
RECORDS: tuple[type[models.Model], ...] = (SyncCursor, Failure, ParkedRecord, LinkBack)


def relink(group: ConnecGroup, old: ConnecGroup) -> int:
    """Move everything of a cancelled group to the one that its customer linked instead, in one transaction.

    Moved are the rows and what leads to them (the company's foreign key), tombstones, conflicts, and the
    customer's choices: what is shared, and whether historical data is. The new group takes the old one's realm,
    so that the hub finds our external ids again. Where both belong to the same organisation (``org_uid``), hub ids,
    agreements, cursors, failures and parked records move too, and the next poll goes on where the old group stopped.
    Otherwise the hub ids are forgotten and all rows are marked: they are matched again, as at a first link. Runs
    stay with the old group. Nothing is sent or read here; work for the group is queued after the commit.

    Args:
        group: The new group, linked, without rows of its own: call this before anything is imported into it.
        old: The cancelled group.

    Returns:
        How many rows moved.

    Raises:
        RelinkError: The groups are the same or of different marketplaces, the old one is not cancelled, or the
            new one has rows already.
        GroupBusy: A worker is at one of them.
    """
    _check(group, old)
    using = router.db_for_write(ConnecGroup)
    with ExitStack() as stack:
        for name in (f"{kind}:{one.pk}" for one in (old, group) for kind in ("drain", "read")):
            if stack.enter_context(hold(name, ask_again=False)) is None:
                raise GroupBusy(name)
        with transaction.atomic(using=using):
            moved = _move(group, old, using)
            transaction.on_commit(partial(wake, [group.pk], using=using), using=using, robust=True)
    return moved


def _check(group: ConnecGroup, old: ConnecGroup) -> None:
    if group.pk == old.pk or group.marketplace != old.marketplace:
        raise RelinkError(f"{group.uid} and {old.uid} are not two groups of one marketplace")
    if ConnecGroup.objects.filter(pk=old.pk, is_active=True).exists():
        raise RelinkError(f"{old.uid} is still linked; unlink() it first")
    for mapper in registry:
        if _rows(mapper.model).filter(connec_group=group).exists():
            raise RelinkError(f"{group.uid} has rows of {mapper.label} already; relink before the first import")
    for holder, key in _holders():
        if _rows(holder).filter(**{key: group}).exists() and _rows(holder).filter(**{key: old}).exists():
            raise RelinkError(
                f"both groups have a {holder._meta.label}; leave the new group without one, the old one moves over"
            )


def _move(group: ConnecGroup, old: ConnecGroup, using: str) -> int:
    same_organisation = bool(old.org_uid) and old.org_uid == group.org_uid
    group.realm = old.effective_realm
    group.entities, group.sharing_enabled = old.entities, old.sharing_enabled
    group.historical_data = old.historical_data
    if not group.historical_data:
        group.linked_at = old.linked_at
    group.save(update_fields=["realm", "entities", "sharing_enabled", "historical_data", "linked_at"])
    for holder, key in _holders():
        _rows(holder).using(using).filter(**{key: old}).update(**{key: group})
    if not same_organisation:
        _forget_embedded(old, using)
    moved = 0
    for model in {mapper.model for mapper in registry}:
        forget: dict[str, Any] = {}
        if not same_organisation:
            forget = {ID: None, HUB_UPDATED: None, STATE: None, CHANGED: next_stamp()}
        moved += _rows(model).using(using).filter(connec_group=old).update(connec_group=group, **forget)
    for kept in (Tombstone, Conflict):
        kept._base_manager.using(using).filter(group=old).update(group=group)
    for records in RECORDS:
        # Whatever the new group had to read or tell is found again from the old one's cursors.
        records._base_manager.using(using).filter(group=group).delete()
        of_old = records._base_manager.using(using).filter(group=old)
        if same_organisation:
            of_old.update(group=group)
        else:
            of_old.delete()
    return moved


def _forget_embedded(old: ConnecGroup, using: str) -> None:
    mapped = {mapper.model for mapper in registry}
    for model in apps.get_models():
        key = parent_field(model) if issubclass(model, ConnecRowMixin) else None
        if key is not None and key.related_model in mapped:
            rows = _rows(model).using(using).filter(**{f"{key.name}__connec_group": old})
            rows.update(connec_id=None, connec_state=None)


def _holders() -> set[tuple[type[models.Model], str]]:
    return {holder for holder in map(holder_of, registry) if holder is not None}


def _rows(model: type[models.Model]) -> models.Manager[Any]:
    # What the host's own manager hides moves too.
    return model._base_manager
