"""Bills and recurring bills: what an application may charge a group (Maestrano SDK, account API)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from django_connec.sandbox.accounts.currencies import CURRENCIES
from django_connec.sandbox.accounts.periods import LONGEST, following
from django_connec.sandbox.accounts.store import AccountStore
from django_connec.sandbox.times import stamp, text_of

__all__ = ["STATUSES", "Bills", "Invalid"]

#: What can become of each kind (Maestrano SDK, account API).
STATUSES = {
    "bill": ("submitted", "invoiced", "cancelled"),
    "recurring_bill": ("submitted", "active", "cancelled", "expired"),
}

Errors = dict[str, list[str]]


class Invalid(ValueError):
    """A bill cannot be made or changed; ``errors`` says why, by attribute."""

    def __init__(self, errors: Errors) -> None:
        super().__init__("; ".join(f"{name} {text}" for name, texts in errors.items() for text in texts))
        self.errors = errors


class Bills:
    """The bills of all groups.

    Args:
        clock: Returns the hub's time, aware.
    """

    def __init__(self, store: AccountStore, clock: Callable[[], dt.datetime]) -> None:
        self.store = store
        self.clock = clock

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Return all ``bill`` or ``recurring_bill`` entities."""
        return self.store.all(kind)

    def get(self, kind: str, uid: str) -> dict[str, Any] | None:
        return self.store.get(kind, uid)

    def create(self, group: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Charge a group once.

        Raises:
            Invalid: Something is missing or wrong.
        """
        form = _Form(given)
        bill = self._new("bill", group, form)
        bill |= {
            "units": form.units(),
            "period_started_at": form.time("period_started_at"),
            "period_ended_at": form.time("period_ended_at"),
            "third_party": str(given.get("third_party", "")).lower() in ("true", "1"),
        }
        return self._saved("bill", bill, form)

    def create_recurring(self, group: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Charge a group again and again; ``initial_cents`` makes a first bill at once.

        Raises:
            Invalid: Something is missing or wrong.
        """
        form = _Form(given)
        bill = self._new("recurring_bill", group, form)
        now = self.clock()
        start = form.time("start_date") or stamp(now)
        if start <= stamp(now - dt.timedelta(hours=1)):
            form.errors["start_date"] = ["cannot be in the past"]
        period = str(given.get("period") or "month").lower()
        frequency = form.count("frequency") or 1
        if period not in LONGEST:
            form.errors["period"] = ["is not included in the list"]
        elif frequency > LONGEST[period]:
            form.errors["frequency"] = [f"must be less than or equal to {LONGEST[period]}"]
        initial = form.number("initial_cents") or 0
        cycles = form.count("cycles")
        bill |= {
            "start_date": start,
            "period": period,
            "frequency": frequency,
            "cycles": cycles,
            "initial_cents": initial,
            "last_execution_at": None,
            "next_execution_at": start,
            "remaining_cycles": cycles,
        }
        saved = self._saved("recurring_bill", bill, form)
        if initial > 0:
            description = f"Initial: {saved['description']}"
            self.create(group, {"price_cents": initial, "currency": saved["currency"], "description": description})
        return saved

    def execute(self, uid: str) -> dict[str, Any]:
        """Charge the next cycle of a recurring bill, whatever the time: a bill is made.

        With the first one it is ``active``; with the last of its ``cycles``, ``expired``. The SDKs' sandbox never
        charges any, and what production does beyond these attributes is not known.

        Returns:
            The recurring bill.

        Raises:
            LookupError: There is no such bill.
            Invalid: It was cancelled, or has expired.
        """
        bill = self.get("recurring_bill", uid)
        if bill is None:
            raise LookupError("no such bill")
        if bill["status"] not in ("submitted", "active"):
            raise Invalid({"status": [f"is {bill['status']}, and charges nothing more"]})
        start, due = (dt.datetime.fromisoformat(bill[name]) for name in ("start_date", "next_execution_at"))
        then = stamp(following(start, bill["period"], bill["frequency"], due))
        left = None if bill["remaining_cycles"] is None else bill["remaining_cycles"] - 1
        charged = {name: bill[name] for name in ("price_cents", "currency", "description")}
        self.create(bill["group_id"], {**charged, "period_started_at": stamp(due), "period_ended_at": then})
        bill |= {
            "status": "expired" if left == 0 else "active",
            "last_execution_at": stamp(due),
            "next_execution_at": None if left == 0 else then,
            "remaining_cycles": left,
            "updated_at": stamp(self.clock()),
        }
        self.store.save("recurring_bill", uid, bill)
        return bill

    def cancel(self, kind: str, uid: str) -> dict[str, Any]:
        """Cancel a bill; one that was invoiced stays.

        Raises:
            Invalid: There is no such bill, or it was invoiced.
        """
        bill = self.get(kind, uid)
        if bill is None:
            raise Invalid({"id": ["does not exist"]})
        if bill["status"] == "invoiced":
            raise Invalid({"status": ["has already been set to invoiced and cannot be changed"]})
        return self.set_status(kind, uid, "cancelled")

    def set_status(self, kind: str, uid: str, status: str) -> dict[str, Any]:
        """Let a bill be, for instance, ``invoiced`` from now on.

        Raises:
            LookupError: There is no such bill.
            ValueError: Bills of this kind have no such status.
        """
        bill = self.get(kind, uid)
        if bill is None:
            raise LookupError("no such bill")
        if status not in STATUSES[kind]:
            raise ValueError(f"status must be one of {', '.join(STATUSES[kind])}")
        bill |= {"status": status, "updated_at": stamp(self.clock())}
        self.store.save(kind, uid, bill)
        return bill

    def _new(self, kind: str, group: str, form: _Form) -> dict[str, Any]:
        now = stamp(self.clock())
        price = form.number("price_cents")
        if price is None:
            form.errors.setdefault("price_cents", ["can't be blank"])
        elif price <= 0:
            form.errors["price_cents"] = ["must be greater than 0"]
        currency = str(form.given.get("currency") or "AUD")
        if currency not in CURRENCIES:
            form.errors["currency"] = ["is not included in the list"]
        description = form.given.get("description")
        if not description:
            form.errors["description"] = ["can't be blank"]
        return {
            "object": f"account_{kind}",
            "group_id": group,
            "created_at": now,
            "updated_at": now,
            "price_cents": price,
            "status": "submitted",
            "currency": currency,
            "description": description,
        }

    def _saved(self, kind: str, bill: dict[str, Any], form: _Form) -> dict[str, Any]:
        if form.errors:
            raise Invalid(form.errors)
        prefix = "bill" if kind == "bill" else "rbill"
        uid = f"{prefix}-{self.store.next_number(kind)}"
        bill = {"object": bill.pop("object"), "id": uid, **bill}
        self.store.save(kind, uid, bill)
        return bill


class _Form:
    """What was given, read attribute by attribute; collects what is wrong with it."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.errors: Errors = {}

    def number(self, name: str) -> int | None:
        text = self.given.get(name)
        if text in (None, ""):
            return None
        if not isinstance(text, bool) and re.fullmatch(r"-?\d{1,15}", str(text)):
            return int(str(text))
        self.errors[name] = ["must be an integer"]
        return None

    def count(self, name: str) -> int | None:
        number = self.number(name)
        if number is not None and number <= 0:
            self.errors[name] = ["must be greater than 0"]
        return number

    def units(self) -> float:
        text = self.given.get("units")
        try:
            units = Decimal("1") if text in (None, "") else Decimal(str(text)).quantize(Decimal("0.01"))
        except InvalidOperation:
            units = Decimal("NaN")
        if not units.is_finite():
            self.errors["units"] = ["is not a number"]
        elif units <= 0:
            self.errors["units"] = ["must be greater than 0"]
        return float(units)

    def time(self, name: str) -> str | None:
        text = self.given.get(name)
        if text in (None, ""):
            return None
        try:
            return text_of(str(text))
        except ValueError:
            self.errors[name] = ["is not a date"]
            return None
