"""Stamps for ``connec_changed_at``: flag, time and compare-and-set token in one."""

from __future__ import annotations

import datetime as dt
import threading

from django.conf import settings
from django.utils import timezone

__all__ = ["next_stamp"]

_STEP = dt.timedelta(microseconds=1)
_lock = threading.Lock()
_last = dt.datetime.min.replace(tzinfo=dt.UTC)


def next_stamp() -> dt.datetime:
    """Return a time that no earlier call in this process has returned, whatever the system clock does.

    A clock that stands still, or is set back, moves on by a microsecond: two changes of a row must never
    look like one, or the second would be cleared unsent.

    Returns:
        Microsecond resolution; aware UTC, or naive in the default time zone where ``USE_TZ`` is off.
    """
    global _last
    with _lock:
        _last = max(dt.datetime.now(dt.UTC), _last + _STEP)
        stamp = _last
    return stamp if settings.USE_TZ else timezone.make_naive(stamp)
