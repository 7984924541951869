"""Invented records of every resource: the same ones every time, with references that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from django_connec.sandbox.layouts import LAYOUTS
from django_connec.sandbox.seeds.records import Recipe
from django_connec.sandbox.store import Row

__all__ = ["Size", "example", "rows_of", "sizes"]

Size = Literal["small", "large"] | int | Mapping[str, int]

_NAMED = {"small": 600, "large": 100_000}
LARGEST = 1_000_000
#: How the records of a group are divided; what is not named has one part.
_PARTS = {
    "invoices": 200,
    "items": 150,
    "people": 150,
    "payments": 120,
    "organizations": 80,
    "contacts": 20,
    "quotes": 30,
    "sales_orders": 50,
    "purchase_orders": 30,
    "accounts": 10,
    "employees": 10,
    "journals": 20,
    "opportunities": 20,
    "time_activities": 30,
    "time_sheets": 10,
    "transaction_logs": 5,
}


def sizes(size: Size) -> dict[str, int]:
    """Return how many records of each resource a group of a size has: at least one of each.

    Args:
        size: ``small``, ``large``, how many in all, or how many of each resource.

    Raises:
        ValueError: It is none of these, or more than a million.
    """
    if isinstance(size, Mapping):
        counts = {str(resource): count for resource, count in size.items()}
        if not set(counts) <= set(LAYOUTS) or not all(_is_count(count) for count in counts.values()):
            raise ValueError("a size names resources and how many there are to be of each")
        counts |= {"company": 1} if "company" in counts else {}
        wanted = sum(counts.values())
    else:
        wanted = _NAMED.get(size, 0) if isinstance(size, str) else size
        if not _is_count(wanted) or wanted < len(LAYOUTS):
            raise ValueError(f"a size is small, large, or a number from {len(LAYOUTS)} on")
        counts = _divided(wanted)
    if wanted > LARGEST:
        raise ValueError(f"a group has at most {LARGEST} records")
    return counts


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _divided(total: int) -> dict[str, int]:
    parts = {resource: _PARTS.get(resource, 1) for resource in LAYOUTS if resource != "company"}
    least = 5 if total > 10 * len(parts) else 1
    left, whole = total - 1 - least * len(parts), sum(parts.values())
    counts = {"company": 1} | {resource: least + left * part // whole for resource, part in parts.items()}
    # What was lost by rounding down.
    counts["invoices"] += total - sum(counts.values())
    return {resource: counts[resource] for resource in LAYOUTS}


def rows_of(org: str, resource: str, counts: Mapping[str, int]) -> Iterator[Row]:
    """Yield the records of one resource, as a store keeps them."""
    recipe = Recipe(org, resource, counts)
    for number in range(counts.get(resource, 0)):
        created = recipe.created(number)
        yield Row(recipe.id(number), created, created, recipe.body(number))


def example(resource: str) -> dict[str, Any]:
    """Return the attributes of an invented record, its id and times included."""
    recipe = Recipe("org-1", resource, dict.fromkeys(LAYOUTS, 1))
    created = recipe.created(0)
    return {"id": recipe.id(0), **recipe.body(0), "created_at": created, "updated_at": created}
