"""What a customer chooses to share, written down and acted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import router, transaction

from django_connec.control import request_sync, share_history
from django_connec.mapping import registry
from django_connec.models import ConnecGroup, SyncCursor
from django_connec.models.group import SharingDirection

__all__ = ["Choices", "apply_choices", "has_begun"]

DIRECTIONS: tuple[SharingDirection, ...] = ("pull", "push")


@dataclass(frozen=True, slots=True)
class Choices:
    """What the customer wants.

    Attributes:
        sharing_enabled: Anything at all.
        entities: By resource: ``{"pull": bool, "push": bool}``; a direction or resource that is left out stays.
        historical_data: Also what was made before the link. Once something was read, it can only be switched on.
    """

    sharing_enabled: bool
    entities: Mapping[str, Mapping[str, bool]]
    historical_data: bool


def has_begun(group: ConnecGroup) -> bool:
    """Tell whether anything of a group was ever read."""
    return SyncCursor.objects.filter(group=group, import_started__isnull=False).exists() or (
        SyncCursor.objects.filter(group=group, imported_at__isnull=False).exists()
    )


def apply_choices(group: ConnecGroup, choices: Choices) -> bool:
    """Store a customer's choices. What is switched off ends at once, also in work that is under way; for what is
    switched on, a synchronisation is queued that reads what changed meanwhile and sends what waited.

    Returns:
        Whether a synchronisation was queued.
    """
    using = router.db_for_write(ConnecGroup)
    with transaction.atomic(using=using):
        stored = ConnecGroup.objects.using(using).select_for_update().get(pk=group.pk)
        before = {(r, d): stored.shares(r, d) for r in registry.resources() for d in DIRECTIONS}
        was_on, had_history = stored.sharing_enabled, stored.historical_data
        entities = dict(stored.entities) if isinstance(stored.entities, dict) else {}
        for resource, switches in choices.entities.items():
            held = entities.get(resource)
            entities[resource] = {"pull": True, "push": True, **(held if isinstance(held, dict) else {}), **switches}
        stored.entities = entities
        stored.sharing_enabled = choices.sharing_enabled
        if choices.historical_data or not has_begun(stored):
            stored.historical_data = choices.historical_data
        stored.save(update_fields=["sharing_enabled", "entities", "historical_data"])
        more = any(stored.shares(r, d) and not shared for (r, d), shared in before.items())
        if stored.historical_data and not had_history:
            share_history(stored, using)
            more = True
        queued = (more or not was_on) and request_sync(stored)
    for name in ("entities", "sharing_enabled", "historical_data", "sync_requested_at"):
        setattr(group, name, getattr(stored, name))
    return queued
