"""What the rows are like at one moment, to be compared with what they are like later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.db import models

from django_connec.models.columns import CHANGED, HUB_UPDATED, ID
from django_connec.testing.statemachine.lists import RowList
from django_connec.testing.statemachine.rows import RowModel

__all__ = ["Key", "Snapshots"]

#: Label of a mapper, and the primary key of one of its rows.
Key = tuple[str, Any]


class Snapshots:
    """Reads the rows of a machine's models.

    Args:
        rows: The models.
        using: Alias of the database.
    """

    def __init__(self, rows: Sequence[RowModel], using: str) -> None:
        self.rows = rows
        self.using = using

    @cached_property
    def lists(self) -> list[tuple[RowModel, RowList]]:
        """The lists of rows inside records, each with the model of its records."""
        return [(entry, listed) for entry in self.rows for listed in entry.lists]

    def keys_of(self, model: type[models.Model]) -> list[Any]:
        """Return the primary keys of a model's rows."""
        return list(model._base_manager.using(self.using).order_by("pk").values_list("pk", flat=True))

    def pending(self) -> dict[Key, dt.datetime]:
        """Return the marks of the rows that wait to be sent."""
        found: dict[Key, dt.datetime] = {}
        for entry in self.rows:
            rows = entry.mapper.model._base_manager.using(self.using).filter(connec_changed_at__isnull=False)
            found.update({(entry.mapper.label, pk): stamp for pk, stamp in rows.values_list("pk", CHANGED)})
        return found

    def gone(self, values: Mapping[Key, object]) -> list[Key]:
        """Return those rows that are not here any more."""
        everything: list[RowModel | RowList] = [*self.rows, *(listed for _, listed in self.lists)]
        kept = {(entry.mapper.label, pk) for entry in everything for pk in self.keys_of(entry.model)}
        return [key for key in values if key not in kept]

    def versions(self) -> dict[str, dt.datetime]:
        """Return which version of each record is held, by hub id."""
        found: dict[str, dt.datetime] = {}
        for entry in self.rows:
            rows = entry.mapper.model._base_manager.using(self.using).exclude(connec_updated_at=None)
            found.update(rows.values_list(ID, HUB_UPDATED))
        return found

    def ids(self) -> dict[str, set[str]]:
        """Return the hub ids that rows hold, by resource."""
        found: dict[str, set[str]] = {}
        for entry in self.rows:
            rows = entry.mapper.model._base_manager.using(self.using).exclude(connec_id=None)
            found.setdefault(entry.resource, set()).update(rows.values_list(ID, flat=True))
        return found

    def own_values(self, made_here: Collection[Key], touched: Collection[str]) -> dict[Key, tuple[Any, ...]]:
        """Return the values of the rows whose records nobody else has ever changed.

        Args:
            made_here: The rows that were here when the host last changed something.
            touched: Hub ids of records that others made or changed.
        """
        found: dict[Key, tuple[Any, ...]] = {}
        for entry in self.rows:
            names = [bound.attname for bound in entry.mapper.fields]
            for pk, id, *values in entry.mapper.model._base_manager.using(self.using).values_list("pk", ID, *names):
                if (entry.mapper.label, pk) in made_here and id not in touched:
                    found[entry.mapper.label, pk] = tuple(values)
        for entry, listed in self.lists:
            names = [listed.key, *(bound.attname for bound in listed.mapper.fields)]
            ids = dict(entry.mapper.model._base_manager.using(self.using).values_list("pk", ID))
            for pk, record, *values in listed.model._base_manager.using(self.using).values_list("pk", *names):
                if (listed.mapper.label, pk) in made_here and ids.get(record) not in touched:
                    found[listed.mapper.label, pk] = (record, *values)
        return found

    def row_ids(self) -> dict[str, set[tuple[str, str]]]:
        """Return the hub ids of rows inside records, each with its record's, by the label of their mapper."""
        found: dict[str, set[tuple[str, str]]] = {}
        for entry, listed in self.lists:
            ids = dict(entry.mapper.model._base_manager.using(self.using).exclude(**{ID: None}).values_list("pk", ID))
            rows = listed.model._base_manager.using(self.using).exclude(**{ID: None})
            held = rows.values_list(ID, listed.key)
            found[listed.mapper.label] = {(row_id, ids[record]) for row_id, record in held if record in ids}
        return found
