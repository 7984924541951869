"""Prepare a row that differs from its record, so that the drain sends it or the apply path overwrites it.

Both decide by what was agreed on last. A change behind Django's back leaves that as it was, so it is set to what
one of the sides is seen to hold now. Nothing is written where the row was saved meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from django_connec.dispatch import wake
from django_connec.inbound.incoming import Incoming
from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.local import LocalValues
from django_connec.models import ConnecGroup
from django_connec.models.columns import CHANGED, HUB_UPDATED, ID, STATE, Columns
from django_connec.sql import RowChanged, update_rows
from django_connec.tracking.clock import next_stamp

__all__ = ["ask_for_record", "mark_for_push"]


def mark_for_push(group: ConnecGroup, mapper: Mapper, row: Any, theirs: Mapping[str, str] | None, using: str) -> bool:
    """Mark a row, so that the next drain sends what differs.

    Args:
        theirs: Digests that the hub holds now, of the fields that differ; ``None``: it has no such record, and the
            row is to be made again.

    Returns:
        Whether it is marked; not where it was saved meanwhile, and is on its way anyhow.
    """
    if theirs is None:
        setattr(row, ID, None)
        setattr(row, STATE, None)
    else:
        agreement = Agreement.load(Columns(row).state)
        for name, digest in theirs.items():
            agreement.agree(name, digest)
        setattr(row, STATE, agreement.dump())
    setattr(row, CHANGED, next_stamp())
    if not _write(mapper, row, (ID, STATE, CHANGED), using):
        return False
    transaction.on_commit(lambda: wake([group.pk], using=using), using=using, robust=True)
    return True


def ask_for_record(group: ConnecGroup, item: Incoming, row: Any, names: Sequence[str], using: str) -> bool:
    """Let the apply path take the record's values of these fields: what the row holds counts as agreed.

    Returns:
        Whether the row was still as read.
    """
    digests = LocalValues(item.mapper, [row], group.pk, group.effective_realm, using).digests(row)
    agreement = Agreement.load(Columns(row).state)
    agreement.sent = {}
    for name in names:
        agreement.agree(name, digests[name])
    setattr(row, STATE, agreement.dump())
    held = Columns(row).hub_updated_at
    if held is not None and item.updated_at is not None and held > item.updated_at:
        # The hub itself was set back: what it shows now is what it holds.
        setattr(row, HUB_UPDATED, item.updated_at)
    return _write(item.mapper, row, (STATE, HUB_UPDATED), using)


def _write(mapper: Mapper, row: Any, columns: Sequence[str], using: str) -> bool:
    try:
        with transaction.atomic(using=using):
            update_rows(mapper.model, [row], columns, using=using, unchanged=CHANGED, expected=[None])
    except RowChanged:
        return False
    return True
