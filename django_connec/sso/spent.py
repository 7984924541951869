"""Ids that may be used once, remembered where every process sees it."""

from __future__ import annotations

import datetime as dt
import hashlib

from django.db import IntegrityError, router, transaction
from django.utils import timezone

from django_connec.models import SpentId

__all__ = ["forget_expired", "spend"]


def spend(kind: str, marketplace: str, value: str, *, seconds: float = 0, until: dt.datetime | None = None) -> bool:
    """Use an id up. The database's unique index decides between two processes.

    Args:
        kind: ``request`` or ``assertion``.
        marketplace: Whose id it is.
        value: The id.
        seconds: How long it is remembered, or
        until: until when.

    Returns:
        ``False`` where it had been used before.
    """
    key = hashlib.sha256("\0".join((kind, marketplace, value)).encode()).hexdigest()
    using = router.db_for_write(SpentId)
    try:
        with transaction.atomic(using=using):
            SpentId.objects.using(using).create(
                key=key, expires_at=until or timezone.now() + dt.timedelta(seconds=seconds)
            )
    except IntegrityError:
        if not SpentId.objects.using(using).filter(key=key).exists():
            raise
        return False
    return True


def forget_expired() -> int:
    """Drop what could not be used again anyway; returns how many."""
    using = router.db_for_write(SpentId)
    deleted, _ = SpentId.objects.using(using).filter(expires_at__lt=timezone.now()).delete()
    return deleted
