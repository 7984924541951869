"""What the hub computes: prices from one of their parts, lines from prices, documents from lines, payments from theirs
(Connec! API v2, shared blocks; sales and purchase documents; payments; accounts)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

__all__ = ["complete"]

CENT = Decimal("0.01")
DOCUMENTS = frozenset({"invoices", "quotes", "sales_orders", "purchase_orders"})
PARTS = ("total_amount", "net_amount", "tax_amount")

#: Returns the percentage of a tax code, of its sale side or its purchase side; ``None``: not known.
Rates = Callable[[Any, bool], Any]
Block = Mapping[str, Any]


def complete(resource: str, body: Block, before: Block, rate_of: Rates) -> dict[str, Any]:
    """Return a record with what the hub computes from the rest of it.

    What cannot be computed, because nothing is there to compute it from, stays as it was written.

    Args:
        body: The record as it is to be.
        before: The record as it was; empty for a new one.
        rate_of: Where tax rates are looked up.
    """
    done = dict(body)
    if resource == "accounts":
        done["classification"] = "_".join(str(done.get(name) or "") for name in ("class", "type", "sub_type"))
    elif resource == "employees":
        names = (done.get("first_name"), done.get("last_name"))
        done["full_name"] = " ".join(str(name) for name in names if name)
    elif resource == "items":
        for side in ("sale", "purchase"):
            price = done.get(f"{side}_price")
            if isinstance(price, Mapping) and price:
                rate = rate_of(done.get(f"{side}_tax_code_id"), side == "sale")
                done[f"{side}_price"] = _price(price, before.get(f"{side}_price"), rate)
    elif resource in DOCUMENTS:
        _document(resource, done, before, rate_of)
    elif resource == "payments":
        _payment(done)
    return done


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > 1e15:
        return None
    return Decimal(str(value))


def _money(value: Decimal) -> float:
    return float(value.quantize(CENT, ROUND_HALF_UP))


def _from_total(block: Block, before: Any) -> bool | None:
    """Tell from which amount a price is to be computed: the one that is there, the newer one where both are."""
    net, total = _number(block.get("net_amount")), _number(block.get("total_amount"))
    if net is None or total is None:
        return None if net is total else net is None
    held = before if isinstance(before, Mapping) else {}
    return held.get("net_amount") == block.get("net_amount") and held.get("total_amount") != block.get("total_amount")


def _price(block: Block, before: Any, rate: Any, share: Decimal | None = None) -> dict[str, Any]:
    """Complete a price from its net or its total amount and its rate.

    Args:
        share: Times so much; the amount that was written stays as it was written where this is ``None``.
    """
    done = dict(block)
    if done.get("tax_rate") is None and rate is not None:
        done["tax_rate"] = rate
    percent, from_total = _number(done.get("tax_rate")), _from_total(block, before)
    if percent is None or percent <= -100 or from_total is None:
        return done
    written = "total_amount" if from_total else "net_amount"
    amount = (_number(block.get(written)) or Decimal(0)) * (1 if share is None else share)
    factor = 1 + percent / 100
    other = amount / factor if from_total else amount * factor
    done["net_amount" if from_total else "total_amount"] = _money(other)
    if share is not None:
        done[written] = _money(amount)
    tax = Decimal(str(done["total_amount"])) - Decimal(str(done["net_amount"]))
    done["tax_amount"] = _money(tax)
    return done


def _line(line: Block, before: Block, rate: Any) -> dict[str, Any]:
    """Complete a line's price a piece, and from it, its quantity and its reduction, its price in all."""
    done = dict(line)
    total, unit = done.get("total_price"), done.get("unit_price")
    if isinstance(unit, Mapping) and unit:
        done["unit_price"] = _price(unit, before.get("unit_price"), rate)
        quantity = _number(done.get("quantity"))
        if quantity is not None and "tax_amount" in done["unit_price"]:
            share = quantity * (1 - (_number(done.get("reduction_percent")) or Decimal(0)) / 100)
            # Not from the rounded price a piece: what is lost there grows with the quantity.
            priced = _price(unit, before.get("unit_price"), rate, share)
            done["total_price"] = {**(total if isinstance(total, Mapping) else {}), **priced}
            return done
    if isinstance(total, Mapping) and total:
        done["total_price"] = _price(total, before.get("total_price"), rate)
    return done


def _document(resource: str, done: dict[str, Any], before: Block, rate_of: Rates) -> None:
    lines = done.get("lines")
    if not isinstance(lines, list):
        _balance(done, before)
        return
    sale = resource != "purchase_orders" and done.get("type") != "SUPPLIER"
    held = {row.get("id"): row for row in before.get("lines") or [] if isinstance(row, Mapping)}
    done["lines"] = [
        _line(row, held.get(row.get("id"), {}), rate_of(row.get("tax_code_id"), sale))
        if isinstance(row, Mapping) and isinstance(row.get("id"), (str, type(None)))
        else row
        for row in lines
    ]
    counted = [row for row in done["lines"] if isinstance(row, Mapping) and row.get("status") in (None, "ACTIVE")]
    prices = [row.get("total_price") for row in counted]
    sums: dict[str, Decimal] = {}
    for name in PARTS:
        values = [_number(price.get(name)) if isinstance(price, Mapping) else None for price in prices]
        if not values or any(value is None for value in values):
            # A line without a price: the sum that its writer knows is better than ours.
            _balance(done, before)
            return
        sums[name] = sum((value for value in values if value is not None), Decimal(0))
    _discount(done, sums)
    amount = done.get("amount")
    known = dict(amount) if isinstance(amount, Mapping) else {}
    currency = next((p["currency"] for p in prices if isinstance(p, Mapping) and p.get("currency")), None)
    if currency is not None:
        known.setdefault("currency", currency)
    done["amount"] = known | {name: _money(value) for name, value in sums.items()}
    _balance(done, before)


def _discount(done: Block, sums: dict[str, Decimal]) -> None:
    """Take the document's discount off; the tax follows unless ``apply_tax_after_discount`` says that it does not."""
    net = sums["net_amount"]
    percent, flat = _number(done.get("discount_percent")), _number(done.get("discount_amount"))
    off = net * percent / 100 if percent else (flat or Decimal(0))
    if not off or not net:
        return
    if done.get("apply_tax_after_discount") is not False:
        sums["tax_amount"] = sums["tax_amount"] * (1 - off / net)
    sums["net_amount"] = net - off
    sums["total_amount"] = sums["net_amount"] + sums["tax_amount"]


def _balance(done: dict[str, Any], before: Block) -> None:
    """What is still owed follows the total as long as nobody wrote something else."""
    total = _total(done)
    if total is None:
        return
    written = done.get("balance") != before.get("balance") if "balance" in done else False
    followed = "balance" not in done or _number(done.get("balance")) == _owed(before)
    if not written and followed:
        done["balance"] = _money(total - (_number(done.get("deposit")) or Decimal(0)))


def _total(body: Block) -> Decimal | None:
    amount = body.get("amount")
    return _number(amount.get("total_amount")) if isinstance(amount, Mapping) else None


def _owed(body: Block) -> Decimal | None:
    total = _total(body)
    return None if total is None else total - (_number(body.get("deposit")) or Decimal(0))


def _payment(done: dict[str, Any]) -> None:
    """A payment's amount is read-only: of what is written, only the currency counts."""
    lines = done.get("payment_lines")
    if not isinstance(lines, list):
        return
    values = [_paid(row) for row in lines if isinstance(row, Mapping)]
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not known:
        return
    amount = done.get("amount")
    done["amount"] = {**(amount if isinstance(amount, Mapping) else {}), "total_amount": _money(sum(known, Decimal(0)))}


def _paid(line: Block) -> Decimal | None:
    """The amount of a payment's line: a number, or a block (Connec! API v2, payments)."""
    amount = line.get("amount")
    return _number(amount.get("total_amount") if isinstance(amount, Mapping) else amount)
