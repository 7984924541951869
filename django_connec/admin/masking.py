"""Say what is stored without showing it: bodies and records are the customer's business, not the operator's."""

from __future__ import annotations

import hashlib
from typing import Any

from django.template.defaultfilters import filesizeformat

from django_connec.mapping.values import kind_of

__all__ = ["mask_payload", "mask_value"]

#: Enough of the hash to tell two payloads apart by eye.
SHOWN_DIGITS = 8


def mask_payload(data: bytes | memoryview | None) -> str:
    """Return size and hash of stored bytes, for example ``1.2 KB, sha256 3f9a12cd…``; ``-`` for none."""
    if data is None:
        return "-"
    raw = bytes(data)
    return f"{filesizeformat(len(raw))}, sha256 {hashlib.sha256(raw).hexdigest()[:SHOWN_DIGITS]}…"


def mask_value(value: Any) -> str:
    """Return the kind of one value, for example ``text of 12 characters``.

    No hash: a phone number or a salary is found by trying them all.
    """
    return kind_of(value)
