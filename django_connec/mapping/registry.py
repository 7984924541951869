"""Which mapper serves which model and resource."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from django.db import models

from django_connec.mapping.mapper import Mapper
from django_connec.mapping.resources import DEPENDENCY_HINT

__all__ = ["MapperRegistry", "register", "registry"]

M = TypeVar("M", bound=type[Mapper])


class MapperRegistry:
    """The registered mappers. Proxies are served by their concrete model's mapper."""

    def __init__(self) -> None:
        self._mappers: list[Mapper] = []
        self._by_model: dict[type[models.Model], Mapper] = {}
        self._by_resource: dict[str, list[Mapper]] = {}
        self._ordered: tuple[Mapper, ...] | None = None
        #: The foreign key to its record of each model of nested rows.
        self.row_keys: dict[type[models.Model], models.ForeignKey[Any, Any]] = {}
        #: Registrations for a model that already had a mapper; reported by the system checks.
        self.duplicates: list[Mapper] = []

    def add(self, model: type[models.Model], mapper_class: type[Mapper]) -> Mapper:
        """Register a mapper class for a model and return the mapper."""
        concrete = model._meta.concrete_model or model
        mapper = mapper_class(concrete)
        self._ordered = None
        if concrete in self._by_model:
            self.duplicates.append(mapper)
            return mapper
        self._mappers.append(mapper)
        self._by_model[concrete] = mapper
        self._by_resource.setdefault(mapper.meta.resource, []).append(mapper)
        for key in mapper.row_keys():
            self.row_keys.setdefault(key.model, key)
        return mapper

    def remove(self, model: type[models.Model]) -> None:
        """Forget a model's mapper, for tests that register one of their own."""
        concrete = model._meta.concrete_model or model
        mapper = self._by_model.pop(concrete, None)
        self.duplicates = [m for m in self.duplicates if m.model is not concrete]
        self._ordered = None
        if mapper is not None:
            self._mappers.remove(mapper)
            for key in mapper.row_keys():
                if self.row_keys.get(key.model) is key:
                    del self.row_keys[key.model]
            self._by_resource[mapper.meta.resource].remove(mapper)

    def for_model(self, model: type[models.Model]) -> Mapper | None:
        """Return the mapper of a model or of its concrete model; ``None`` when it has none."""
        return self._by_model.get(model._meta.concrete_model or model)

    def for_label(self, label: str) -> Mapper | None:
        """Return the mapper of the model with this ``app_label.model_name``, a record's or a nested row's."""
        found = next((m for m in self._mappers if m.label == label), None)
        if found is not None:
            return found
        return next((n.rows for m in self._mappers for n in m.nested if n.rows.label == label), None)

    def for_resource(self, resource: str) -> tuple[Mapper, ...]:
        """Return the mappers that share a resource, in the order of registration."""
        return tuple(self._by_resource.get(resource, ()))

    def resources(self) -> tuple[str, ...]:
        """Return the mapped resources, what is referred to first."""
        return tuple(dict.fromkeys(m.meta.resource for m in self.ordered()))

    def ordered(self) -> tuple[Mapper, ...]:
        """Return all mappers, each after those that it refers to; cycles are broken by the usual import order."""
        if self._ordered is None:
            self._ordered = tuple(self._sort())
        return self._ordered

    def is_cyclic(self, mapper: Mapper, target: type[models.Model]) -> bool:
        """Tell whether a reference to ``target`` leads back to the mapper's own model, directly or through others."""
        seen: set[type[models.Model]] = set()
        waiting = [target._meta.concrete_model or target]
        while waiting:
            model = waiting.pop()
            if model is mapper.model:
                return True
            if model not in seen:
                seen.add(model)
                found = self._by_model.get(model)
                waiting += found.targets if found is not None else ()
        return False

    def __iter__(self) -> Iterator[Mapper]:
        return iter(self._mappers)

    def _sort(self) -> list[Mapper]:
        hint = {name: index for index, name in enumerate(DEPENDENCY_HINT)}
        waiting = sorted(self._mappers, key=lambda m: (hint.get(m.meta.resource, len(hint)), m.label))
        done: list[Mapper] = []
        while waiting:
            models_waiting = {m.model for m in waiting}
            free = next((m for m in waiting if not m.targets & (models_waiting - {m.model})), waiting[0])
            waiting.remove(free)
            done.append(free)
        return done


registry = MapperRegistry()
"""The mappers of this process, filled from every installed application's ``connec.py``."""


def register(model: type[models.Model]) -> Callable[[M], M]:
    """Class decorator that registers a :class:`Mapper` for a model, as ``admin.register`` does for admins."""

    def wrap(mapper_class: M) -> M:
        registry.add(model, mapper_class)
        return mapper_class

    return wrap
