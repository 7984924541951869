"""Conversions between the hub's JSON values and what a model's fields hold, each failing its own record alone."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any, cast

from django.db import models
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils.duration import duration_string

from django_connec.exceptions import BadValue
from django_connec.mapping.paths import Path
from django_connec.mapping.values import MAX_BITS, clean_json, clean_text, digest, kind_of, short_hash

__all__ = [
    "Convert",
    "Take",
    "boolean_decoder",
    "clearing",
    "decoder_for",
    "encode_as_text",
    "file_name",
    "guarded",
    "same",
    "taker",
    "text_decoder",
    "text_taker",
]

Convert = Callable[[Any], Any]
#: A raw value to a local one and its digest.
Take = Callable[[Any], tuple[Any, str]]


def decoder_for(column: models.Field[Any, Any], path: Path) -> Convert:
    """Return the conversion that a model field's own type calls for."""
    where = ".".join(path)
    if isinstance(column, (models.CharField, models.TextField)):
        return text_decoder(where, column.max_length)
    if isinstance(column, models.IntegerField):
        # Not the connection's: SQLite takes more than the others, and a record must not fail on one alone.
        ranges = BaseDatabaseOperations.integer_field_ranges
        low, high = ranges.get(column.get_internal_type(), ranges["BigIntegerField"])
        return _integer_decoder(where, low, high)
    if isinstance(column, models.FloatField):
        return _float_decoder(where)
    if isinstance(column, models.BooleanField):
        return boolean_decoder(where)
    if isinstance(column, models.JSONField):
        return _json_decoder(where)
    return _by_column(column, where)


def text_decoder(where: str, max_length: int | None) -> Convert:
    """Return a conversion to text; numbers are taken too, as the hub's ids and codes come as either."""

    def decode(value: Any) -> str:
        if not isinstance(value, str):
            if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
                raise BadValue(where, "text", kind_of(value))
            if isinstance(value, int) and value.bit_length() > MAX_BITS:
                raise BadValue(where, "text", "a number with too many digits")
            if not isinstance(value, int) and not isfinite(value):
                raise BadValue(where, "text", "a number that is not finite")
            value = str(value)
        text: str = value
        reason = clean_text(text)
        if reason:
            raise BadValue(where, "text that a database can hold", reason)
        if max_length is not None and len(text) > max_length:
            raise BadValue(where, f"at most {max_length} characters", kind_of(text))
        return text

    return decode


def boolean_decoder(where: str) -> Convert:
    """Return a conversion to ``True``/``False``; the words and 0/1 are taken too."""
    words: dict[Any, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}

    def decode(value: Any) -> bool:
        if isinstance(value, bool):
            return value
        known = words.get(value.lower() if isinstance(value, str) else value) if isinstance(value, (str, int)) else None
        if known is None:
            raise BadValue(where, "true or false", kind_of(value))
        return known

    return decode


def _integer_decoder(where: str, low: int, high: int) -> Convert:
    def decode(value: Any) -> int:
        number: int | None = None
        if isinstance(value, int) and not isinstance(value, bool):
            number = value
        elif isinstance(value, (float, Decimal)):
            size = float(value)
            number = int(value) if abs(size) < 1e18 and size == int(value) else None
        elif isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,20}", value):
            number = int(value)
        if number is None:
            raise BadValue(where, "a whole number", kind_of(value))
        if not low <= number <= high:
            raise BadValue(where, f"a whole number from {low} to {high}", "a number outside")
        return number

    return decode


def _float_decoder(where: str) -> Convert:
    def decode(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
            raise BadValue(where, "a number", kind_of(value))
        try:
            number = float(value)
        except (ValueError, OverflowError):
            raise BadValue(where, "a number", kind_of(value)) from None
        if number != number or number in (float("inf"), float("-inf")):
            raise BadValue(where, "a finite number", kind_of(value))
        return number

    return decode


def _json_decoder(where: str) -> Convert:
    def decode(value: Any) -> Any:
        reason = clean_json(value)
        if reason:
            raise BadValue(where, "JSON that a database can hold", reason)
        return value

    return decode


def _by_column(column: models.Field[Any, Any], where: str) -> Convert:
    expected = f"a {column.get_internal_type()}"

    def decode(value: Any) -> Any:
        if isinstance(value, (Mapping, list, bool)) or (isinstance(value, str) and clean_text(value)):
            raise BadValue(where, expected, kind_of(value))
        try:
            return column.clean(value, None)
        except Exception:  # whatever a host's own field type raises fails this record alone
            raise BadValue(where, expected, kind_of(value)) from None

    return decode


def clearing(decode: Convert, column: models.Field[Any, Any], path: Path) -> Convert:
    """Wrap a conversion so that null gives what the column holds when it is empty."""
    if column.null:
        return lambda value: None if value is None else decode(value)
    if column.empty_strings_allowed and not column.is_relation:
        return lambda value: "" if value is None else decode(value)
    if column.has_default():
        return lambda value: column.get_default() if value is None else decode(value)

    def refuse_null(value: Any) -> Any:
        if value is None:
            raise BadValue(".".join(path), "a value, as the column cannot be empty", "null")
        return decode(value)

    return refuse_null


def taker(decode: Convert, compare: Convert) -> Take:
    """Join a conversion with the digest of its result."""
    if compare is same:

        def take(raw: Any) -> tuple[Any, str]:
            value = decode(raw)
            return value, digest(value)
    else:

        def take(raw: Any) -> tuple[Any, str]:
            value = decode(raw)
            return value, digest(compare(value))

    return take


def text_taker(take: Take, max_length: int | None) -> Take:
    """Return a short way for what nearly all texts are: plain ones that fit, of which nothing is to be converted."""
    longest = float("inf") if max_length is None else max_length

    def take_text(raw: Any) -> tuple[Any, str]:
        if type(raw) is str and raw.isascii() and "\x00" not in raw and 0 < len(raw) <= longest:
            return raw, short_hash(raw.encode())
        return take(raw)

    return take_text


def guarded(custom: Convert, path: Path, column: models.Field[Any, Any]) -> Convert:
    """Wrap a host's ``decode`` so that whatever it raises or returns fails its own record alone."""
    where = ".".join(path)
    limit = cast("int | None", getattr(column, "max_length", None))

    def decode(value: Any) -> Any:
        try:
            result = custom(value)
        except BadValue:
            raise
        except Exception as error:
            raise BadValue(where, f"a value that decode takes ({type(error).__name__})", kind_of(value)) from None
        if isinstance(result, str):
            reason = clean_text(result)
            if reason or (limit is not None and len(result) > limit):
                raise BadValue(where, "text that the column can hold", reason or kind_of(result))
        return result

    return decode


def same(value: Any) -> Any:
    return value


def file_name(value: Any) -> str:
    return str(value or "")


def encode_as_text(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, dict, list)):
        return value
    if isinstance(value, dt.timedelta):
        return duration_string(value)
    if isinstance(value, (dt.time, dt.date)):
        return value.isoformat()
    return str(value)
