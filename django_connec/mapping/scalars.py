"""Fields for dates, times, amounts, booleans and choices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from django_connec.exceptions import BadValue
from django_connec.mapping.conversions import Convert, boolean_decoder
from django_connec.mapping.fields import Field, FieldProblem
from django_connec.mapping.paths import Path
from django_connec.mapping.values import MAX_BITS, kind_of

__all__ = ["BooleanField", "ChoiceField", "DateField", "DateTimeField", "DecimalField", "parse_moment"]


def parse_moment(value: Any) -> dt.datetime | None:
    """Read an ISO 8601 time as the hub writes it (``2018-03-01T04:05:06Z``), or a bare date.

    Returns:
        An aware time in UTC; ``None`` when the value is none of these. A time without a zone is UTC.
    """
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = parse_datetime(value)
        if moment is None:
            day = parse_date(value)
            moment = None if day is None else dt.datetime(day.year, day.month, day.day)
    except ValueError:
        return None
    if moment is None:
        return None
    if moment.tzinfo is dt.UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=dt.UTC)
    try:
        return moment.astimezone(dt.UTC)
    except OverflowError:
        return None


class BooleanField(Field):
    """Map true and false."""

    columns = (models.BooleanField,)
    is_fixed = True

    def decoder(self, column: models.Field[Any, Any], path: Path) -> Convert:
        return boolean_decoder(".".join(path))


class DateField(Field):
    """Map a day. The hub writes some days as times at midnight UTC (people's ``birth_date``) and some as bare
    dates (employees'): both are read. Sent as midnight UTC, or as a bare date with ``bare=True``."""

    columns = (models.DateField,)
    is_fixed = True

    def __init__(self, path: str | None = None, *, bare: bool = False, **options: Any) -> None:
        super().__init__(path, **options)
        self.bare = bare

    def _column(self, name: str, model: type[models.Model]) -> models.Field[Any, Any]:
        column = super()._column(name, model)
        # Django's DateTimeField is a DateField by inheritance; it would lose the time of day.
        if isinstance(column, models.DateTimeField):
            raise FieldProblem(
                "E103", f'DateField cannot fill "{column.name}", a DateTimeField.', "Use DateTimeField in the mapper."
            )
        return column

    def decoder(self, column: models.Field[Any, Any], path: Path) -> Convert:
        where = ".".join(path)

        def decode(value: Any) -> dt.date:
            moment = parse_moment(value)
            if moment is None:
                raise BadValue(where, "a date (ISO 8601)", kind_of(value))
            return moment.date()

        return decode

    def encoder(self, column: models.Field[Any, Any]) -> Convert:
        suffix = "" if self.bare else "T00:00:00Z"
        return lambda value: None if value is None else f"{value.isoformat()}{suffix}"


class DateTimeField(Field):
    """Map a moment. The hub keeps whole seconds in UTC; a finer local value is sent, and compared, without its
    fraction, so that it does not count as a change."""

    columns = (models.DateTimeField,)

    def decoder(self, column: models.Field[Any, Any], path: Path) -> Convert:
        where = ".".join(path)

        def decode(value: Any) -> dt.datetime:
            moment = parse_moment(value)
            if moment is None:
                raise BadValue(where, "a time (ISO 8601)", kind_of(value))
            try:
                return moment if settings.USE_TZ else timezone.make_naive(moment, timezone.get_default_timezone())
            except (OverflowError, ValueError):
                raise BadValue(where, "a time between the years 1 and 9999", kind_of(value)) from None

        return decode

    def encoder(self, column: models.Field[Any, Any]) -> Convert:
        # Not strftime: it writes the year 999 with three digits on Linux.
        return lambda value: None if value is None else f"{_utc_seconds(value).replace(tzinfo=None).isoformat()}Z"

    def comparer(self, column: models.Field[Any, Any]) -> Convert:
        return lambda value: None if value is None else _utc_seconds(value)


def _utc_seconds(value: dt.datetime) -> dt.datetime:
    aware = timezone.make_aware(value, timezone.get_default_timezone()) if timezone.is_naive(value) else value
    return aware.astimezone(dt.UTC).replace(microsecond=0)


class DecimalField(Field):
    """Map an amount. Numbers and numeric text are read and rounded half-even to the model's decimal places;
    sent as a JSON number, or as text where a double could not carry all digits."""

    columns = (models.DecimalField,)
    is_fixed = True

    def decoder(self, column: models.Field[Any, Any], path: Path) -> Convert:
        where = ".".join(path)
        assert isinstance(column, models.DecimalField)
        quantum, context = _precision(column)
        limit = Decimal(10) ** (column.max_digits - column.decimal_places)

        def decode(value: Any) -> Decimal:
            if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
                raise BadValue(where, "an amount", kind_of(value))
            if isinstance(value, int) and value.bit_length() > MAX_BITS:
                raise BadValue(where, f"an amount under {limit:f}", "a larger number")
            text = str(value)
            if isinstance(value, str) and (len(text) > 60 or not text.isascii()):
                raise BadValue(where, "an amount", kind_of(value))
            try:
                amount = Decimal(text)
            except InvalidOperation:
                raise BadValue(where, "an amount", kind_of(value)) from None
            if not amount.is_finite():
                raise BadValue(where, "a finite amount", kind_of(value))
            # Before rounding, as 10^400 cannot be rounded; and after, as 9.999 may become 10.
            rounded = amount.quantize(quantum, context=context) if amount.copy_abs() < limit else limit
            if rounded.copy_abs() >= limit:
                raise BadValue(where, f"an amount under {limit:f}", "a larger number")
            return rounded

        return decode

    def encoder(self, column: models.Field[Any, Any]) -> Convert:
        def encode(value: Decimal | None) -> float | str | None:
            if value is None:
                return None
            number = float(value)
            return number if Decimal(repr(number)) == value else f"{value:f}"

        return encode

    def comparer(self, column: models.Field[Any, Any]) -> Convert:
        assert isinstance(column, models.DecimalField)
        quantum, context = _precision(column)

        def compare(value: Any) -> Any:
            if value is None:
                return None
            try:
                return Decimal(str(value)).quantize(quantum, context=context)
            except InvalidOperation:
                return value

        return compare


def _precision(column: models.DecimalField[Any, Any]) -> tuple[Decimal, Context]:
    # One digit more than the column has, for what rounding up adds.
    return (
        Decimal(1).scaleb(-column.decimal_places),
        Context(prec=max(28, column.max_digits + 1), rounding=ROUND_HALF_EVEN),
    )


class ChoiceField(Field):
    """Map local values to the hub's words.

    A mapping for ``status`` that knows ``INACTIVE`` and not ``ARCHIVED`` reads both as the same: the hub uses
    either for "no longer active" (Connec! API v2, delete and archive).

    Args:
        path: Dotted path in the record.
        choices: Local value to the hub's word, for example ``{True: "ACTIVE", False: "INACTIVE"}``.
    """

    is_fixed = True

    def __init__(self, path: str | None = None, choices: Mapping[Any, str] | None = None, **options: Any) -> None:
        super().__init__(path, **options)
        self.choices = dict(choices or {})

    def _column(self, name: str, model: type[models.Model]) -> models.Field[Any, Any]:
        column = super()._column(name, model)
        if not self.choices:
            raise FieldProblem("E106", "ChoiceField has no choices.", 'Give it {local value: "WORD", …}.')
        if len(set(self.choices.values())) < len(self.choices):
            raise FieldProblem("E106", "two local values have one word.", "Give each local value a word of its own.")
        for value in self.choices:
            try:
                kept = column.to_python(value)
            except Exception:
                kept = None
            if kept != value:
                raise FieldProblem(
                    "E106",
                    f'a choice does not fit "{column.name}", a {type(column).__name__}.',
                    "Use values of the model field's type as the keys.",
                )
        return column

    def decoder(self, column: models.Field[Any, Any], path: Path) -> Convert:
        where = ".".join(path)
        local = {word: value for value, word in self.choices.items()}
        if path[-1] == "status" and "INACTIVE" in local:
            local.setdefault("ARCHIVED", local["INACTIVE"])
        expected = f"one of {', '.join(sorted(local))}"

        def decode(value: Any) -> Any:
            found = local.get(value, local) if isinstance(value, str) else local
            if found is local:
                raise BadValue(where, expected, kind_of(value))
            return found

        return decode

    def encoder(self, column: models.Field[Any, Any]) -> Convert:
        words = self.choices
        return lambda value: words.get(value)
