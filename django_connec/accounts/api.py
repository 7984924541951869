"""The account API over HTTP: users, groups, bills (Maestrano SDK, account API)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, get_args
from urllib.parse import urlencode

from django.utils.timezone import is_naive

from django_connec.accounts.values import AccountGroup, AccountUser, Bill, Period, RecurringBill, Value
from django_connec.client import (
    ConnecAuthError,
    ConnecError,
    ConnecNotFound,
    ConnecProtocolError,
    ConnecRejected,
    ConnecUnavailable,
    iso,
    messages_of,
)
from django_connec.client.transport import Reply, Transport
from django_connec.client.wire import encode_json, path_segment
from django_connec.conf import Marketplace
from django_connec.exceptions import ConnecConfigurationError

__all__ = ["AccountClient", "Bills", "Collection", "RecurringBills"]

T = TypeVar("T", bound=Value)

#: What names the error of an answer with ``success: false``, which comes with HTTP 200 as well.
ERRORS: dict[str, type[ConnecError]] = {
    "id": ConnecNotFound,
    "authentication": ConnecAuthError,
    "system": ConnecUnavailable,
}
HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


class AccountClient:
    """One marketplace's account API. Safe to share between threads; ``with`` or :meth:`close` ends its connections.

    Reading is tried at most three times within about five seconds while the API is unavailable. Creating and
    cancelling are tried once, as nobody can tell whether a lost call was heard: list the group's bills before trying
    again. All calls raise :class:`~django_connec.client.ConnecError` and its subclasses, also for an answer
    that says ``success: false`` with HTTP 200.

    Args:
        marketplace: Keys and hosts; needs ``api_host``.
        transport: What carries the calls; for tests.

    Raises:
        ConnecConfigurationError: The marketplace has no ``API_HOST``.
    """

    def __init__(self, marketplace: Marketplace, *, transport: Transport | None = None) -> None:
        if not marketplace.api_host:
            raise ConnecConfigurationError(
                f'CONNEC["MARKETPLACES"]["{marketplace.name}"]["API_HOST"] is missing: it is where the account API is.'
            )
        base = marketplace.api_base.strip("/")
        self._root = "/".join(part for part in (marketplace.api_host.rstrip("/"), base) if part)
        self._transport = transport or Transport(marketplace)
        self.users = Collection(self, "users", AccountUser)
        self.groups = Collection(self, "groups", AccountGroup)
        self.bills = Bills(self, "bills", Bill)
        self.recurring_bills = RecurringBills(self, "recurring_bills", RecurringBill)

    def ping(self) -> bool:
        """Tell that the API is there and takes the keys.

        Raises:
            ConnecError: It is not, or does not.
        """
        self.call("GET", "ping", route="ping")
        return True

    def call(self, method: str, path: str, *, route: str, body: Mapping[str, Any] | None = None) -> Any:
        """Make one call and return the ``data`` of its answer.

        Args:
            path: Below the API's base, encoded.
            route: What logs and errors call it: no id.

        Raises:
            ConnecError: Of the class that says what to do about it.
        """
        data = None if body is None else encode_json(body)
        if body is not None and data is None:
            raise ConnecRejected(f"{method} {route}: the values cannot be written as JSON")
        reply = self._transport.call(
            method, f"{self._root}/{path}", route=route, headers=HEADERS, data=data, repeatable=method == "GET"
        )
        return _data(reply, f"{method} {route}")

    def close(self) -> None:
        """Close idle connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Collection(Generic[T]):
    """One kind of object of the account API."""

    def __init__(self, client: AccountClient, name: str, kind: type[T]) -> None:
        self._client = client
        self._name = name
        self._kind = kind
        self._route = f"account/{name}"

    def list(self, **filters: str | int | bool | dt.datetime) -> list[T]:
        """Return all that match; the API knows no pages.

        Args:
            filters: Any column, for example ``group_id="cld-7p2k"``, also with the suffixes ``_before``,
                ``_after``, ``_greater_than`` and ``_lower_than``. The API answers an unknown column with nothing.

        Raises:
            ConnecError: They could not be read.
            ValueError: A time has no zone.
        """
        query = urlencode({name: _asked(name, value) for name, value in filters.items()})
        data = self._client.call("GET", self._route + (f"?{query}" if query else ""), route=self._route)
        if not isinstance(data, list):
            raise ConnecProtocolError(f"GET {self._route}: the answer holds no list")
        return [self._read(entry, f"GET {self._route}") for entry in data]

    def get(self, id: str) -> T:
        """Return one.

        Raises:
            ConnecNotFound: There is none with this id that these keys may see.
            ConnecError: It could not be read.
        """
        return self._one("GET", id)

    def _one(self, method: str, id: str) -> T:
        segment = path_segment(id)
        route = f"{self._route}/{{id}}"
        if segment is None:
            raise ConnecRejected(f"{method} {route}: the id cannot stand in an address")
        return self._read(self._client.call(method, f"{self._route}/{segment}", route=route), f"{method} {route}")

    def _create(self, body: Mapping[str, Any]) -> T:
        given = {name: _plain(name, value) for name, value in body.items() if value is not None}
        data = self._client.call("POST", self._route, route=self._route, body=given)
        return self._read(data, f"POST {self._route}")

    def _read(self, entry: Any, where: str) -> T:
        try:
            return self._kind.read(entry if isinstance(entry, Mapping) else {})
        except ValueError as error:
            raise ConnecProtocolError(f"{where}: an object of the answer cannot be read: {error}") from None


class Bills(Collection[Bill]):
    """What is charged once."""

    def create(
        self,
        *,
        group_id: str,
        price_cents: int,
        description: str,
        currency: str | None = None,
        units: Decimal | int | None = None,
        period_started_at: dt.datetime | None = None,
        period_ended_at: dt.datetime | None = None,
        third_party: bool | None = None,
    ) -> Bill:
        """Charge a group. Not tried again by itself.

        Args:
            price_cents: Of one unit, above 0, in cents of ``currency``.
            currency: ISO 4217; the marketplace's default (AUD) where it is left out.
            units: Above 0, at most two decimals; 1 where it is left out.
            period_started_at, period_ended_at: What it is for; aware.

        Raises:
            ConnecError: It was refused, or it is not known whether it was heard (``ConnecUnavailable``).
            ValueError: A value cannot be right; it names which.
        """
        _check_price(price_cents, description, units)
        return self._create(
            {
                "group_id": group_id,
                "price_cents": price_cents,
                "description": description,
                "currency": currency,
                "units": units,
                "period_started_at": period_started_at,
                "period_ended_at": period_ended_at,
                "third_party": third_party,
            }
        )

    def cancel(self, id: str) -> Bill:
        """Cancel one that is not invoiced yet. Not tried again by itself.

        Raises:
            ConnecNotFound: There is none with this id.
            ConnecRejected: It is invoiced already.
            ConnecError: It could not be cancelled.
        """
        return self._one("DELETE", id)


class RecurringBills(Collection[RecurringBill]):
    """What is charged again and again."""

    def create(
        self,
        *,
        group_id: str,
        price_cents: int,
        description: str,
        period: Period = "month",
        frequency: int = 1,
        cycles: int | None = None,
        start_date: dt.datetime | None = None,
        initial_cents: int = 0,
        currency: str | None = None,
        units: Decimal | int | None = None,
    ) -> RecurringBill:
        """Charge a group from ``start_date`` on, every ``frequency`` periods. Not tried again by itself.

        Args:
            price_cents: Of one unit and period, above 0, in cents of ``currency``.
            cycles: After how many it ends; ``None``: never.
            start_date: Aware; now where it is left out. The API takes none that is over an hour ago.
            initial_cents: Charged once at the beginning.
            currency, units: As in :meth:`Bills.create`.

        Raises:
            ConnecError: It was refused, or it is not known whether it was heard (``ConnecUnavailable``).
            ValueError: A value cannot be right; it names which.
        """
        _check_price(price_cents, description, units)
        if period not in get_args(Period):
            raise ValueError(f"period must be one of {', '.join(get_args(Period))}")
        for name, value, least in (
            ("frequency", frequency, 1),
            ("cycles", cycles, 1),
            ("initial_cents", initial_cents, 0),
        ):
            if value is not None and (not _is_whole(value) or value < least):
                raise ValueError(f"{name} must be a whole number of at least {least}")
        return self._create(
            {
                "group_id": group_id,
                "price_cents": price_cents,
                "description": description,
                "period": period,
                "frequency": frequency,
                "cycles": cycles,
                "start_date": start_date,
                "initial_cents": initial_cents,
                "currency": currency,
                "units": units,
            }
        )

    def cancel(self, id: str) -> RecurringBill:
        """Charge no more. Not tried again by itself.

        Raises:
            ConnecNotFound: There is none with this id.
            ConnecError: It could not be cancelled.
        """
        return self._one("DELETE", id)


def _data(reply: Reply, where: str) -> Any:
    body = reply.body
    if body.get("success") is True:
        return body.get("data")
    if body.get("success") is not False:
        raise ConnecProtocolError(f"{where}: the answer does not say whether it succeeded", status=reply.status)
    errors = body.get("errors")
    named = [kind for key, kind in ERRORS.items() if isinstance(errors, Mapping) and key in errors]
    kind = named[0] if named else ConnecRejected
    raise kind(f"{where}: the account API refused", status=reply.status, messages=messages_of(body))


def _check_price(price_cents: int, description: str, units: Decimal | int | None) -> None:
    if not _is_whole(price_cents) or price_cents <= 0:
        raise ValueError("price_cents must be a whole number above 0: an amount in cents")
    if not description:
        raise ValueError("description must not be empty: the customer reads it on the bill")
    if units is None:
        return
    if not (_is_whole(units) or isinstance(units, Decimal)) or not units > 0 or units != round(units, 2):
        raise ValueError("units must be a number above 0 with at most two decimals, as Decimal or int")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _asked(name: str, value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else _plain(name, value)


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, dt.datetime):
        if is_naive(value):
            raise ValueError(f"{name} must have a time zone")
        return iso(value)
    if isinstance(value, Decimal):
        # As text it keeps its decimals.
        return str(value)
    return value
