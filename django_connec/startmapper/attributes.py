"""The attributes that a JSON schema of the hub lists, each with its dotted path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Attribute", "read_schema"]

#: What every record has, and the package itself deals with.
RESERVED = frozenset({"id", "created_at", "updated_at", "group_id", "channel_id", "resource_type"})
MAX_DEPTH = 6
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute of a record.

    Attributes:
        path: Dotted path.
        kind: JSON type; empty where the schema does not say.
        format: ``date`` or ``date-time``, or empty.
        words: The values that it may have, where they are listed.
    """

    path: str
    kind: str
    format: str = ""
    words: tuple[str, ...] = ()

    @property
    def leaf(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


def read_schema(schema: Any, resource: str) -> list[Attribute]:
    """Return the attributes of a resource (Connec! API v2, journals: where they are in the schema).

    Args:
        schema: The answer to ``GET /json_schema/{resource}``.
        resource: The hub's name.

    Raises:
        ValueError: It is no schema of this resource.
    """
    found = _inside(schema, "properties", resource, "items", "properties")
    if found is None:
        # Of a singular resource there is no list.
        found = _inside(schema, "properties", resource, "properties")
    if not found:
        raise ValueError(f"no attributes under properties.{resource}.items.properties")
    kept = {name: about for name, about in found.items() if name not in RESERVED}
    return list(_leaves(kept, "", 0))


def _inside(value: Any, *keys: str) -> Mapping[str, Any] | None:
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else None


def _leaves(properties: Mapping[str, Any], prefix: str, depth: int) -> Iterator[Attribute]:
    for name, about in properties.items():
        # Whatever a hub calls its attributes, what is printed must be a path, and Python.
        if not _NAME.fullmatch(str(name)) or not isinstance(about, Mapping):
            continue
        path = f"{prefix}{name}"
        inner = about.get("properties")
        if isinstance(inner, Mapping) and depth < MAX_DEPTH:
            yield from _leaves(inner, f"{path}.", depth + 1)
            continue
        kind, words = about.get("type"), about.get("enum")
        if isinstance(kind, list):
            kind = next((k for k in kind if k != "null"), "")
        yield Attribute(
            path,
            kind if isinstance(kind, str) else "",
            str(about.get("format") or ""),
            tuple(w for w in words if isinstance(w, str)) if isinstance(words, list) else (),
        )
