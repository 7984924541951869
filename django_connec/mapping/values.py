"""The values that pass through a mapper: what is missing, what kind a value is, and its short digest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from hashlib import blake2b
from math import isfinite
from typing import Any, Final, Literal

__all__ = ["BLANK", "MISSING", "Missing", "clean_json", "clean_text", "digest", "is_blank", "kind_of", "short_hash"]

#: MariaDB's JSON stops at 32 levels, and what is kept of a record lies a few deep in ``connec_state``.
MAX_DEPTH = 25
#: Bits of the largest whole number that is taken; Python itself refuses to write far larger ones as text.
MAX_BITS = 2048
# 48 bits: one unnoticed change in 2.8e14; a state of 15 fields stays under 400 bytes.
DIGEST_BYTES = 6


class _Missing(Enum):
    MISSING = "missing"

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


Missing = Literal[_Missing.MISSING]
MISSING: Final = _Missing.MISSING
"""The attribute is not in the record at all: what is held is kept (null and ``{}`` clear it)."""

BLANK = "-"
"""The digest of "nothing": ``None``, empty text and an empty block are one, as the hub does not tell them apart."""


def short_hash(data: bytes) -> str:
    """Return a 12-character hexadecimal digest of the bytes, stable across processes and versions."""
    return blake2b(data, digest_size=DIGEST_BYTES).hexdigest()


def digest(value: Any) -> str:
    """Return the short digest of a local value; equal values of one field have equal digests.

    Args:
        value: What a field's ``decode`` returns and what the model holds: text, a number, a date, JSON.
    """
    if isinstance(value, str):
        return blake2b(value.encode(), digest_size=DIGEST_BYTES).hexdigest() if value else BLANK
    if value is None or value == {}:
        return BLANK
    if value is True:
        return "t"
    if value is False:
        return "f"
    return short_hash(_plain(value).encode())


def is_blank(value: Any) -> bool:
    """Tell whether a value counts as empty: ``None``, empty text, an empty block or list."""
    return value is None or value == "" or value == {} or value == []


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        # 1.50 and 1.5 are one amount, 1E+3 and 1000 too. Not normalize(): it rounds to 28 digits.
        text = f"{value:f}" if value else "0"
        return f"n{text.rstrip('0').rstrip('.') if '.' in text else text}"
    if isinstance(value, int):
        return f"n{value}"
    if isinstance(value, float):
        return f"n{value!r}"
    if isinstance(value, (datetime, date)):
        return f"d{value.isoformat()}"
    if isinstance(value, (Mapping, list)):
        return "j" + json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return f"o{value}"


def kind_of(value: Any) -> str:
    """Describe a JSON value without showing it, for messages that reach logs and operators.

    Returns:
        For example ``text of 12 characters``, ``a number``, ``a list of 3``.
    """
    if value is MISSING:
        return "nothing"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float, Decimal)):
        return "a number"
    if isinstance(value, str):
        return f"text of {len(value)} characters" if value else "empty text"
    if isinstance(value, Mapping):
        return f"a block of {len(value)} attributes" if value else "an empty block"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"a {type(value).__name__}"


def clean_text(value: str) -> str | None:
    """Return why a database would refuse this text, or ``None`` when it is fine.

    PostgreSQL takes neither NUL nor lone surrogates; all databases are held to that, so that a record
    does not fail on one and pass on another.
    """
    if "\x00" in value:
        return "text with a NUL character"
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            return "text with half a surrogate pair"
    return None


def clean_json(value: Any) -> str | None:
    """Return why a database would refuse this JSON value, or ``None`` when it is fine.

    All databases are held to what the narrowest takes, as for text: NaN and Infinity, half a surrogate pair,
    NUL, enormous numbers and too many levels are refused.
    """
    return _refused(value, 0)


def _refused(value: Any, depth: int) -> str | None:
    # Nearly everything is text: it is asked about first, and by its exact type.
    if type(value) is str or isinstance(value, str):
        return None if value.isascii() and "\x00" not in value else clean_text(value)
    if value is None:
        return None
    if isinstance(value, (dict, list, Mapping)):
        if depth >= MAX_DEPTH:
            return f"a value of more than {MAX_DEPTH} levels"
        if isinstance(value, list):
            parts: Iterable[Any] = value
        else:
            parts = value.values()
            for key in value:
                reason = _refused(key, depth)
                if reason:
                    return reason
        for part in parts:
            reason = _refused(part, depth + 1)
            if reason:
                return reason
        return None
    if isinstance(value, float):
        return None if isfinite(value) else "a number that is not finite"
    if isinstance(value, int):
        return "a number with too many digits" if value.bit_length() > MAX_BITS else None
    return kind_of(value)
