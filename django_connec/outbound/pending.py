"""Which rows of a group have something to send: found by index, and without those that must wait."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import models
from django.db.models import CharField, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Coalesce, Replace
from django.utils import timezone

from django_connec.mapping import Mapper, registry
from django_connec.models import Conflict, ConnecGroup, Failure, SyncCursor

__all__ = ["blocking_failure", "first_links", "moved_rows", "pending_keys", "undecided_rows", "unlinked_pending"]


def pending_keys(
    mapper: Mapper, group: ConnecGroup, limit: int, *, leave_out: Collection[Any] = (), using: str, only: Any = None
) -> list[Any]:
    """Return the primary keys of rows to send, oldest change first.

    Left out in SQL are rows with a failure that is not due or given up, so that poison rows cannot fill
    every chunk.

    Args:
        mapper: Whose rows.
        group: Whose data.
        limit: How many at most.
        leave_out: Keys that this drain has put off.
        using: Alias of the database.
        only: Primary key of the one row that is asked about.
    """
    now = timezone.now()
    rows = _marked(mapper, using, only)
    rows = rows.filter(~Exists(_waiting(mapper, group, now, using)))
    if leave_out:
        rows = rows.exclude(pk__in=list(leave_out))
    ordered = rows.order_by("connec_changed_at", "pk").values_list("pk", flat=True)
    keys = list(ordered.filter(**{"connec_group": group, mapper.meta.group: group})[:limit])
    if len(keys) < limit and mapper.meta.group != "connec_group":
        keys += ordered.filter(unlinked_pending(), **_through_holder(mapper, group, using))[: limit - len(keys)]
    return keys


def unlinked_pending() -> Q:
    """Rows that no drain has met yet.

    Written so that no database can use the index that begins with ``connec_group``: rows of companies that
    never linked stay marked, and all of them are under its NULL. The foreign key of the group path finds
    only this group's.
    """
    return Q(models.lookups.Exact(Coalesce(F("connec_group"), Value(0)), 0))


def _through_holder(mapper: Mapper, group: ConnecGroup, using: str) -> dict[str, Any]:
    """Return the condition that a row is the group's, by the first foreign key of the path alone."""
    first, _, rest = mapper.meta.group.partition("__")
    target: Any = mapper.model._meta.get_field(first).related_model
    holders = target._base_manager.using(using).filter(**{rest: group}).order_by().values_list("pk", flat=True)
    # A group has a company or two: named one by one, they tell the planner how little there is to read.
    return {f"{first}__in": holders if "__" in rest else list(holders[:1000])}


def moved_rows(mapper: Mapper, group: ConnecGroup, limit: int, using: str, only: Any = None) -> list[Any]:
    """Return pending rows of this group whose path leads to another one now."""
    if mapper.meta.group == "connec_group":
        return []
    rows = _marked(mapper, using, only).filter(connec_group=group)
    return list(
        rows.filter(**{f"{mapper.meta.group}__isnull": False})
        .exclude(**{mapper.meta.group: group})
        .order_by("pk")
        .values_list("pk", flat=True)[:limit]
    )


def first_links(group: ConnecGroup, using: str) -> dict[str, dt.datetime | None]:
    """Return when each resource was first imported: rows changed up to then are matched to the hub's records."""
    cursors = SyncCursor.objects.using(using).filter(group=group)
    return dict(cursors.values_list("resource", "imported_at"))


def blocking_failure(mapper: Mapper, group: ConnecGroup, pk: Any, using: str) -> Failure | None:
    """Return the failure that keeps a row from being sent now: not due, or given up."""
    return _not_due(mapper, group, timezone.now(), using).filter(object_id=str(pk)).first()


def _marked(mapper: Mapper, using: str, only: Any) -> models.QuerySet[Any]:
    rows = mapper.model._base_manager.using(using).filter(connec_changed_at__isnull=False)
    return rows if only is None else rows.filter(pk=only)


def _waiting(mapper: Mapper, group: ConnecGroup, now: dt.datetime, using: str) -> models.QuerySet[Failure]:
    key: Any = Cast(OuterRef("pk"), CharField(max_length=64))
    failures = _not_due(mapper, group, now, using)
    if isinstance(mapper.model._meta.pk, models.UUIDField):
        # Databases spell a UUID with or without hyphens.
        bare = Replace(F("object_id"), Value("-"), Value(""))
        return failures.annotate(bare_id=bare).filter(bare_id=Replace(key, Value("-"), Value("")))
    return failures.filter(object_id=key)


def _not_due(mapper: Mapper, group: ConnecGroup, now: dt.datetime, using: str) -> models.QuerySet[Failure]:
    return (
        Failure.objects.using(using)
        .waiting(now)
        .filter(group=group, direction=Failure.Direction.PUSH, resource=mapper.meta.resource, model_label=mapper.label)
    )


def undecided_rows(group: ConnecGroup, using: str) -> dict[str, list[Any]]:
    """Return, by model label, the keys of unlinked rows that an operator may yet link to a record.

    They are not sent meanwhile: the hub would make, or match, records of its own choice.
    """
    conflicts = Conflict.objects.using(using).filter(
        group=group, kind=Conflict.Kind.MATCH, decision=Conflict.Decision.OPEN
    )
    named: dict[str, set[str]] = {}
    for label, keys in conflicts.order_by().values_list("model_label", "local_value"):
        named.setdefault(label, set()).update(keys or ())
    found: dict[str, list[Any]] = {}
    for label, texts in named.items():
        mapper = registry.for_label(label)
        if mapper is not None:
            keys = {mapper.pk_from(f"{mapper.meta.id_prefix}{text}") for text in texts} - {None}
            rows = mapper.model._base_manager.using(using).filter(pk__in=keys, connec_id__isnull=True)
            found[label] = list(rows.order_by().values_list("pk", flat=True))
    return found
