"""Which fields of a row differ from what both sides agreed on, and why the others are not sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.fields import BoundField
from django_connec.mapping.values import BLANK

__all__ = ["changed_fields", "why_left_out"]


def changed_fields(
    mapper: Mapper, agreement: Agreement, digests: Mapping[str, str], *, skip: Collection[str] = ()
) -> list[str]:
    """Return the names of the fields that an update sends.

    Args:
        mapper: The row's mapper.
        agreement: What was agreed on last.
        digests: Digests of the row's own values.
        skip: Fields to leave out.
    """
    return [
        bound.name
        for bound in mapper.fields
        if bound.name not in skip and not why_left_out(bound, agreement, digests[bound.name])
    ]


def why_left_out(bound: BoundField, agreement: Agreement, digest: str) -> str:
    """Return why an update does not carry a field: ``"pull-only"``, ``"create-only"``, ``"contested"``, ``"agreed"`` or
    ``"blank"``; empty where it does."""
    if not bound.push:
        return "pull-only"
    if bound.create_only:
        return "create-only"
    if bound.name in agreement.contested:
        return "contested"
    if agreement.is_in_doubt(bound.name, digest):
        # Changed, sent, not answered, and changed back: the hub may have the one in between.
        return ""
    if agreement.is_local(bound.name, digest):
        return "agreed"
    # A blank that was never agreed on says nothing.
    return "blank" if digest == BLANK and bound.name not in agreement.agreed else ""
