"""What an audit found: ids and names of fields, never values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["LISTED", "Difference", "ResourceAudit"]

#: Differences that are named one by one; all are counted.
LISTED = 1000


@dataclass(slots=True)
class Difference:
    """One row and record that are not the same.

    Attributes:
        kind: ``differs``, ``missing-here`` (no row) or ``missing-there`` (no record).
        model_label: Which model.
        pk: The row; empty where there is none.
        connec_id: The record; ``None`` where the hub was never told.
        fields: Names of the fields that differ.
        mended: It was marked for sending, or the hub's record was applied.
    """

    kind: Literal["differs", "missing-here", "missing-there"]
    model_label: str
    pk: str = ""
    connec_id: str | None = None
    fields: list[str] = field(default_factory=list)
    mended: bool = False


@dataclass(slots=True)
class ResourceAudit:
    """What was found of one resource.

    Attributes:
        resource: The hub's name.
        compared: Rows that were compared with their records.
        pending: Rows that hold an unsent change, and were not compared.
        unreadable: Records that could not be read; each is a failure when it is applied.
        counts: Differences by kind.
        fields: How many rows differ in each field.
        mended: Differences that were mended.
        listed: The first :data:`LISTED` of them.
    """

    resource: str
    compared: int = 0
    pending: int = 0
    unreadable: int = 0
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("differs", "missing-here", "missing-there"), 0)
    )
    fields: dict[str, int] = field(default_factory=dict)
    mended: int = 0
    listed: list[Difference] = field(default_factory=list)

    @property
    def remaining(self) -> int:
        """Differences that are still there, unreadable records among them."""
        return sum(self.counts.values()) - self.mended + self.unreadable

    def add(self, difference: Difference) -> None:
        """Count a difference."""
        self.counts[difference.kind] += 1
        self.mended += difference.mended
        for name in difference.fields:
            self.fields[name] = self.fields.get(name, 0) + 1
        if len(self.listed) < LISTED:
            self.listed.append(difference)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, for JSON."""
        names = Difference.__slots__
        return {
            "compared": self.compared,
            "pending": self.pending,
            "unreadable": self.unreadable,
            **self.counts,
            "fields": self.fields,
            "mended": self.mended,
            "remaining": self.remaining,
            "listed": [{name: getattr(entry, name) for name in names} for entry in self.listed],
        }
