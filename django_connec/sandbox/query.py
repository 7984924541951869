"""What is asked of the stored records, whoever stores them: conditions, order, page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "COLUMNS",
    "LARGEST",
    "All",
    "Compare",
    "Condition",
    "Either",
    "Negation",
    "Order",
    "Query",
    "equal",
    "scalar",
    "value_at",
]

#: Attributes that are kept beside a record's body; ``_id`` is how filters call the id (Connec! API v2, ``$filter``).
COLUMNS = {"_id": "id", "id": "id", "created_at": "created_at", "updated_at": "updated_at"}
#: Whole numbers beyond are kept as SQLite would keep them.
LARGEST = 2**63 - 1

Operator = Literal["eq", "ne", "gt", "gte", "lt", "lte", "match", "in", "empty", "filled"]


@dataclass(frozen=True, slots=True)
class Compare:
    """One attribute against a value; a sequence of them for ``in``, nothing for ``empty`` and ``filled``.

    Attributes:
        path: Where the attribute is, block by block.
    """

    path: tuple[str, ...]
    operator: Operator
    value: Any = None


@dataclass(frozen=True, slots=True)
class All:
    """All of these hold."""

    parts: Sequence[Condition]


@dataclass(frozen=True, slots=True)
class Either:
    """One of these holds."""

    parts: Sequence[Condition]


@dataclass(frozen=True, slots=True)
class Negation:
    """This does not hold."""

    part: Condition


Condition = Compare | All | Either | Negation


@dataclass(frozen=True, slots=True)
class Order:
    """By one attribute, then by age."""

    path: tuple[str, ...]
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which records of a resource, and in which order; the order of creation where none is named.

    Attributes:
        search: A text that is somewhere in the record's values, capitals or not.
        top: How many at most; ``None``: all.
        skip: How many to leave out before.
    """

    condition: Condition | None = None
    search: str = ""
    order: Order | None = None
    top: int | None = None
    skip: int = 0

    @property
    def everything(self) -> bool:
        """Whether no record is left out, the page aside."""
        return self.condition is None and not self.search


def equal(path: str, value: Any) -> Compare:
    """Return the condition that an attribute has this value; blocks in ``path`` are divided by dots."""
    return Compare(tuple(path.split(".")), "eq", value)


def value_at(body: Mapping[str, Any], path: Sequence[str]) -> Any:
    """Return what is at the end of a path; ``None`` where it leads nowhere."""
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def scalar(value: Any) -> str | int | float | None:
    """Return a stored value the way it is compared: truth as 1 and 0, blocks and lists as their JSON."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value if -LARGEST <= value <= LARGEST else float(value)
    if value is None or isinstance(value, (str, float)):
        return value
    return json.dumps(value, separators=(",", ":"))
