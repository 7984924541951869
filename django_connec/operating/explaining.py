"""Explain one row: what the hub knows of it, what would be sent now, and why it is or is not.

Nothing is sent or written. What keeps a row from being sent is asked of the functions that the drain itself
uses; the host's ``should_push``, ``encode`` and ``before_push`` are called as it calls them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from django.db import models, router
from django.db.models import Q
from django.utils import timezone

from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.local import LocalValues
from django_connec.models import Conflict, ConnecGroup, Failure, LinkBack, ParkedRecord, Tombstone
from django_connec.models.columns import Columns
from django_connec.operating.fieldstates import FieldState, describe_fields
from django_connec.outbound.afterwards import due_tombstones
from django_connec.outbound.encoding import Prepared, prepare
from django_connec.outbound.pending import blocking_failure, first_links, moved_rows, pending_keys
from django_connec.sql import standing_still
from django_connec.status import state_of

__all__ = ["Explanation", "Reason", "explain"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that keeps a row, or its deletion, from being sent.

    Attributes:
        code: ``cancelled``, ``sharing-off``, ``stopped``, ``waiting`` (the group), ``push-off`` (the resource),
            ``no-group``, ``moved``, ``not-marked``, ``failed``, ``given-up``, ``should-push``, ``history``,
            ``unchanged``, ``references``, ``not-encodable``; ``deleted`` and ``unknown`` where there is no row.
        detail: What it is about: a time, a message, names of fields. Never a value.
    """

    code: str
    detail: str = ""


@dataclass(slots=True)
class Explanation:
    """What is known of one row.

    Attributes:
        model: ``app_label.Model``.
        pk: Its primary key.
        resource: The hub's name of its kind.
        exists: The row is here.
        group: Its group, with its state; ``None`` where its path leads to none.
        connec_id: The hub's id; ``None`` while unknown.
        hub_updated_at: The hub's version last seen.
        changed_at: Since when it is pending; ``None`` where nothing is.
        would_send: A drain would send it now.
        reasons: Why not, all of them.
        operation: What a drain would send, were it not for the reasons: method, id and attributes; ``None`` where
            nothing differs.
        fields: Each mapped field, with its value here.
        failures, parked, conflicts, tombstones, link_backs: What is stored about the row and its record.
    """

    model: str
    pk: str
    resource: str
    exists: bool = False
    group: dict[str, Any] | None = None
    connec_id: str | None = None
    hub_updated_at: dt.datetime | None = None
    changed_at: dt.datetime | None = None
    would_send: bool = False
    reasons: list[Reason] = field(default_factory=list)
    operation: dict[str, Any] | None = None
    fields: list[FieldState] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    parked: list[dict[str, Any]] = field(default_factory=list)
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    tombstones: list[dict[str, Any]] = field(default_factory=list)
    link_backs: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_known(self) -> bool:
        """Anything at all is known of such a row."""
        return self.exists or bool(self.tombstones or self.failures or self.conflicts)


def explain(mapper: Mapper, pk: Any) -> Explanation:
    """Gather what is known of one row.

    The result holds field values: show it to whoever asked, never log it.

    Args:
        mapper: Mapper of its model.
        pk: Its primary key; the row may have been deleted.
    """
    using = router.db_for_write(ConnecGroup)
    found = Explanation(mapper.model._meta.label, str(pk), mapper.meta.resource)
    rows: Any = mapper.model._base_manager.using(using)
    row = rows.filter(pk=pk).first()
    if row is None:
        _explain_deleted(found, mapper, _add_stored(found, mapper, None, using), using)
        return found
    held = Columns(row)
    found.exists, found.connec_id = True, held.connec_id
    found.hub_updated_at, found.changed_at = held.hub_updated_at, held.changed_at
    leads_to = rows.filter(pk=pk).values_list(mapper.meta.group, flat=True).first()
    groups = ConnecGroup.objects.using(using).in_bulk({leads_to, held.group_id} - {None})
    owner, old = groups.get(leads_to), groups.get(held.group_id)
    shown = owner or old
    if shown is not None:
        found.group = _of_group(shown)
    found.reasons = list(_reasons_of_group(mapper, shown)) + list(_reasons_of_row(mapper, row, owner, old, using))
    if owner is not None:
        _add_operation(found, mapper, owner, row, using)
    else:
        local = LocalValues(mapper, [row], 0, "", using)
        found.fields = describe_fields(mapper, row, local, Agreement.load(held.state), None)
    found.would_send = not found.reasons
    _add_stored(found, mapper, shown, using)
    return found


def _of_group(group: ConnecGroup) -> dict[str, Any]:
    return {"uid": group.uid, "marketplace": group.marketplace, "name": group.name, "state": state_of(group)}


def _reasons_of_group(mapper: Mapper, group: ConnecGroup | None) -> Iterator[Reason]:
    if group is None:
        return
    obstacle = group.obstacle(timezone.now())
    if obstacle == "stopped":
        yield Reason(obstacle, group.stopped_reason)
    elif obstacle == "waiting":
        yield Reason(obstacle, _time(group.retry_at))
    elif obstacle:
        yield Reason(obstacle)
    if not group.shares(mapper.meta.resource, "push"):
        yield Reason("push-off", mapper.meta.resource)


def _reasons_of_row(
    mapper: Mapper, row: Any, owner: ConnecGroup | None, old: ConnecGroup | None, using: str
) -> Iterator[Reason]:
    if Columns(row).changed_at is None:
        yield Reason("not-marked")
    if owner is None:
        yield Reason("no-group", mapper.meta.group)
        return
    if old is not None and moved_rows(mapper, old, 1, using, only=row.pk):
        yield Reason("moved", f"{old.uid} -> {owner.uid}")
    if pending_keys(mapper, owner, 1, using=using, only=row.pk):
        return
    failure = blocking_failure(mapper, owner, row.pk, using)
    if failure is not None and failure.is_dead:
        yield Reason("given-up", failure.message)
    elif failure is not None:
        yield Reason("failed", f"{_time(failure.next_attempt_at)}: {failure.message}")


def _add_operation(found: Explanation, mapper: Mapper, group: ConnecGroup, row: Any, using: str) -> None:
    """Encode the row as the drain does, and take what that says."""
    before = Agreement.load(Columns(row).state)
    first_link = first_links(group, using).get(mapper.meta.resource)
    # In a transaction, as the drain does it: the rows inside it are locked while they are looked at.
    item: Prepared = standing_still(lambda: prepare(mapper, group, [row], first_link=first_link, using=using)[0], using)
    if item.problem:
        found.reasons.append(Reason("not-encodable", item.problem))
    elif item.operation is None and item.waits_for:
        found.reasons.append(Reason("references", ", ".join(item.waits_for)))
    elif item.operation is None:
        found.reasons.append(Reason(item.reason))
    else:
        found.operation = {
            "method": item.operation.method,
            "id": item.operation.id,
            "attributes": item.operation.attributes,
        }
    local = LocalValues(mapper, [row], group.pk, group.effective_realm, using)
    found.fields = describe_fields(mapper, row, local, before, item)


def _explain_deleted(found: Explanation, mapper: Mapper, tombstones: list[Tombstone], using: str) -> None:
    found.reasons.append(Reason("deleted" if tombstones else "unknown"))
    for tombstone in tombstones:
        if tombstone.sent_at is not None or not tombstone.status:
            continue
        found.reasons += _reasons_of_group(mapper, tombstone.group)
        if due_tombstones(tombstone.group, using).filter(pk=tombstone.pk).exists():
            continue
        if tombstone.is_dead:
            found.reasons.append(Reason("given-up", tombstone.message))
        else:
            found.reasons.append(Reason("failed", f"{_time(tombstone.next_attempt_at)}: {tombstone.message}"))


def _add_stored(found: Explanation, mapper: Mapper, group: ConnecGroup | None, using: str) -> list[Tombstone]:
    """Add what is stored about the row and its record; returns the tombstones."""
    row = Q(model_label=mapper.label, object_id=found.pk)
    record = Q(connec_id=found.connec_id, resource=mapper.meta.resource) if found.connec_id else Q(pk__in=[])
    within = Q() if group is None else Q(group=group)
    broken = Q(object_id=found.connec_id, direction=Failure.Direction.PULL) if found.connec_id else Q(pk__in=[])
    tombstones = list(
        Tombstone.objects.using(using).filter(row | (record & within)).select_related("group").order_by("pk")
    )
    found.tombstones = _plain(
        tombstones, "group__uid connec_id status deleted_at sent_at next_attempt_at is_dead attempts message"
    )
    failures = Failure.objects.using(using).filter(row | (broken & within), resource=mapper.meta.resource)
    found.failures = _plain(
        failures.order_by("-last_failed_at"),
        "group__uid direction message attempts first_failed_at last_failed_at next_attempt_at is_dead",
    )
    conflicts = Conflict.objects.using(using).filter(row | (record & within), decision=Conflict.Decision.OPEN)
    found.conflicts = _plain(conflicts.order_by("pk"), "group__uid kind object_id connec_id field found_at")
    if found.connec_id:
        waits = Q(missing_resource=mapper.meta.resource, missing_id=found.connec_id)
        parked = ParkedRecord.objects.using(using).filter(record | waits, within).order_by("pk")
        found.parked = _plain(
            parked, "resource connec_id missing_resource missing_id field parked_at next_attempt_at attempts"
        )
    links = LinkBack.objects.using(using).filter(row)
    found.link_backs = _plain(links.order_by("pk"), "group__uid connec_id next_attempt_at attempts")
    return tombstones


def _plain(entries: Iterable[models.Model], names: str) -> list[dict[str, Any]]:
    """Return the named attributes only: what is stored of the record itself stays where it is."""
    return [
        {name.partition("__")[0]: reduce(getattr, name.split("__"), entry) for name in names.split()}
        for entry in entries
    ]


def _time(moment: dt.datetime | None) -> str:
    return "" if moment is None else moment.isoformat(sep=" ", timespec="seconds")
