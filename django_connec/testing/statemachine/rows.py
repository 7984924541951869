"""``RowModel``: how the rows of one of the host's models come to be and change, on either side."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models
from hypothesis import strategies as st

from django_connec.mapping import Mapper, registry
from django_connec.mapping.paths import put
from django_connec.testing.statemachine.fields import Draw, FieldValues, some
from django_connec.testing.statemachine.lists import RowList

if TYPE_CHECKING:
    from django_connec.testing.statemachine.world import World

__all__ = ["RowModel"]


class RowModel(FieldValues):
    """One mapped model of the state machine. Values come from the mapper's fields; what it cannot know is told.

    A model with rules of its own subclasses this: :meth:`new`, :meth:`edit`, :meth:`record` and :meth:`change` are all
    that the machine calls to make and change anything but the rows inside its records.

    Args:
        model: The model; it has a mapper.
        values: Strategies of local values by the mapper's field, in place of those that its column's type gives; of
            the rows inside by dotted name, for example ``"lines.quantity"``.
        extra: Values of columns that are not mapped, and that a new row needs; called with the world.
        deletes: Rows are deleted too.
    """

    def __init__(
        self,
        model: type[models.Model],
        *,
        values: Mapping[str, st.SearchStrategy[Any]] | None = None,
        extra: Callable[[World], dict[str, Any]] | None = None,
        deletes: bool = True,
    ) -> None:
        super().__init__(values or {})
        self.model = model
        self.extra_values = extra
        self.deletes = deletes

    def __repr__(self) -> str:
        return self.model.__name__

    @cached_property
    def mapper(self) -> Mapper:
        """The model's mapper.

        Raises:
            LookupError: It has none.
        """
        found = registry.for_model(self.model)
        if found is None:
            raise LookupError(f"{self.model.__name__} has no mapper: register one in connec.py")
        known = {bound.name for bound in found.fields}
        known |= {f"{nested.name}.{bound.name}" for nested in found.nested for bound in nested.rows.fields}
        unknown = set(self.values) - known
        if unknown:
            raise LookupError(f"{found} has no fields called {', '.join(sorted(unknown))}")
        return found

    @cached_property
    def lists(self) -> list[RowList]:
        """The lists of rows inside its records."""
        found = []
        for nested in self.mapper.nested:
            start = f"{nested.name}."
            own = {name.removeprefix(start): value for name, value in self.values.items() if name.startswith(start)}
            found.append(RowList(nested, own))
        return found

    @property
    def resource(self) -> str:
        """The hub's name."""
        return self.mapper.meta.resource

    # What the machine calls -----------------------------------------------------------------------------

    def new(self, draw: Draw, world: World) -> Any | None:
        """Return a new row, not saved; ``None`` where there is nothing yet that it must refer to."""
        row = self.model(**world.holder_of(self), **(self.extra_values(world) if self.extra_values else {}))
        return row if self.fill(draw, world, row) else None

    def record(self, draw: Draw, world: World) -> dict[str, Any] | None:
        """Return the attributes of a record that another application makes, with its rows; ``None`` where it cannot."""
        record = super().record(draw, world)
        if record is not None:
            record |= {rows.path: rows.records(draw, world) for rows in self.lists if rows.nested.pull}
        return record

    def change(self, draw: Draw, world: World, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes that another application sends to change a record: whole blocks, with what it does
        not change as it is, and now and then a part that no field here maps."""
        changes: dict[str, Any] = {}
        for bound in some(draw, self.hub_fields):
            value = self.remote_value(draw, world, bound)
            if value is None and not bound.column.null:
                continue
            if len(bound.path) > 1:
                changes.setdefault(bound.top, copy.deepcopy(record.get(bound.top)) or {})
            put(changes, bound.path, value)
        if draw(st.integers(0, 3)) == 0:
            for top in [top for top in changes if top in self.mapper.blocks]:
                changes[top]["remark"] = f"remark {world.number()}"
            changes["remark"] = f"remark {world.number()}"
        return changes
