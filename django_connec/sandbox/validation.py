"""What the hub refuses to keep (Connec! API v2, errors)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_connec.sandbox.layouts import LAYOUTS, Layout

__all__ = ["problem_of", "with_empty_blocks"]

NAMED = frozenset({"organizations", "items", "accounts"})


def problem_of(resource: str, body: Mapping[str, Any], *, check_values: bool) -> str | None:
    """Return why a record cannot be kept; ``None``: it can.

    Args:
        check_values: Refuse values that were never seen of an attribute with few.
    """
    if resource in NAMED and not body.get("name"):
        return "Name can't be blank"
    if resource == "people" and not (body.get("first_name") or body.get("last_name")):
        return "First name or last name can't be blank"
    name = _unseen(LAYOUTS[resource], body) if check_values else None
    return None if name is None else f"{name} is not included in the list"


def _unseen(layout: Layout, body: Mapping[str, Any]) -> str | None:
    for name, attribute in layout.items():
        value = body.get(name)
        if attribute.kind == "choice" and value is not None and value not in attribute.choices:
            return name.replace("_", " ").capitalize()
        blocks = value if attribute.kind == "rows" and isinstance(value, list) else [value]
        for block in blocks:
            found = _unseen(attribute.fields, block) if attribute.fields and isinstance(block, Mapping) else None
            if found is not None:
                return found
    return None


def with_empty_blocks(resource: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return a record with its empty blocks as the hub shows them: ``{}``, not null."""
    blocks = (name for name, attribute in LAYOUTS[resource].items() if attribute.kind == "block")
    return body | {name: {} for name in blocks if name in body and body[name] is None}
