"""``FieldValues``: the mapped fields of one model, and values for them on either side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from django_connec.mapping import Mapper
from django_connec.mapping.fields import BoundField
from django_connec.mapping.paths import put
from django_connec.testing.statemachine.values import strategy_for, unique_value

if TYPE_CHECKING:
    from django_connec.testing.statemachine.world import World

__all__ = ["Draw", "FieldValues", "some"]

Draw = Callable[[st.SearchStrategy[Any]], Any]


class FieldValues:
    """What a record's rows and the rows inside records share.

    Args:
        values: Strategies of local values by the mapper's field, in place of those that its column's type gives.
    """

    def __init__(self, values: Mapping[str, st.SearchStrategy[Any]]) -> None:
        self.values = dict(values)

    @property
    def mapper(self) -> Mapper:
        """The mapper whose fields these are."""
        raise NotImplementedError

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

    def fill(self, draw: Draw, world: World, row: Any) -> bool:
        """Give a new row its values; returns whether there is all that it must refer to."""
        for bound in (bound for bound in self.mapper.fields if bound.push):
            value = self.value(draw, world, bound)
            if value is None and not bound.column.null:
                return False
            setattr(row, bound.attname, value)
        return True

    def edit(self, draw: Draw, world: World, row: Any) -> list[str]:
        """Change one or two values of a row, without saving it; returns the names of the columns."""
        chosen = some(draw, self.local_fields)
        for bound in chosen:
            value = self.value(draw, world, bound, row)
            if value is not None or bound.column.null:
                setattr(row, bound.attname, value)
        return [bound.column.name for bound in chosen]

    def record(self, draw: Draw, world: World) -> dict[str, Any] | None:
        """Return the attributes of what another application makes; ``None`` where it cannot."""
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


def some(draw: Draw, fields: Iterable[BoundField]) -> list[BoundField]:
    """Draw one or two of these fields."""
    by_name = {bound.name: bound for bound in fields}
    names = draw(st.lists(st.sampled_from(list(by_name)), min_size=1, max_size=2, unique=True))
    return [by_name[name] for name in names]


def _is_own(bound: BoundField) -> bool:
    return bound.reference is not None and bound.reference is bound.column.model
