"""Pieces of a ``$filter`` (Connec! API v2, ``$filter``): ``attr op value``, joined by ``and``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

__all__ = ["any_of", "iso", "quote_value"]

# How a quote inside a string is escaped is unknown; a value that needs escaping could change what the filter means.
_UNSAFE = re.compile(r"""['"\\\x00-\x1f\x7f]""")


def quote_value(value: str) -> str:
    """Write a string as the filter's grammar has it: ``'like this'``.

    Raises:
        ValueError: It holds a quote, a backslash or a control character, for which no escaping is documented.
    """
    if _UNSAFE.search(value):
        raise ValueError("a filter's value cannot hold quotes, backslashes or control characters")
    return f"'{value}'"


def iso(moment: datetime) -> str:
    """Write a time in UTC as the hub does, ``2018-03-01T04:05:06Z``; parts of a second are dropped (earlier, so that
    a filter from it misses nothing).

    Raises:
        ValueError: The time has no zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a filter's time needs a time zone")
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def any_of(attribute: str, values: Iterable[str]) -> str:
    """Return ``attribute in ['a','b']``. A record's own id is called ``_id`` here (Connec! API v2, ``$filter``).

    The filter travels in the address: keep it to about a hundred ids.

    Raises:
        ValueError: No value, or one that :func:`quote_value` refuses.
    """
    quoted = [quote_value(value) for value in values]
    if not quoted:
        raise ValueError("a filter over no values matches nothing: do not ask")
    return f"{attribute} in [{','.join(quoted)}]"
