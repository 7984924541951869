"""Examples of the resources, and their schemas (Connec! API v2, operations; journals)."""

from __future__ import annotations

from typing import Any

from django_connec.sandbox.layouts import Attribute, Layout, full_layout
from django_connec.sandbox.seeds import example

__all__ = ["example_of", "properties_of", "schema_of"]

_TYPES: dict[str, dict[str, Any]] = {
    "text": {"type": "string"},
    "reference": {"type": "string"},
    "choice": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "moment": {"type": "string", "format": "date-time"},
}


def example_of(resource: str) -> dict[str, Any]:
    """Return an invented record of a resource, ids as text, every attribute of its schema included."""
    record = example(resource) | {"group_id": "cld-1", "channel_id": "org-1", "resource_type": resource}
    return {name: record.get(name) for name in full_layout(resource)}


def schema_of(resource: str) -> dict[str, Any]:
    """Return the JSON schema of a resource, with the values that were seen where they are few."""
    return {"properties": {resource: {"items": {"type": "object", "properties": properties_of(full_layout(resource))}}}}


def properties_of(layout: Layout) -> dict[str, dict[str, Any]]:
    """Return the schemas of a layout's attributes."""
    return {name: _schema(attribute) for name, attribute in layout.items()}


def _schema(attribute: Attribute) -> dict[str, Any]:
    if attribute.kind in ("block", "rows"):
        block = {"type": "object", "properties": properties_of(attribute.fields)}
        schema = block if attribute.kind == "block" else {"type": "array", "items": block}
    else:
        schema = dict(_TYPES[attribute.kind])
    if attribute.choices:
        schema["enum"] = list(attribute.choices)
    return schema | ({"readOnly": True} if attribute.read_only else {})
