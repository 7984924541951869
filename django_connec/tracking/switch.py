"""``connec_disabled()``: save without marking anything for the hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["connec_disabled", "is_tracking"]

_disabled: ContextVar[bool] = ContextVar("django_connec_disabled", default=False)


@contextmanager
def connec_disabled() -> Iterator[None]:
    """Save, update and delete inside this block without marking anything for the hub.

    The values are not lost: they travel with the row's next marked change. A row deleted in here leaves no
    tombstone, so the hub's next record of it makes it again. Holds for this thread or async task only.
    """
    token = _disabled.set(True)
    try:
        yield
    finally:
        _disabled.reset(token)


def is_tracking() -> bool:
    """Tell whether changes made here and now are marked."""
    return not _disabled.get()
