"""Stamps for ``connec_changed_at``: flag, time and compare-and-set token in one."""

from __future__ import annotations

import datetime as dt
import threading

from django.conf import settings
from django.utils import timezone

__all__ = ["forget_stamps", "next_stamp"]

_STEP = dt.timedelta(microseconds=1)
_lock = threading.Lock()
_last: dict[bool, dt.datetime] = {}


def next_stamp() -> dt.datetime:
    """Return a time that no earlier call in this process has returned, whatever the system clock does.

    A clock that stands still, or is set back, moves on by a microsecond: two changes of a row must never
    look like one, or the second would be cleared unsent.

    Returns:
        Microsecond resolution; aware UTC, or naive in the default time zone where ``USE_TZ`` is off. Naive
        stamps are kept apart in the form that is stored: a local hour comes twice when summer time ends.
    """
    aware = settings.USE_TZ
    with _lock:
        now = dt.datetime.now(dt.UTC)
        if not aware:
            now = timezone.make_naive(now, timezone.get_default_timezone())
        last = _last.get(aware)
        stamp = _last[aware] = now if last is None or now > last else last + _STEP
    return stamp


def forget_stamps() -> None:
    """Begin anew: a test that moved the clock on must not leave its stamps to those after it."""
    with _lock:
        _last.clear()
