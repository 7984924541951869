"""Blocks that several resources share (Connec! API v2, section 5.3)."""

from __future__ import annotations

from typing import Any

__all__ = ["ADDRESS", "AMOUNT", "ASSIGNEE", "EMAIL", "PHONE", "PLACE", "ROLES", "Example"]

#: Section, resource, attributes.
Example = tuple[str, str, dict[str, Any]]

PLACE = {"line1": "12 Quay St", "line2": "Unit 4", "city": "Cairns", "region": "QLD", "postal_code": "4870"}
PLACE |= {"country": "Australia"}
ADDRESS = {"billing": PLACE, "billing2": {}, "shipping": PLACE, "shipping2": {}}
PHONE = {"landline": "07 5550 1111", "landline2": "", "mobile": "0400 000 111", "fax": ""}
EMAIL = {"address": "ines@pelican.example", "address2": ""}
AMOUNT = {"total_amount": 110.0, "net_amount": 100.0, "tax_amount": 10.0, "tax_rate": 10.0, "currency": "AUD"}
ROLES = {"is_customer": True, "is_supplier": False, "is_lead": False}
ASSIGNEE = {"assignee_id": "us-1", "assignee_type": "AppUser"}
