"""The hub's resources, and which record a reference attribute leads to (Connec! API v2, entity catalogue)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_connec.sandbox.layouts import LAYOUTS

__all__ = [
    "COLLECTIONS",
    "SINGULAR",
    "code_prefix",
    "entity_key",
    "entity_name",
    "first_status",
    "has_status",
    "linked_resource",
    "referred_resource",
]

SINGULAR = frozenset({"company"})

COLLECTIONS = frozenset(LAYOUTS) - SINGULAR

_PREFIXES = {
    "organizations": "OR",
    "people": "PE",
    "items": "IT",
    "app_users": "US",
    "opportunities": "POT",
    "employees": "EM",
    "invoices": "INV",
    "payments": "PAY",
    "warehouses": "WH",
    "events": "EV",
}

_ENTITIES = {"people": "person", "company": "company"}

#: By the end of the attribute's name; longer ends first.
_REFERENCES = (
    ("organization_id", "organizations"),
    ("payment_method_id", "payment_methods"),
    ("purchase_order_id", "purchase_orders"),
    ("sales_order_id", "sales_orders"),
    ("work_location_id", "work_locations"),
    ("warehouse_id", "warehouses"),
    ("tax_code_id", "tax_codes"),
    ("tax_rate_id", "tax_rates"),
    ("account_id", "accounts"),
    ("employee_id", "employees"),
    ("pay_item_id", "pay_items"),
    ("project_id", "projects"),
    ("assignee_id", "app_users"),
    ("person_id", "people"),
    ("app_user_id", "app_users"),
    ("invoice_id", "invoices"),
    ("payment_id", "payments"),
    ("contact_id", "contacts"),
    ("event_id", "events"),
    ("pay_schedule_id", "pay_schedules"),
    ("pay_run_id", "pay_runs"),
    ("quote_id", "quotes"),
    ("venue_id", "venues"),
    ("team_id", "teams"),
    ("lead_id", "people"),
    ("item_id", "items"),
)

_CLASSES = {
    "Invoice": "invoices",
    "SalesOrder": "sales_orders",
    "PurchaseOrder": "purchase_orders",
    "Quote": "quotes",
    "Payment": "payments",
}

#: Rows and blocks that stand for a record of another resource, by its id.
_MEMBERS = {"teams": "teams", "members": "app_users", "employees": "employees", "payment_method": "payment_methods"}

# A business number of the employee, not a link.
_NO_LINKS = {("employees", "employee_id")}


def code_prefix(resource: str) -> str:
    """Return the letters of the short numbers that the hub gives, as ``OR`` in ``OR3``."""
    return _PREFIXES.get(resource, resource[:2].upper())


def has_status(resource: str) -> bool:
    """Tell whether records show a ``status``; the recorded app users and opportunities do not."""
    return "status" in LAYOUTS[resource]


def first_status(resource: str) -> str:
    """Return the status of a record that was made without one."""
    choices = LAYOUTS[resource]["status"].choices
    return choices[0] if choices else "ACTIVE"


def entity_key(resource: str) -> str:
    """Return the name of one record of a resource: ``tax_code`` for ``tax_codes``."""
    if resource in _ENTITIES:
        return _ENTITIES[resource]
    return resource[:-3] + "y" if resource.endswith("ies") else resource.removesuffix("s")


def entity_name(resource: str) -> str:
    """Return a resource's name as older clients write it: ``TaxCode`` for ``tax_codes``."""
    return "".join(word.capitalize() for word in entity_key(resource).split("_"))


def referred_resource(resource: str, attribute: str) -> str | None:
    """Return the resource that an attribute refers to; ``None`` where it is no reference."""
    if not attribute.endswith("_id") or (resource, attribute) in _NO_LINKS:
        return None
    return next((target for end, target in _REFERENCES if attribute == end or attribute.endswith(f"_{end}")), None)


def linked_resource(attribute: str, row: Mapping[str, Any]) -> str | None:
    """Return the resource that the ``id`` of an embedded row, or block, refers to; ``None`` where it is its own.

    ``linked_transactions`` name what they lead to in ``class`` (Connec! API v2, polymorphic links).
    """
    if attribute == "linked_transactions":
        return _CLASSES.get(str(row.get("class")))
    return _MEMBERS.get(attribute)
