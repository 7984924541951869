"""When to try again: jittered, exponential, capped."""

from __future__ import annotations

import datetime as dt
import random

from django.utils import timezone

__all__ = ["FIRST", "LONGEST", "next_attempt"]

FIRST = dt.timedelta(seconds=30)
LONGEST = dt.timedelta(hours=1)


def next_attempt(attempts: int, retry_after: float | None = None) -> dt.datetime:
    """Return when to try again after so many failures.

    Args:
        attempts: Failures so far, at least 1.
        retry_after: Seconds that the hub asked for, if it did; honoured up to an hour.
    """
    ceiling = min(FIRST.total_seconds() * 2 ** min(attempts, 12), LONGEST.total_seconds())
    # Full jitter above the first wait: workers that failed together do not come back together.
    wait = random.uniform(FIRST.total_seconds(), ceiling)
    if retry_after is not None:
        wait = max(wait, min(retry_after, LONGEST.total_seconds()))
    return timezone.now() + dt.timedelta(seconds=wait)
