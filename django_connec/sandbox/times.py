"""Times as records show them: ISO 8601, UTC, whole seconds (Connec! API v2, attributes of every record)."""

from __future__ import annotations

import datetime as dt

__all__ = ["stamp", "text_of"]


def stamp(moment: dt.datetime) -> str:
    """Return an aware time as ``2018-03-01T04:05:06Z``."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def text_of(text: str, *, up: bool = False) -> str:
    """Return an ISO 8601 time of any zone in that form; without a zone it is UTC.

    Args:
        up: Round a part of a second up instead of down.

    Raises:
        ValueError: It is no time, or none that can be written in UTC.
    """
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    try:
        if up and moment.microsecond:
            moment = moment.replace(microsecond=0) + dt.timedelta(seconds=1)
        return stamp(moment)
    except OverflowError:
        raise ValueError("out of range") from None
