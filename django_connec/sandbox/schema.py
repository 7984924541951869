"""Examples of the resources, and schemas that are read off them.

Both are simple: real schemas say more. All values are invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django_connec.sandbox.catalogue import SINGULAR, has_status

__all__ = ["example_of", "schema_of"]

_MOMENT = "2018-04-02T08:00:00Z"
_PLACE = {"line1": "3 Mill Lane", "line2": "", "city": "Perth", "region": "WA", "postal_code": "6000"}
_ADDRESS = {"billing": _PLACE | {"country": "Australia"}, "billing2": {}, "shipping": {}, "shipping2": {}}
_PHONE = {"landline": "08 5550 2020", "landline2": "", "mobile": "0400 000 222", "fax": ""}
_EMAIL = {"address": "office@heron.example", "address2": ""}
_PRICE = {"total_amount": 22.0, "net_amount": 20.0, "tax_amount": 2.0, "tax_rate": 10.0, "currency": "AUD"}
_ROLES = {"is_customer": True, "is_supplier": False, "is_lead": False}
_DOCUMENT = {
    "title": "Order 7",
    "transaction_number": "7",
    "transaction_date": _MOMENT,
    "due_date": _MOMENT,
    "organization_id": "organization-1",
    "person_id": "person-1",
    "amount": {"total_amount": 44.0, "net_amount": 40.0, "tax_amount": 4.0, "currency": "AUD"},
    "balance": 44.0,
    "deposit": 0.0,
    "public_note": "",
    "private_note": "",
    "billing_address": _PLACE,
    "shipping_address": {},
    "lines": [
        {
            "id": "line-1",
            "line_number": 1,
            "item_id": "item-1",
            "description": "Rope, 10 m",
            "quantity": 2,
            "unit_price": _PRICE,
            "total_price": _PRICE | {"total_amount": 44.0, "net_amount": 40.0, "tax_amount": 4.0},
            "tax_code_id": "tax-code-1",
        }
    ],
}
_PERSON = {
    "title": "Ms.",
    "first_name": "Maud",
    "last_name": "Heron",
    "job_title": "Buyer",
    "birth_date": _MOMENT,
    "organization_id": "organization-1",
    **_ROLES,
    "address_work": _ADDRESS,
    "address_home": {},
    "email": _EMAIL,
    "website": {},
    "phone_work": _PHONE,
    "phone_home": {},
    "contact_channel": {},
    "notes": [{"id": "note-1", "description": "prefers e-mail", "tag": "acme-books"}],
}

#: What a resource has beside the attributes of every record (Connec! API v2, entity catalogue).
_EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "company": {
        "name": "Heron Chandlers",
        "timezone": "+08:00",
        "currency": "AUD",
        "tax_number": "",
        "industry": "Retail",
        "email": _EMAIL,
        "address": _ADDRESS,
        "website": {"url": "https://heron.example"},
        "phone": _PHONE,
        "logo": {},
    },
    "organizations": {
        "reference": "HER",
        "name": "Heron Chandlers",
        "description": "",
        "industry": "Retail",
        "annual_revenue": 90000.0,
        "number_of_employees": 6,
        **_ROLES,
        "address": _ADDRESS,
        "email": _EMAIL,
        "website": {},
        "phone": _PHONE,
        "contact_channel": {},
    },
    "people": _PERSON,
    "contacts": {"name": "Maud Heron", "is_person": True, **_PERSON},
    "items": {
        "reference": "ROPE-10",
        "name": "Rope, 10 m",
        "description": "",
        "type": "PURCHASED",
        "unit": "1",
        "is_inventoried": True,
        "quantity_on_hand": 12,
        "weight": 0.8,
        "weight_unit": "kg",
        "sale_price": _PRICE,
        "purchase_price": _PRICE,
        "sale_tax_code_id": "tax-code-1",
        "purchase_tax_code_id": "tax-code-1",
        "sale_account_id": "account-1",
        "purchase_account_id": "account-1",
    },
    "accounts": {
        "name": "Till",
        "description": "",
        "currency": "AUD",
        "class": "ASSET",
        "type": "BANK",
        "sub_type": "CASHONHAND",
        "classification": "ASSET_BANK_CASHONHAND",
        "current_balance": 80.0,
        "tax_code_id": "tax-code-1",
        "bank_account": {},
    },
    "tax_codes": {"name": "Sales tax 10%", "sale_tax_rate": 10.0, "purchase_tax_rate": 10.0},
    "invoices": {"type": "CUSTOMER", "sales_order_id": "sales-order-1", **_DOCUMENT},
    "quotes": _DOCUMENT,
    "sales_orders": _DOCUMENT,
    "purchase_orders": _DOCUMENT,
    "payments": {
        "title": "7",
        "type": "CUSTOMER",
        "transaction_number": "7",
        "transaction_date": _MOMENT,
        "organization_id": "organization-1",
        "person_id": "person-1",
        "account_id": "account-1",
        "amount": {"total_amount": 44.0, "currency": "AUD"},
        "payment_lines": [
            {
                "id": "line-1",
                "line_number": 1,
                "amount": 44.0,
                "linked_transactions": [{"class": "Invoice", "id": "invoice-1", "applied_amount": 44.0}],
            }
        ],
    },
    "employees": {
        "employee_id": "E-7",
        "first_name": "Otto",
        "last_name": "Lind",
        "full_name": "Otto Lind",
        "gender": "M",
        "job_title": "Driver",
        "hired_date": "2017-02-01",
        "address": _ADDRESS,
        "phone": _PHONE,
        "email": _EMAIL,
        "work_locations": [{"work_location_id": "work-location-1"}],
    },
    "opportunities": {
        "name": "Winter stock",
        "sales_stage": "Open",
        "amount": {"total_amount": 900.0, "currency": "AUD"},
        "probability": 40.0,
        "expected_close_date": _MOMENT,
        "lead_id": "person-1",
    },
    "projects": {"name": "Stocktaking", "description": "", "tasks": [{"id": "task-1", "name": "Count"}]},
    "warehouses": {"name": "Depot", "description": "", "address": _ADDRESS},
}


def example_of(resource: str) -> dict[str, Any]:
    """Return an invented record of a resource, ids as text."""
    example: dict[str, Any] = {"id": "00000000-0000-4000-8000-000000000001"}
    if resource not in SINGULAR:
        example["code"] = "1"
    if has_status(resource):
        example["status"] = "ACTIVE"
    example |= _EXAMPLES.get(resource, {"name": "Heron"})
    example |= {"created_at": _MOMENT, "updated_at": _MOMENT, "group_id": "cld-1", "channel_id": "org-1"}
    return example | {"resource_type": resource}


def schema_of(resource: str) -> dict[str, Any]:
    """Return the JSON schema of a resource, as far as its example tells (Connec! API v2, journals)."""
    properties = {name: _kind(value) for name, value in example_of(resource).items()}
    if "status" in properties and resource not in ("invoices", "quotes", "sales_orders", "purchase_orders"):
        properties["status"]["enum"] = ["ACTIVE", "INACTIVE", "ARCHIVED"]
    return {"properties": {resource: {"items": {"type": "object", "properties": properties}}}}


def _kind(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {name: _kind(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"type": "array", "items": _kind(value[0])}
    if isinstance(value, bool):
        return {"type": "boolean"}
    if isinstance(value, (int, float)):
        return {"type": "number"}
    return {"type": "string", "format": "date-time"} if value == _MOMENT else {"type": "string"}
