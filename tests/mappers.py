"""Mappers for the length of one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models

from django_connec.mapping import Mapper, registry
from django_connec.tracking.related import watch_related

__all__ = ["make_mapper", "registering"]


def make_mapper(meta: dict[str, Any] | None = None, **attributes: Any) -> type[Mapper]:
    """Return a mapper class."""
    return type("Built", (Mapper,), {"Meta": type("Meta", (), meta or {}), **attributes})


@contextmanager
def registering() -> Iterator[Callable[..., Mapper]]:
    """Give a function that registers a mapper; at the end the registry is as it was."""
    before = (list(registry._mappers), dict(registry._by_model), {k: list(v) for k, v in registry._by_resource.items()})
    keys_before = dict(registry.row_keys)

    def add(model: type[models.Model], resource: str, meta: dict[str, Any] | None = None, **attributes: Any) -> Mapper:
        registry.remove(model)
        options = {"resource": resource, "group": "connec_group", **(meta or {})}
        mapper = registry.add(model, make_mapper(options, **attributes))
        watch_related()
        return mapper

    try:
        yield add
    finally:
        registry._mappers, registry._by_model, registry._by_resource = before
        registry.row_keys, registry.duplicates, registry._ordered = keys_before, [], None
