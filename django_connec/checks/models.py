"""Checks of the models that inherit the mixins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import models

__all__ = ["check_models"]

#: Django 6.1 lets the database act by itself, and sends no signal then.
SILENT_ACTIONS = frozenset({"DB_CASCADE", "DB_SET_NULL", "DB_SET_DEFAULT"})


@register("connec")
def check_models(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Name what would let changes go unnoticed."""
    from django_connec.models import ConnecRowMixin, ConnecSyncMixin

    found: list[CheckMessage] = []
    for model in apps.get_models():
        if issubclass(model, ConnecSyncMixin):
            found += _manager(model)
            found += _silent_actions(model)
        elif issubclass(model, ConnecRowMixin):
            found += _parent(model)
            found += _row_manager(model)
    return found


def _manager(model: type[models.Model]) -> Iterator[CheckMessage]:
    from django_connec.models import ConnecQuerySet

    for manager in model._meta.managers:
        queryset = getattr(manager, "_queryset_class", None)
        if queryset is None or not issubclass(queryset, ConnecQuerySet):
            yield Warning(
                f'The manager "{manager.name}" of {model._meta.label} does not notice bulk changes.',
                hint="Build it with ConnecManager.from_queryset(YourQuerySet), or let YourQuerySet subclass "
                "ConnecQuerySet (both in django_connec.models).",
                obj=model,
                id="django_connec.W002",
            )


def _row_manager(model: type[models.Model]) -> Iterator[CheckMessage]:
    from django_connec.models import ConnecRowQuerySet

    for manager in model._meta.managers:
        queryset = getattr(manager, "_queryset_class", None)
        if queryset is None or not issubclass(queryset, ConnecRowQuerySet):
            yield Warning(
                f'The manager "{manager.name}" of {model._meta.label} marks no record when rows change in bulk.',
                hint="Build it with ConnecRowManager.from_queryset(YourQuerySet), or let YourQuerySet subclass "
                "ConnecRowQuerySet (both in django_connec.models).",
                obj=model,
                id="django_connec.W003",
            )


def _silent_actions(model: type[models.Model]) -> Iterator[CheckMessage]:
    for column in model._meta.concrete_fields:
        relation = column.remote_field
        action = getattr(getattr(relation, "on_delete", None), "__name__", "")
        if relation is not None and (
            action in SILENT_ACTIONS or type(relation.on_delete).__name__.startswith("Database")
        ):
            yield Error(
                f'"{column.name}" of {model._meta.label} is changed by the database itself when its target goes.',
                hint="Use models.CASCADE or models.SET_NULL, which Django carries out where it can be noticed.",
                obj=model,
                id="django_connec.E201",
            )


def _parent(model: type[models.Model]) -> Iterator[CheckMessage]:
    from django_connec.tracking.rows import parent_field

    if parent_field(model) is None:
        yield Error(
            f"{model._meta.label} does not say which record its rows belong to.",
            hint='Name the foreign key to a ConnecSyncMixin model: connec_parent = "invoice".',
            obj=model,
            id="django_connec.E202",
        )
