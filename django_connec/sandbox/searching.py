"""Patterns and texts in records, the same for every storage."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["found_in", "matches"]


def matches(pattern: str, value: Any) -> bool:
    """Tell whether a value has this pattern in it, capitals or not; no value has none."""
    try:
        return value is not None and re.search(pattern, str(value), re.IGNORECASE) is not None
    except re.error:
        return False


def found_in(text: str, body: Any) -> bool:
    """Tell whether a text is in a record: in its values, not in the names of its attributes."""
    wanted = text.casefold()
    left: list[Any] = [body]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left += value.values()
        elif isinstance(value, list):
            left += value
        elif value is not None and not isinstance(value, bool) and wanted in str(value).casefold():
            return True
    return False
