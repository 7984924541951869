"""Which attributes each resource has, and of what kind (Connec! API v2, entity catalogue).

Layouts serve schemas, examples, seeds and the attributes that the hub computes. They close nothing: an attribute that
is not listed is kept as it is, because what is known of production's schemas is not complete.
"""

from __future__ import annotations

from django_connec.sandbox.layouts.documents import DOCUMENTS
from django_connec.sandbox.layouts.fields import MOMENT, TEXT, Attribute, Layout, read_only
from django_connec.sandbox.layouts.goods import GOODS
from django_connec.sandbox.layouts.parties import PARTIES
from django_connec.sandbox.layouts.work import WORK

__all__ = ["LAYOUTS", "Attribute", "Layout", "full_layout"]

LAYOUTS: dict[str, Layout] = {**PARTIES, **GOODS, **DOCUMENTS, **WORK}


def full_layout(resource: str) -> Layout:
    """Return all attributes of a resource, those that every record carries included."""
    layout = {"id": read_only(TEXT), **({} if resource == "company" else {"code": TEXT}), **LAYOUTS[resource]}
    moments = dict.fromkeys(("created_at", "updated_at"), read_only(MOMENT))
    return layout | moments | dict.fromkeys(("group_id", "channel_id", "resource_type"), read_only(TEXT))
