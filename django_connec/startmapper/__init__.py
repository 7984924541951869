"""Write a first mapper from a model and the hub's JSON schema of a resource."""

from django_connec.startmapper.attributes import Attribute, read_schema
from django_connec.startmapper.drafting import draft_mapper

__all__ = ["Attribute", "draft_mapper", "read_schema"]
