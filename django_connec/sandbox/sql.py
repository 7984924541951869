"""What is asked of the records, as SQL over the table that :mod:`django_connec.sandbox.sqlite` keeps them in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django_connec.sandbox.query import COLUMNS, All, Compare, Condition, Either, Order, Query

__all__ = ["order_of", "where"]

_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def where(query: Query) -> tuple[str, list[Any]]:
    """Return the condition of a query and its values. Nothing of a client's text gets into the SQL but names made of
    letters, digits and underscores, as :func:`~django_connec.sandbox.filters.attribute_path` lets through."""
    values: list[Any] = []
    parts = [] if query.condition is None else [_condition(query.condition, values)]
    if query.search:
        parts.append("FOUND(?, body)")
        values.append(query.search)
    return " AND ".join(parts) or "1", values


def order_of(order: Order | None) -> str:
    """Return what to sort by; records that are equal stay in the order of creation."""
    if order is None:
        return "seq"
    return f"{_expression(order.path)} {'DESC' if order.descending else 'ASC'}, seq"


def _expression(path: Sequence[str]) -> str:
    if len(path) == 1 and path[0] in COLUMNS:
        return COLUMNS[path[0]]
    if not all(name.isidentifier() and name.isascii() for name in path):
        raise ValueError("not an attribute")
    return f"json_extract(body, '$.{'.'.join(path)}')"


def _condition(condition: Condition, values: list[Any]) -> str:
    if isinstance(condition, Compare):
        return _compare(condition, values)
    if isinstance(condition, (All, Either)):
        joint = " AND " if isinstance(condition, All) else " OR "
        return f"({joint.join(_condition(part, values) for part in condition.parts)})"
    # Where a value is missing the comparison is neither true nor false; its opposite is true.
    return f"({_condition(condition.part, values)}) IS NOT TRUE"


def _compare(condition: Compare, values: list[Any]) -> str:
    expression = _expression(condition.path)
    operator, value = condition.operator, condition.value
    if operator in ("empty", "filled"):
        empty = f"({expression} IS NULL OR {expression} IN ('', '{{}}', '[]'))"
        return empty if operator == "empty" else f"NOT {empty}"
    if operator == "in":
        values += value
        return f"{expression} IN ({', '.join('?' * len(value))})"
    values.append(value)
    if operator == "match":
        return f"{expression} REGEXP ?"
    if operator == "eq":
        return f"{expression} = ?"
    if operator == "ne":
        return f"{expression} IS NOT ?"
    if expression in COLUMNS.values():
        return f"{expression} {_SIGNS[operator]} ?"
    # SQLite puts every text after every number.
    kinds = "= 'text'" if isinstance(value, str) else "IN ('integer', 'real')"
    return f"({expression} {_SIGNS[operator]} ? AND typeof({expression}) {kinds})"
