"""Locks that are rows: taken, renewed and given back by compare-and-set, on every database alike."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from django_connec.exceptions import LeaseLost
from django_connec.models import Lease

__all__ = ["EXPIRES", "HeldLease", "hold"]

#: A lease whose holder has not renewed it for this long may be taken. It stays valid until it is.
EXPIRES = dt.timedelta(minutes=10)
RENEW_EVERY = dt.timedelta(seconds=20)


class HeldLease:
    """A lease in our hands.

    Attributes:
        name: What it is for, for example ``drain:12``.
    """

    def __init__(self, name: str, token: str) -> None:
        self.name = name
        self._token = token
        self._renewed = timezone.now()

    def check(self) -> None:
        """Renew the lease, at most every 20 seconds.

        Raises:
            LeaseLost: Another worker took it; nothing more may be written.
        """
        if timezone.now() - self._renewed > RENEW_EVERY:
            self.confirm()

    def require(self) -> None:
        """Look whether the lease is still ours, without writing.

        Raises:
            LeaseLost: Another worker took it.
        """
        if not Lease.objects.filter(name=self.name, token=self._token).exists():
            raise LeaseLost(self.name)

    def confirm(self) -> None:
        """Renew the lease now; called in the transaction that writes a result.

        Raises:
            LeaseLost: Another worker took it.
        """
        now = timezone.now()
        if not Lease.objects.filter(name=self.name, token=self._token).update(renewed_at=now):
            raise LeaseLost(self.name)
        self._renewed = now

    def finish(self) -> bool:
        """Give the lease back, unless somebody asked for more meanwhile.

        Returns:
            ``True`` when it was given back; ``False`` when it is still held and the work has to be looked at
            once more.

        Raises:
            LeaseLost: Another worker took it.
        """
        mine = Lease.objects.filter(name=self.name, token=self._token)
        if mine.filter(again=False).update(token=None):
            return True
        if mine.update(again=False):
            return False
        raise LeaseLost(self.name)

    def release(self) -> None:
        """Give the lease back, whatever was asked."""
        Lease.objects.filter(name=self.name, token=self._token).update(token=None)


@contextmanager
def hold(name: str, *, ask_again: bool = True) -> Iterator[HeldLease | None]:
    """Hold a lease for the block; yields ``None`` when another worker has it.

    Args:
        name: What the lease is for.
        ask_again: Tell the holder that there is more to do, when it cannot be had.
    """
    lease = _acquire(name, ask_again)
    try:
        yield lease
    finally:
        if lease is not None:
            lease.release()


def _acquire(name: str, ask_again: bool) -> HeldLease | None:
    token = str(uuid.uuid4())
    for _attempt in range(2):
        now = timezone.now()
        free = Q(token__isnull=True) | Q(renewed_at__lt=now - EXPIRES)
        if Lease.objects.filter(free, name=name).update(token=token, renewed_at=now, again=False):
            return HeldLease(name, token)
        if not Lease.objects.filter(name=name).exists():
            try:
                with transaction.atomic():
                    Lease.objects.create(name=name, token=token, renewed_at=now)
            except IntegrityError:
                continue
            return HeldLease(name, token)
        if ask_again and not Lease.objects.filter(name=name, token__isnull=False).update(again=True):
            # It was given back between the two statements: nobody would hear the request.
            continue
        return None
    return None
