"""Which fields of a row differ from what both sides agreed on."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.values import BLANK

__all__ = ["changed_fields"]


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
        if bound.push
        and not bound.create_only
        and bound.name not in skip
        and not agreement.is_local(bound.name, digests[bound.name])
        # A blank that was never agreed on says nothing.
        and not (digests[bound.name] == BLANK and bound.name not in agreement.agreed)
    ]
