"""Names of the hub's resources."""

from __future__ import annotations

__all__ = ["DEPENDENCY_HINT", "is_singular", "normalise"]

SINGULAR = frozenset({"company"})

#: The order that connectors import in (Connec! API v2, first link); used where references do not decide.
DEPENDENCY_HINT = (
    "company",
    "tax_codes",
    "accounts",
    "app_users",
    "teams",
    "organizations",
    "people",
    "items",
    "employees",
    "projects",
    "quotes",
    "sales_orders",
    "purchase_orders",
    "invoices",
    "payments",
)

# Receivers have met singular and plural keys for the same resource (Connec! API v2, webhook request).
_ALIASES = {"companies": "company", "companys": "company"}


def is_singular(resource: str) -> bool:
    """Tell whether a group has one record of this resource, addressed without an id."""
    return resource in SINGULAR


def normalise(name: str) -> str:
    """Return a resource's name as the API spells it: lower case, words joined by ``_``."""
    plain = "_".join(name.strip().lower().replace("-", " ").replace("_", " ").split())
    return _ALIASES.get(plain, plain)
