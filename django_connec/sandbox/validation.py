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


def with_empty_blocks(layout: Layout, body: Mapping[str, Any], *, fill: bool = False) -> dict[str, Any]:
    """Return a record, or a block of it, with its empty blocks as the hub shows them: ``{}``, not null.

    Args:
        fill: Put in the blocks that nobody wrote, as in the recorded payloads.
    """
    done = dict(body)
    for name, attribute in layout.items():
        value = done.get(name)
        if attribute.kind == "rows" and isinstance(value, list):
            done[name] = [
                with_empty_blocks(attribute.fields, row) if isinstance(row, Mapping) else row for row in value
            ]
        elif attribute.kind == "block" and (name in done or fill):
            block = {} if value is None else value
            # Addresses show each of their places; what is inside a place is text.
            inner = fill and all(field.kind == "block" for field in attribute.fields.values())
            done[name] = with_empty_blocks(attribute.fields, block, fill=inner) if isinstance(block, Mapping) else block
    return done
