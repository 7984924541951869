"""What is sold, booked and paid (Connec! API v2, sections 5.7, 5.8, 5.10 to 5.13 and 5.15)."""

from __future__ import annotations

from typing import Any

from tests.sandbox.contract.examples.blocks import ADDRESS, AMOUNT, PLACE, Example

__all__ = ["GUESSED", "TRADE"]

_DOCUMENT: dict[str, Any] = {
    "title": "Order 118",
    "transaction_number": "118",
    "transaction_date": "2018-03-01T00:00:00Z",
    "due_date": "2018-03-31T00:00:00Z",
    "organization_id": "or-1",
    "person_id": "pe-1",
    "amount": {"total_amount": 110.0, "net_amount": 100.0, "tax_amount": 10.0, "currency": "AUD"},
    "balance": 60.0,
    "deposit": 50.0,
    "discount_percent": 0,
    "discount_amount": 0,
    "apply_tax_after_discount": True,
    "public_note": "Thanks",
    "private_note": "",
    "billing_address": {"attention_first_name": "Ines", "attention_last_name": "Okafor", **PLACE},
    "shipping_address": {},
    "lines": [
        {
            "id": "l-1",
            "line_number": 1,
            "status": "ACTIVE",
            "item_id": "it-1",
            "description": "Hex bolt",
            "quantity": 100,
            "unit_price": {
                "net_amount": 1.0,
                "total_amount": 1.1,
                "tax_amount": 0.1,
                "tax_rate": 10.0,
                "currency": "AUD",
            },
            "total_price": AMOUNT,
            "reduction_percent": 0,
            "tax_code_id": "tc-1",
            "is_shipping": False,
            "account_id": "ac-1",
        }
    ],
}

TRADE: list[Example] = [
    (
        "5.7",
        "items",
        {
            "code": "IT6",
            "reference": "HB-50",
            "name": "Hex bolt 50 mm",
            "description": "",
            "status": "ACTIVE",
            "type": "PURCHASED",
            "unit": "1",
            "unit_type": "each",
            "is_inventoried": True,
            "quantity_on_hand": 80,
            "quantity_available": 75,
            "quantity_committed": 5,
            "initial_quantity": 100,
            "minimum_quantity": 10,
            "average_cost": 0.6,
            "current_value": 48.0,
            "part_number": "",
            "serial_number": "",
            "start_date": "2018-01-01T00:00:00Z",
            "end_date": None,
            "weight": 0.05,
            "weight_unit": "kg",
            "sale_price": AMOUNT,
            "purchase_price": {
                "total_amount": 0.6,
                "net_amount": 0.6,
                "tax_amount": 0,
                "tax_rate": 0,
                "currency": "AUD",
            },
            "sale_tax_code_id": "tc-1",
            "purchase_tax_code_id": "tc-1",
            "sale_account_id": "ac-1",
            "purchase_account_id": "ac-1",
        },
    ),
    (
        "5.8",
        "invoices",
        {"code": "INV12", "status": "AUTHORISED", "type": "CUSTOMER", "sales_order_id": "so-1", **_DOCUMENT},
    ),
    *(("5.8", resource, {"code": "D12", "status": "DRAFT", **_DOCUMENT}) for resource in ("quotes", "sales_orders")),
    ("5.8", "purchase_orders", {"code": "D12", "status": "RECEIVED", **_DOCUMENT}),
    (
        "5.10",
        "accounts",
        {
            "code": "090",
            "name": "Trading account",
            "description": "",
            "status": "ACTIVE",
            "currency": "AUD",
            "class": "ASSET",
            "type": "BANK",
            "sub_type": "CHECKING",
            "classification": "ASSET_BANK_CHECKING",
            "current_balance": 1250.75,
            "tax_code_id": "tc-1",
            "bank_account": {
                "account_number": "000123",
                "bank_name": "",
                "bank_code": "",
                "bic_code": "",
                "iban_number": "",
            },
            "address": ADDRESS,
        },
    ),
    ("5.11", "tax_codes", {"code": "GST10", "name": "GST 10%", "sale_tax_rate": 10.0}),
    (
        "5.12",
        "payments",
        {
            "code": "PAY9",
            "title": "118",
            "type": "CUSTOMER",
            "status": "ACTIVE",
            "transaction_number": "118",
            "payment_reference": "EFT 55",
            "transaction_date": "2018-03-02T00:00:00Z",
            "organization_id": "or-1",
            "person_id": "pe-1",
            "account_id": "ac-1",
            "payment_method": {"id": "pm-1", "code": "CC"},
            "public_note": "",
            "private_note": "",
            "amount": {"currency": "AUD", "total_amount": 50.0},
            "payment_lines": [
                {
                    "id": "p-1",
                    "line_number": 1,
                    "status": "ACTIVE",
                    "amount": 50.0,
                    "linked_transactions": [{"class": "Invoice", "id": "in-1", "applied_amount": 50.0}],
                }
            ],
        },
    ),
    ("5.12", "payment_methods", {"name": "Credit card"}),
    (
        "5.13",
        "warehouses",
        {"code": "WH1", "name": "Depot", "description": "", "status": "ACTIVE", "address": ADDRESS},
    ),
]

#: Inferred, and not seen anywhere.
GUESSED: list[Example] = [
    (
        "5.11",
        "tax_codes",
        {"name": "GST", "purchase_tax_rate": 10.0, "status": "ACTIVE", "sale_taxes": [], "purchase_taxes": []},
    ),
    (
        "5.15",
        "journals",
        {
            "code": "J1",
            "transaction_date": "2018-03-01T00:00:00Z",
            "type": "MANUAL",
            "title": "Opening",
            "journal_lines": [
                {"id": "l-1", "account_id": "ac-1", "description": "Till", "debit": 5.0, "tax_code_id": "tc-1"}
            ],
        },
    ),
]
