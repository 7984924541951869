"""Declare once, in ``connec.py``, how a model and a resource of the hub correspond.

Nothing in here knows HTTP, queues or transactions.
"""

from django_connec.mapping.fields import Field
from django_connec.mapping.mapper import Mapper
from django_connec.mapping.nested import Nested
from django_connec.mapping.references import Reference
from django_connec.mapping.registry import register, registry
from django_connec.mapping.scalars import BooleanField, ChoiceField, DateField, DateTimeField, DecimalField

__all__ = [
    "BooleanField",
    "ChoiceField",
    "DateField",
    "DateTimeField",
    "DecimalField",
    "Field",
    "Mapper",
    "Nested",
    "Reference",
    "register",
    "registry",
]
