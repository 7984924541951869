"""Guess which attribute belongs to which field of a model: by name, synonym and type."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import models

from django_connec.mapping import registry
from django_connec.startmapper.attributes import Attribute

__all__ = ["pair"]

#: What applications call things, and where the hub has them; the first that exists is taken.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "email": ("email.address",),
    "phone": ("phone.landline", "phone_work.landline"),
    "mobile": ("phone.mobile", "phone_work.mobile"),
    "fax": ("phone.fax", "phone_work.fax"),
    "website": ("website.url",),
    "url": ("website.url",),
    "birthday": ("birth_date",),
    "born": ("birth_date",),
    "date_of_birth": ("birth_date",),
    "forename": ("first_name",),
    "given_name": ("first_name",),
    "surname": ("last_name",),
    "family_name": ("last_name",),
    "active": ("status",),
    "is_active": ("status",),
    "state": ("status",),
    "employees": ("number_of_employees",),
    "employer": ("organization_id",),
    "customer": ("organization_id", "person_id"),
    "supplier": ("organization_id",),
    "contact": ("person_id",),
    "parent": ("parent_item_id", "parent_id"),
    "street": ("address.billing.line1", "address_work.billing.line1"),
    "zip": ("address.billing.postal_code", "address_work.billing.postal_code"),
    "zip_code": ("address.billing.postal_code", "address_work.billing.postal_code"),
    "postcode": ("address.billing.postal_code", "address_work.billing.postal_code"),
    "sku": ("reference", "code"),
    "number": ("transaction_number", "code", "reference"),
    "price": ("sale_price.net_amount",),
    "total": ("amount.total_amount",),
    "tax": ("amount.tax_amount",),
    "date": ("transaction_date",),
    "stock": ("quantity_on_hand",),
    "notes": ("description", "public_note"),
}
IRREGULAR = {"people": "person", "company": "company"}
NUMBERS = (models.DecimalField, models.FloatField, models.IntegerField)


def pair(columns: Sequence[models.Field[object, object]], attributes: Iterable[Attribute]) -> dict[str, Attribute]:
    """Return the attribute of each field, by the field's name; the surest pairs first, none twice."""
    ranked = [
        (-score, order, column.name, attribute)
        for order, attribute in enumerate(attributes)
        for column in columns
        if (score := _score(column, attribute))
    ]
    found: dict[str, Attribute] = {}
    taken: set[str] = set()
    for _, _, name, attribute in sorted(ranked, key=lambda entry: entry[:3]):
        if name not in found and attribute.path not in taken:
            found[name] = attribute
            taken.add(attribute.path)
    return found


def _score(column: models.Field[object, object], attribute: Attribute) -> int:
    if not _fits(column, attribute):
        return 0
    name, path = column.name.lower(), attribute.path
    if isinstance(column, models.ForeignKey):
        return _reference_score(column, name, path)
    known = SYNONYMS.get(name, ())
    if name == path:
        return 100
    if path in known:
        return 95 - known.index(path)
    if name == path.replace(".", "_"):
        return 90
    if set(name.split("_")) == set(path.replace(".", "_").split("_")):
        return 70
    return 60 - path.count(".") if name == attribute.leaf else 0


def _reference_score(column: models.ForeignKey[object, object], name: str, path: str) -> int:
    target = column.remote_field.model
    mapper = registry.for_model(target) if isinstance(target, type) else None
    if path == f"{name}_id":
        return 100
    if path in SYNONYMS.get(name, ()):
        return 90
    if mapper is None or mapper.model is column.model:
        return 0
    singular = IRREGULAR.get(mapper.meta.resource, mapper.meta.resource.removesuffix("s"))
    return 80 if path == f"{singular}_id" else 0


def _fits(column: models.Field[object, object], attribute: Attribute) -> bool:
    kind = attribute.kind
    if kind in ("array", "object"):
        return False
    if isinstance(column, models.ForeignKey):
        return attribute.leaf.endswith("_id") and "." not in attribute.path
    if attribute.leaf.endswith("_id") and column.name != attribute.leaf:
        return False
    if isinstance(column, models.BooleanField):
        return kind == "boolean" or {"ACTIVE", "INACTIVE"} <= set(attribute.words)
    if isinstance(column, NUMBERS):
        return kind in ("number", "integer", "")
    if isinstance(column, models.DateField):
        return kind in ("string", "") and (attribute.format.startswith("date") or "date" in attribute.leaf)
    return kind in ("string", "") and not attribute.format.startswith("date")
