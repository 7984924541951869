"""How each mapped field of a row stands: its value here, whether it was agreed on, whether it would be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django_connec.mapping import Mapper
from django_connec.mapping.agreement import Agreement
from django_connec.mapping.fields import BoundField
from django_connec.mapping.local import LocalValues
from django_connec.mapping.nested import BoundNested
from django_connec.mapping.paths import Path
from django_connec.mapping.references import RemoteId
from django_connec.mapping.values import MISSING
from django_connec.models.columns import Columns
from django_connec.outbound.changes import why_left_out
from django_connec.outbound.encoding import Prepared, is_known

__all__ = ["FieldState", "describe_fields"]


@dataclass(frozen=True, slots=True)
class FieldState:
    """One mapped field of one row.

    Attributes:
        name: Its name in the mapper.
        path: Where it is in the record.
        value: The row's value as it would be sent; text in place of what cannot be encoded.
        state: ``agreed`` (both sides hold it), ``differs`` (from what was agreed), ``sent`` (on its way, or its
            answer was lost) or ``new`` (never agreed on).
        is_sent: It is part of what would be sent.
        why_not: ``pull-only``, ``create-only``, ``agreed``, ``blank``, ``reference`` (the hub does not know what it
            refers to), ``row`` (the whole row is not sent); empty where it is part.
    """

    name: str
    path: str
    value: Any
    state: str
    is_sent: bool
    why_not: str


def describe_fields(
    mapper: Mapper, row: Any, local: LocalValues, agreement: Agreement, item: Prepared | None
) -> list[FieldState]:
    """Describe every mapped field.

    Args:
        mapper: Mapper of the row.
        row: The row.
        local: Its values in the form that is compared.
        agreement: What was agreed on before.
        item: What encoding made of it; ``None`` where the row has no group.
    """
    values, digests, unresolved = local.values(row), local.digests(row), set(local.unresolved(row))
    updates = is_known(mapper, Columns(row).connec_id, agreement)
    attributes = item.operation.attributes if item is not None and item.operation is not None else None
    found: list[FieldState] = []
    for bound in mapper.fields:
        digest = digests[bound.name]
        why = _why_not(bound, agreement, digest, updates=updates, waits=bound.name in unresolved)
        is_sent = attributes is not None and not why and _holds(attributes, bound.path)
        if attributes is None:
            why = why or "row"
        elif not is_sent:
            why = why or "blank"
        value = _wire(bound, values.get(bound.name, MISSING))
        found.append(
            FieldState(bound.name, ".".join(bound.path), value, _state(bound, agreement, digest), is_sent, why)
        )
    return found + [_describe_list(nested, row, attributes, agreement) for nested in mapper.nested]


def _describe_list(
    nested: BoundNested, row: Any, attributes: Mapping[str, Any] | None, agreement: Agreement
) -> FieldState:
    """Describe a list of rows: how many there are, and how many of them are sent."""
    is_sent = attributes is not None and nested.path in attributes
    state = "agreed" if nested.name in agreement.agreed else "new"
    why = "" if is_sent else "row" if attributes is None else "agreed" if nested.push else "pull-only"
    rows: Any = nested.model._base_manager.using(row._state.db)
    count = rows.filter(**{nested.key: row.pk}).count()
    value = f"{len(attributes[nested.path])} of {count} rows" if is_sent and attributes else f"{count} rows"
    return FieldState(nested.name, nested.path, value, "differs" if is_sent else state, is_sent, why)


def _why_not(bound: BoundField, agreement: Agreement, digest: str, *, updates: bool, waits: bool) -> str:
    if waits and not agreement.is_local(bound.name, digest):
        return "reference"
    if not updates:
        return "" if bound.push else "pull-only"
    return why_left_out(bound, agreement, digest)


def _state(bound: BoundField, agreement: Agreement, digest: str) -> str:
    if agreement.is_local(bound.name, digest):
        return "agreed"
    if agreement.sent.get(bound.name) == digest:
        return "sent"
    return "differs" if bound.name in agreement.agreed else "new"


def _wire(bound: BoundField, value: Any) -> Any:
    if value is MISSING:
        return None
    if isinstance(value, RemoteId):
        return value.connec_id
    try:
        return bound.encode(value)
    except Exception as error:
        return f"({type(error).__name__} in encode)"


def _holds(attributes: Mapping[str, Any], path: Path) -> bool:
    block: Any = attributes
    for key in path:
        if not isinstance(block, Mapping) or key not in block:
            return False
        block = block[key]
    return True
