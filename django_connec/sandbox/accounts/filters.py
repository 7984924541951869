"""Filters of the account API's lists: an attribute, bare or with a comparison (Maestrano SDK, account API)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django_connec.sandbox.times import text_of

__all__ = ["filtered"]

#: Of an answer's attributes, what is no column of the marketplace's tables.
NO_COLUMNS = frozenset({"object", "metadata"})
# The longer endings first: _strictly_before also ends in _before.
COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "_strictly_greater_than": operator.gt,
    "_strictly_lower_than": operator.lt,
    "_strictly_before": operator.lt,
    "_strictly_after": operator.gt,
    "_greater_than": operator.ge,
    "_lower_than": operator.le,
    "_before": operator.le,
    "_after": operator.ge,
}


def filtered(entities: Iterable[dict[str, Any]], conditions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the entities that meet all conditions; an attribute that there is not leaves none."""
    return [entity for entity in entities if all(_meets(entity, name, text) for name, text in conditions.items())]


def _meets(entity: Mapping[str, Any], name: str, text: str) -> bool:
    ending = next((ending for ending in COMPARISONS if name.endswith(ending)), "")
    attribute = name.removesuffix(ending)
    value = None if attribute in NO_COLUMNS else entity.get(attribute)
    if value is None:
        return False
    try:
        wanted: Any = float(text) if _is_number(value) else text_of(text) if "T" in text and "-" in text else text
    except ValueError:
        wanted = text
    held = value if _is_number(value) else "true" if value is True else "false" if value is False else str(value)
    compare: Callable[[Any, Any], Any] = COMPARISONS.get(ending, operator.eq)
    try:
        return bool(compare(held, wanted))
    except TypeError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
