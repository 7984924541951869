"""What applying would do, without doing it: the dry run. Nothing here can write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import router

from django_connec.inbound.apply import is_older, says_nothing_new
from django_connec.inbound.incoming import Incoming, read_records
from django_connec.inbound.lookup import find_rows
from django_connec.inbound.outcome import Outcome
from django_connec.inbound.tombstones import is_buried, tombstones_for
from django_connec.mapping import Mapper, registry
from django_connec.mapping.agreement import Agreement
from django_connec.models import ConnecGroup

__all__ = ["preview_records"]


def preview_records(group: ConnecGroup, resource: str, records: Sequence[Any]) -> Outcome:
    """Count what :func:`~django_connec.inbound.apply_records` would do with these records.

    References are not looked up: during an import what they lead to may come on the same or an earlier page,
    which a dry run does not keep.
    """
    outcome = Outcome()
    if not registry.for_resource(resource) or not group.shares(resource, "pull"):
        outcome.ignored += len(records)
        return outcome
    using = router.db_for_write(ConnecGroup)
    incoming, broken = read_records(group, resource, records, outcome)
    outcome.failed += len(broken)
    by_mapper: dict[Mapper, list[Incoming]] = {}
    for item in incoming:
        by_mapper.setdefault(item.mapper, []).append(item)
    for mapper, items in by_mapper.items():
        matched = find_rows(group, mapper, items, using)
        graves = tombstones_for(group, mapper, items, using)
        for position, item in enumerate(items):
            held = matched.rows.get(position)
            ends = mapper.meta.on_inactive == "delete" and mapper.is_inactive(item.record)
            if position in matched.undecided:
                outcome.failed += 1
            elif held is None:
                buried = position in graves and is_buried(graves[position], item)
                if buried or ends:
                    outcome.ignored += 1
                else:
                    outcome.created += 1
            elif is_older(item, held):
                outcome.stale += 1
            elif ends:
                outcome.deleted += 1
            elif says_nothing_new(item, held) or _same_content(item, held):
                outcome.unchanged += 1
            else:
                outcome.updated += 1
    return outcome


def _same_content(item: Incoming, held: Any) -> bool:
    agreement = Agreement.load(held.state)
    seen = agreement.seen
    return bool(agreement.agreed) and all(
        seen(bound.name) == item.decoded.digests.get(bound.name, seen(bound.name))
        for bound in item.mapper.compared
        if bound.pull and not bound.create_only
    )
