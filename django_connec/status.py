"""How a group stands: what is pending, waiting, failed, and how far it has been read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count

from django_connec.mapping import registry
from django_connec.models import Conflict, ConnecGroup, Failure, LinkBack, ParkedRecord, SyncCursor, Tombstone

__all__ = ["GroupStatus", "ResourceStatus", "state_of", "status_of"]


@dataclass(slots=True)
class ResourceStatus:
    """One resource of one group.

    Attributes:
        held: How many of the linked rows would change, where reading waits for an operator; else empty.
        held_by: ``import`` or ``poll``: what waits; else empty.
    """

    resource: str
    pull: bool
    push: bool
    linked: int = 0
    pending: int = 0
    failed: int = 0
    given_up: int = 0
    parked: int = 0
    read_up_to: Any = None
    needs_full: bool = False
    held: str = ""
    held_by: str = ""


@dataclass(slots=True)
class GroupStatus:
    """One group."""

    uid: str
    name: str
    state: str
    resources: list[ResourceStatus]
    deletions: int
    link_backs: int
    conflicts: int

    @property
    def is_in_step(self) -> bool:
        """Nothing waits and nothing failed."""
        waits = self.deletions or self.link_backs or self.conflicts
        return not waits and not any(r.pending or r.failed or r.given_up or r.parked or r.held for r in self.resources)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        return {**asdict(self), "in_step": self.is_in_step}


def status_of(group: ConnecGroup) -> GroupStatus:
    """Count what a group has waiting; a few queries a mapped model, none a row."""
    cursors = {cursor.resource: cursor for cursor in SyncCursor.objects.filter(group=group)}
    failures = _count(Failure.objects.filter(group=group, is_dead=False))
    dead = _count(Failure.objects.filter(group=group, is_dead=True))
    parked = _count(ParkedRecord.objects.filter(group=group))
    resources = []
    for resource in registry.resources():
        mappers = registry.for_resource(resource)
        cursor = cursors.get(resource)
        entry = ResourceStatus(
            resource,
            pull=group.shares(resource, "pull"),
            push=group.shares(resource, "push"),
            failed=failures.get(resource, 0),
            given_up=dead.get(resource, 0),
            parked=parked.get(resource, 0),
            read_up_to=cursor.polled_from if cursor else None,
            held=f"{cursor.held_changes} of {cursor.held_of}" if cursor and cursor.held_at else "",
            held_by=cursor.held_by if cursor else "",
            needs_full=bool(
                cursor and cursor.imported_at and cursor.mapper_version != "-".join(m.version for m in mappers)[:64]
            ),
        )
        for mapper in mappers:
            rows = mapper.model._base_manager.filter(**{mapper.meta.group: group})
            entry.linked += rows.filter(connec_id__isnull=False).count()
            entry.pending += rows.filter(connec_changed_at__isnull=False).count()
        resources.append(entry)
    return GroupStatus(
        group.uid,
        group.name,
        state_of(group),
        resources,
        Tombstone.objects.filter(group=group, sent_at__isnull=True).exclude(status="").count(),
        LinkBack.objects.filter(group=group, model_label__in=_sent_labels(group)).count(),
        Conflict.objects.filter(group=group).unsettled().count(),
    )


def _sent_labels(group: ConnecGroup) -> list[str]:
    return [mapper.label for mapper in registry.ordered() if group.shares(mapper.meta.resource, "push")]


def state_of(group: ConnecGroup) -> str:
    """Say in a few words whether a group is worked on, and if not, why."""
    if not group.is_active:
        return "cancelled"
    if not group.sharing_enabled:
        return "sharing is off"
    if group.stopped_at is not None:
        return f"stopped: {group.stopped_reason}"
    if group.retry_at is not None:
        return f"waits for the hub until {group.retry_at:%Y-%m-%d %H:%M:%S}"
    return "linked"


def _count(rows: Any) -> dict[str, int]:
    return dict(rows.values_list("resource").annotate(Count("pk")).order_by())
