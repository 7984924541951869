"""Whole records, with what must agree within them and between them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from typing import Any

from django_connec.sandbox.catalogue import code_prefix
from django_connec.sandbox.layouts import LAYOUTS
from django_connec.sandbox.seeds.values import Make, maker, moment, price
from django_connec.sandbox.seeds.words import id_of, mix

__all__ = ["Recipe", "salt_of"]

Body = dict[str, Any]
Counts = Mapping[str, int]

_DOCUMENTS = ("invoices", "quotes", "sales_orders", "purchase_orders")
_CLASSES = {
    "ASSET": ("BANK", "CHECKING"),
    "REVENUE": ("INCOME", "OTHERPRIMARYINCOME"),
    "EXPENSE": ("EXPENSE", "TRAVEL"),
}
#: What is made when the rest of the record is there.
_FINISHED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_DOCUMENTS, ("lines", "amount", "balance", "deposit")),
    "payments": ("payment_lines", "amount", "payment_method"),
    "tax_codes": ("sale_taxes", "purchase_taxes"),
}


def salt_of(org: str, resource: str) -> int:
    """Return what makes an organisation's records of a resource other ones than the next's."""
    return zlib.crc32(f"{org}/{resource}".encode())


class Recipe:
    """How the records of one resource are made.

    Args:
        counts: How many records of each resource there are, for references.
    """

    def __init__(self, org: str, resource: str, counts: Counts) -> None:
        self.org = org
        self.resource = resource
        self.counts = counts
        self.salt = salt_of(org, resource)
        self._salts = {target: salt_of(org, target) for target in counts}
        self._prefix = "" if resource == "company" else code_prefix(resource)
        self._makers: list[tuple[str, Make]] = [
            (name, maker(resource, name, attribute, self.point, self.salt + 100 * place + 7))
            for place, (name, attribute) in enumerate(LAYOUTS[resource].items())
            if name not in _FINISHED.get(resource, ())
        ]
        finish: Callable[[Body, int], None] | None = getattr(self, f"_finish_{resource}", None)
        self._finish = finish or (self._finish_document if resource in _DOCUMENTS else None)

    def point(self, target: str, chance: int) -> str | None:
        """Return the id of one of a resource's records."""
        count = self.counts.get(target, 0)
        return id_of(self._salts[target], chance % count) if count else None

    def id(self, number: int) -> str:
        """Return the id of the record of a number."""
        return id_of(self.salt, number)

    def created(self, number: int) -> str:
        """Return when the record of a number was made."""
        return moment(number, self.salt)

    def body(self, number: int) -> Body:
        """Return the attributes of the record of a number."""
        body = {name: make(number) for name, make in self._makers}
        if self._prefix:
            body["code"] = f"{self._prefix}{number + 1}"
        if self._finish is not None:
            self._finish(body, number)
        return body

    def _finish_accounts(self, body: Body, number: int) -> None:
        body["class"] = tuple(_CLASSES)[mix(number, 3) % len(_CLASSES)]
        body["type"], body["sub_type"] = _CLASSES[body["class"]]
        body["classification"] = f"{body['class']}_{body['type']}_{body['sub_type']}"

    def _finish_tax_codes(self, body: Body, number: int) -> None:
        # Ten percent everywhere, as in the prices that were made.
        body["sale_tax_rate"] = body["purchase_tax_rate"] = 10.0
        body["sale_taxes"] = body["purchase_taxes"] = []

    def _finish_people(self, body: Body, number: int) -> None:
        body |= {"title": ("Ms.", "Mr.")[number % 2], "is_customer": True, "is_supplier": False, "is_lead": False}

    _finish_contacts = _finish_people

    def _finish_organizations(self, body: Body, number: int) -> None:
        body |= {"is_customer": number % 4 != 0, "is_supplier": number % 4 == 0, "is_lead": False}

    def _finish_document(self, body: Body, number: int) -> None:
        lines = self._lines(self.resource, number)
        net = sum(int(line["total_price"]["net_amount"]) for line in lines)
        amount = price(net)
        del amount["tax_rate"]
        body |= {"lines": lines, "amount": amount, "balance": amount["total_amount"], "deposit": 0.0}
        body |= {"discount_percent": 0, "discount_amount": 0, "apply_tax_after_discount": True}

    def _lines(self, resource: str, number: int) -> list[Body]:
        lines = []
        for place in range(mix(number, 5) % 3 + 1):
            chance = mix(number, 50 + place)
            net, quantity = chance % 90 + 10, chance // 90 % 9 + 1
            lines.append(
                {
                    "id": f"line-{number + 1}-{place + 1}",
                    "line_number": place + 1,
                    "status": "ACTIVE",
                    "item_id": self.point("items", chance),
                    "description": "",
                    "quantity": quantity,
                    "unit_price": price(net),
                    "total_price": price(net, quantity),
                    "reduction_percent": 0,
                    "tax_code_id": self.point("tax_codes", chance),
                    "is_shipping": False,
                    "account_id": self.point("accounts", chance),
                }
            )
        return lines

    def _finish_payments(self, body: Body, number: int) -> None:
        """A payment settles one invoice in full."""
        invoices = self.counts.get("invoices", 0)
        paid = mix(number, 6) % 400 + 1.0
        linked = []
        if invoices:
            lines = self._lines("invoices", number % invoices)
            paid = price(sum(int(line["total_price"]["net_amount"]) for line in lines))["total_amount"]
            linked = [{"class": "Invoice", "id": self.point("invoices", number), "applied_amount": paid}]
        row = {"id": f"line-{number + 1}-1", "line_number": 1, "status": "ACTIVE", "amount": paid}
        body["payment_lines"] = [row | {"linked_transactions": linked}]
        body["amount"] = {"total_amount": paid, "currency": "AUD"}
        body["payment_method"] = {"code": "CC"}

    def _finish_transaction_logs(self, body: Body, number: int) -> None:
        body |= {"entity_id": self.point("employees", number), "entity_name": "Employee"}
