"""``RowList``: how the rows inside records come to be and change, on either side."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from hypothesis import strategies as st

from django_connec.mapping import Mapper
from django_connec.mapping.nested import BoundNested
from django_connec.mapping.paths import put
from django_connec.testing.statemachine.fields import Draw, FieldValues, some

if TYPE_CHECKING:
    from django_connec.testing.statemachine.world import World

__all__ = ["RowList"]


class RowList(FieldValues):
    """One list of rows of a mapped model (``Nested``).

    Args:
        nested: The list.
        values: Strategies of local values by the row mapper's field.
    """

    def __init__(self, nested: BoundNested, values: Mapping[str, st.SearchStrategy[Any]]) -> None:
        super().__init__(values)
        self.nested = nested

    def __repr__(self) -> str:
        return self.model.__name__

    @property
    def mapper(self) -> Mapper:
        """The mapper of the rows."""
        return self.nested.rows

    @property
    def model(self) -> type[models.Model]:
        """The model of the rows."""
        return self.nested.model

    @property
    def name(self) -> str:
        """The list's name in the mapper of its records."""
        return self.nested.name

    @property
    def path(self) -> str:
        """The attribute of the record that holds the list."""
        return self.nested.path

    @property
    def key(self) -> str:
        """Attribute of the foreign key to the record."""
        return self.nested.key

    @property
    def changes_here(self) -> bool:
        """An edit here is sent."""
        return self.nested.push and not self.nested.create_only

    @property
    def changes_there(self) -> bool:
        """Another application's edit is taken."""
        return self.nested.pull and not self.nested.create_only

    @property
    def is_compared(self) -> bool:
        """It is equal on both sides in the end."""
        return self.changes_here and self.changes_there

    def new(self, draw: Draw, world: World, record_key: Any) -> Any | None:
        """Return a new row of a record, not saved; ``None`` where there is nothing yet that it must refer to."""
        row = self.model(**{self.key: record_key})
        return row if self.fill(draw, world, row) else None

    def records(self, draw: Draw, world: World, most: int = 2) -> list[dict[str, Any]]:
        """Return some rows that another application makes."""
        made = [self.record(draw, world) for _ in range(draw(st.integers(0, most)))]
        return [row for row in made if row is not None]

    def change(self, draw: Draw, world: World, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the attributes that another application sends to change a list: the rows that it changes or adds, or
        the whole list, without those that it removes."""
        held: list[dict[str, Any]] = [copy.deepcopy(dict(row)) for row in rows]
        changed = [row for row in held if draw(st.booleans())]
        for row in changed:
            for bound in some(draw, self.hub_fields):
                value = self.remote_value(draw, world, bound)
                if value is not None or bound.column.null:
                    put(row, bound.path, value)
            if draw(st.integers(0, 3)) == 0:
                row["remark"] = f"remark {world.number()}"
        added = self.records(draw, world)
        if draw(st.booleans()):
            return {self.path: [*changed, *added]} if changed or added else {}
        kept = [row for row in held if draw(st.integers(0, 2))]
        return {self.path: [*kept, *added], "opts": {"sparse": False}}
