"""What a write does to what a record holds already: blocks, and rows with ids of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_connec.sandbox.ids import ROW_IDS

__all__ = ["merged"]


def merged(old: Any, new: Any, *, sparse: bool, deep: bool) -> Any:
    """Return an attribute's value after a write.

    Args:
        sparse: Rows that are not mentioned stay; they go otherwise (Connec! API v2, ``opts``).
        deep: Blocks are merged level by level; the new one takes the old one's place otherwise.
    """
    if isinstance(new, list):
        return _merge_rows(old, new, sparse=sparse, deep=deep)
    if deep and isinstance(new, Mapping) and new and isinstance(old, Mapping):
        return {**old, **{name: merged(old.get(name), value, sparse=sparse, deep=deep) for name, value in new.items()}}
    return new


def _merge_rows(old: Any, new: list[Any], *, sparse: bool, deep: bool) -> list[Any]:
    """Rows with a known id, the hub's or an application's, are changed, and so are the rows in them; those not
    mentioned stay, or go where the application says that it sent all of them."""
    if not all(isinstance(row, Mapping) for row in new):
        return new
    held = [dict(row) for row in old if isinstance(row, Mapping)] if isinstance(old, list) else []
    rows = list(held) if sparse else []
    for row in new:
        known = next((r for r in held if _same_row(r, row)), None)
        if known is None:
            rows.append(dict(row))
            continue
        theirs = row.get(ROW_IDS, [])
        others = [e for e in known.get(ROW_IDS, []) if not any(_same_application(e, t) for t in theirs)]
        identity = known.get("id", row.get("id"))
        written = {name: value for name, value in row.items() if name != ROW_IDS}
        known.update(
            {name: merged(known.get(name), value, sparse=sparse, deep=deep) for name, value in written.items()}
        )
        known["id"] = identity
        if others or theirs:
            known[ROW_IDS] = sorted([*others, *theirs], key=lambda e: (e["provider"], e["realm"]))
        if not any(r is known for r in rows):
            rows.append(known)
    return rows


def _same_row(held: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    if held.get("id") is not None and held.get("id") == given.get("id"):
        return True
    return any(entry in held.get(ROW_IDS, []) for entry in given.get(ROW_IDS, []))


def _same_application(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one.get("provider"), one.get("realm")) == (other.get("provider"), other.get("realm"))
