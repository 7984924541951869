"""What is asked of the hub and what it answers, as plain values. None of them shows a record in its ``repr``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from django_connec.client.errors import ConnecError

__all__ = ["Answer", "BatchAnswer", "Operation", "Page", "Result", "has_external_id"]


@dataclass(frozen=True, slots=True)
class Answer:
    """One record, as the hub holds it now.

    Attributes:
        status: 200, or 201 for a record that a POST made (Connec! API v2, envelope).
        record: Its attributes, without the envelope.
        date: The hub's clock (its ``Date`` header), aware, UTC; ``None`` when it sent none.
    """

    status: int
    record: dict[str, Any] = field(repr=False)
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some records of a collection (Connec! API v2, lists and pagination).

    Attributes:
        records: As the hub sent them; a lone ``company: {…}`` is a list of one. An element that is no object
            is passed on, so that it fails alone.
        total: Records in the whole collection; ``None`` when the hub does not say.
        skip: Records before this page: as the hub says, else as asked.
        top: Size of a page in the hub's view (it may be smaller than asked for); ``None`` when it does not say.
        has_next: The hub names a further page, and this one is not empty.
        date: The hub's clock (its ``Date`` header), aware, UTC; ``None`` when it sent none.
    """

    records: list[Any] = field(repr=False)
    total: int | None
    skip: int
    top: int | None
    has_next: bool
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One call inside a batch.

    Attributes:
        method: ``post`` creates (``id`` is ``None``), ``put`` updates, ``get`` reads (not seen in a batch of
            Maestrano's own code).
        group_uid: The customer's group, ``cld-…``.
        resource: ``people``, ``company`` …
        id: The hub's id; ``None`` for ``post`` and for a singular resource.
        attributes: The record to send, without the envelope; not used by ``get``.
    """

    method: Literal["post", "put", "get"]
    group_uid: str
    resource: str
    id: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Result:
    """How one operation of a batch ended. Exactly one of ``record`` and ``error`` is set.

    Attributes:
        status: As HTTP would have it; 0 when the hub gave none, or the operation was never sent.
        record: The record in the answer.
        error: What went wrong, of the class that the same call alone would have raised.
    """

    status: int
    record: Mapping[str, Any] | None = field(repr=False)
    error: ConnecError | None


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """One result an operation, in the operations' order.

    Attributes:
        date: The hub's clock (its ``Date`` header), aware, UTC; ``None`` when it sent none.
    """

    results: tuple[Result, ...]
    date: datetime | None


def has_external_id(attributes: Mapping[str, Any]) -> bool:
    """Tell whether a record carries an application's own id, which makes a POST an upsert (Connec! API v2, create)."""
    entries = attributes.get("id")
    return isinstance(entries, (list, tuple)) and any(
        isinstance(entry, Mapping) and entry.get("id") and entry.get("provider") not in (None, "", "connec")
        for entry in entries
    )
