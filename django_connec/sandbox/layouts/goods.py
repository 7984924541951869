"""What is sold and where it is booked: items, stock, accounts, taxes (Connec! API v2, entity catalogue)."""

from __future__ import annotations

from django_connec.sandbox.layouts.fields import (
    ACTIVE,
    ADDRESS,
    AMOUNT,
    BOOLEAN,
    MOMENT,
    NUMBER,
    REFERENCE,
    TEXT,
    Layout,
    block,
    choice,
    read_only,
    rows,
)

__all__ = ["GOODS"]

_ACCOUNT_TYPES = (
    "BANK ACCOUNTSRECEIVABLE OTHERCURRENTASSET FIXEDASSET OTHERASSET ACCOUNTSPAYABLE CREDITCARD OTHERCURRENTLIABILITY "
    "LONGTERMLIABILITY EQUITY INCOME OTHERINCOME COSTOFGOODSSOLD EXPENSE OTHEREXPENSE"
)
_TAX = rows({"name": TEXT, "rate": NUMBER})

GOODS: dict[str, Layout] = {
    "items": {
        "reference": TEXT,
        "name": TEXT,
        "description": TEXT,
        "status": ACTIVE,
        "type": choice("PURCHASED", "PRODUCT", "SERVICE"),
        "unit": TEXT,
        "unit_type": TEXT,
        "is_inventoried": BOOLEAN,
        **dict.fromkeys(("quantity_on_hand", "quantity_available", "quantity_committed"), NUMBER),
        **dict.fromkeys(("initial_quantity", "minimum_quantity", "average_cost", "current_value"), NUMBER),
        "part_number": TEXT,
        "serial_number": TEXT,
        "start_date": MOMENT,
        "end_date": MOMENT,
        "weight": NUMBER,
        "weight_unit": TEXT,
        "sale_price": AMOUNT,
        "purchase_price": AMOUNT,
        "sale_tax_code_id": REFERENCE,
        "purchase_tax_code_id": REFERENCE,
        "sale_account_id": REFERENCE,
        "purchase_account_id": REFERENCE,
    },
    "accounts": {
        "name": TEXT,
        "description": TEXT,
        "status": ACTIVE,
        "currency": TEXT,
        "class": choice("ASSET", "LIABILITY", "EQUITY", "REVENUE", "EXPENSE"),
        "type": choice(*_ACCOUNT_TYPES.split()),
        "sub_type": TEXT,
        "classification": read_only(TEXT),
        "current_balance": NUMBER,
        "tax_code_id": REFERENCE,
        "bank_account": block(
            dict.fromkeys(("account_number", "bank_name", "bank_code", "bic_code", "iban_number"), TEXT)
        ),
        "address": ADDRESS,
    },
    "tax_codes": {
        "name": TEXT,
        "status": ACTIVE,
        "sale_tax_rate": NUMBER,
        "purchase_tax_rate": NUMBER,
        "sale_taxes": _TAX,
        "purchase_taxes": _TAX,
    },
    # Its content was never seen.
    "tax_rates": {"name": TEXT, "status": ACTIVE, "rate": NUMBER},
    "payment_methods": {"name": TEXT, "status": ACTIVE},
    "warehouses": {
        "name": TEXT,
        "description": TEXT,
        "status": choice("ACTIVE", "INACTIVE", "CLOSED"),
        "address": ADDRESS,
    },
    # Its content was never seen.
    "stock_adjustments": {
        "status": ACTIVE,
        "warehouse_id": REFERENCE,
        "item_id": REFERENCE,
        "transaction_date": MOMENT,
        "quantity": NUMBER,
        "description": TEXT,
    },
}
