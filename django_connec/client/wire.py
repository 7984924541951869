"""The forms that things have on the wire: JSON, dates, addresses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

__all__ = ["decode_json", "encode_json", "http_date", "path_segment", "retry_after_seconds"]

LONGEST_WAIT = 86_400.0


def decode_json(text: bytes | str) -> dict[str, Any] | None:
    """Parse an answer's body: UTF-8 JSON whose top is an object.

    Numbers become ``int`` and ``float``. ``Decimal`` would be cheap (6 % of parsing, measured on item records), but
    webhook bodies and JSON columns hold floats, ``1.20`` would differ from ``1.2`` in a digest, and parts of a block
    that no mapper maps are stored and sent back as JSON. A float's shortest form keeps 15 digits of any amount.

    Returns:
        ``None`` for anything else: broken JSON, another top, nesting beyond Python's limit, ``NaN``, ``Infinity``
        and numbers too large for a float, which databases refuse. No exception, as Python's carry the whole body.
    """
    try:
        parsed = json.loads(
            text.decode("utf-8-sig") if isinstance(text, bytes) else text,
            parse_float=_finite,
            parse_constant=_refuse,
        )
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def encode_json(value: Mapping[str, Any]) -> bytes | None:
    """Write a request's body as compact UTF-8 JSON.

    Returns:
        ``None`` when it cannot be written: a type that JSON lacks, ``NaN``, half a surrogate pair.
    """
    try:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None


def path_segment(value: object) -> str | None:
    """Percent-encode one segment of an address; ``None`` when the value cannot be one.

    ``.`` and ``..`` cannot: they survive every encoding and would lead out of the group.
    """
    if not isinstance(value, str) or value in ("", ".", ".."):
        return None
    try:
        return quote(value, safe="")
    except UnicodeEncodeError:
        return None


def http_date(value: str | None) -> datetime | None:
    """Parse an HTTP date into an aware time in UTC; ``None`` when it is absent or none."""
    if not value:
        return None
    try:
        moment = parsedate_to_datetime(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ``Retry-After`` asks to wait, between 0 and a day; ``None`` when it is absent or bad.

    A date is compared with the answer's own ``Date``, so that a skew between the clocks does no harm.
    """
    value = (headers.get("Retry-After") or "").strip()
    if re.fullmatch(r"[0-9]{1,12}", value):
        seconds = float(value)
    else:
        until = http_date(value)
        if until is None:
            return None
        seconds = (until - (http_date(headers.get("Date")) or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("too large")
    return number


def _refuse(token: str) -> float:
    raise ValueError(token)
