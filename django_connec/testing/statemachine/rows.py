"""``RowModel``: how the rows of one of the host's models come to be and change, on either side."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models
from hypothesis import strategies as st

from django_connec.mapping import Mapper, registry
from django_connec.mapping.fields import BoundField
from django_connec.mapping.paths import put
from django_connec.testing.statemachine.values import strategy_for, unique_value

if TYPE_CHECKING:
    from django_connec.testing.statemachine.world import World

__all__ = ["Draw", "RowModel"]

Draw = Callable[[st.SearchStrategy[Any]], Any]


class RowModel:
    """One mapped model of the state machine. Values come from the mapper's fields; what it cannot know is told.

    A model with embedded rows, or with rules of its own, subclasses this: :meth:`new`, :meth:`edit`,
    :meth:`record` and :meth:`change` are all that the machine calls to make and change anything.

    Args:
        model: The model; it has a mapper.
        values: Strategies of local values by the mapper's field, in place of those that its column's type gives.
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
        self.model = model
        self.values = dict(values or {})
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
        unknown = set(self.values) - {bound.name for bound in found.fields}
        if unknown:
            raise LookupError(f"{found} has no fields called {', '.join(sorted(unknown))}")
        return found

    @property
    def resource(self) -> str:
        """The hub's name."""
        return self.mapper.meta.resource

    @cached_property
    def local_fields(self) -> list[BoundField]:
        """What an edit here may change: what is not sent would never be equal."""
        return [bound for bound in self.mapper.fields if bound.push and not bound.create_only]

    @cached_property
    def hub_fields(self) -> list[BoundField]:
        """What another application's edit may change: what is not taken would never be equal."""
        return [bound for bound in self.mapper.fields if bound.pull and not bound.create_only]

    @cached_property
    def compared_fields(self) -> list[BoundField]:
        """What is equal on both sides in the end."""
        return [bound for bound in self.mapper.fields if bound.pull and bound.push and not bound.create_only]

    @cached_property
    def unique_fields(self) -> set[str]:
        """Fields by which records are found again; two rows alike would be one record."""
        paths = {path for alternative in self.mapper.meta.match_on for path in alternative}
        return {bound.name for bound in self.mapper.fields if ".".join(bound.path) in paths}

    # What the machine calls -----------------------------------------------------------------------------

    def new(self, draw: Draw, world: World) -> Any | None:
        """Return a new row, not saved; ``None`` where there is nothing yet that it must refer to."""
        row = self.model(**world.holder_of(self), **(self.extra_values(world) if self.extra_values else {}))
        for bound in (bound for bound in self.mapper.fields if bound.push):
            value = self.value(draw, world, bound)
            if value is None and not bound.column.null:
                return None
            setattr(row, bound.attname, value)
        return row

    def edit(self, draw: Draw, world: World, row: Any) -> list[str]:
        """Change one or two values of a row, without saving it; returns the names of the columns."""
        chosen = _some(draw, self.local_fields)
        for bound in chosen:
            value = self.value(draw, world, bound, row)
            if value is not None or bound.column.null:
                setattr(row, bound.attname, value)
        return [bound.column.name for bound in chosen]

    def record(self, draw: Draw, world: World) -> dict[str, Any] | None:
        """Return the attributes of a record that another application makes; ``None`` where it cannot."""
        record: dict[str, Any] = {}
        for path, value in self.mapper.meta.when.items():
            put(record, tuple(path.split(".")), value)
        for bound in self.hub_fields:
            value = self.remote_value(draw, world, bound)
            if value is None and not bound.column.null and bound.reference is not None:
                return None
            if value is not None:
                put(record, bound.path, value)
        return record

    def change(self, draw: Draw, world: World, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return the attributes that another application sends to change a record: whole blocks, with what it does
        not change as it is, and now and then a part that no field here maps."""
        changes: dict[str, Any] = {}
        for bound in _some(draw, self.hub_fields):
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

    # Values -----------------------------------------------------------------------------------------------

    def value(self, draw: Draw, world: World, bound: BoundField, row: Any = None) -> Any:
        """Draw a local value; for a foreign key a primary key, or ``None``."""
        if bound.reference is not None:
            found = [pk for pk in world.keys_of(bound.reference) if row is None or pk != row.pk or not _is_own(bound)]
            return draw(st.sampled_from([*([None] if bound.column.null or not found else []), *found]))
        if bound.name in self.unique_fields and bound.name not in self.values:
            return unique_value(bound, world.number())
        return draw(self._strategy(bound))

    def remote_value(self, draw: Draw, world: World, bound: BoundField) -> Any:
        """Draw a value as the hub has it."""
        if bound.reference is not None:
            found = world.records_for(bound.reference)
            return draw(st.sampled_from([*([None] if bound.column.null or not found else []), *found]))
        return bound.encode(self.value(draw, world, bound))

    def _strategy(self, bound: BoundField) -> st.SearchStrategy[Any]:
        named = self.values.get(bound.name)
        found = strategy_for(self.mapper, bound) if named is None else named
        if found is None:
            kind = type(bound.column).__name__
            raise LookupError(f'{self.mapper}: no values are known for "{bound.name}", a {kind}; name some in values')
        return found


def _is_own(bound: BoundField) -> bool:
    return bound.reference is not None and bound.reference is bound.column.model


def _some(draw: Draw, fields: Iterable[BoundField]) -> list[BoundField]:
    by_name = {bound.name: bound for bound in fields}
    names = draw(st.lists(st.sampled_from(list(by_name)), min_size=1, max_size=2, unique=True))
    return [by_name[name] for name in names]
