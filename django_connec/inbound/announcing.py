"""Tell a host's receivers which of its rows the hub's records have made and changed."""

from __future__ import annotations

from django_connec.inbound.outcome import Outcome
from django_connec.mapping import registry
from django_connec.models import ConnecGroup
from django_connec.signals import records_applied

__all__ = ["announce_records"]


def announce_records(group: ConnecGroup, outcome: Outcome, source: str) -> None:
    """Send ``records_applied`` for each model of which rows were written; to be called once that is committed.

    Args:
        group: Whose rows.
        outcome: What one transaction did.
        source: ``"webhook"``, ``"import"``, ``"poll"``, ``"push"`` or ``"retry"``.
    """
    for label in {**outcome.created_pks, **outcome.updated_pks}:
        mapper = registry.for_label(label)
        created, updated = outcome.created_pks.get(label, []), outcome.updated_pks.get(label, [])
        if mapper is not None and (created or updated):
            records_applied.send_robust(
                mapper.model,
                group=group,
                resource=mapper.meta.resource,
                created=created,
                updated=updated,
                source=source,
            )
