"""What is agreed, billed and paid (Connec! API v2, sales and purchase documents; payments; journals)."""

from __future__ import annotations

from django_connec.sandbox.layouts.fields import (
    ACTIVE,
    AMOUNT,
    BOOLEAN,
    INTEGER,
    MOMENT,
    NUMBER,
    REFERENCE,
    SUM,
    TEXT,
    TRANSACTION_PLACE,
    Layout,
    block,
    choice,
    read_only,
    rows,
)

__all__ = ["DOCUMENTS"]

_LINES = rows(
    {
        "line_number": INTEGER,
        "status": choice("ACTIVE"),
        "item_id": REFERENCE,
        "description": TEXT,
        "quantity": NUMBER,
        "unit_price": AMOUNT,
        "total_price": AMOUNT,
        "reduction_percent": NUMBER,
        "tax_code_id": REFERENCE,
        "is_shipping": BOOLEAN,
        "account_id": REFERENCE,
    }
)
_DOCUMENT: Layout = {
    "title": TEXT,
    "transaction_number": TEXT,
    "transaction_date": MOMENT,
    "due_date": MOMENT,
    "organization_id": REFERENCE,
    "person_id": REFERENCE,
    "amount": AMOUNT,
    "balance": NUMBER,
    "deposit": NUMBER,
    "discount_percent": NUMBER,
    "discount_amount": NUMBER,
    "apply_tax_after_discount": BOOLEAN,
    "public_note": TEXT,
    "private_note": TEXT,
    "billing_address": TRANSACTION_PLACE,
    "shipping_address": TRANSACTION_PLACE,
    "lines": _LINES,
}
_LINKED = rows({"class": choice("Invoice", "SalesOrder"), "applied_amount": NUMBER})

DOCUMENTS: dict[str, Layout] = {
    "invoices": {
        "status": choice("DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "INACTIVE"),
        "type": choice("CUSTOMER", "SUPPLIER"),
        "sales_order_id": REFERENCE,
        **_DOCUMENT,
    },
    "quotes": {"status": choice("DRAFT", "PENDING", "REVIEWED", "ACCEPTED", "REJECTED"), **_DOCUMENT},
    "sales_orders": {
        "status": choice("DRAFT", "SUBMITTED", "AUTHORISED", "DELIVERED", "PAID", "CLOSED", "CANCELLED", "VOIDED"),
        **_DOCUMENT,
    },
    "purchase_orders": {"status": choice("DRAFT", "AUTHORISED", "DELIVERED", "RECEIVED", "CANCELLED"), **_DOCUMENT},
    "payments": {
        "title": TEXT,
        "type": choice("CUSTOMER", "SUPPLIER"),
        "status": ACTIVE,
        "transaction_number": TEXT,
        "payment_reference": TEXT,
        "transaction_date": MOMENT,
        "organization_id": REFERENCE,
        "person_id": REFERENCE,
        "account_id": REFERENCE,
        "payment_method": block({"id": TEXT, "code": TEXT}),
        "public_note": TEXT,
        "private_note": TEXT,
        "amount": read_only(SUM),
        "payment_lines": rows(
            {"line_number": INTEGER, "status": choice("ACTIVE"), "amount": NUMBER, "linked_transactions": _LINKED}
        ),
    },
    # A guess: no client and no payload was seen.
    "journals": {
        "type": choice("MANUAL", "GENERATED"),
        "status": ACTIVE,
        "title": TEXT,
        "transaction_date": MOMENT,
        "journal_lines": rows(
            {"account_id": REFERENCE, "description": TEXT, "debit": NUMBER, "credit": NUMBER, "tax_code_id": REFERENCE}
        ),
    },
}
