"""What an operator sees of a group at a glance, gathered for a whole page with a constant number of queries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery

from django_connec.admin.backlog import backlog, linked_rows
from django_connec.mapping import registry
from django_connec.models import Conflict, ConnecGroup, Failure, ParkedRecord, SyncCursor, SyncRun, Tombstone
from django_connec.models.tombstone import UNSENT

__all__ = ["GroupSummary", "ResourceSummary", "resources_of", "summarise"]


@dataclass(slots=True)
class GroupSummary:
    """One group's figures."""

    pending: int = 0
    failures: int = 0
    given_up: int = 0
    parked: int = 0
    unsent: int = 0
    conflicts: int = 0
    last_run: SyncRun | None = None


@dataclass(slots=True)
class ResourceSummary:
    """One resource of one group."""

    resource: str
    is_mapped: bool
    pull: bool
    push: bool
    linked: int = 0
    pending: int = 0
    failures: int = 0
    parked: int = 0
    unsent: int = 0
    conflicts: int = 0
    read_up_to: dt.datetime | None = None
    imported_at: dt.datetime | None = None
    import_began: dt.datetime | None = None
    held_at: dt.datetime | None = None
    held_changes: int = 0
    held_of: int = 0
    links: dict[str, str] = field(default_factory=dict)

    @property
    def is_importing(self) -> bool:
        """An import has begun and has not gone through."""
        return self.import_began is not None and (self.imported_at is None or self.imported_at < self.import_began)


def summarise(groups: Collection[ConnecGroup]) -> dict[int, GroupSummary]:
    """Gather the figures of a page of groups, by primary key."""
    found = {group.pk: GroupSummary() for group in groups}
    if not found:
        return found
    for pk, by_resource in backlog(groups).items():
        found[pk].pending = sum(by_resource.values())
    failures = Failure.objects.filter(group__in=list(found)).order_by().values_list("group")
    for pk, total, dead in failures.annotate(total=Count("pk"), dead=Count("pk", filter=Q(is_dead=True))):
        found[pk].failures, found[pk].given_up = total, dead
    for name, rows in _open_rows(list(found)).items():
        for pk, total in rows.order_by().values_list("group").annotate(total=Count("pk")):
            setattr(found[pk], name, total)
    for run in _last_runs(list(found)):
        found[run.group_id].last_run = run
    return found


def resources_of(group: ConnecGroup) -> list[ResourceSummary]:
    """Gather the figures of one group by resource: the mapped ones, then others of which something is left."""
    mapped = registry.resources()
    found = {name: _blank(group, name, is_mapped=True) for name in mapped}

    def entry(resource: str) -> ResourceSummary:
        if resource not in found:
            found[resource] = _blank(group, resource, is_mapped=False)
        return found[resource]

    for resource, rows in linked_rows([group])[group.pk].items():
        entry(resource).linked = rows
    for resource, rows in backlog([group])[group.pk].items():
        entry(resource).pending = rows
    counted: dict[str, QuerySet[Any]] = {"failures": Failure.objects.filter(group=group), **_open_rows([group.pk])}
    for name, queryset in counted.items():
        for resource, total in queryset.order_by().values_list("resource").annotate(total=Count("pk")):
            setattr(entry(resource), name, total)
    for cursor in SyncCursor.objects.filter(group=group).order_by("resource"):
        item = entry(cursor.resource)
        item.read_up_to, item.imported_at, item.import_began = (
            cursor.polled_from,
            cursor.imported_at,
            cursor.import_started,
        )
        item.held_at, item.held_changes, item.held_of = cursor.held_at, cursor.held_changes, cursor.held_of
    return list(found.values())


def _blank(group: ConnecGroup, resource: str, *, is_mapped: bool) -> ResourceSummary:
    return ResourceSummary(
        resource, is_mapped, pull=group.shares(resource, "pull"), push=group.shares(resource, "push")
    )


def _open_rows(keys: list[int]) -> dict[str, QuerySet[Any]]:
    return {
        "parked": ParkedRecord.objects.filter(group__in=keys),
        "unsent": Tombstone.objects.filter(UNSENT, group__in=keys),
        "conflicts": Conflict.objects.filter(group__in=keys, decision=Conflict.Decision.OPEN),
    }


def _last_runs(keys: list[int]) -> QuerySet[SyncRun]:
    newest = SyncRun.objects.filter(group=OuterRef("pk")).order_by("-started_at", "-pk").values("pk")[:1]
    groups = ConnecGroup.objects.filter(pk__in=keys).order_by()
    # Two statements: MariaDB takes no LIMIT inside IN (…).
    return SyncRun.objects.filter(pk__in=list(groups.values_list(Subquery(newest), flat=True)))
