"""How much of which resource still has to be sent, for many groups at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from django.db import router
from django.db.models import Count, Q, QuerySet

from django_connec.mapping import Mapper, registry
from django_connec.models import ConnecGroup
from django_connec.outbound.pending import unlinked_pending

__all__ = ["backlog", "linked_rows"]

Counts = dict[int, dict[str, int]]


def backlog(groups: Collection[ConnecGroup]) -> Counts:
    """Count the rows that wait to be sent: one query a mapped model, whatever the number of groups.

    New rows count too. They have no ``connec_group`` before their first drain and are found by the mapper's
    group path, as the drain finds them: a queue that is down must not look like an empty one.

    Args:
        groups: The groups of one page.

    Returns:
        By primary key of the group (every one of them), then by resource; resources with nothing are absent.
    """
    counts: Counts = {group.pk: {} for group in groups}
    if counts:
        for mapper in registry:
            _add(counts, mapper, _pending(mapper, list(counts)))
    return counts


def linked_rows(groups: Collection[ConnecGroup]) -> Counts:
    """Count the rows that the hub knows, with the same cost and shape as :func:`backlog`."""
    counts: Counts = {group.pk: {} for group in groups}
    if counts:
        for mapper in registry:
            rows = mapper.model._base_manager.using(router.db_for_write(mapper.model))
            known = rows.filter(connec_group__in=list(counts), connec_id__isnull=False).order_by()
            _add(counts, mapper, known.values_list("connec_group").annotate(rows=Count("pk")).iterator())
    return counts


def _pending(mapper: Mapper, keys: list[int]) -> Iterator[Any]:
    rows: QuerySet[Any] = mapper.model._base_manager.using(router.db_for_write(mapper.model))
    rows = rows.filter(connec_changed_at__isnull=False).order_by()
    path = mapper.meta.group
    known: QuerySet[Any] = rows.filter(connec_group__in=keys).values_list("connec_group").annotate(rows=Count("pk"))
    if path == "connec_group":
        return known.iterator()
    # Two halves of one statement, so that each has its own index; an OR over both would scan the table.
    new = rows.filter(Q(**{f"{path}__in": keys}) & unlinked_pending()).values_list(path).annotate(rows=Count("pk"))
    # The ordering of the model would come back with the union.
    return known.union(new, all=True).order_by().iterator()


def _add(counts: Counts, mapper: Mapper, found: Iterator[Any]) -> None:
    resource = mapper.meta.resource
    for group_id, rows in found:
        held = counts[group_id]
        held[resource] = held.get(resource, 0) + rows
