"""The kinds of attributes, and the blocks that several resources share (Connec! API v2, shared blocks)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

__all__ = [
    "ACTIVE",
    "ADDRESS",
    "AMOUNT",
    "BOOLEAN",
    "CONTACT_CHANNEL",
    "DATE",
    "EMAIL",
    "INTEGER",
    "MOMENT",
    "NUMBER",
    "PHONE",
    "PLACE",
    "REFERENCE",
    "ROLES",
    "SUM",
    "TEXT",
    "TRANSACTION_PLACE",
    "WEBSITE",
    "Attribute",
    "Layout",
    "block",
    "choice",
    "read_only",
    "rows",
]


@dataclass(frozen=True, slots=True)
class Attribute:
    """What an attribute holds.

    Attributes:
        kind: ``moment`` is a time as records show them, ``date`` a day; ``reference`` is the id of another record,
            ``block`` an object, ``rows`` a list of objects with ids of their own.
        choices: The values that were seen, where they are few.
        fields: What a block or a row holds.
        read_only: The hub computes it.
    """

    kind: Literal["text", "number", "integer", "boolean", "date", "moment", "choice", "reference", "block", "rows"]
    choices: tuple[str, ...] = ()
    fields: Mapping[str, Attribute] = field(default_factory=dict)
    read_only: bool = False


Layout = Mapping[str, Attribute]

TEXT = Attribute("text")
NUMBER = Attribute("number")
INTEGER = Attribute("integer")
BOOLEAN = Attribute("boolean")
DATE = Attribute("date")
MOMENT = Attribute("moment")
REFERENCE = Attribute("reference")


def choice(*values: str) -> Attribute:
    """An attribute with few values."""
    return Attribute("choice", values)


def block(fields: Layout) -> Attribute:
    """An object; where it is empty the hub shows ``{}``, never null."""
    return Attribute("block", fields=fields)


def rows(fields: Layout) -> Attribute:
    """Embedded rows; each has an id of its own."""
    return Attribute("rows", fields={"id": TEXT, **fields})


def read_only(attribute: Attribute) -> Attribute:
    """The same, but computed by the hub."""
    return replace(attribute, read_only=True)


ACTIVE = choice("ACTIVE", "INACTIVE", "ARCHIVED")
ROLES: Layout = {"is_customer": BOOLEAN, "is_supplier": BOOLEAN, "is_lead": BOOLEAN}

PLACE = block(dict.fromkeys(("line1", "line2", "city", "region", "postal_code", "country"), TEXT))
TRANSACTION_PLACE = block({"attention_first_name": TEXT, "attention_last_name": TEXT, **PLACE.fields})
ADDRESS = block(dict.fromkeys(("billing", "billing2", "shipping", "shipping2"), PLACE))
PHONE = block(dict.fromkeys(("landline", "landline2", "mobile", "fax"), TEXT))
EMAIL = block({"address": TEXT, "address2": TEXT})
WEBSITE = block({"url": TEXT})
CONTACT_CHANNEL = block({"skype": TEXT})
SUM = block({"total_amount": NUMBER, "currency": TEXT})
AMOUNT = block({**dict.fromkeys(("total_amount", "net_amount", "tax_amount", "tax_rate"), NUMBER), "currency": TEXT})
