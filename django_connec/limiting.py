"""A cap on the requests to one marketplace's hub, shared by all threads and processes through the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django.db import IntegrityError, connections, router, transaction
from django.db.models import BigIntegerField, Case, F, Value, When
from django.db.models.functions import Greatest
from django.utils import timezone

from django_connec.conf import Marketplace
from django_connec.models import RequestSlot

__all__ = ["FURTHEST", "limiter_for", "reserve"]

SECOND = 1_000_000
#: A turn further away than this was not reserved by others: the clock has been set back since.
FURTHEST = dt.timedelta(minutes=2)


def limiter_for(marketplace: Marketplace) -> Callable[[], float]:
    """Return the function that reserves a turn at this marketplace's hub and tells how many seconds away it is.

    Raises:
        ValueError: The marketplace has no cap.
    """
    per_second = marketplace.connec_max_requests_per_second
    if per_second is None:
        raise ValueError("the marketplace has no cap")
    name = marketplace.name
    # Rounded up: rounded down, a second would hold one more now and then.
    spacing = -(-SECOND // per_second)
    return lambda: reserve(name, spacing)


def reserve(name: str, spacing: int) -> float:
    """Reserve the next free turn; two statements in one transaction, with nobody waiting inside it.

    Turns are evenly spaced, so that no second holds more of them than the cap. A turn that its owner does not
    live to use is lost, no more.

    Args:
        name: The marketplace.
        spacing: Microseconds between two turns.

    Returns:
        Seconds until the turn, by :func:`django.utils.timezone.now`; 0.0 where it is now.

    Raises:
        django.db.Error: The database is gone or locked for too long.
    """
    using = router.db_for_write(RequestSlot)
    connection = connections[using]
    is_borrowed = connection.connection is not None
    try:
        return _reserve(name, spacing, using)
    finally:
        # A thread that only fetches pages has no use for a connection between two of them.
        if not is_borrowed:
            connection.close()


def _reserve(name: str, spacing: int, using: str) -> float:
    now = int(timezone.now().timestamp() * SECOND)
    furthest = now + int(FURTHEST.total_seconds()) * SECOND
    slots = RequestSlot.objects.using(using).filter(marketplace=name)
    at_once = Value(now, output_field=BigIntegerField())
    turn = Case(When(next_free__gt=furthest, then=at_once), default=Greatest(F("next_free"), at_once))
    while True:
        with transaction.atomic(using=using):
            # The row stays locked until the commit, so what is read is what this statement has written.
            if slots.update(next_free=turn + Value(spacing, output_field=BigIntegerField())):
                reserved = slots.values_list("next_free", flat=True).get() - spacing
                return max(0.0, (reserved - now) / SECOND)
        try:
            with transaction.atomic(using=using):
                RequestSlot.objects.using(using).create(marketplace=name, next_free=now)
        except IntegrityError:
            # Another one has just made it.
            continue
