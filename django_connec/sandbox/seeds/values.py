"""A value for each attribute, by its name or, where that says nothing, by its kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from django_connec.sandbox.catalogue import linked_resource, referred_resource
from django_connec.sandbox.layouts import Attribute, Layout
from django_connec.sandbox.seeds.words import FIRST_NAMES, LAST_NAMES, PLACES, THINGS, TRADES, mix, pick

__all__ = ["Make", "Pointer", "maker", "moment", "money"]

#: Makes an attribute's value for the record of a number.
Make = Callable[[int], Any]
#: Returns the id of one of a resource's records; ``None`` where there is none.
Pointer = Callable[[str, int], "str | None"]

_FIRST_DAY = dt.date(2017, 1, 1).toordinal()
_DAYS = 1000
_INDUSTRIES = ("Logistics", "Retail", "Manufacturing", "Services")
_CITIES = [place[0] for place in PLACES]

_BY_NAME: dict[str, Callable[[int, int], Any]] = {
    "first_name": lambda n, salt: pick(FIRST_NAMES, n, 1),
    "last_name": lambda n, salt: pick(LAST_NAMES, n, 2),
    "full_name": lambda n, salt: f"{pick(FIRST_NAMES, n, 1)} {pick(LAST_NAMES, n, 2)}",
    "company_name": lambda n, salt: None,
    "title": lambda n, salt: f"Order {n + 1}",
    "currency": lambda n, salt: "AUD",
    "timezone": lambda n, salt: "+10:00",
    "industry": lambda n, salt: pick(_INDUSTRIES, n, salt),
    "job_title": lambda n, salt: ("Buyer", "Driver", "Clerk", "Manager")[mix(n, salt) % 4],
    "unit": lambda n, salt: "1",
    "unit_type": lambda n, salt: "each",
    "weight_unit": lambda n, salt: "kg",
    "probability": lambda n, salt: float(mix(n, salt) % 101),
    "minutes": lambda n, salt: mix(n, salt) % 4 * 15,
    "hours": lambda n, salt: mix(n, salt) % 8 + 1,
    "landline": lambda n, salt: f"07 5550 {mix(n, salt) % 10_000:04}",
    "mobile": lambda n, salt: f"0400 000 {mix(n, salt) % 1000:03}",
    "line1": lambda n, salt: f"{mix(n, salt) % 200 + 1} {pick(LAST_NAMES, n, salt)} Street",
    "latitude": lambda n, salt: round(-16.9 - mix(n, salt) % 2000 / 100, 2),
    "longitude": lambda n, salt: round(115 + mix(n, salt) % 3000 / 100, 2),
    "line_number": lambda n, salt: 1,
    "line_order": lambda n, salt: 1,
    "transaction_number": lambda n, salt: f"{n + 1}",
    "assignee_type": lambda n, salt: "AppUser",
    # Nobody left, nothing ended, nothing was converted.
    **dict.fromkeys(("released_date", "end_time", "start_time", "lead_conversion_date"), lambda n, salt: None),
}
#: Shown empty, as the recorded payloads do.
_EMPTY_BLOCKS = frozenset({"billing2", "shipping2", "address_home", "phone_home", "contact_channel", "logo"})
_EMPTY_TEXTS = frozenset(
    {"line2", "fax", "landline2", "address2", "description", "note", "public_note", "private_note", "tax_number"}
    | {"serial_number", "part_number", "next_step", "bic_code", "iban_number", "bank_name", "bank_code"}
)


def money(number: int, salt: int) -> float:
    """Return an amount between 1 and 500, in whole cents."""
    return (mix(number, salt) % 49_900 + 100) / 100


def moment(number: int, salt: int) -> str:
    """Return a time between 2017 and 2019, as records show it."""
    chance = mix(number, salt)
    day = dt.date.fromordinal(_FIRST_DAY + chance % _DAYS).isoformat()
    seconds = chance // _DAYS % 86_400
    return f"{day}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}Z"


def maker(resource: str, path: str, attribute: Attribute, point: Pointer, salt: int) -> Make:
    """Return what makes an attribute's values.

    Args:
        path: The attribute's name behind those of the blocks that it is in.
        point: Where references lead.
        salt: Makes one attribute's chance another than the next one's.
    """
    name = path.rpartition(".")[2]
    target = referred_resource(resource, name)
    if target is not None:
        return lambda n: point(target, mix(n, salt))
    if attribute.kind == "rows":
        return _rows_maker(resource, path, attribute.fields, point, salt)
    if attribute.kind == "block":
        return _block_maker(resource, path, attribute.fields, point, salt)
    special = _BY_NAME.get(name)
    if special is not None:
        return lambda n: special(n, salt)
    if attribute.kind == "choice":
        return _choice_maker(attribute.choices, salt)
    makers: dict[str, Make] = {
        "number": lambda n: money(n, salt),
        "integer": lambda n: mix(n, salt) % 28 + 1,
        "boolean": lambda n: mix(n, salt) % 2 == 0,
        "date": lambda n: moment(n, salt)[:10],
        "moment": lambda n: moment(n, salt),
    }
    return makers.get(attribute.kind) or _text_maker(resource, name, salt)


def _choice_maker(choices: tuple[str, ...], salt: int) -> Make:
    # Most of them are as they were made.
    weighted = (choices[0],) * 6 + choices
    return lambda n: weighted[mix(n, salt) % len(weighted)]


def _text_maker(resource: str, name: str, salt: int) -> Make:
    if name in _EMPTY_TEXTS:
        return lambda n: ""
    if name == "name":
        if resource == "items":
            return lambda n: f"{THINGS[mix(n, salt) % len(THINGS)]} {n + 1}"
        if resource in ("company", "organizations"):
            return lambda n: f"{pick(LAST_NAMES, n, salt)} {pick(TRADES, n, salt + 1)} {n + 1}"
        if resource == "contacts":
            return lambda n: f"{pick(FIRST_NAMES, n, 1)} {pick(LAST_NAMES, n, 2)}"
    label = name.replace("_", " ").capitalize() if name != "name" else resource.replace("_", " ").capitalize()
    return lambda n: f"{label} {n + 1}"


def _block_maker(resource: str, path: str, fields: Layout, point: Pointer, salt: int) -> Make:
    name = path.rpartition(".")[2]
    if name in _EMPTY_BLOCKS:
        inner = [field for field, attribute in fields.items() if attribute.kind == "block"]
        return lambda n: {field: {} for field in inner}
    if "line1" in fields:
        line1 = _BY_NAME["line1"]

        def place(n: int) -> Mapping[str, Any]:
            city, region, postal_code, country = PLACES[mix(n, salt) % len(PLACES)]
            line = line1(n, salt)
            return {
                "line1": line,
                "line2": "",
                "city": city,
                "region": region,
                "postal_code": postal_code,
                "country": country,
            }

        return place
    if name == "email":
        return lambda n: {"address": f"{pick(LAST_NAMES, n, 2).lower()}.{n + 1}@{resource.replace('_', '-')}.example"}
    if name == "website":
        return lambda n: {"url": f"https://{pick(LAST_NAMES, n, salt).lower()}-{n + 1}.example"}
    if "net_amount" in fields:
        return lambda n: price(round(money(n, salt)))
    if "total_amount" in fields:
        return lambda n: {"total_amount": money(n, salt), **({"currency": "AUD"} if "currency" in fields else {})}
    makers = [
        (field, maker(resource, f"{path}.{field}", inner, point, salt + 2 * place + 1))
        for place, (field, inner) in enumerate(fields.items())
    ]
    return lambda n: {field: make(n) for field, make in makers}


def price(net: int, quantity: int = 1) -> dict[str, Any]:
    """Return an amount in the hub's form, with a tax of ten percent on whole units of the currency."""
    total = net * quantity
    return {
        "total_amount": round(total * 1.1, 2),
        "net_amount": float(total),
        "tax_amount": round(total * 0.1, 2),
        "tax_rate": 10.0,
        "currency": "AUD",
    }


def _rows_maker(resource: str, path: str, fields: Layout, point: Pointer, salt: int) -> Make:
    name = path.rpartition(".")[2]
    linked = linked_resource(name, {})
    if linked is not None:
        return lambda n: [{"id": id} for id in (point(linked, mix(n, salt)),) if id is not None]
    if set(fields) == {"id"}:
        return lambda n: []
    makers = [
        (field, maker(resource, f"{path}.{field}", inner, point, salt + 2 * place + 1))
        for place, (field, inner) in enumerate(fields.items())
        if field != "id"
    ]
    # Rows have ids that are not unique beyond their record, as the hub's need not be either.
    return lambda n: [{"id": f"{name}-{n + 1}-1", **{field: make(n) for field, make in makers}}]
