"""The bookkeeping columns of a synchronised row, and the one way for the engine to reach them.

Everything outside this package goes through here, so that a model which cannot be edited can later keep the
same facts in a row beside it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db import models

__all__ = ["BOOKKEEPING", "CHANGED", "GROUP", "HUB_UPDATED", "ID", "STATE", "Columns", "reads_only_engine"]

GROUP = "connec_group_id"
ID = "connec_id"
HUB_UPDATED = "connec_updated_at"
CHANGED = "connec_changed_at"
STATE = "connec_state"

#: What only the engine writes on rows that exist: a stale instance must not bring back an old id or state.
BOOKKEEPING = frozenset({GROUP, ID, HUB_UPDATED, STATE})


class Columns:
    """The bookkeeping of one instance, read and written without naming a column."""

    __slots__ = ("_instance",)

    def __init__(self, instance: models.Model) -> None:
        self._instance = instance

    @property
    def group_id(self) -> int | None:
        return self._instance.__dict__.get(GROUP)

    @property
    def connec_id(self) -> str | None:
        return self._instance.__dict__.get(ID)

    @property
    def hub_updated_at(self) -> dt.datetime | None:
        return self._instance.__dict__.get(HUB_UPDATED)

    @property
    def changed_at(self) -> dt.datetime | None:
        return self._instance.__dict__.get(CHANGED)

    @property
    def state(self) -> dict[str, Any] | None:
        return self._instance.__dict__.get(STATE)


def reads_only_engine(names: Iterable[str]) -> bool:
    """Tell whether an UPDATE touches nothing but bookkeeping, which is no change of the host's data."""
    return all(name.startswith("connec_") for name in names)
