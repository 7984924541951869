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
from django_connec.operating.auditing_rows import RowDifferences
from django_connec.sql import RowChanged, update_rows
from django_connec.tracking.clock import next_stamp

__all__ = ["ask_for_record", "mark_for_push"]


def mark_for_push(
    group: ConnecGroup,
    mapper: Mapper,
    row: Any,
    theirs: Mapping[str, str] | None,
    using: str,
    inside: Sequence[RowDifferences] = (),
) -> bool:
    """Mark a row, so that the next drain sends what differs.

    Args:
        theirs: Digests that the hub holds now, of the fields that differ; ``None``: it has no such record, and the
            row is to be made again.
        inside: What differs of the rows inside it.

    Returns:
        Whether it is marked; not where it was saved meanwhile, and is on its way anyhow.
    """
    if theirs is None:
        agreement = Agreement()
        setattr(row, ID, None)
    else:
        agreement = Agreement.load(Columns(row).state)
        for name, digest in theirs.items():
            agreement.agree(name, digest)
    setattr(row, CHANGED, next_stamp())
    if not _write(mapper, row, (ID, STATE, CHANGED), using, agreement, inside, push=True):
        return False
    transaction.on_commit(lambda: wake([group.pk], using=using), using=using, robust=True)
    return True


def ask_for_record(
    group: ConnecGroup,
    item: Incoming,
    row: Any,
    names: Sequence[str],
    using: str,
    inside: Sequence[RowDifferences] = (),
) -> bool:
    """Let the apply path take the record's values of these fields: what the row holds counts as agreed.

    Args:
        inside: What differs of the rows inside it.

    Returns:
        Whether the row was still as read.
    """
    digests = LocalValues(item.mapper, [row], group.pk, group.effective_realm, using).digests(row)
    agreement = Agreement.load(Columns(row).state)
    agreement.answered()
    for name in digests.keys() & set(names):
        agreement.agree(name, digests[name])
    held = Columns(row).hub_updated_at
    if held is not None and item.updated_at is not None and held > item.updated_at:
        # The hub itself was set back: what it shows now is what it holds.
        setattr(row, HUB_UPDATED, item.updated_at)
    return _write(item.mapper, row, (STATE, HUB_UPDATED), using, agreement, inside, push=False)


def _write(
    mapper: Mapper,
    row: Any,
    columns: Sequence[str],
    using: str,
    agreement: Agreement,
    inside: Sequence[RowDifferences],
    *,
    push: bool,
) -> bool:
    try:
        with transaction.atomic(using=using):
            for difference in inside:
                difference.align(agreement, using, push=push)
            setattr(row, STATE, agreement.dump())
            update_rows(mapper.model, [row], columns, using=using, unchanged=CHANGED, expected=[None])
    except RowChanged:
        return False
    return True
