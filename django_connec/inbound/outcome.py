"""What became of the records of one page or delivery."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

__all__ = ["Outcome"]


@dataclass(slots=True)
class Outcome:
    """Counts of records by what happened to them.

    Attributes:
        created: A row was made.
        updated: A mapped field of a row was written.
        unchanged: The row already was as the record says.
        stale: An older version than the one held.
        ignored: Not ours, switched off, made before the link, deleted here, or inactive where those are ignored.
        parked: Waits for a record that it refers to.
        failed: Stored as a failure.
        deleted: The row was deleted, as ``on_inactive = "delete"`` asks.
        held: Would have changed a linked row, where so many would that an operator is asked first.
        created_pks: Keys of the rows made, by model label.
        updated_pks: Keys of the rows written, by model label.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    ignored: int = 0
    parked: int = 0
    failed: int = 0
    deleted: int = 0
    held: int = 0
    created_pks: dict[str, list[object]] = field(default_factory=dict)
    updated_pks: dict[str, list[object]] = field(default_factory=dict)

    COUNTS: ClassVar = ("created", "updated", "unchanged", "stale", "ignored", "parked", "failed", "deleted", "held")

    def add(self, other: Outcome) -> None:
        """Add another outcome's counts and keys to this one's."""
        for name in self.COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for mine, theirs in ((self.created_pks, other.created_pks), (self.updated_pks, other.updated_pks)):
            for label, pks in theirs.items():
                mine.setdefault(label, []).extend(pks)

    def counts(self) -> dict[str, int]:
        """Return the counts that are not zero, for summaries and stored runs."""
        return {name: getattr(self, name) for name in self.COUNTS if getattr(self, name)}
