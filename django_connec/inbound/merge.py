"""Decide, field by field, what a record changes in a row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from django_connec.inbound.incoming import Incoming
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.fields import BoundField
from django_connec.mapping.references import RemoteId
from django_connec.mapping.values import BLANK
from django_connec.models import Conflict, ConnecGroup

__all__ = ["Change", "is_remote_newer", "merge"]


@dataclass(slots=True)
class Change:
    """What is to be written.

    Attributes:
        fields: The mapped fields that take the record's value.
        agreement: The row's new agreement.
        is_newer: The record is a newer version, though its content may be the same.
        is_touched: Bookkeeping differs, though no field does.
        conflicts: Fields that both sides changed, each with how it was settled.
        moved: The hub's new value of fields with an open conflict, by name.
    """

    fields: list[BoundField]
    agreement: Agreement
    is_newer: bool
    is_touched: bool = False
    conflicts: list[Conflict] = field(default_factory=list)
    moved: dict[str, Any] = field(default_factory=dict)


def merge(
    group: ConnecGroup,
    item: Incoming,
    row: Any,
    local: dict[str, str] | None,
    skew: dt.timedelta,
    *,
    answers: bool = False,
) -> Change:
    """Merge a record into a row, three ways: last agreed, ours, the hub's.

    Args:
        item: The record, its references resolved.
        row: Bookkeeping of the row: ``hub_updated_at``, ``changed_at`` and ``state``.
        local: Digests of the row's own values by field name, where it has unpushed changes or was never in
            agreement; ``None`` where it has no changes of its own.
        skew: The hub's clock less ours.
        answers: The record answers what the row sent: a sent field is the hub's word on our own value.
    """
    agreement = Agreement.load(row.state)
    if row.changed_at is None:
        # Nothing is on its way any more; what was sent long ago must not pass for an echo.
        agreement.answered()
    first_contact = not agreement.agreed
    came_back, agreement.has_moved = agreement.has_moved, False
    change = Change([], agreement, item.updated_at is not None and item.updated_at != row.hub_updated_at)
    change.is_touched = came_back
    for bound in item.mapper.fields:
        remote = item.decoded.digests.get(bound.name)
        if remote is None:
            continue
        if answers and bound.name in agreement.sent:
            agreement.contested.pop(bound.name, None)
            _take_answer(bound, remote, local, change)
            continue
        if bound.name in agreement.contested:
            _keep_contested(item, bound, remote, local, change)
            continue
        if not bound.pull or (bound.create_only and not first_contact):
            # Not ours to write; known all the same, so that our own value counts as a change only when it is one.
            if agreement.agreed.get(bound.name) != remote and not bound.pull:
                agreement.agreed[bound.name] = remote
                change.is_touched = True
            continue
        if agreement.is_remote(bound.name, remote):
            if agreement.agreed.get(bound.name) != remote:
                # Our own value on its way back, after an answer that was lost.
                agreement.agree(bound.name, remote)
                change.is_touched = True
            continue
        ours = local.get(bound.name) if local is not None else None
        if ours is None or ours == remote or agreement.is_local(bound.name, ours):
            if ours != remote:
                change.fields.append(bound)
            agreement.agree(bound.name, remote)
            change.is_touched = True
            continue
        _settle(group, item, row, bound, remote, ours, change, skew)
    if answers and agreement.sent:
        for name, digest in agreement.sent.items():
            if name not in item.decoded.digests:
                # Not shown in the answer: accepted as sent.
                agreement.agree(name, digest)
        agreement.answered()
        change.is_touched = True
    for name in item.buried:
        if agreement.agreed.get(name) == item.decoded.digests[name]:
            agreement.local[name] = BLANK
    if item.decoded.leftovers != agreement.leftovers and (item.decoded.leftovers or _mentions_blocks(item)):
        agreement.leftovers = agreement.leftovers | item.decoded.leftovers
        for top in item.mapper.blocks:
            if top in item.record and top not in item.decoded.leftovers:
                agreement.leftovers.pop(top, None)
        change.is_touched = True
    return change


def _take_answer(bound: BoundField, remote: str, local: dict[str, str] | None, change: Change) -> None:
    """The hub kept our value, normalised it or refused it; its form is taken unless ours has moved on."""
    sent = change.agreement.sent[bound.name]
    ours = local.get(bound.name, sent) if local is not None else sent
    if remote != sent and ours == sent and bound.pull:
        change.fields.append(bound)
    change.agreement.agree(bound.name, remote, sent if not bound.pull else None)


def _keep_contested(
    item: Incoming, bound: BoundField, remote: str, local: dict[str, str] | None, change: Change
) -> None:
    """A conflict about the field is open: nothing is written, unless one side has given way by itself."""
    agreement = change.agreement
    ours = local.get(bound.name) if local is not None else None
    if remote == ours:
        agreement.agree(bound.name, remote)
    elif remote == agreement.agreed.get(bound.name):
        # The hub is back at what was agreed: only our change is left.
        pass
    elif ours is not None and agreement.is_local(bound.name, ours):
        change.fields.append(bound)
        agreement.agree(bound.name, remote)
    else:
        if _contest(item, bound, remote, agreement):
            change.moved[bound.name] = _storable(bound, item.decoded.values.get(bound.name))
            change.is_touched = True
        return
    agreement.contested.pop(bound.name)
    change.is_touched = True


def _contest(item: Incoming, bound: BoundField, remote: str, agreement: Agreement) -> bool:
    """Note what the hub shows of a field with an open conflict; returns whether that is new."""
    shown = [remote]
    if len(bound.path) > 1 or item.mapper.is_row:
        # The block, or the row, goes back whole when a neighbour changes, and then with the hub's own value here.
        shown.append(bound.read(item.record))
    is_new = agreement.contested.get(bound.name) != shown
    agreement.contested[bound.name] = shown
    return is_new


def _settle(
    group: ConnecGroup,
    item: Incoming,
    row: Any,
    bound: BoundField,
    remote: str,
    ours: str,
    change: Change,
    skew: dt.timedelta,
) -> None:
    """Both sides changed the field."""
    agreement = change.agreement
    if bound.name not in agreement.agreed and BLANK in (remote, ours):
        # At first contact a value wins over a blank, on either side.
        if ours == BLANK:
            change.fields.append(bound)
            agreement.agree(bound.name, remote)
        else:
            agreement.agreed[bound.name] = remote
            agreement.local.pop(bound.name, None)
        change.is_touched = True
        return
    policy = bound.conflict or item.mapper.meta.conflict
    takes_remote = policy == "connec" or (policy == "newest" and is_remote_newer(item, row, skew))
    decision = Conflict.Decision.CONNEC if takes_remote else Conflict.Decision.LOCAL
    if policy == "manual":
        decision = Conflict.Decision.OPEN
        _contest(item, bound, remote, agreement)
    else:
        agreement.agree(bound.name, remote)
    change.is_touched = True
    if takes_remote:
        change.fields.append(bound)
    change.conflicts.append(
        Conflict(
            group=group,
            kind=Conflict.Kind.FIELD,
            resource=item.mapper.meta.resource,
            model_label=item.mapper.label,
            object_id=str(row.pk),
            connec_id=item.connec_id or "",
            field=bound.name,
            remote_value=_storable(bound, item.decoded.values.get(bound.name)),
            decision=decision,
            settled_at=None if policy == "manual" else timezone.now(),
        )
    )


def is_remote_newer(item: Incoming, row: Any, skew: dt.timedelta) -> bool:
    """Tell whether the hub's version is newer than our change of the row, which has its mark in ``changed_at``."""
    if item.updated_at is None or row.changed_at is None:
        return row.changed_at is None
    # The hub shows whole seconds; in the same second our user wins.
    return bool(item.updated_at - skew > row.changed_at.replace(microsecond=0))


def _storable(bound: BoundField, value: Any) -> Any:
    return bound.encode(value) if not isinstance(value, RemoteId) else value.connec_id


def _mentions_blocks(item: Incoming) -> bool:
    return any(top in item.record for top in item.mapper.blocks)
