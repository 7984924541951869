"""``connec_state``: what both sides last agreed on, field by field.

Digests, not values: they tell which side changed a field without keeping a second copy of personal data.
The leftovers of shared blocks are kept as they are, because a block goes back to the hub whole (the hub's
merge inside blocks is not documented: Connec! API v2, update).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Agreement"]


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
    """

    agreed: dict[str, str] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    sent: dict[str, str] = field(default_factory=dict)
    leftovers: dict[str, Any] = field(default_factory=dict)

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
        return state or None

    def is_local(self, name: str, digest: str) -> bool:
        """Tell whether our value, with this digest, is what was agreed (in either side's form)."""
        return digest == self.agreed.get(name) or digest == self.local.get(name)

    def is_remote(self, name: str, digest: str) -> bool:
        """Tell whether the hub's value is what was agreed, or our own value on its way back."""
        return digest == self.agreed.get(name) or digest == self.sent.get(name)

    def agree(self, name: str, remote: str, local: str | None = None) -> None:
        """Record that both sides hold this value now, in the hub's form and, if it differs, in ours."""
        self.agreed[name] = remote
        if local is None or local == remote:
            self.local.pop(name, None)
        else:
            self.local[name] = local
