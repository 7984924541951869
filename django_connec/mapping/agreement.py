"""``connec_state``: what both sides last agreed on, field by field.

Digests, not values: they tell which side changed a field without keeping a second copy of personal data.
The leftovers of shared blocks are kept as they are, because a block goes back to the hub whole (the hub's
merge inside blocks is not documented: Connec! API v2, update).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Agreement", "RowsAgreement"]

#: Attempts that are remembered of one field; a hub that is away for days gets no more of them, but the same again.
MAX_EARLIER = 8


@dataclass(slots=True)
class RowsAgreement:
    """What both sides last agreed on about one list of rows; the rows' own fields are in the rows' own state.

    Attributes:
        digests: Digest of each row that both sides hold, by its key (the hub's id where rows have ids): a row
            that is in here and not in the table was removed here.
        sent: Our ids of new rows that are on the way and not answered yet.
        others: Rows of the list that are not ours, as last seen.
    """

    digests: dict[str, str] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    others: list[Any] = field(default_factory=list)

    @classmethod
    def load(cls, state: Mapping[str, Any]) -> RowsAgreement:
        """Read one list's part of a column's value."""
        return cls(dict(state.get("i") or {}), list(state.get("s") or []), list(state.get("f") or []))

    def dump(self) -> dict[str, Any]:
        """Return the column's part, without what is empty."""
        parts = (("i", self.digests), ("s", self.sent), ("f", self.others))
        return {name: value for name, value in parts if value}


@dataclass(slots=True)
class Agreement:
    """The parsed form of ``connec_state``.

    Attributes:
        agreed: Digest of each field as the hub last showed it to us or answered us.
        local: Digest of our own form of the value, only where it differs (a host's ``save()`` that
            normalises, a column that rounds).
        sent: Digests of what was put on the way and is not answered yet; empty once answered. Its presence
            also says that a create may have reached the hub.
        leftovers: The parts of mapped top-level blocks that no field maps, as last seen.
        earlier: Digests of what was sent before that and was not answered either: any of it may be what the hub has.
        rows: The lists of rows, by field name.
        has_moved: The record is another model's now: the row is not sent, and taken up again when it comes back.
        contested: Fields with an open conflict that a person has to settle: the digest of what the hub shows now
            and, for a part of a block, that value itself. They are neither written nor sent.
    """

    agreed: dict[str, str] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    leftovers: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, RowsAgreement] = field(default_factory=dict)
    has_moved: bool = False
    contested: dict[str, list[Any]] = field(default_factory=dict)
    earlier: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, state: Mapping[str, Any] | None) -> Agreement:
        """Read a column's value; ``None`` and unknown shapes are an empty agreement."""
        if not state:
            return cls()
        return cls(
            dict(state.get("a") or {}),
            dict(state.get("l") or {}),
            dict(state.get("s") or {}),
            dict(state.get("r") or {}),
            {name: RowsAgreement.load(part) for name, part in (state.get("n") or {}).items()},
            bool(state.get("m")),
            dict(state.get("o") or {}),
            {name: list(digests) for name, digests in (state.get("e") or {}).items()},
        )

    def dump(self) -> dict[str, Any] | None:
        """Return the column's value, without empty parts; ``None`` when nothing is held."""
        state: dict[str, Any] = {}
        if self.agreed:
            state["a"] = self.agreed
        if self.local:
            state["l"] = self.local
        if self.sent:
            state["s"] = self.sent
        if self.leftovers:
            state["r"] = self.leftovers
        if self.rows:
            rows = {name: part.dump() for name, part in self.rows.items()}
            state["n"] = {name: part for name, part in rows.items() if part}
        if self.has_moved:
            state["m"] = True
        if self.contested:
            state["o"] = self.contested
        if self.earlier:
            state["e"] = self.earlier
        return state or None

    @property
    def is_in_flight(self) -> bool:
        """Something was sent that has not been answered yet."""
        return bool(self.sent) or any(part.sent for part in self.rows.values())

    def seen(self, name: str) -> str | None:
        """Return the digest of the hub's value as we last saw it, agreed on or not."""
        held = self.contested.get(name)
        return held[0] if held else self.agreed.get(name)

    def is_local(self, name: str, digest: str) -> bool:
        """Tell whether our value, with this digest, is what was agreed (in either side's form)."""
        return digest == self.agreed.get(name) or digest == self.local.get(name)

    def is_remote(self, name: str, digest: str) -> bool:
        """Tell whether the hub's value is what was agreed, or our own value on its way back."""
        return digest in (self.agreed.get(name), self.sent.get(name)) or digest in self.earlier.get(name, ())

    def send(self, digests: Mapping[str, str]) -> None:
        """Record what is about to be sent; what was sent before without an answer may have arrived all the same."""
        for name, digest in self.sent.items():
            if digest != digests.get(name):
                kept = [d for d in self.earlier.get(name, ()) if d != digest]
                self.earlier[name] = [*kept, digest][-MAX_EARLIER:]
        self.sent = dict(digests)

    def answered(self) -> None:
        """Forget what was on its way."""
        self.sent, self.earlier = {}, {}

    def is_in_doubt(self, name: str, digest: str) -> bool:
        """Tell whether the hub may hold another value of this field, from something that was never answered."""
        on_the_way = self.earlier.get(name, ())
        return self.sent.get(name, digest) != digest or any(earlier != digest for earlier in on_the_way)

    def agree(self, name: str, remote: str, local: str | None = None) -> None:
        """Record that both sides hold this value now, in the hub's form and, if it differs, in ours."""
        self.agreed[name] = remote
        if local is None or local == remote:
            self.local.pop(name, None)
        else:
            self.local[name] = local
