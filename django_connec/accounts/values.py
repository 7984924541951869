"""What the account API answers, as plain values (Maestrano SDK, account API)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, Self, get_type_hints

from django_connec.mapping.scalars import parse_moment

__all__ = ["AccountGroup", "AccountUser", "Bill", "Period", "RecurringBill", "Value"]

Period = Literal["day", "week", "semimonth", "month", "year"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One object of the account API. What it does not name is ignored; what is missing or unreadable is ``None``.

    Attributes:
        id: As the marketplace gives it, for example ``bill-1a2b``.
    """

    id: str
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Read an object of the API.

        Raises:
            ValueError: It has no id.
        """
        if not isinstance(data.get("id"), (str, int)):
            raise ValueError("it has no id")
        hints = get_type_hints(cls)
        found = {f.name: _read(data.get(f.name), hints[f.name]) for f in fields(cls)}
        found["id"] = str(data["id"])
        # A default stands for what the API leaves out.
        absent = [f.name for f in fields(cls) if found[f.name] is None and f.default is not MISSING]
        return cls(**{name: value for name, value in found.items() if name not in absent})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUser(Value):
    """A user (``usr-…``)."""

    name: str = ""
    surname: str = ""
    email: str = ""
    company_name: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountGroup(Value):
    """A customer (``cld-…``).

    Attributes:
        status: ``running``, ``terminated`` …
        country: ISO 3166 alpha-2.
        currency: ISO 4217.
        timezone: Olson name.
        main_accounting: ``quickbooks``, ``xero``, ``myob`` or empty.
        push_disabled, pull_disabled: What the marketplace asks of data sharing (``metadata``).
    """

    name: str = ""
    email: str = ""
    status: str = ""
    has_credit_card: bool | None = None
    free_trial_end_at: dt.datetime | None = None
    currency: str = ""
    timezone: str = ""
    country: str = ""
    city: str = ""
    main_accounting: str = ""
    push_disabled: bool = False
    pull_disabled: bool = False

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Self:
        """Read a group; its ``metadata`` is a block of its own in the API."""
        metadata = data.get("metadata")
        return super(AccountGroup, cls).read({**(metadata if isinstance(metadata, Mapping) else {}), **data})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill(Value):
    """Something charged once.

    Attributes:
        price_cents: Of one unit, in cents of ``currency``.
        units: How many.
        status: ``submitted``, ``invoiced`` or ``cancelled``.
        third_party: Charged for somebody else.
    """

    group_id: str = ""
    status: str = ""
    price_cents: int | None = None
    currency: str = ""
    units: Decimal | None = None
    description: str = ""
    period_started_at: dt.datetime | None = None
    period_ended_at: dt.datetime | None = None
    third_party: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecurringBill(Value):
    """Something charged again and again.

    Attributes:
        price_cents: Of one unit and period, in cents of ``currency``.
        status: ``submitted``, ``active``, ``cancelled`` or ``expired``.
        period, frequency: Every so many periods; small letters.
        cycles: After how many it ends; ``None``: never.
        initial_cents: Charged once at the beginning, in cents.
    """

    group_id: str = ""
    status: str = ""
    price_cents: int | None = None
    currency: str = ""
    units: Decimal | None = None
    description: str = ""
    start_date: dt.datetime | None = None
    period: str = ""
    frequency: int | None = None
    cycles: int | None = None
    initial_cents: int | None = None
    last_execution_at: dt.datetime | None = None
    next_execution_at: dt.datetime | None = None
    remaining_cycles: int | None = None


def _read(value: Any, hint: Any) -> Any:
    kinds = getattr(hint, "__args__", (hint,))
    if value is None:
        return None
    if dt.datetime in kinds:
        return parse_moment(value)
    if Decimal in kinds:
        return _decimal(value)
    if bool in kinds:
        # The API's own forms of a truth: JSON's, and text as in its sign-on.
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
    if int in kinds:
        number = _decimal(value)
        return int(number) if number is not None and number == number.to_integral_value() else None
    return value if isinstance(value, str) else None


def _decimal(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
